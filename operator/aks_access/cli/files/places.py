"""Where things stand in a file: what a finding points at."""

import re
from typing import NamedTuple

import yaml

from aks_access.api.ranges import quoted


class Position(NamedTuple):
    """A place in a file, counted from 1."""

    line: int
    column: int


def position(node: yaml.Node) -> Position:
    """Where a node begins."""
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def locate(node: yaml.Node, path: str, *, key: bool = False) -> Position:
    """Where `spec.ipRanges[2]` stands; of what is missing, what it is missing from.

    `key` asks for the field's name instead of its value.
    """
    at = position(node)
    rest = path
    while rest:
        if isinstance(node, yaml.SequenceNode) and (match := re.match(r"\[(\d+)\]\.?", rest)):
            if int(match[1]) >= len(node.value):
                return at
            node, rest = node.value[int(match[1])], rest[match.end() :]
            at = position(node)
            continue
        found = _step(node, rest)
        if found is None:
            return at
        name, node, rest = found
        at = position(name)
        if not rest and not key:
            return position(node) if node.start_mark.line >= name.start_mark.line else at
    return at


def _step(node: yaml.Node, path: str) -> tuple[yaml.Node, yaml.Node, str] | None:
    """The longest key of a mapping that the path begins with: keys of labels have dots in them."""
    if not isinstance(node, yaml.MappingNode):
        return None
    best: tuple[yaml.Node, yaml.Node, str] | None = None
    longest = -1
    for key, value in node.value:
        name = quoted(key.value) if isinstance(key, yaml.ScalarNode) else None
        if name is None or not path.startswith(name) or len(name) < longest:
            continue
        rest = path[len(name) :]
        if rest[:1] in ("", ".", "["):
            longest, best = len(name), (key, value, rest.removeprefix("."))
    return best
