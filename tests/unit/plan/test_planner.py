"""The plan as a whole: when a write is due, what is remembered with it, and its figures."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aks_access.api.modes import Mode
from aks_access.api.reasons import TargetReason
from aks_access.plan.adoption import Adoption
from aks_access.plan.conflict import CALM, PACE
from aks_access.plan.ledger import Conflict, Reversal, WriteInFlight
from aks_access.plan.model import Cause, Problem
from aks_access.plan.outcome import Change
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.world import Removals
from tests.unit.plan.build import (
    HOUR,
    NOW,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    ranges,
    target,
    world,
)

OTHER, OURS = "30.0.0.0/24", "20.0.0.1/32"
FLIGHT = WriteInFlight(desired=(OTHER,), added=(), removed=(), started=NOW)
A = grant("a", OURS)
FOUGHT = tuple(Reversal(at=NOW - timedelta(minutes=minutes), added=(OURS,)) for minutes in (30, 20))


@pytest.mark.parametrize(
    ("view", "fields", "flight", "due"),
    [
        (cluster(OTHER, OURS), {}, None, False),
        (cluster(OURS, OTHER), {}, None, False),
        (cluster(OTHER, "20.0.0.1"), {}, None, False),
        (cluster(OTHER), {}, None, True),
        (cluster(OTHER, OURS), {"probe": True}, None, True),
        (cluster(OTHER, OURS), {}, FLIGHT, False),
        (cluster(OTHER, OURS), {}, replace(FLIGHT, failed=True), True),
        (cluster(is_open=True), {}, None, True),
        (cluster(OTHER, power_state="Stopped"), {}, None, False),
        (cluster(OTHER, provisioning_state="Updating"), {}, None, False),
    ],
)
def test_i11_a_write_is_due_where_the_list_differs_or_is_to_be_proven(
    view: object, fields: dict[str, object], flight: WriteInFlight | None, due: bool
) -> None:
    books = ledger(entry(OURS, "a"), verified=(OTHER, OURS), in_flight=flight)
    plan = planned(A, view=view, with_ledger=books, **fields)  # type: ignore[arg-type]
    assert plan.write is due
    assert plan.made_at == NOW
    assert plan.restores is (view == cluster(is_open=True))


def test_i13_what_is_undone_now_is_the_third_time_and_waits() -> None:
    books = ledger(entry(OURS, "a"), reversals=FOUGHT)
    plan = planned(A, view=cluster(OTHER), on=target(requested_at="monday"), with_ledger=books)
    again = Change(OURS, Cause.DRIFT, ("a",))
    assert plan.contested == (again,)
    assert plan.additions == ()
    assert plan.undoes == ()
    assert plan.standing.conflict == Conflict(since=NOW, asked="monday")
    assert plan.standing.again == FOUGHT[-1].at + PACE
    assert plan.standing.ends == FOUGHT[-1].at + CALM
    calm = planned(A, view=cluster(OTHER, OURS), with_ledger=books)
    assert calm.standing.conflict is None
    assert calm.standing.recent == 2


def test_i13_what_the_write_undoes_is_told_with_it() -> None:
    books = ledger(entry(OURS, "a"), reversals=FOUGHT[:1])
    plan = planned(A, view=cluster(OTHER), with_ledger=books)
    assert plan.undoes == (OURS,)
    assert plan.contested == ()


def test_i13_where_nothing_is_written_nothing_is_undone_or_contested() -> None:
    books = ledger(entry(OURS, "a"), reversals=FOUGHT)
    for idle in ({"suspend": True}, {"mode": Mode.OBSERVE}):
        plan = planned(A, view=cluster(OTHER), on=target(**idle), with_ledger=books)
        assert plan.standing.conflict is None
        assert plan.contested == ()
    running = replace(books, conflict=Conflict(since=NOW - HOUR))
    suspended = planned(A, view=cluster(OTHER), on=target(suspend=True), with_ledger=running)
    assert suspended.contested == ()
    assert [change.entry for change in suspended.additions] == [OURS]


def test_i13_a_ledger_without_its_target_was_asked_by_nobody() -> None:
    books = ledger(
        entry(OURS, "x"), reversals=FOUGHT, conflict=Conflict(since=NOW - HOUR, asked="monday")
    )
    plan = make_plan(world=world(target=None), view=cluster(OTHER), adoption=Adoption(books))
    assert plan.standing.conflict == books.conflict


def test_observe_tells_what_exclusive_would_take_out_besides() -> None:
    view = cluster("AzureCloud", OTHER, OURS)
    looking = target(mode=Mode.OBSERVE)
    assert planned(A, view=view, on=looking).exclusive_removals == ("AzureCloud", OTHER)
    assert planned(A, view=view).exclusive_removals == ()


def test_i8_of_an_unusable_target_only_what_was_ended_goes() -> None:
    broken = target(problems=(Problem("spec.mode", "x", "wrong"),))
    books = ledger(entry(OURS, "a"), entry("20.0.0.2", "b"), entry("20.0.0.3", "c"))
    plan = planned(
        grant("a", OURS, revoked=True),
        view=cluster(OTHER, OURS, "20.0.0.2/32", "20.0.0.3/32"),
        on=broken,
        with_ledger=books,
        deleted=frozenset({"b"}),
    )
    assert [change.entry for change in plan.removals] == [OURS, "20.0.0.2/32"]
    assert [change.entry for change in plan.held_removals] == ["20.0.0.3/32"]
    clock = planned(
        grant("a", OURS, revoked=True),
        view=cluster(OTHER, OURS),
        on=broken,
        with_ledger=ledger(entry(OURS, "a")),
        removals=Removals.CLOCK,
    )
    assert clock.removals == ()


def test_i8_an_open_cluster_is_not_closed_with_a_ledger_that_is_lost() -> None:
    on = target(restrict_unrestricted=True, baseline=ranges(OTHER))
    closed = planned(view=cluster(is_open=True), on=on)
    assert (closed.desired, closed.write) == ((OTHER,), True)
    lost = planned(view=cluster(is_open=True), on=on, with_ledger=ledger(lost="gone"), lost="gone")
    assert (lost.desired, lost.write) == (None, False)
    assert TargetReason.CLUSTER_UNRESTRICTED in [finding.reason for finding in lost.findings]


def test_the_plans_figures_are_those_of_the_list_it_wants() -> None:
    plan = planned(A, view=cluster(OTHER))
    assert (plan.entries_used, plan.entry_limit) == (2, 200)
    integrated = planned(A, view=cluster(OTHER, vnet_integration=True))
    assert integrated.entry_limit == 2000
