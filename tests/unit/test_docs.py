"""The pages name every state and every metric there is, and none that there is not."""

import re
from pathlib import Path

import pytest

from aks_access.api.conditions import GrantReason, TargetReason
from aks_access.errors import AzureFault
from aks_access.ops.metrics import PrometheusMetrics

DOCS = Path(__file__).resolve().parents[2] / "docs"

PARTS = {"Accepted", "ResolvedRefs", "Programmed", "NotProgrammed"}
"""Reasons of the other conditions: never a STATE."""


def section(page: str, heading: str) -> str:
    text = (DOCS / page).read_text()
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def states(text: str) -> set[str]:
    cells = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize(
    ("heading", "reasons"), [("Grants", GrantReason), ("Targets", TargetReason)]
)
def test_every_state_is_explained(
    heading: str, reasons: type[GrantReason] | type[TargetReason]
) -> None:
    expected = {str(reason) for reason in reasons} - PARTS
    assert states(section("troubleshooting.md", heading)) == expected


def test_every_metric_is_explained() -> None:
    families = PrometheusMetrics().registry.collect()
    registered = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in families
        if family.name.startswith("aks_access_")
    }
    assert states(section("metrics.md", "Metrics")) >= registered
    assert set(re.findall(r"`(aks_access_\w+)`", section("metrics.md", "Metrics"))) == registered


def test_every_result_of_a_write_is_named() -> None:
    text = section("metrics.md", "Metrics")
    assert [fault for fault in AzureFault if f"`{fault}`" not in text] == []


def test_alerts_use_metrics_and_states_there_are() -> None:
    text = section("metrics.md", "What to alert on")
    known = (DOCS / "metrics.md").read_text()
    for name in set(re.findall(r"aks_access_\w+", text)):
        assert f"| `{name}` |" in known
    for names in re.findall(r'reason=~?"([^"]+)"', text):
        assert set(names.replace("\\", "").split("|")) <= {str(reason) for reason in TargetReason}
