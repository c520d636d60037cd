"""What a report of the operator says, and when it is not to be taken for the present."""

import copy
from datetime import timedelta
from typing import Any

import pytest

from aks_access.cli.reports.seen import LATE, Gate, SeenGrant, SeenTarget
from tests.unit.cli import scene
from tests.unit.cli.transcript import NOW


def target(name: str) -> dict[str, Any]:
    return copy.deepcopy(
        next(
            each
            for each in scene.objects()
            if each["kind"] == "ApiAccessTarget" and each["metadata"]["name"] == name
        )
    )


def doubts(raw: dict[str, Any], **later: float) -> str:
    return " ".join(SeenTarget(raw).doubts(now=NOW + timedelta(**later)))


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("prod-weu", Gate.LIST),
        ("dev-weu", Gate.LIST),
        ("lab", Gate.OPEN),
        ("vault", Gate.PRIVATE),
    ],
)
def test_what_decides_is_told_by_the_report(name: str, gate: Gate) -> None:
    assert SeenTarget(target(name)).gate is gate


def test_a_cluster_that_was_never_read_is_unknown() -> None:
    raw = target("prod-weu")
    del raw["status"]["cluster"]
    assert SeenTarget(raw).gate is Gate.UNKNOWN
    del raw["status"]
    assert SeenTarget(raw).gate is Gate.UNKNOWN
    assert "has not reported on it yet" in doubts(raw)


def test_a_report_in_somebody_elses_hand_moves_no_cursor() -> None:
    raw = target("prod-weu")
    raw["status"]["conditions"][0].update(reason="\x1b[2J", message="a\nb\u202e")
    raw["status"]["summary"]["nextTransition"] = "\x1b[2J"
    seen = SeenTarget(raw)
    assert doubts(raw) == r"\x1b[2J: a\nb\u202e"
    assert seen.status.summary is not None
    assert seen.status.summary.next_transition == r"\x1b[2J"


def test_a_report_in_sync_leaves_no_doubt() -> None:
    assert doubts(target("prod-weu")) == ""


def test_an_edit_that_was_not_seen_is_said() -> None:
    raw = target("prod-weu")
    raw["metadata"]["generation"] += 1
    assert doubts(raw) == "The operator has not seen the last edit of this target yet."


def test_a_change_that_was_due_and_is_not_reported_makes_the_report_old() -> None:
    raw = target("prod-weu")  # its next end is at 18:00
    assert doubts(raw, hours=8, seconds=LATE.total_seconds()) == ""
    said = doubts(raw, hours=8, seconds=LATE.total_seconds() + 1)
    assert said.startswith("This is old: a change was due at 2026-11-22T18:00Z")


def test_an_observed_open_cluster_is_called_open() -> None:
    raw = target("dev-weu")
    raw["status"]["cluster"]["restricted"] = False
    assert doubts(raw).startswith("Anyone can reach dev-weu: no list is set. Observing: ")


def test_a_stopped_cluster_is_called_stopped() -> None:
    raw = target("prod-weu")
    raw["status"]["cluster"]["powerState"] = "Stopped"
    assert doubts(raw) == "The cluster is Stopped: nobody reaches it."


def test_what_people_typed_cannot_steer_a_terminal() -> None:
    raw = copy.deepcopy(next(each for each in scene.objects() if each["kind"] == "ApiAccessGrant"))
    raw["spec"]["requestedBy"] = "a\x1b[2Jb\nc"
    seen = SeenGrant(raw)
    assert "\x1b" not in seen.requested_by
    assert "\n" not in seen.requested_by


@pytest.mark.parametrize("status", [None, 7, {"conditions": "x", "entries": [None], "summary": 3}])
def test_a_status_that_nobody_wrote_does_no_harm(status: object) -> None:
    raw = {**target("prod-weu"), "status": status}
    assert SeenTarget(raw).gate is Gate.UNKNOWN
    assert "has not reported" in doubts(raw)
    assert SeenGrant({**raw, "kind": "ApiAccessGrant"}).ready is None
