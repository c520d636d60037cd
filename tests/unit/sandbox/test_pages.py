"""The reference says all that the code has, and the committed pages are what the code says."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest
import yaml

from aks_access.api.crd import object_schema
from aks_access.api.grant_states import GRANT_STATES
from aks_access.api.names import Kind
from aks_access.api.reasons import ConditionType, GrantReason, RangeSetReason, TargetReason
from aks_access.api.states import CONDITIONS, PART_REASONS, RANGE_SET_STATES, State
from aks_access.api.target_states import TARGET_STATES
from aks_access.engine.event_reasons import EVENTS, EventReason
from aks_access.ops.metrics import PrometheusMetrics
from aks_access.settings.table import SETTINGS
from sandbox import chart
from sandbox.pages import reference
from sandbox.pages.markdown import sentence, table
from sandbox.pages.schema import Field, fields, form

PAGES = reference.pages()


def page(name: str) -> str:
    return PAGES[reference.REFERENCE / f"{name}.md"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_what_the_code_says(path: Path) -> None:
    assert path.read_text() == PAGES[path], "run: make generate"


def test_no_other_page_is_in_the_folder() -> None:
    assert {*reference.REFERENCE.glob("*")} == {*PAGES}


@pytest.mark.parametrize(
    ("states", "reasons"),
    [
        (GRANT_STATES, GrantReason),
        (TARGET_STATES, TargetReason),
        (RANGE_SET_STATES, RangeSetReason),
    ],
)
def test_every_state_is_explained(states: Mapping[StrEnum, State], reasons: type[StrEnum]) -> None:
    assert set(states) == set(reasons) - PART_REASONS
    for reason, state in states.items():
        assert f"| `{reason}` |" in page("conditions")
        assert state.meaning
        assert state.remedy


def test_every_condition_and_event_is_explained() -> None:
    assert list(CONDITIONS) == list(ConditionType)
    assert list(EVENTS) == list(EventReason)
    for reason in EventReason:
        assert f"| `{reason}` |" in page("events")


def test_every_metric_is_there() -> None:
    for family in PrometheusMetrics().registry.collect():
        if family.name.startswith("aks_access_"):
            assert f"| `{family.name}" in page("metrics")


def test_every_setting_is_there_as_flag_and_variable() -> None:
    for setting in SETTINGS:
        assert f"### `{setting.flag}`\n\n`{setting.variable}`\n" in page("settings")


def test_every_alert_is_there_with_its_expression() -> None:
    groups = yaml.safe_load((chart.CHART / "monitoring" / "rules.yaml").read_text())["groups"]
    for rule in [rule for group in groups for rule in group["rules"]]:
        section = page("metrics").split(f"\n### {rule['alert']}\n")[1].split("\n### ")[0]
        assert f"\n{rule['expr']}\n" in section
        assert rule["labels"]["severity"] in section
        assert "{{" not in section


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Kind.GRANT, "grants"), (Kind.TARGET, "targets"), (Kind.RANGE_SET, "rangesets")],
)
def test_every_field_of_a_spec_has_a_heading_and_of_a_status_a_line(kind: Kind, name: str) -> None:
    properties = object_schema(kind)["properties"]
    for found in fields(properties["spec"]):
        assert f"\n### `{found.path}`\n" in page(name)
    for found in fields(properties["status"]):
        assert f"\n- `{found.path}` *(" in page(name)


def spec(kind: Kind) -> dict[str, Field]:
    return {each.path: each for each in fields(object_schema(kind)["properties"]["spec"])}


def test_a_fields_form_says_its_limits() -> None:
    grant, target = spec(Kind.GRANT), spec(Kind.TARGET)
    assert grant["ipRanges"].form == "list of public IPv4 ranges, at most 200; each /16 to /32"
    assert grant["expiresAt"].form == "time"
    assert grant["duration"].form == "duration"
    assert grant["reason"].form == "text, at most 1,024 characters"
    assert grant["targetSelector.matchExpressions[].operator"].form == (
        "one of `In`, `NotIn`, `Exists`, `DoesNotExist`"
    )
    assert target["policy.minPrefixLength"].form == "number, 16 to 32"
    assert target["policy.deniedRanges"].form == "list of IPv4 ranges, at most 200"
    assert target["mode"].required
    assert not target["suspend"].required
    assert target["baseline.ipRanges"].example == '["51.140.0.0/24"]'
    assert "Example" not in target["baseline.ipRanges"].meaning


def test_rules_over_several_fields_stand_with_the_object_they_are_about() -> None:
    [message] = spec(Kind.TARGET)["nodeEgress"].rules
    assert message.startswith("ipRanges belong to mode Static")
    [message] = spec(Kind.GRANT)["targetSelector.matchExpressions"].rules
    assert message.startswith("operators In and NotIn need values")
    assert spec(Kind.GRANT)["ipRanges"].rules == ()


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map of texts"),
        ({"type": "object"}, "object"),
        ({"type": "integer"}, "number"),
        ({"type": "string", "format": "date-time"}, "time"),
        (
            {"type": "array", "items": {"type": "string", "maxLength": 9}, "maxItems": 2000},
            "list of texts, at most 2,000; each at most 9 characters",
        ),
    ],
)
def test_forms(node: dict[str, object], words: str) -> None:
    assert form(node) == words


def test_markdown() -> None:
    assert table(("A", "B"), [("a|b", "c\nd")]) == "\n| A | B |\n|---|---|\n| a\\|b | c d |\n"
    assert sentence("exactly one") == "Exactly one."
    assert sentence("expiresAt is wrong") == "expiresAt is wrong."
