"""I5: how the ledger moves with its one write, whatever the answer was."""

from dataclasses import replace

import pytest

from aks_access.plan.adoption import Adoption
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import Plan
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.settlement import Settled, Settlement, doubt, intend, refuse, settle
from tests.unit.plan.build import (
    HOUR,
    NOW,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    target,
    world,
)

VIEW = cluster("30.0.0.0/24", "20.0.0.2/32")
AFTER = cluster("30.0.0.0/24", "20.0.0.1/32")
BOOKS = ledger(entry("20.0.0.2", "b"), verified=VIEW.ranges, names={"b": "team-a/b", "x": "old/x"})
A, B = grant("a", "20.0.0.1"), grant("b", "20.0.0.2", expires_at=NOW)


def the_plan(books: Ledger = BOOKS, view: ClusterView = VIEW) -> Plan:
    return planned(A, B, view=view, with_ledger=books)


def intended(books: Ledger = BOOKS) -> Ledger:
    return intend(ledger=books, plan=the_plan(books), now=NOW)


def look(
    books: Ledger, view: ClusterView, *, failed: bool = False, running: bool = False
) -> Settlement:
    return settle(
        ledger=books,
        view=view,
        operation_failed=failed,
        operation_running=running,
        now=NOW + HOUR,
    )


def states(books: Ledger) -> dict[str, EntryState]:
    return {name: item.state for name, item in books.entries.items()}


def test_i5_the_intent_holds_old_and_new_and_the_write() -> None:
    books = intended()
    assert states(books) == {
        "20.0.0.2/32": EntryState.OWNED,
        "20.0.0.1/32": EntryState.INTENDED,
    }
    assert books.entries["20.0.0.2/32"].due == NOW
    assert books.entries["20.0.0.1/32"].owners == ("a",)
    flight = books.in_flight
    assert flight is not None
    assert flight.desired == ("30.0.0.0/24", "20.0.0.1/32")
    assert (flight.added, flight.removed) == (("20.0.0.1/32",), ("20.0.0.2/32",))
    assert books.writes == (NOW,)
    assert books.names == {"a": "team-a/a", "b": "team-a/b"}


def test_i5_only_the_last_40_writes_are_remembered() -> None:
    books = replace(BOOKS, writes=tuple(NOW - HOUR for _ in range(40)))
    assert len(intended(books).writes) == 40
    assert intended(books).writes[-1] == NOW


def test_i5_a_confirmed_write_settles_both_ways() -> None:
    settlement = look(intended(), AFTER)
    assert settlement.state is Settled.CONFIRMED
    assert settlement.ledger.in_flight is None
    assert settlement.ledger.verified == AFTER.ranges
    assert states(settlement.ledger) == {
        "20.0.0.2/32": EntryState.WITHDRAWN,
        "20.0.0.1/32": EntryState.OWNED,
    }


@pytest.mark.parametrize("state", ["Updating", "Upgrading", "Creating"])
def test_i5_a_list_in_a_body_that_is_not_settled_is_no_proof(state: str) -> None:
    books = intended()
    settlement = look(books, replace(AFTER, provisioning_state=state))
    assert settlement == Settlement(books, Settled.WAITING)
    assert look(books, AFTER, running=True) == Settlement(books, Settled.WAITING)


@pytest.mark.parametrize(
    ("state", "failed"), [("Failed", False), ("Canceled", False), ("Succeeded", True)]
)
def test_i5_a_failed_write_is_kept_and_sent_again(state: str, failed: bool) -> None:
    settlement = look(intended(), replace(AFTER, provisioning_state=state), failed=failed)
    assert settlement.state is Settled.FAILED
    assert settlement.ledger.in_flight is not None
    assert settlement.ledger.in_flight.failed
    assert settlement.ledger.verified == VIEW.ranges
    plan = make_plan(
        world=world(A, B, target=target()),
        view=replace(AFTER, provisioning_state=state),
        adoption=Adoption(settlement.ledger),
    )
    assert plan.write
    assert plan.desired == AFTER.ranges
    assert plan.held == {GrantUid("a"): ("20.0.0.1/32",), GrantUid("b"): ("20.0.0.2/32",)}


