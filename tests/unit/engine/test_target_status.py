"""A target's status and notes: the worst first, one per reason, ready-made words."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aks_access.api.modes import Mode
from aks_access.api.reasons import TargetReason
from aks_access.engine.notes import Note, blocker, worst_first
from aks_access.engine.target_status import TargetFacts, observing_message, target_status
from aks_access.plan.cluster import ClusterView
from aks_access.plan.model import Cause, Target, cluster_key
from aks_access.plan.outcome import Change, EntryReport, Origin, Plan

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/weu"
TARGET = Target(
    uid="t1",
    name="weu",
    generation=2,
    resource_version="5",
    created=NOW,
    resource_id=ID,
    key=cluster_key(ID),
    mode=Mode.MERGE,
)
VIEW = ClusterView(
    resource_id=ID,
    resource_uid="c1",
    etag="e",
    provisioning_state="Succeeded",
    power_state="Running",
    ranges=("198.41.0.4/32", "AzureCloud"),
)
REPORT = (
    EntryReport(entry="198.41.0.4/32", origin=Origin.FOREIGN),
    EntryReport(entry="AzureCloud", origin=Origin.FOREIGN),
)
PLAN = Plan(desired=VIEW.ranges, write=False, made_at=NOW, report=REPORT)
IN_SYNC = Note(reason=TargetReason.IN_SYNC, message="in sync")


def rendered(*notes: Note, plan: Plan | None = PLAN, view: ClusterView | None = VIEW) -> Any:
    facts = TargetFacts(target=TARGET, notes=notes, plan=plan, view=view, sequence=4, grants={})
    return target_status(facts=facts, now=NOW)


def conditions(status: Any) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item["reason"]) for item in status["conditions"]}


def test_the_worst_note_comes_first_and_each_reason_once() -> None:
    notes = worst_first(
        [
            IN_SYNC,
            Note(reason=TargetReason.PROGRESSING, message="first"),
            Note(reason=TargetReason.REVOCATION_OVERDUE, message="late"),
            Note(reason=TargetReason.PROGRESSING, message="second"),
        ]
    )
    assert [note.reason for note in notes] == [
        TargetReason.REVOCATION_OVERDUE,
        TargetReason.PROGRESSING,
        TargetReason.IN_SYNC,
    ]
    assert notes[1].message == "first"


def test_a_note_that_blocks_is_what_the_grants_wait_for() -> None:
    passing = Note(reason=TargetReason.THROTTLED, message="soon", blocks=True)
    assert blocker([IN_SYNC]) is None
    found = blocker([Note(reason=TargetReason.REVOCATION_PENDING, message="x"), passing])
    assert found is not None
    assert (found.reason, found.retries) == (TargetReason.THROTTLED, True)
    locked = blocker([Note(reason=TargetReason.CLUSTER_LOCKED, message="lock", blocks=True)])
    assert locked is not None
    assert not locked.retries


def test_a_target_in_sync() -> None:
    status = rendered(IN_SYNC)
    assert conditions(status) == {
        "Ready": ("True", "InSync"),
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Programmed": ("True", "Programmed"),
    }
    assert status["summary"]["entries"] == "2/200"
    assert status["summary"]["foreign"] == 2
    assert status["summary"]["difference"] == "0"
    assert status["cluster"]["ineffectiveEntries"] == ["AzureCloud"]
    assert status["ledgerSequence"] == 4


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (TargetReason.CLUSTER_BUSY, "Reconciling"),
        (TargetReason.THROTTLED, "Reconciling"),
        (TargetReason.CLUSTER_LOCKED, "Stalled"),
        (TargetReason.REVOCATION_OVERDUE, "Stalled"),
        (TargetReason.INVALID_SPEC, "Stalled"),
    ],
)
def test_reconciling_and_stalled_are_never_both_there(reason: TargetReason, kind: str) -> None:
    found = conditions(rendered(Note(reason=reason, message="why")))
    assert {"Reconciling", "Stalled"} & set(found) == {kind}
    assert found["Programmed"][0] == "False"
    spec_is_wrong = reason is TargetReason.INVALID_SPEC
    assert found["Accepted"][0] == ("False" if spec_is_wrong else "True")


@pytest.mark.parametrize("reason", [TargetReason.OBSERVING, TargetReason.SUSPENDED])
def test_a_target_that_is_left_alone_is_ready_and_not_programmed(reason: TargetReason) -> None:
    found = conditions(rendered(Note(reason=reason, message="why")))
    assert found["Ready"] == ("True", reason.value)
    assert found["Programmed"][0] == "False"
    assert not {"Reconciling", "Stalled"} & set(found)


def test_an_open_cluster_says_so() -> None:
    status = rendered(IN_SYNC, view=replace(VIEW, ranges=None))
    assert status["summary"]["entries"] == "open"
    assert status["cluster"]["restricted"] is False


def test_a_cluster_that_was_never_read_has_no_figures() -> None:
    note = Note(reason=TargetReason.READ_FORBIDDEN, message="403")
    status = rendered(note, plan=None, view=None)
    assert status["summary"]["entries"] == ""
    assert "cluster" not in status
    assert "entriesUsed" not in status


def test_the_difference_counts_what_comes_and_what_goes() -> None:
    plan = replace(
        PLAN,
        additions=(Change(entry="1.1.1.1/32", cause=Cause.GRANTED),),
        removals=(Change(entry="2.2.2.2/32", cause=Cause.EXPIRED),),
        held_removals=(Change(entry="3.3.3.3/32", cause=Cause.BASELINE),),
        exclusive_removals=("4.4.4.4/32",),
    )
    status = rendered(Note(reason=TargetReason.OBSERVING, message="x"), plan=plan)
    assert status["summary"]["difference"] == "+1 -2"
    assert status["plan"]["add"] == ["1.1.1.1/32"]
    assert status["plan"]["remove"] == ["2.2.2.2/32", "3.3.3.3/32", "4.4.4.4/32"]
    message = observing_message(plan=plan)
    assert "+1 -2" in message
    assert "4.4.4.4/32" in message


def test_what_stays_the_same_is_the_same_status() -> None:
    first = rendered(IN_SYNC)
    again = target_status(
        facts=TargetFacts(
            target=replace(TARGET, status=first),
            notes=(IN_SYNC,),
            plan=replace(PLAN, made_at=NOW.replace(hour=20)),
            view=VIEW,
            sequence=4,
            grants={},
        ),
        now=NOW.replace(hour=20),
    )
    assert again == first
