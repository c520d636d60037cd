"""YAML as Kubernetes reads it, as the tree of its nodes.

PyYAML reads an unquoted 2026-11-22T18:00:00Z as a date and 8:30 as 510 (YAML 1.1); the API server
takes both for text. So scalars are told apart by a table here, which is that of kubectl's parser,
and the tree of nodes is kept: findings need lines, and editing needs offsets.
"""

import re
from typing import Any, ClassVar, Final

import yaml

from aks_access.cli.files.places import Position

BOM: Final = "\ufeff"
"""What may stand at the beginning of a text in UTF-8; parsers pass over it."""

_TAG: Final = "tag:yaml.org,2002:"
MERGE: Final = f"{_TAG}merge"
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


RESOLVERS: Final = tuple(
    (f"{_TAG}{name}", re.compile(f"^(?:{pattern})$"), first)
    for name, pattern, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", "|".join(_BOOLEANS), list("yYnNtTfFoO")),
        ("int", _INTEGER, list("-+0123456789")),
        ("float", _FLOAT, list("-+.0123456789")),
        ("merge", "<<", ["<"]),
    )
)
"""What text without quotes is taken for: the tag, the pattern, and how such a text begins."""

for _tag, _pattern, _first in RESOLVERS:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)


class YamlError(ValueError):
    """Text that is no YAML.

    Attributes:
        position: where it stops being YAML.
    """

    def __init__(self, message: str, *, position: Position) -> None:
        super().__init__(message)
        self.position = position


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
        raise YamlError(TOO_DEEP, position=Position(1, 1)) from error
    except UnicodeEncodeError as error:  # bytes that were read as they are
        raise YamlError("it is not UTF-8", position=Position(1, 1)) from error


TOO_DEEP: Final = "lists and maps are too deep in each other; write it plainly"
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
            raise YamlError(TOO_DEEP, position=at)


def value_node(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    """The value under a key, the last where there are more; None where there is no such."""
    return next((value for name, value in reversed(node.value) if name.value == key), None)


def scalar(node: yaml.Node) -> object:
    """The JSON value of a node that holds no others."""
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
