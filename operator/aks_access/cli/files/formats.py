"""Findings as text for people, JSON, GitHub's annotations, and SARIF 2.1.0."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

import click

from aks_access import __version__
from aks_access.cli.files.findings import RULES, Finding, Level
from aks_access.cli.terminal.printable import printable

_COLORS: Final = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "cyan"}
_SARIF_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a check came to.

    Attributes:
        objects: how many objects of our API group there were, in how many `files`.
    """

    findings: Sequence[Finding]
    objects: int
    files: int

    def count(self, level: Level) -> int:
        """How many findings there are of a level."""
        return sum(finding.level is level for finding in self.findings)


def text(report: Report) -> Iterator[str]:
    """A line per finding, and one that sums up."""
    for found in report.findings:
        line, column = found.position
        level = click.style(found.level.value, fg=_COLORS[found.level])
        of = f" [{printable(found.object)}]" if found.object else ""
        said = f"{found.rule}: {printable(found.message)}{of}"
        yield f"{printable(found.source)}:{line}:{column} {level} {said}"
    counts = [f"{_counted(report.count(level), level.value)}" for level in Level]
    objects, files = _counted(report.objects, "object"), _counted(report.files, "file")
    yield f"{objects} in {files}: {', '.join(counts)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def as_json(report: Report) -> Iterator[str]:
    """One object with a list of findings."""
    found = [
        {
            "level": each.level.value,
            "rule": str(each.rule),
            "file": each.source,
            "line": each.position.line,
            "column": each.position.column,
            "object": each.object,
            "field": each.field,
            "message": each.message,
        }
        for each in report.findings
    ]
    whole = {"objects": report.objects, "files": report.files, "findings": found}
    yield json.dumps(whole, indent=2)


_GITHUB: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def github(report: Report) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the lines of a pull request."""
    for each in report.findings:
        line, column = each.position
        place = f"file={_property(printable(each.source))},line={line},col={column}"
        title = _property(str(each.rule))
        message = printable(f"{each.message} [{each.object}]" if each.object else each.message)
        yield f"::{_GITHUB[each.level]} {place},title={title}::{_data(message)}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def sarif(report: Report) -> Iterator[str]:
    """A SARIF log with one run, for code scanning."""
    names = sorted({str(each.rule) for each in report.findings})
    driver = {
        "name": "aks-access validate",
        "version": __version__,
        "rules": [
            {"id": name, "shortDescription": {"text": RULES.get(name, name)}} for name in names
        ],
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, index=names.index(str(each.rule))) for each in report.findings],
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    yield json.dumps(log, indent=2)


def _result(each: Finding, *, index: int) -> dict[str, Any]:
    line, column = each.position
    path = PurePath(each.source)
    uri = path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": line, "startColumn": column},
        }
    }
    if each.object:
        named = f"{each.object} {each.field}".strip()
        location["logicalLocations"] = [{"fullyQualifiedName": named, "kind": "object"}]
    return {
        "ruleId": str(each.rule),
        "ruleIndex": index,
        "level": each.level.value,
        "message": {"text": each.message},
        "locations": [location],
    }


FORMATS: Final[Mapping[str, Callable[[Report], Iterator[str]]]] = {
    "text": text,
    "json": as_json,
    "github": github,
    "sarif": sarif,
}
