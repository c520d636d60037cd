"""I5: how the ledger moves with its one write, whatever the answer was."""

from dataclasses import replace

import pytest

from aks_access.plan.adoption import Adoption
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import (
    Conflict,
    EntryState,
    Ledger,
    LedgerEntry,
    Reversal,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import Plan, Standing
from aks_access.plan.pace import Turn
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.settlement import (
    Settled,
    Settlement,
    cluster_gone,
    doubt,
    intend,
    refuse,
    settle,
)
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


def test_i5_an_entry_is_intended_from_now_on_and_remembers_what_may_yet_land() -> None:
    def made(before: LedgerEntry | None) -> LedgerEntry:
        books = ledger(*(() if before is None else (before,)))
        return intended(books).entries["20.0.0.1/32"]

    new = LedgerEntry(range="20.0.0.1/32", state=EntryState.INTENDED, owners=("a",), since=NOW)
    assert made(None) == new
    assert made(entry("20.0.0.1", state=EntryState.WITHDRAWN)) == replace(new, unsettled=True)
    earlier = entry("20.0.0.1", "a", state=EntryState.INTENDED)
    assert made(earlier) == new
    assert made(replace(earlier, unsettled=True)) == replace(new, unsettled=True)
    drifted = entry("20.0.0.1", "a", "gone")
    assert made(drifted) == replace(drifted, owners=("a",))


def test_i5_an_intended_entry_keeps_the_sets_it_came_through() -> None:
    plan = replace(
        the_plan(),
        entries={"20.0.0.1/32": entry("20.0.0.1", state=EntryState.INTENDED, sets=("o",))},
    )
    books = intend(ledger=BOOKS, plan=plan, now=NOW)
    assert books.entries["20.0.0.1/32"].sets == ("o",)


def test_i13_the_intent_says_what_the_write_undoes_and_keeps_the_conflict() -> None:
    conflict, reversals = Conflict(since=NOW), (Reversal(at=NOW, added=("20.0.0.1/32",)),)
    plan = replace(
        the_plan(),
        undoes=("20.0.0.1/32",),
        standing=Standing(conflict=conflict, reversals=reversals),
    )
    flight = WriteInFlight(desired=(), added=(), removed=(), started=NOW, undoes=("20.0.0.9/32",))
    once = intend(ledger=replace(BOOKS, in_flight=flight), plan=plan, now=NOW)
    assert (once.conflict, once.reversals) == (conflict, reversals)
    assert once.in_flight is not None
    assert once.in_flight.undoes == ("20.0.0.1/32",)
    failed = replace(BOOKS, in_flight=replace(flight, failed=True))
    again = intend(ledger=failed, plan=plan, now=NOW).in_flight
    assert again is not None
    assert again.undoes == ("20.0.0.1/32", "20.0.0.9/32"), "it repeats the failed one"
    assert again.resends


SENT = WriteInFlight(
    desired=AFTER.ranges or (), added=("20.0.0.1/32",), removed=("20.0.0.2/32",), started=NOW
)
PAID = (Turn(at=NOW - HOUR, added=("x",)), Turn(at=NOW, added=("team-a",)))


@pytest.mark.parametrize(
    ("view", "landed", "free"),
    [
        (VIEW, False, True),
        (AFTER, False, False),
        (cluster("30.0.0.0/24"), False, False),
        (cluster("30.0.0.0/24", "20.0.0.1/32", "20.0.0.2/32"), False, False),
        (VIEW, True, False),
    ],
)
def test_i5_a_write_of_which_nothing_is_seen_costs_nothing(
    view: ClusterView, landed: bool, free: bool
) -> None:
    settled = settle(
        ledger=replace(BOOKS, in_flight=SENT, turns=PAID),
        view=view,
        operation_failed=False,
        operation_running=False,
        now=NOW,
        landed=landed,
    )
    assert settled.ledger.turns == (PAID[:1] if free else PAID)


def test_i5_a_write_that_surely_landed_made_the_entry_ours_whoever_undid_it() -> None:
    def after(*, landed: bool) -> Ledger:
        return settle(
            ledger=replace(intended(), in_flight=replace(SENT, undoes=("20.0.0.1/32",))),
            view=VIEW,
            operation_failed=False,
            operation_running=False,
            now=NOW + HOUR,
            landed=landed,
        ).ledger

    ours = after(landed=True).entries["20.0.0.1/32"]
    assert (ours.state, ours.since) == (EntryState.OWNED, NOW + HOUR)
    assert after(landed=True).reversals == (Reversal(at=NOW, added=("20.0.0.1/32",)),)
    lost = after(landed=False)
    assert lost.entries["20.0.0.1/32"].state is EntryState.WITHDRAWN
    assert lost.reversals == ()


def test_i5_what_is_read_back_is_ours_from_now_on_and_settled() -> None:
    books = doubt(ledger=intended())
    assert look(books, AFTER).ledger.entries["20.0.0.1/32"] == LedgerEntry(
        range="20.0.0.1/32", state=EntryState.OWNED, owners=("a",), since=NOW + HOUR
    )


def test_i5_only_what_is_not_proven_is_doubted() -> None:
    books = doubt(ledger=intended())
    assert {name: item.unsettled for name, item in books.entries.items()} == {
        "20.0.0.1/32": True,
        "20.0.0.2/32": False,
    }


@pytest.mark.parametrize(
    ("before", "withdrawn"),
    [
        (entry("20.0.0.3", "c"), False),
        (entry("20.0.0.3", "c", due=NOW), True),
        (entry("20.0.0.3"), True),
    ],
)
def test_i3_an_entry_that_is_gone_is_withdrawn_where_nobody_wants_it(
    before: LedgerEntry, withdrawn: bool
) -> None:
    books = ledger(before, in_flight=SENT)
    found = look(books, AFTER).ledger.entries["20.0.0.3/32"]
    forgotten = LedgerEntry(
        range="20.0.0.3/32", state=EntryState.WITHDRAWN, owners=(), since=NOW + HOUR
    )
    assert found == (forgotten if withdrawn else before)


def test_i3_a_withdrawn_entry_is_remembered_from_when_it_went() -> None:
    old = entry("20.0.0.3", state=EntryState.WITHDRAWN)
    assert look(ledger(old, in_flight=SENT), AFTER).ledger.entries["20.0.0.3/32"] == old


STRAY = entry("20.0.0.1", "a", state=EntryState.INTENDED, unsettled=True, sets=("office",))


@pytest.mark.parametrize(
    ("before", "view", "landed"),
    [
        (STRAY, AFTER, True),
        (STRAY, replace(AFTER, provisioning_state="Failed"), False),
        (STRAY, replace(AFTER, provisioning_state="Updating"), False),
        (STRAY, VIEW, False),
        (STRAY, cluster(is_open=True), False),
        (replace(STRAY, unsettled=False), AFTER, False),
        (replace(STRAY, state=EntryState.OWNED), AFTER, False),
    ],
)
def test_i5_a_late_attempt_that_landed_after_all_is_ours(
    before: LedgerEntry, view: ClusterView, landed: bool
) -> None:
    books = ledger(before, entry("30.0.0.0/24", "b"), verified=VIEW.ranges)
    found = look(books, view)
    ours = replace(before, state=EntryState.OWNED, since=NOW + HOUR, unsettled=False)
    assert found.state is Settled.NOTHING
    assert found.ledger == (
        replace(books, entries={**books.entries, "20.0.0.1/32": ours}) if landed else books
    )


def test_i3_of_a_cluster_that_is_gone_nothing_but_what_was_ours_is_remembered() -> None:
    old = entry("20.0.0.3", state=EntryState.WITHDRAWN)
    books = replace(
        intended(ledger(old, entry("20.0.0.2", "b"))),
        verified=VIEW.ranges,
        names={"b": "team-b/b"},
        reversals=(Reversal(at=NOW),),
        conflict=Conflict(since=NOW),
        ousted={"9.9.9.9/32": NOW},
        search=Search(phase=SearchPhase.CONTROL, message="No."),
    )
    gone = cluster_gone(ledger=books, now=NOW + HOUR)
    theirs = gone.entries["20.0.0.2/32"].tenant
    forgotten = {
        name: LedgerEntry(
            range=name, state=EntryState.WITHDRAWN, owners=(), since=NOW + HOUR, tenant=tenant
        )
        for name, tenant in (("20.0.0.1/32", ""), ("20.0.0.2/32", theirs))
    }
    assert theirs
    assert gone == ledger(
        entries={"20.0.0.3/32": old, **forgotten}, writes=books.writes, turns=books.turns
    )
    unknown = cluster_gone(ledger=replace(books, resource_uid=None), now=NOW)
    assert unknown.entries == {}
