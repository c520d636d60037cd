"""The objects of a YAML text, each with its nodes and what is wrong with its YAML."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from aks_access.api.ranges import quoted
from aks_access.cli.files.nodes import MERGE, TOO_DEEP, YamlError, compose, scalar, value_node
from aks_access.cli.files.places import Position, locate, position


class Mistake(NamedTuple):
    """Something wrong with the YAML itself; `twice`: a field that is there more than once."""

    position: Position
    message: str
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a file.

    Attributes:
        source: the file as a person calls it; `-` for standard input.
        index: which document of the file it is in, from 0.
        node: its YAML.
        raw: the same as JSON has it.
        mistakes: what is wrong with the YAML, such as a key that is there twice.
        listed: it is an item of a List, and not a document of its own.
    """

    source: str
    index: int
    node: yaml.MappingNode
    raw: dict[str, Any]
    mistakes: tuple[Mistake, ...] = ()
    listed: bool = False

    def text(self, *path: str) -> str:
        """The text at these keys; "" where there is none."""
        found: object = self.raw
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, str) else ""

    def locate(self, path: str, *, key: bool = False) -> Position:
        """Where a field stands, as `places.locate` says."""
        return locate(self.node, path, key=key)


def documents(text: str, *, source: str) -> Iterator[Document]:
    """The objects of a text, those in Lists one by one. Raises YamlError."""
    for index, node in enumerate(compose(text)):
        if isinstance(node, yaml.MappingNode):
            try:
                yield from list(_objects(node, source=source, index=index))
            except RecursionError as error:
                raise YamlError(TOO_DEEP, position=position(node)) from error


def _objects(node: yaml.MappingNode, *, source: str, index: int) -> Iterator[Document]:
    found = _Values()
    raw = found.read(node)
    assert isinstance(raw, dict)
    items = value_node(node, "items")
    kind = raw.get("kind")
    around = _Values()
    around.outline(node)
    if isinstance(kind, str) and kind.endswith("List") and isinstance(items, yaml.SequenceNode):
        for item in items.value:
            if isinstance(item, yaml.MappingNode):
                values = _Values()
                content = values.read(item)
                assert isinstance(content, dict)
                mistakes = (*values.mistakes, *around.mistakes)
                yield Document(source, index, item, content, mistakes=mistakes, listed=True)
    else:
        yield Document(source, index, node, raw, mistakes=tuple(found.mistakes))


def plain(node: yaml.Node) -> object:
    """The JSON value of a node."""
    return _Values().read(node)


@dataclass(slots=True)
class _Values:
    """JSON values of nodes. What an alias names is made once, so that a bomb stays small."""

    mistakes: list[Mistake] = field(default_factory=list)
    made: dict[int, object] = field(default_factory=dict)
    within: set[int] = field(default_factory=set)

    def read(self, node: yaml.Node) -> object:
        if id(node) in self.within:
            said = "what an anchor names is within itself; write it out"
            self.mistakes.append(Mistake(position(node), said))
        if id(node) not in self.made:
            self.within.add(id(node))
            match node:
                case yaml.MappingNode():
                    result: dict[str, object] = {}
                    self.made[id(node)] = result
                    self._fill(node, result)
                case yaml.SequenceNode():
                    items: list[object] = []
                    self.made[id(node)] = items
                    items.extend(self.read(item) for item in node.value)
                case _:
                    self.made[id(node)] = scalar(node)
            self.within.discard(id(node))
        return self.made[id(node)]

    def outline(self, node: yaml.MappingNode) -> None:
        """Note what is wrong with the names of a mapping's fields, whatever their values are."""
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.mistakes.append(Mistake(position(key), "a field's name is text, and no list"))
            elif key.value in first and key.tag != MERGE:
                name = quoted(key.value)
                said = f"{name} is here twice, first in line {first[key.value]}; keep one of them"
                self.mistakes.append(Mistake(position(key), said, twice=True))
            elif key.tag != MERGE:
                first[key.value] = position(key).line

    def _fill(self, node: yaml.MappingNode, result: dict[str, object]) -> None:
        """In the order of the text, the last one winning, as kubectl's parser does it."""
        self.outline(node)
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.tag != MERGE:
                result[key.value] = self.read(value)
                continue
            for name, inherited in self._merged(key, value).items():
                if name in result and _differ(result[name], inherited):
                    said = (
                        f"{quoted(name)} stands above << and is in it too, and parsers differ on "
                        "which counts; move << to the top"
                    )
                    self.mistakes.append(Mistake(position(key), said, twice=True))
                result[name] = inherited

    def _merged(self, key: yaml.Node, node: yaml.Node) -> dict[str, object]:
        """What `<<` brings; of several maps the first wins."""
        result: dict[str, object] = {}
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            content = self.read(each)
            if isinstance(content, dict):
                result = {**content, **result}
            else:
                said = f"<< takes a map or a list of maps, and no {quoted(content)}"
                self.mistakes.append(Mistake(position(key), said))
        return result


def _differ(one: object, other: object) -> bool:
    """Whether two values are not the same; of two maps or lists, whether they stand apart.

    To compare what aliases blow up could take for ever.
    """
    return one is not other and (isinstance(other, dict | list) or one != other)
