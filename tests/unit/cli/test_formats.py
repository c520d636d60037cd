"""Formats for programs: what SARIF 2.1.0 demands, and what GitHub's annotations must escape."""

import json
import os
import re
from typing import Any

import click
import pytest

from aks_access.cli.files.findings import RULES, Check, Finding, Level
from aks_access.cli.files.formats import FORMATS, Report, github, sarif
from aks_access.cli.files.places import Position

FINDINGS = [
    Finding(
        level=level,
        rule=rule,
        message="100 % wrong:\nread, again",
        source=source,
        position=Position(3, 7),
        object="ApiAccessGrant team-a/x",
        field="spec.ipRanges[0]",
    )
    for level, rule, source in (
        (Level.ERROR, "PolicyDenied", "grants/a b.yaml"),
        (Level.WARNING, Check.INVALID_YAML, "/tmp/ü.yaml"),
        (Level.NOTE, "PolicyDenied", "-"),
    )
]
REPORT = Report(findings=FINDINGS, objects=3, files=3)


def log() -> dict[str, Any]:
    found: dict[str, Any] = json.loads("\n".join(sarif(REPORT)))
    return found


def test_the_log_has_what_the_schema_demands_and_nothing_else() -> None:
    """`required` and `additionalProperties: false` of the schema, for the parts in use."""
    whole = log()
    assert whole.keys() == {"$schema", "version", "runs"}
    assert whole["version"] == "2.1.0"
    [run] = whole["runs"]
    assert run.keys() == {"tool", "columnKind", "results"}
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    driver = run["tool"]["driver"]
    assert run["tool"].keys() == {"driver"}
    assert driver.keys() == {"name", "version", "rules"}
    for rule in driver["rules"]:
        assert rule.keys() == {"id", "shortDescription"}
        assert rule["shortDescription"].keys() == {"text"}
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for result in run["results"]:
        assert result.keys() == {"ruleId", "ruleIndex", "level", "message", "locations"}
        assert result["level"] in {"none", "note", "warning", "error"}
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"].keys() == {"text"}
        [location] = result["locations"]
        assert location.keys() == {"physicalLocation", "logicalLocations"}
        physical = location["physicalLocation"]
        assert physical.keys() == {"artifactLocation", "region"}
        assert physical["artifactLocation"].keys() == {"uri"}
        assert re.fullmatch(r"[A-Za-z0-9%/:._-]+", physical["artifactLocation"]["uri"])
        assert physical["region"] == {"startLine": 3, "startColumn": 7}
        assert location["logicalLocations"][0].keys() == {"fullyQualifiedName", "kind"}


def test_files_are_uris() -> None:
    [run] = log()["runs"]
    uris = [
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for each in run["results"]
    ]
    assert uris == ["grants/a%20b.yaml", "file:///tmp/%C3%BC.yaml", "-"]


def test_a_log_without_findings_is_a_whole_one() -> None:
    empty = json.loads("\n".join(sarif(Report(findings=[], objects=0, files=0))))
    assert empty["runs"][0]["results"] == []


def test_annotations_are_one_line_each() -> None:
    lines = list(github(REPORT))
    assert len(lines) == 3
    assert lines[0] == (
        "::error file=grants/a b.yaml,line=3,col=7,title=PolicyDenied::"
        "100 %25 wrong:\\nread, again [ApiAccessGrant team-a/x]"
    )
    assert lines[2].startswith("::notice file=-,")


def test_every_rule_of_files_is_explained() -> None:
    assert set(Check) <= RULES.keys()


EVIL = "x\x1b[2J\n::add-mask::a\r\x9b1m\u202e ##vso[task.prependpath]/tmp ##[error]y %0A::error::z"


@pytest.mark.parametrize("form", FORMATS)
def test_what_a_file_says_is_no_order_to_a_terminal_or_a_runner(form: str) -> None:
    """A pull request's author chooses names, fields and file names."""
    found = Finding(
        level=Level.ERROR,
        rule="PolicyDenied",
        message=f"{EVIL} is refused.",
        source=f"::error::{EVIL}.yaml",
        position=Position(1, 1),
        object=f"ApiAccessGrant {EVIL}",
    )
    lines = list(FORMATS[form](Report(findings=[found], objects=1, files=1)))
    said = click.unstyle("\n".join(lines))
    assert not set("\x1b\r\x9b\u202e") & set(said)
    if form in ("text", "github"):
        assert "##[" not in said
        assert "##vso[" not in said
        assert len(said.splitlines()) == len(lines) == (2 if form == "text" else 1)
    if form == "text":
        assert not any(line.lstrip().startswith("::") for line in lines)
    if form == "github":
        assert "%0A" not in said
        assert "%250A::error" in said


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_name_may_have_bytes_that_are_no_utf_8(form: str) -> None:
    found = Finding(
        level=Level.ERROR,
        rule="PolicyDenied",
        message="It is refused.",
        source=os.fsdecode(b"a\xff.yaml"),
        position=Position(1, 1),
    )
    "\n".join(FORMATS[form](Report(findings=[found], objects=1, files=1))).encode()
