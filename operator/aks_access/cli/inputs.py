"""Which files a command reads: those named, those in the folders named, and standard input."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aks_access.api.names import GROUP
from aks_access.cli.documents import Document, Position, YamlError, documents
from aks_access.errors import InputError

ENDINGS: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is no YAML: where, and in which words."""

    source: str
    position: Position
    message: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What the files hold."""

    sources: tuple[str, ...]
    documents: tuple[Document, ...]
    broken: tuple[Broken, ...]


def contents(names: Iterable[str], *, stdin: Callable[[], bytes]) -> Contents:
    """Read files, folders and `-`.

    A file in a folder that is no YAML and does not name our API group (a template, say) is passed
    over. Raises InputError for what cannot be read at all.
    """
    sources: list[str] = []
    found: list[Document] = []
    broken: list[Broken] = []
    for source, named in _sources(names):
        data = stdin() if source == STDIN else read_bytes(Path(source))
        ours = named or GROUP.encode() in data
        try:
            text = data.decode("utf-8-sig")
            found.extend(documents(text, source=source))
        except UnicodeDecodeError:
            if ours:
                broken.append(Broken(source, Position(1, 1), "it is not UTF-8"))
        except YamlError as error:
            if ours:
                broken.append(Broken(source, error.position, str(error)))
        sources.append(source)
    return Contents(tuple(sources), tuple(found), tuple(broken))


def read_bytes(path: Path) -> bytes:
    """The file. Raises InputError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}.") from error


def _sources(names: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each file once, and whether it was named itself."""
    seen: set[str] = set()
    for name in names:
        path = Path(name)
        if name == STDIN or path.is_file():
            listed: list[tuple[str, bool]] = [(name, True)]
        elif path.is_dir():
            listed = [(str(each), False) for each in files_below(path)]
        else:
            raise InputError(f"{name}: no such file or folder.")
        for source, named in listed:
            if source not in seen:
                seen.add(source)
                yield source, named


def files_below(folder: Path) -> Iterator[Path]:
    """The YAML and JSON files below a folder, sorted; hidden folders and Helm templates left out.

    Templates are no YAML before Helm has rendered them.
    """
    for parent, folders, names in os.walk(folder):
        chart = "Chart.yaml" in names
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(".") and not (chart and each == "templates")
        )
        for name in sorted(names):
            if name.endswith(ENDINGS):
                yield Path(parent, name)
