"""The tables of docs/permissions.md: the chart's rules for the operator, with their comments.

The comment above a rule says what it is for, so that whoever reads the chart or the role in a
cluster's Git sees it too. Helm keeps comments, and what stands in the page is the rendered chart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox import chart
from sandbox.marked import table, with_part

PAGE: Final = chart.ROOT / "docs" / "permissions.md"
KINDS: Final = ("ClusterRole", "Role")


class RoleError(ValueError):
    """The chart has no such role, or a rule without a comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a role; `purpose` is the comment above it."""

    resources: tuple[str, ...]
    names: tuple[str, ...]
    verbs: tuple[str, ...]
    purpose: str


def generated(rendered: str) -> dict[Path, str]:
    """Return the page for a rendered chart, by path. Raises RoleError, MarksError."""
    page = PAGE.read_text()
    for kind in KINDS:
        begin = f"<!-- {kind}: made from the chart by `make generate` -->\n"
        end = f"<!-- end of {kind} -->\n"
        rules = operator_rules(rendered, kind=kind)
        page = with_part(page, begin=begin, end=end, part=f"\n{_table(rules)}\n")
    return {PAGE: page}


def operator_rules(rendered: str, *, kind: str) -> list[Rule]:
    """Return the rules of the operator's own role of this kind. Raises RoleError."""
    for text in rendered.split("\n---\n"):
        document = yaml.safe_load(text) or {}
        named = document.get("metadata", {}).get("name")
        if (document.get("kind"), named) == (kind, chart.SERVICE_ACCOUNT):
            return list(_rules(document, text))
    raise RoleError(f"the chart has no {kind} {chart.SERVICE_ACCOUNT}")


def _rules(document: dict[str, Any], text: str) -> Iterator[Rule]:
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)
    [nodes] = [value for key, value in root.value if key.value == "rules"]
    lines = text.splitlines()
    for rule, node in zip(document["rules"], nodes.value, strict=True):
        groups = [f".{group}" if group else "" for group in rule["apiGroups"]]
        yield Rule(
            resources=tuple(f"{each}{group}" for each in rule["resources"] for group in groups),
            names=tuple(rule.get("resourceNames", ())),
            verbs=tuple(rule["verbs"]),
            purpose=_above(lines, node.start_mark.line),
        )


def _above(lines: list[str], line: int) -> str:
    found: list[str] = []
    for text in reversed(lines[:line]):
        if not text.strip().startswith("#"):
            break
        found.insert(0, text.strip().removeprefix("#").strip())
    if not found:
        raise RoleError(f"a rule of the chart has no comment above it: {lines[line].strip()}")
    return " ".join(found)


def _table(rules: list[Rule]) -> str:
    rows = [
        (
            "<br>".join(f"`{each}`" for each in rule.resources),
            ", ".join(rule.verbs),
            ", ".join(f"`{each}`" for each in rule.names) or "any",
            rule.purpose,
        )
        for rule in rules
    ]
    return table(head=("Resource", "Verbs", "Which", "What for"), rows=rows)
