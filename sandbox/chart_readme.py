"""The table of values in the chart's README.md, made from the comments of its values.yaml.

A comment above a value, or behind it on its line, says what it means, and a comment that begins
with ``## `` opens a section. So the one file people copy from explains itself, and the page cannot
say anything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from sandbox.marked import with_part

BEGIN = "<!-- values: made from values.yaml by `make generate` -->\n"
END = "<!-- end of values -->\n"

_SECTION = "## "
_LONGEST_DEFAULT = 40


class ReadmeError(ValueError):
    """values.yaml is not a mapping, or has a value outside of any section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value: its path with dots, its default as people write it, and what it means."""

    path: str
    default: str
    meaning: str
    section: str


def with_values(readme: str, *, values: str) -> str:
    """Return the page with the table made anew. Raises ReadmeError, MarksError."""
    return with_part(readme, begin=BEGIN, end=END, part=tables(values))


def tables(text: str) -> str:
    """Return a table for each section of a values.yaml. Raises ReadmeError."""
    parts = []
    section = None
    for value in read_values(text):
        if value.section != section:
            section = value.section
            parts.append(f"\n### {section}\n\n| Value | Default | Meaning |\n|---|---|---|\n")
        cells = (f"`{value.path}`", value.default, value.meaning.replace("|", r"\|"))
        parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts) + "\n"


def read_values(text: str) -> list[Value]:
    """Return every value of a values.yaml, in its order. Raises ReadmeError."""
    root = yaml.compose(text)
    if not isinstance(root, yaml.MappingNode):
        raise ReadmeError("values.yaml is not a mapping")
    return list(_walk(root, path="", lines=text.splitlines()))


def _walk(node: yaml.MappingNode, *, path: str, lines: list[str]) -> Iterator[Value]:
    for key, value in node.value:
        name = f"{path}{key.value}"
        line = key.start_mark.line
        inner = isinstance(value, yaml.MappingNode) and not value.flow_style
        meaning = " ".join([*_above(lines, line), *_behind(lines[line], value)])
        if not inner or meaning:
            default = "" if inner else _default(value)
            yield Value(path=name, default=default, meaning=meaning, section=_section(lines, line))
        if inner:
            yield from _walk(value, path=f"{name}.", lines=lines)


def _above(lines: list[str], line: int) -> list[str]:
    """The comment that ends right above a line."""
    found: list[str] = []
    for text in reversed(lines[:line]):
        comment = text.strip()
        if not comment.startswith("#") or comment.startswith(_SECTION):
            break
        found.insert(0, comment.removeprefix("#").strip())
    return found


def _behind(line: str, value: yaml.Node) -> list[str]:
    """The comment behind a value on its line."""
    if value.start_mark.line != value.end_mark.line:
        return []
    _, mark, comment = line[value.end_mark.column :].partition("# ")
    return [comment.strip()] if mark else []


def _section(lines: list[str], line: int) -> str:
    for text in reversed(lines[:line]):
        if text.startswith(_SECTION):
            return text.removeprefix(_SECTION)
    raise ReadmeError(f"values.yaml, line {line + 1}: no section begins above it")


def _default(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return f"`{node.value}`" if node.value else "empty"
    written: Any = yaml.safe_load(yaml.serialize(node))
    text = yaml.safe_dump(written, default_flow_style=True, width=1000, sort_keys=False).strip()
    return f"`{text}`" if len(text) <= _LONGEST_DEFAULT else "see values.yaml"
