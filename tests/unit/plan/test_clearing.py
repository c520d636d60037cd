"""Which removals go now, which wait for a person, and which for something to be known."""

from dataclasses import replace

import pytest

from aks_access.api.modes import EgressMode, Mode
from aks_access.api.reasons import TargetReason
from aks_access.plan.adoption import acknowledgement_code
from aks_access.plan.clearing import PATIENT, revokes
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import LedgerEntry, WriteInFlight
from aks_access.plan.model import Cause, Target
from aks_access.plan.outcome import Change, Plan
from tests.unit.plan.build import (
    KEY,
    NOW,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    ranges,
    target,
)

OTHER = "30.0.0.0/24"
DROPPED = ledger(entry("40.0.0.1", "baseline"), entry("20.0.0.1", "a"))
LIVE = cluster(OTHER, "40.0.0.1/32", "20.0.0.1/32")


def going(plan: Plan) -> tuple[set[str], set[str]]:
    """What goes, and what is held."""
    return (
        {change.entry for change in plan.removals},
        {change.entry for change in plan.held_removals},
    )


@pytest.mark.parametrize("cause", list(Cause))
def test_i4_only_removals_by_the_platforms_own_spec_are_no_revocations(cause: Cause) -> None:
    assert {Cause.BASELINE, Cause.EXCLUSIVE, Cause.EGRESS} == PATIENT
    change = Change("20.0.0.1/32", cause)
    assert revokes([change]) is (cause not in PATIENT)
    assert revokes([Change("x", Cause.BASELINE), change]) is (cause not in PATIENT)
    assert revokes([]) is False


REPLACED = target(baseline=ranges("40.0.0.2"))


@pytest.mark.parametrize(
    ("on", "fields", "held"),
    [
        (REPLACED, {}, set()),
        (REPLACED, {"additions": False}, {"40.0.0.1/32"}),
        (target(), {"additions": False}, set()),
        (target(baseline=ranges("20.0.0.1")), {"additions": False}, set()),
        (target(baseline=ranges("40.0.0.2"), deleting=NOW), {"additions": False}, set()),
    ],
)
def test_i12_what_is_replaced_goes_together_with_what_replaces_it(
    on: Target, fields: dict[str, object], held: set[str]
) -> None:
    plan = planned(view=LIVE, on=on, with_ledger=DROPPED, deleted=frozenset({"a"}), **fields)
    kept = {"20.0.0.1/32"} if ranges("20.0.0.1")[0] in on.baseline else set()
    gone = {"40.0.0.1/32", "20.0.0.1/32"} - held - kept
    assert going(plan) == (gone, held)


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
@pytest.mark.parametrize("mode", [Mode.MERGE, Mode.EXCLUSIVE])
def test_i4_a_cluster_that_others_left_failed_is_written_for_revocations_alone(
    state: str, mode: Mode
) -> None:
    on = target(mode=mode)
    view = replace(LIVE, provisioning_state=state)
    plan = planned(view=view, on=on, with_ledger=DROPPED, deleted=frozenset({"a"}))
    others = {OTHER} if mode is Mode.EXCLUSIVE else set()
    assert going(plan) == ({"20.0.0.1/32"}, {"40.0.0.1/32", *others})
    item = grant("a", "20.0.0.1")
    assert not planned(item, view=view, on=on, with_ledger=DROPPED).write
    assert planned(item, view=LIVE, on=on, with_ledger=DROPPED).write
    flight = WriteInFlight(desired=(), added=(), removed=("40.0.0.1/32",), started=NOW, failed=True)
    ours = replace(DROPPED, in_flight=flight)
    assert "40.0.0.1/32" in going(planned(item, view=view, on=on, with_ledger=ours))[0]


def test_i8_a_grant_of_which_nobody_can_tell_whether_it_is_gone_holds_its_entry() -> None:
    plan = planned(view=LIVE, with_ledger=DROPPED, unconfirmed=frozenset({"a"}))
    assert going(plan) == ({"40.0.0.1/32"}, {"20.0.0.1/32"})


@pytest.mark.parametrize(
    ("on", "lost", "gone"),
    [
        (target(mode=Mode.EXCLUSIVE), "", {OTHER}),
        (target(mode=Mode.EXCLUSIVE), "it is gone", set()),
        (target(mode=Mode.EXCLUSIVE, deleting=NOW), "", set()),
        (target(), "", set()),
    ],
)
def test_i2_foreign_entries_go_in_exclusive_mode_alone(
    on: Target, lost: str, gone: set[str]
) -> None:
    item = grant("a", "20.0.0.1")
    plan = planned(
        item,
        view=cluster(OTHER, "20.0.0.1/32", "0.0.0.0/32"),
        on=on,
        with_ledger=ledger(entry("20.0.0.1", "a")),
        lost=lost,
    )
    foreign = {change.entry for change in plan.removals if change.cause is Cause.EXCLUSIVE}
    assert foreign == gone


