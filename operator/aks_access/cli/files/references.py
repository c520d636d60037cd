"""What kustomization files make of the files beside them: a resource, a patch, or something else.

A grant in a file is not always the grant in the cluster: a patch may move its end, and a file may
be a patch itself. What cannot be told apart surely counts as the worse case.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aks_access.api.names import Kind
from aks_access.cli.files import kustomizations
from aks_access.cli.files.documents import plain
from aks_access.cli.files.inputs import STDIN, Contents, read_bytes
from aks_access.cli.files.nodes import YamlError, compose
from aks_access.cli.files.schema import is_ours
from aks_access.errors import InputError

_INCLUDED: Final = ("resources", "bases", "components")
_PATCHES: Final = ("patches", "patchesStrategicMerge", "patchesJson6902")
_CHANGES: Final = (*_PATCHES, "replacements", "transformers", "vars")


@dataclass(frozen=True, slots=True)
class Kustomization:
    """A kustomization file, and what is in it.

    Attributes:
        raw: its fields; None = it is no YAML.
    """

    file: Path
    text: str
    raw: Mapping[str, object] | None

    def path(self, entry: object) -> Path | None:
        """The file or folder that an entry names, as far as it is one."""
        named = entry.get("path") if isinstance(entry, dict) else entry
        if not isinstance(named, str) or not named or "\n" in named:
            return None
        try:
            path = (self.file.parent / named).resolve()
            return path if path.exists() else None
        except (OSError, ValueError):
            return None

    def entries(self, *fields: str) -> Iterator[object]:
        """The entries of lists."""
        for field in fields:
            found = (self.raw or {}).get(field)
            yield from found if isinstance(found, list) else ()

    def patches(self) -> set[Path]:
        """The files that it takes for patches."""
        return {path for each in self.entries(*_PATCHES) if (path := self.path(each)) is not None}

    def beside_resources(self) -> set[Path]:
        """The files that it names for anything else than objects."""
        rest = [value for key, value in (self.raw or {}).items() if key not in _INCLUDED]
        found = (self.path(each.rpartition("=")[2]) for each in _texts(rest))
        return {path for path in found if path is not None}

    def may_speak_of(self, path: Path) -> bool:
        """Whether it may mean a file, where it cannot be read."""
        near = path.is_relative_to(self.file.parent.resolve())
        return self.raw is None and (near or path.name in self.text)

    def changes_grants(self) -> bool:
        """Whether it may change a field of a grant."""
        return any(self._may_change(each) for each in self.entries(*_CHANGES))

    def _may_change(self, entry: object) -> bool:
        target = entry.get("target") if isinstance(entry, dict) else None
        if isinstance(target, dict):
            kind = target.get("kind")
            return not isinstance(kind, str) or not kind or _selects(kind, Kind.GRANT.value)
        path = self.path(entry)
        if path is not None and path.is_dir():
            return True
        said = [path.read_text(errors="replace")] if path is not None else []
        words = " ".join((*said, *_texts(entry)))
        return any(word in words for word in (Kind.GRANT.value, "expiresAt"))


@dataclass(frozen=True, slots=True)
class References:
    """The kustomization files of a tree."""

    files: tuple[Kustomization, ...]

    @classmethod
    def of(cls, files: Iterable[Path]) -> "References":
        """Read them; what is no kustomization is left out. Raises InputError."""
        return cls(tuple(read for file in files if (read := _read(file)) is not None))

    def patching(self, file: Path) -> Kustomization | None:
        """Who takes a file for a patch, and no object."""
        path = file.resolve()
        return next((each for each in self.files if path in each.patches()), None)

    def why_kept(self, file: Path, *, goes: bool) -> str:
        """Why grants in a file must stay for a person to look; "" where nothing speaks for it.

        `goes`: the whole file would go.
        """
        path = file.resolve()
        for each in self.files:
            if each.may_speak_of(path):
                return f"{each.file} is no YAML, so what it makes of the file is not known"
            if path in each.beside_resources():
                return f"{each.file} names it for something else than an object"
            if path in self._reached(each) and any(
                part.changes_grants() for part in self._applied(each)
            ):
                return f"{each.file} may change its grants by patches"
            if goes and any(self._same(entry, path, each) for entry in each.entries(*_INCLUDED)):
                try:
                    new = kustomizations.without(each.text, file=each.file, removed=[path])
                except InputError as error:
                    return str(error).rstrip(".")
                if new == each.text or each.file.is_symlink():
                    return f"{each.file} names it and cannot be edited safely"
        return ""

    @staticmethod
    def _same(entry: object, path: Path, owner: Kustomization) -> bool:
        return owner.path(entry) == path

    def _reached(self, start: Kustomization) -> set[Path]:
        """The files that it takes objects from, itself or through others."""
        found: set[Path] = set()
        waiting = [start]
        while waiting:
            each = waiting.pop()
            for entry in each.entries(*_INCLUDED):
                path = each.path(entry)
                if path is not None and path not in found:
                    found.add(path)
                    waiting.extend(self._in(path))
        return found

    def _applied(self, start: Kustomization) -> list[Kustomization]:
        """The file and the components that work on what it has."""
        found = [start]
        for each in found:
            for entry in each.entries("components"):
                path = each.path(entry)
                more = self._in(path) if path is not None else []
                found.extend(one for one in more if one not in found)
        return found

    def _in(self, folder: Path) -> list[Kustomization]:
        return [each for each in self.files if each.file.parent.resolve() == folder]


def without_patches(found: Contents) -> tuple[Contents, dict[str, str]]:
    """The objects without Kustomize's patches, which are parts of objects.

    Returns also, of each file that is a patch, the kustomization file that takes it for one.
    Raises InputError.
    """
    files = {each.source for each in found.documents if is_ours(each) and each.source != STDIN}
    references = References.of(kustomizations.files_around(map(Path, files)))
    patches = {
        name: os.path.relpath(by.file)
        for name in sorted(files)
        if (by := references.patching(Path(name))) is not None
    }
    kept = tuple(each for each in found.documents if each.source not in patches)
    return replace(found, documents=kept), patches


def _read(file: Path) -> Kustomization | None:
    text = read_bytes(file).decode(errors="surrogateescape")
    try:
        node = next((each for each in compose(text) if each is not None), None)
        raw = plain(node) if node is not None else None
    except (YamlError, RecursionError):
        return Kustomization(file, text, None)
    return Kustomization(file, text, raw) if isinstance(raw, dict) else None


def _texts(value: object) -> Iterator[str]:
    """Every text in lists and maps; what an alias names, once."""
    waiting, seen = [value], set[int]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict | list) and id(each) not in seen:
            seen.add(id(each))
            waiting.extend(each.values() if isinstance(each, dict) else each)


def _selects(pattern: str, kind: str) -> bool:
    """Whether a patch's target, an anchored regular expression, may select a kind."""
    try:
        return re.fullmatch(pattern, kind) is not None
    except re.error:
        return True
