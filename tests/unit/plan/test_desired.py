"""What comes, in which order and why, and what stays where nothing would (I1)."""

from dataclasses import replace

import pytest

from aks_access.api.modes import EgressMode, Mode
from aks_access.plan.ledger import EntryState, Search, SearchPhase
from aks_access.plan.model import Cause
from aks_access.plan.outcome import Change, Plan
from tests.unit.plan.build import (
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
UDR = {"outbound_type": "userDefinedRouting"}


def causes(plan: Plan) -> dict[str, Cause]:
    return {change.entry: change.cause for change in plan.additions}


def test_what_comes_is_sorted_by_address_and_then_by_width() -> None:
    texts = ("100.0.0.0/24", "9.0.0.0/24", "20.0.0.0/25", "20.0.0.0/24")
    plan = planned(grant("a", *texts), view=cluster(OTHER))
    came = ("9.0.0.0/24", "20.0.0.0/24", "20.0.0.0/25", "100.0.0.0/24")
    assert tuple(change.entry for change in plan.additions) == came
    assert plan.desired == (OTHER, *came)


def test_each_entry_that_comes_has_its_cause() -> None:
    books = ledger(
        entry("20.0.0.1", "a"),
        entry("20.0.0.2", "x"),
        entry("20.0.0.3", "a", state=EntryState.INTENDED),
        entry("40.0.0.1", "baseline"),
    )
    plan = planned(
        grant("a", *(f"20.0.0.{n}" for n in range(1, 5))),
        view=cluster(OTHER),
        on=target(baseline=ranges("40.0.0.1", "40.0.0.2")),
        with_ledger=books,
        management_egress=ranges("41.0.0.1"),
    )
    assert causes(plan) == {
        "20.0.0.1/32": Cause.DRIFT,
        "20.0.0.2/32": Cause.GRANTED,
        "20.0.0.3/32": Cause.GRANTED,
        "20.0.0.4/32": Cause.GRANTED,
        "40.0.0.1/32": Cause.DRIFT,
        "40.0.0.2/32": Cause.BASELINE,
        "41.0.0.1/32": Cause.EGRESS,
    }


def test_i12_of_a_cleared_list_that_goes_back_what_stood_was_cleared_and_the_rest_is_new() -> None:
    books = ledger(entry("20.0.0.1", "a"), verified=(OTHER, "20.0.0.1/32"))
    item = grant("a", "20.0.0.1", "20.0.0.2")
    plan = planned(item, view=cluster(is_open=True), with_ledger=books)
    assert causes(plan) == {"20.0.0.1/32": Cause.CLEARED, "20.0.0.2/32": Cause.GRANTED}
    held = planned(item, view=cluster(is_open=True), with_ledger=books, additions=False)
    assert causes(held) == {"20.0.0.1/32": Cause.CLEARED}


def test_i12_of_an_open_cluster_is_told_what_closing_it_would_add() -> None:
    on = target(baseline=ranges("40.0.0.1", "20.0.0.1"))
    waits = grant("a", "20.0.0.1", "20.0.0.2")
    wrong = grant("b", "20.0.0.3", "20.0.0.0/8")
    plan = planned(grant("c", "20.0.0.2"), waits, wrong, view=cluster(is_open=True), on=on)
    assert plan.desired is None
    assert plan.additions == (
        Change("20.0.0.1/32", Cause.BASELINE, ("baseline", "a")),
        Change("20.0.0.2/32", Cause.GRANTED, ("a", "c")),
        Change("40.0.0.1/32", Cause.BASELINE, ("baseline",)),
    )


def test_a_closed_clusters_refused_grant_adds_nothing() -> None:
    plan = planned(grant("a", "20.0.0.1", revoked=True), view=cluster(OTHER, private=True))
    assert plan.additions == ()


def test_i1_where_removals_leave_nothing_the_platforms_own_entries_come_although_they_wait() -> (
    None
):
    on = target(baseline=ranges("100.0.0.1", "40.0.0.1"))
    plan = planned(
        view=cluster("20.0.0.1/32", **UDR),
        on=on,
        with_ledger=ledger(entry("20.0.0.1", "x"), entry("40.0.0.1", "baseline")),
        deleted=frozenset({"x"}),
        management_egress=ranges("50.0.0.1"),
        additions=False,
    )
    assert plan.desired == ("40.0.0.1/32", "50.0.0.1/32", "100.0.0.1/32")
    assert plan.additions == (
        Change("40.0.0.1/32", Cause.DRIFT, ("baseline",)),
        Change("50.0.0.1/32", Cause.EGRESS, ("egress",)),
        Change("100.0.0.1/32", Cause.BASELINE, ("baseline",)),
    )
    assert [change.entry for change in plan.removals] == ["20.0.0.1/32"]


@pytest.mark.parametrize(
    ("entries", "stays"),
    [
        (("20.0.0.0/24", "20.0.0.9/32", "20.0.0.0/28"), "20.0.0.9/32"),
        (("20.0.0.9", "20.0.0.8"), "20.0.0.9"),
        (("AzureCloud", "20.0.0.0/8"), "20.0.0.0/8"),
        (("AzureCloud", "Sql"), "Sql"),
    ],
)
def test_i1_where_nothing_else_keeps_the_cluster_closed_the_narrowest_entry_stays(
    entries: tuple[str, ...], stays: str
) -> None:
    books = ledger(*(entry(text, "x") for text in entries))
    plan = planned(view=cluster(*entries, **UDR), with_ledger=books, deleted=frozenset({"x"}))
    assert plan.desired == (stays,)
    assert len(plan.removals) == len(entries) - 1
    assert len(plan.held_removals) == 1


def test_i1_what_lets_everyone_in_goes_before_a_service_tag() -> None:
    plan = planned(
        view=cluster("AzureCloud", "0.0.0.0/0", **UDR),
        on=target(mode=Mode.EXCLUSIVE, egress_mode=EgressMode.NOT_NEEDED),
    )
    assert plan.desired == ("AzureCloud",)


def test_i1_the_sentinel_stands_alone_where_the_nodes_need_no_entry() -> None:
    books = ledger(entry("20.0.0.1", "x"))
    plan = planned(view=cluster("20.0.0.1/32"), with_ledger=books, deleted=frozenset({"x"}))
    assert plan.desired == ("0.0.0.0/32",)
    back = planned(grant("a", "20.0.0.2"), view=cluster("0.0.0.0/32"), with_ledger=books)
    assert back.desired == ("20.0.0.2/32",)


@pytest.mark.parametrize(
    "idle", [{"mode": Mode.OBSERVE}, {"suspend": True}, {"deleting": NOW, "suspend": True}]
)
def test_i2_where_nothing_is_to_be_written_no_list_is_desired(idle: dict[str, object]) -> None:
    item = grant("a", "20.0.0.1")
    plan = planned(item, view=cluster(OTHER), on=target(**idle), with_ledger=ledger())
    assert (plan.desired, plan.write) == (None, False)
    assert plan.entries_used == 1


def test_a_deleted_target_adds_nothing() -> None:
    on = replace(target(), deleting=NOW)
    assert planned(grant("a", "20.0.0.1"), view=cluster(OTHER), on=on).additions == ()


def test_i1_where_aks_may_be_refusing_the_platforms_own_the_sentinel_comes_where_it_may_stand() -> (
    None
):
    books = ledger(
        entry("20.0.0.1", "x"), search=Search(phase=SearchPhase.CONTROL, message="Bad range.")
    )
    fields = {"deleted": frozenset({"x"}), "additions": False}
    on = target(baseline=ranges("40.0.0.1"))
    plan = planned(view=cluster("20.0.0.1/32"), on=on, with_ledger=books, **fields)
    assert plan.desired == ("0.0.0.0/32",)
    routed = planned(view=cluster("20.0.0.1/32", **UDR), on=on, with_ledger=books, **fields)
    assert routed.desired == ("40.0.0.1/32",)


def test_i3_the_last_entry_to_stay_is_no_revoked_one_where_something_else_could_stay() -> None:
    plan = planned(
        view=cluster(OTHER, "20.0.0.1/32", **UDR),
        on=target(mode=Mode.EXCLUSIVE, egress_mode=EgressMode.NOT_NEEDED),
        with_ledger=ledger(entry("20.0.0.1", "x")),
        deleted=frozenset({"x"}),
    )
    assert plan.desired == (OTHER,)
    assert [change.entry for change in plan.removals] == ["20.0.0.1/32"]