def test_i8_a_mass_removal_is_acknowledged_by_its_very_code() -> None:
    names = [f"20.0.0.{n}/32" for n in range(6)]
    books = ledger(*(entry(name, "x") for name in names))
    view = cluster(OTHER, *names)
    waiting = planned(view=view, with_ledger=books)
    code = acknowledgement_code(
        case="MassRemovalHeld", sequence=3, cluster=KEY, entries=reversed(names)
    )
    assert waiting.acknowledgement == code
    assert going(waiting) == (set(), set(names))
    done = planned(view=view, with_ledger=books, on=target(acknowledge=code))
    assert going(done) == (set(names), set())
    assert done.acknowledgement == ""


UDR = {"outbound_type": "userDefinedRouting"}
KNOWN = {"egress_mode": EgressMode.NOT_NEEDED}
ALONE = target(mode=Mode.EXCLUSIVE, **KNOWN)
MINE = entry("20.0.0.1", "a")
DROPPED_BASELINE = entry("40.0.0.1", "baseline")


@pytest.mark.parametrize(
    ("view", "on", "others"),
    [
        (cluster(OTHER, "20.0.0.1/32", **UDR), ALONE, ()),
        (cluster(OTHER, "20.0.0.1/32", "0.0.0.0/32", **UDR), ALONE, ()),
        (cluster(OTHER, "20.0.0.1/32", "20.0.0.9/32", **UDR), ALONE, (entry("20.0.0.9", "x"),)),
    ],
    ids=["alone", "beside the sentinel", "beside another grant's"],
)
def test_i1_grants_are_never_left_alone_in_a_list_that_must_not_be_empty(
    view: ClusterView, on: Target, others: tuple[LedgerEntry, ...]
) -> None:
    plan = planned(
        grant("a", "20.0.0.1"),
        view=view,
        on=on,
        with_ledger=ledger(MINE, *others),
        unconfirmed=frozenset({"x"}),
    )
    assert going(plan) == (set(), {OTHER, *(item.range for item in others)})
    assert OTHER in (plan.desired or ())
    assert TargetReason.NOT_REVOCABLE in [finding.reason for finding in plan.findings]


def test_i1_a_baseline_entry_that_is_dropped_stays_until_something_else_stands_beside_grants() -> (
    None
):
    books = ledger(MINE, DROPPED_BASELINE)
    item = grant("a", "20.0.0.1")
    held = planned(
        item,
        view=cluster("40.0.0.1/32", "20.0.0.1/32", **UDR),
        on=target(**KNOWN),
        with_ledger=books,
    )
    assert going(held) == (set(), {"40.0.0.1/32"})
    foreign = planned(
        item,
        view=cluster(OTHER, "40.0.0.1/32", "20.0.0.1/32", **UDR),
        on=target(**KNOWN),
        with_ledger=books,
    )
    assert going(foreign) == ({"40.0.0.1/32"}, set()), "somebody else's entry stays"


def test_i4_what_anchors_a_list_holds_no_revocation() -> None:
    plan = planned(
        grant("a", "20.0.0.1"),
        view=cluster(OTHER, "20.0.0.1/32", "20.0.0.2/32", **UDR),
        on=ALONE,
        with_ledger=ledger(MINE, entry("20.0.0.2", "b")),
        deleted=frozenset({"b"}),
    )
    assert going(plan) == ({"20.0.0.2/32"}, {OTHER})


@pytest.mark.parametrize(
    ("view", "on"),
    [
        (cluster(OTHER, "20.0.0.1/32"), target(mode=Mode.EXCLUSIVE)),
        (
            cluster(OTHER, "20.0.0.1/32", "41.0.0.1/32", **UDR),
            target(mode=Mode.EXCLUSIVE, baseline=ranges("41.0.0.1"), **KNOWN),
        ),
        (
            cluster(OTHER, "20.0.0.1/32", **UDR),
            target(mode=Mode.EXCLUSIVE, baseline=ranges("20.0.0.1"), **KNOWN),
        ),
    ],
    ids=["the sentinel may stand", "beside the baseline", "the baseline wants it too"],
)
def test_i2_exclusive_takes_out_what_no_revocation_would_need(
    view: ClusterView, on: Target
) -> None:
    plan = planned(grant("a", "20.0.0.1"), view=view, on=on, with_ledger=ledger(MINE))
    assert going(plan) == ({OTHER}, set())
