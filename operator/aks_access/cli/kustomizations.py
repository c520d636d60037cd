"""Keeping `resources` of kustomization files in step with the files beside them.

The text is edited where the entry stands, and nowhere else: comments and order belong to people.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import yaml

from aks_access.cli.documents import YamlError, compose, value_node
from aks_access.errors import InputError

NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def files_above(folder: Path) -> Iterator[Path]:
    """Kustomization files of the folders above, up to the top of the Git repository it is in."""
    above: list[Path] = []
    at = folder.resolve()
    while not (at / ".git").exists():
        if at.parent == at:
            return
        at = at.parent
        above.append(at)
    for parent in above:
        for name in NAMES:
            if (parent / name).is_file():
                yield Path(os.path.relpath(parent / name))


def files_in(folder: Path) -> Iterator[Path]:
    """Kustomization files in the folder and below it, hidden folders left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        found = (Path(parent, name) for name in NAMES if name in names)
        yield from (path for path in found if not path.is_symlink())


def without(text: str, *, file: Path, removed: Iterable[Path]) -> str:
    """The text of a kustomization file without the resources that are `removed`.

    Returns it unchanged where it names none of them, or is no such file. Raises InputError where
    the list is written in a way that cannot be edited safely.
    """
    gone = {path.resolve() for path in removed}
    while (entry := _first(text, file=file, gone=gone)) is not None:
        items, index = entry
        new = _cut(text, items, index)
        if _listed(new) != [each for n, each in enumerate(_listed(text)) if n != index]:
            raise InputError(f"{file}: resources cannot be edited safely; do it by hand.")
        text = new
    return text


def with_resource(text: str, *, file: Path, added: Path) -> str:
    """The text with a resource more; unchanged where it is there, or there is no list of any."""
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


def _listed(text: str) -> list[str]:
    items = _resources(text)
    return [str(item.value) for item in items.value] if items is not None else []


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
