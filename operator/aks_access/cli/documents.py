"""YAML as Kubernetes reads it, with the place of everything.

PyYAML reads an unquoted 2026-11-22T18:00:00Z as a date and 8:30 as 510 (YAML 1.1); the API server
takes both for text. So scalars are told apart by a table here, which is that of kubectl's parser,
and the tree of nodes is kept: findings need lines, and editing needs offsets.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NamedTuple

import yaml

from aks_access.api.ranges import quoted
from aks_access.cli.places import Position, locate, position

BOM: Final = "\ufeff"
"""What may stand at the beginning of a text in UTF-8; parsers pass over it."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"
_BOOLEANS: Final = {
    **dict.fromkeys(
        ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True
    ),
    **dict.fromkeys(
        ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False
    ),
}
_INTEGER: Final = r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)"
_FLOAT: Final = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml's, where built
    """Composes nodes; only null, true, false, numbers and `<<` are more than text."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", "|".join(_BOOLEANS), list("yYnNtTfFoO")),
    ("int", _INTEGER, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
    ("merge", "<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)


class Mistake(NamedTuple):
    """Something wrong with the YAML itself; `twice`: a field that is there more than once."""

    position: Position
    message: str
    twice: bool = False


class YamlError(ValueError):
    """Text that is no YAML.

    Attributes:
        position: where it stops being YAML.
    """

    def __init__(self, message: str, *, position: Position) -> None:
        super().__init__(message)
        self.position = position


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


def compose(text: str) -> list[yaml.Node | None]:
    """The documents of a text; an empty one is None. Raises YamlError."""
    if text.lstrip()[:1] in ("{", "["):
        text = _PAIR.sub(_joined, text)
    try:
        _refuse_depth(text)
        return list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        said = " ".join(part for part in (error.problem, error.context) if part)
        raise YamlError(said or "not readable", position=position) from error
    except yaml.YAMLError as error:
        bad = getattr(error, "position", 0)  # in bytes: where a character is that may not be
        before = text.encode()[:bad].decode(errors="replace").split("\n")
        at = Position(len(before), len(before[-1]) + 1)
        raise YamlError(" ".join(str(error).split()), position=at) from error
    except RecursionError as error:
        raise YamlError(_TOO_DEEP, position=Position(1, 1)) from error
    except UnicodeEncodeError as error:  # bytes that were read as they are
        raise YamlError("it is not UTF-8", position=Position(1, 1)) from error


_TOO_DEEP: Final = "lists and maps are too deep in each other; write it plainly"
_DEEPEST: Final = 300
_PAIR: Final = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


def _joined(pair: re.Match[str]) -> str:
    """The character of two escapes: JSON writes what is beyond U+FFFF so, and YAML does not."""
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}{chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)}"


def _refuse_depth(text: str) -> None:
    """Raise YamlError where nodes are so deep in each other that libyaml would end the process.

    Each level takes a bracket, or a column of some line, so that most texts need no second look.
    """
    brackets = text.count("[") + text.count("{")
    if brackets < _DEEPEST and max(map(len, text.split("\n"))) < _DEEPEST:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            mark = event.start_mark
            at = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
            raise YamlError(_TOO_DEEP, position=at)


def documents(text: str, *, source: str) -> Iterator[Document]:
    """The objects of a text, those in Lists one by one. Raises YamlError."""
    for index, node in enumerate(compose(text)):
        if isinstance(node, yaml.MappingNode):
            try:
                yield from list(_objects(node, source=source, index=index))
            except RecursionError as error:
                raise YamlError(_TOO_DEEP, position=position(node)) from error


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


def value_node(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    """The value under a key, the last where there are more; None where there is no such."""
    return next((value for name, value in reversed(node.value) if name.value == key), None)


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
                    self.made[id(node)] = _scalar(node)
            self.within.discard(id(node))
        return self.made[id(node)]

    def outline(self, node: yaml.MappingNode) -> None:
        """Note what is wrong with the names of a mapping's fields, whatever their values are."""
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.mistakes.append(Mistake(position(key), "a field's name is text, and no list"))
            elif key.value in first and key.tag != _MERGE:
                name = quoted(key.value)
                said = f"{name} is here twice, first in line {first[key.value]}; keep one of them"
                self.mistakes.append(Mistake(position(key), said, twice=True))
            elif key.tag != _MERGE:
                first[key.value] = position(key).line

    def _fill(self, node: yaml.MappingNode, result: dict[str, object]) -> None:
        """In the order of the text, the last one winning, as kubectl's parser does it."""
        self.outline(node)
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.tag != _MERGE:
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


def _scalar(node: yaml.Node) -> object:
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return _BOOLEANS.get(text, text)
        case "int" | "float":
            return _number(text)
        case _:
            return text


def _number(text: str) -> int | float | str:
    digits = text.replace("_", "")
    body = digits.lstrip("+-")
    octal = len(body) > 1 and body.isdecimal() and body[0] == "0" and not set("89") & set(body)
    try:
        if re.fullmatch(_INTEGER, text):
            return int(digits, 8) if octal else int(digits, 10 if body.isdecimal() else 0)
        return float(digits)
    except ValueError:
        return text
