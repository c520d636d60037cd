"""Keeping `resources` of kustomization files in step with the files beside them.

The text is edited where the entry stands, and nowhere else: comments and order belong to people.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

import yaml

from aks_access.cli.files.documents import plain
from aks_access.cli.files.nodes import BOM, YamlError, compose, value_node
from aks_access.errors import InputError

NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def files_of(folder: Path) -> Iterator[Path]:
    """Kustomization files of a folder, and of all of the Git repository that it is in."""
    seen: set[str] = set()
    for file in files_in(folder):
        seen.add(os.path.abspath(file))
        yield file
    top = top_of(folder)
    for file in files_in(top) if top is not None else ():
        if os.path.abspath(file) not in seen:
            yield Path(os.path.relpath(file))


def files_around(files: Iterable[Path]) -> Iterator[Path]:
    """Kustomization files beside files and in the folders above, up to the repository's top."""
    seen: set[Path] = set()
    for folder in {file.absolute().parent for file in files}:
        at = folder
        top = top_of(at) or at
        while at not in seen:
            seen.add(at)
            yield from (at / name for name in NAMES if (at / name).is_file())
            if at == top or at.resolve() == top:
                break
            at = at.parent


def top_of(folder: Path) -> Path | None:
    """The top of the Git repository that a folder is in; None = it is in none."""
    at = folder.resolve()
    while not (at / ".git").exists():
        if at.parent == at:
            return None
        at = at.parent
    return at


def files_in(folder: Path) -> Iterator[Path]:
    """Kustomization files in the folder and below it, hidden folders left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        found = (Path(parent, name) for name in NAMES if name in names)
        yield from (path for path in found if path.is_file())


def without(text: str, *, file: Path, removed: Collection[Path]) -> str:
    """The text of a kustomization file without the resources that are `removed`.

    Returns it unchanged where it names none of them, or is no such file. Raises InputError where
    the list is written in a way that cannot be edited safely.
    """
    if text.startswith(BOM):  # the parser does not count it
        return BOM + without(text.removeprefix(BOM), file=file, removed=removed)
    gone = {path.resolve() for path in removed}
    while (entry := _first(text, file=file, gone=gone)) is not None:
        items, index = entry
        new = _cut(text, items, index)
        if _whole(new) != _whole(text, but=index):
            raise InputError(f"{file}: resources cannot be edited safely.")
        text = new
    return text


def with_resource(text: str, *, file: Path, added: Path) -> str:
    """The text with a resource more; unchanged where it is there, or there is no list of any."""
    if text.startswith(BOM):  # the parser does not count it
        return BOM + with_resource(text.removeprefix(BOM), file=file, added=added)
    items = _resources(text)
    if items is None or any(_names(item, file=file) == added.resolve() for item in items.value):
        return text
    name = Path(os.path.relpath(added.resolve(), file.resolve().parent)).as_posix()
    if not items.value or items.flow_style:
        if not items.value:
            start, end = items.start_mark.index, items.end_mark.index
            return f"{text[:start]}[{name}]{text[end:]}"
        end = items.value[-1].end_mark.index
        return f"{text[:end]}, {name}{text[end:]}"
    last = items.value[-1]
    lines = re.split(r"(?<=\n)", text)
    line = lines[last.start_mark.line]
    ending = "\r\n" if line.endswith("\r\n") else "\n"
    if not line.endswith("\n"):
        lines[last.start_mark.line] = line + ending
    lines.insert(last.start_mark.line + 1, f"{line[: items.start_mark.column]}- {name}{ending}")
    return "".join(lines)


def _resources(text: str) -> yaml.SequenceNode | None:
    try:
        nodes = compose(text)
    except YamlError:
        return None
    if len(nodes) != 1 or not isinstance(nodes[0], yaml.MappingNode):
        return None
    items = value_node(nodes[0], "resources")
    return items if isinstance(items, yaml.SequenceNode) else None


def _whole(text: str, *, but: int | None = None) -> object:
    """All that a kustomization file says, without one of its resources."""
    try:
        [node] = compose(text)
    except (YamlError, ValueError):
        return None
    raw = plain(node) if node is not None else None
    if but is None or not isinstance(raw, dict):
        return raw
    return {**raw, "resources": [each for n, each in enumerate(raw["resources"]) if n != but]}


def _names(item: yaml.Node, *, file: Path) -> Path | None:
    """The file that an entry names."""
    return (file.parent / item.value).resolve() if isinstance(item, yaml.ScalarNode) else None


def _first(text: str, *, file: Path, gone: set[Path]) -> tuple[yaml.SequenceNode, int] | None:
    items = _resources(text)
    for index, item in enumerate(items.value if items is not None else ()):
        if items is not None and _names(item, file=file) in gone:
            return items, index
    return None


def _cut(text: str, items: yaml.SequenceNode, index: int) -> str:
    item = items.value[index]
    if items.flow_style:
        if index + 1 < len(items.value):
            start, end = item.start_mark.index, items.value[index + 1].start_mark.index
        else:
            start = items.value[index - 1].end_mark.index if index else item.start_mark.index
            end = item.end_mark.index
        return text[:start] + text[end:]
    lines = re.split(r"(?<=\n)", text)
    del lines[item.start_mark.line : item.end_mark.line + 1]
    if len(items.value) > 1:
        return "".join(lines)
    key = items.start_mark.line - 1  # `resources:` stands above, perhaps with comments between
    while not lines[key].lstrip().startswith(("resources:", "'resources'", '"resources"')):
        key -= 1
    name, colon, rest = lines[key].partition(":")
    lines[key] = f"{name}{colon} []{rest}"
    return "".join(lines)