def test_i5_a_refusal_of_the_repetition_leaves_the_failed_write_to_be_sent() -> None:
    view = replace(AFTER, provisioning_state="Failed")
    failed = look(intended(), view).ledger
    plan = make_plan(world=world(A, B, target=target()), view=view, adoption=Adoption(failed))
    repeated = intend(ledger=failed, plan=plan, now=NOW)
    assert repeated.in_flight is not None
    assert not repeated.in_flight.failed
    refused = refuse(ledger=repeated)
    again = make_plan(world=world(A, B, target=target()), view=AFTER, adoption=Adoption(refused))
    assert again.write


def test_i5_a_definite_refusal_voids_the_intention_only() -> None:
    books = refuse(ledger=intended())
    assert states(books) == {"20.0.0.2/32": EntryState.OWNED}
    assert books.in_flight is None
    assert refuse(ledger=books) == books


def test_i5_a_strangers_entry_after_a_refusal_stays_theirs() -> None:
    books = refuse(ledger=intended())
    plan = planned(
        replace(A, expires_at=NOW), view=cluster("30.0.0.0/24", "20.0.0.1/32"), with_ledger=books
    )
    assert plan.desired is not None
    assert "20.0.0.1/32" in plan.desired


def test_i5_a_refusal_keeps_what_an_earlier_attempt_may_have_applied() -> None:
    doubted = doubt(ledger=intended())
    repeated = intend(ledger=doubted, plan=the_plan(doubted), now=NOW)
    assert repeated.entries["20.0.0.1/32"].unsettled
    refused = refuse(ledger=repeated)
    assert refused.entries["20.0.0.1/32"].state is EntryState.INTENDED
    landed = planned(replace(A, expires_at=NOW), view=AFTER, with_ledger=refused)
    assert landed.desired == ("30.0.0.0/24",)


def test_i5_a_crash_after_the_intent_is_as_if_the_answer_was_lost() -> None:
    applied = look(intended(), AFTER).ledger
    assert applied.entries["20.0.0.1/32"].state is EntryState.OWNED
    lost = look(intended(), VIEW)
    assert lost.state is Settled.DIFFERENT
    assert lost.ledger.in_flight is None
    assert lost.ledger.entries["20.0.0.1/32"].state is EntryState.WITHDRAWN
    assert lost.ledger.entries["20.0.0.2/32"].state is EntryState.OWNED
    again = the_plan(lost.ledger)
    assert again.desired == AFTER.ranges
    assert again.write


def test_i5_an_entry_that_drifted_away_stays_ours_through_a_refusal() -> None:
    books = ledger(entry("20.0.0.1", "a"))
    plan = planned(A, view=cluster("30.0.0.0/24"), with_ledger=books)
    assert [change.entry for change in plan.additions] == ["20.0.0.1/32"]
    refused = refuse(ledger=intend(ledger=books, plan=plan, now=NOW))
    assert states(refused) == {"20.0.0.1/32": EntryState.OWNED}


def test_i5_a_list_cleared_meanwhile_proves_nothing_verified() -> None:
    settlement = look(intended(), cluster(is_open=True))
    assert settlement.state is Settled.DIFFERENT
    assert settlement.ledger.verified == VIEW.ranges
    plan = make_plan(
        world=world(A, B, target=target()),
        view=cluster(is_open=True),
        adoption=Adoption(settlement.ledger),
    )
    assert plan.restores
    assert plan.desired == ("30.0.0.0/24", "20.0.0.1/32")


def test_i5_removing_a_returned_entry_renews_its_memory() -> None:
    books = ledger(entry("20.0.0.1", state=EntryState.WITHDRAWN))
    plan = planned(view=AFTER, with_ledger=books)
    settled = look(intend(ledger=books, plan=plan, now=NOW), cluster("30.0.0.0/24")).ledger
    assert settled.entries["20.0.0.1/32"] == LedgerEntry(
        range="20.0.0.1/32", state=EntryState.WITHDRAWN, owners=(), since=NOW + HOUR
    )


def test_a_look_without_a_write_in_flight_changes_nothing() -> None:
    assert look(BOOKS, AFTER) == Settlement(BOOKS, Settled.NOTHING)
