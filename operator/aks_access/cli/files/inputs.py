"""Which files a command reads: those named, those in the folders named, and standard input."""

import codecs
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aks_access.api.names import GROUP
from aks_access.cli.files.documents import Document, documents
from aks_access.cli.files.nodes import YamlError
from aks_access.cli.files.places import Position
from aks_access.errors import InputError

ENDINGS: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"
_ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be")
_EMACS_LOCK: Final = ".#"


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
    over. Raises InputError for a name that cannot be read.
    """
    sources: list[str] = []
    found: list[Document] = []
    broken: list[Broken] = []
    for source, named in _sources(names):
        sources.append(source)
        try:
            data = stdin() if source == STDIN else read_bytes(Path(source))
        except InputError as error:
            if named:
                raise
            broken.append(Broken(source, Position(1, 1), f"it cannot be read: {error}"))
            continue
        ours = named or any(GROUP.encode(each) in data for each in _ENCODINGS)
        try:
            found.extend(documents(_text(data), source=source))
        except UnicodeDecodeError:
            if ours:
                said = "it is not UTF-8; save it in that encoding"
                broken.append(Broken(source, Position(1, 1), said))
        except YamlError as error:
            if ours:
                broken.append(Broken(source, error.position, str(error)))
    return Contents(tuple(sources), tuple(found), tuple(broken))


def _text(data: bytes) -> str:
    """As kubectl reads it: UTF-8, or UTF-16 with a mark at its beginning."""
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_wide else "utf-8-sig")


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
        if name != STDIN and path.is_dir():
            listed = [(str(each), False) for each in files_below(path)]
        elif name == STDIN or path.exists():  # a pipe as well, such as a shell's <(kustomize build)
            listed = [(name, True)]
        else:
            raise InputError(f"{name}: no such file or folder.")
        for source, named in listed:
            same = source if source == STDIN else os.path.abspath(source)
            if same not in seen:
                seen.add(same)
                yield source, named


def files_below(folder: Path) -> Iterator[Path]:
    """The YAML and JSON files below a folder, sorted; hidden folders and Helm templates left out.

    Templates are no YAML before Helm has rendered them; pipes and devices hold no objects. Links to
    nowhere are among the files. Raises InputError for a folder that cannot be read.
    """

    def unreadable(error: OSError) -> None:
        raise InputError(f"{error.filename}: {error.strerror or error}.") from error

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        chart = "Chart.yaml" in names
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(".") and not (chart and each == "templates")
        )
        for name in sorted(names):
            path = Path(parent, name)
            is_ours = name.endswith(ENDINGS) and not name.startswith(_EMACS_LOCK)
            if is_ours and (path.is_file() or not path.exists()):
                yield path
