"""When undoing each other is a conflict, what waits then, and when it is over (I13)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aks_access.plan.conflict import CALM, OUSTED_LIMIT, contested, noted, standing, undoes
from aks_access.plan.ledger import (
    EGRESS_OWNER,
    Conflict,
    EntryState,
    Ledger,
    LedgerEntry,
    Reversal,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.listing import Listing
from aks_access.plan.model import Cause, cluster_key
from aks_access.plan.outcome import Change, Standing

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ENTRY = "81.2.69.142/32"


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def ledger(*minutes: float, conflict: Conflict | None = None, added: bool = True) -> Ledger:
    entries = {"added": (ENTRY,)} if added else {"removed": (ENTRY,)}
    return Ledger(
        key=cluster_key("/c"),
        resource_id="/c",
        target_name="weu",
        target_uid="t",
        mode="Merge",
        reversals=tuple(Reversal(at=ago(m), **entries) for m in minutes),
        conflict=conflict,
    )


@pytest.mark.parametrize(
    ("minutes", "begun"),
    [
        ((), False),
        ((20, 10), False),
        ((59, 20, 10), True),
        ((60, 20, 10), False),
        ((20, 10, -5), False),  # a clock that was wrong
        ((300, 200, 100, 50), False),
    ],
)
def test_i13_three_reversals_within_an_hour_are_a_conflict(
    minutes: tuple[float, ...], begun: bool
) -> None:
    found = standing(ledger=ledger(*minutes), now=NOW, asked="x")
    assert found.conflict == (Conflict(since=NOW, asked="x") if begun else None)
    assert (found.again is not None) is begun


def test_i13_what_is_undone_at_this_moment_counts_too() -> None:
    twice = ledger(20, 10)
    assert standing(ledger=twice, now=NOW, asked="").conflict is None
    found = standing(ledger=twice, now=NOW, asked="", pending=True)
    assert found.again == ago(10) + timedelta(hours=1)


def test_i13_adding_again_waits_an_hour_from_the_last_time() -> None:
    found = standing(ledger=ledger(30, 20, 10), now=NOW, asked="")
    assert found.again == ago(10) + timedelta(hours=1)
    late = standing(ledger=ledger(65, conflict=Conflict(since=ago(70))), now=NOW, asked="")
    assert late.conflict is not None
    assert late.again is None, "it is time"
    removing = standing(ledger=ledger(30, 20, 10, added=False), now=NOW, asked="")
    assert removing.conflict is not None
    assert removing.again is None, "nothing was added again so far"


def test_i13_it_is_over_when_nothing_is_undone_any_more() -> None:
    running = Conflict(since=ago(200))
    just = ledger(CALM.total_seconds() / 60 - 1, conflict=running)
    assert standing(ledger=just, now=NOW, asked="").conflict == running
    calm = ledger(CALM.total_seconds() / 60, conflict=running)
    assert standing(ledger=calm, now=NOW, asked="").conflict is None


def test_i13_a_new_request_ends_it_and_an_old_one_does_not() -> None:
    running = ledger(30, 20, 10, conflict=Conflict(since=ago(5), asked="monday"))
    for asked in ("", "monday"):
        assert standing(ledger=running, now=NOW, asked=asked).conflict is not None
    assert standing(ledger=running, now=NOW, asked="tuesday") == Standing()


def test_i13_only_what_was_taken_out_waits() -> None:
    changes = [Change(entry=f"20.0.0.{n}/32", cause=cause) for n, cause in enumerate(Cause)]
    slow = standing(ledger=ledger(30, 20, 10), now=NOW, asked="")
    assert {change.cause for change in contested(standing=slow, additions=changes)} == {Cause.DRIFT}
    assert contested(standing=Standing(), additions=changes) == ()


def test_i12_egress_that_was_taken_out_does_not_wait_and_makes_nothing_else_wait() -> None:
    egress = LedgerEntry(
        range=ENTRY, state=EntryState.OWNED, owners=(EGRESS_OWNER,), since=ago(600)
    )
    restored = replace(ledger(30, 20, 10), entries={ENTRY: egress})
    found = standing(ledger=restored, now=NOW, asked="")
    assert found.conflict is not None
    assert found.again is None
    slow = standing(ledger=ledger(30, 20, 10), now=NOW, asked="")
    vital = Change(entry=ENTRY, cause=Cause.DRIFT, owners=(EGRESS_OWNER,))
    other = Change(entry="20.0.0.1/32", cause=Cause.DRIFT, owners=("uid",))
    assert contested(standing=slow, additions=[vital, other]) == (other,)


def test_i13_of_many_entries_that_return_the_paced_ones_are_remembered() -> None:
    names = [f"20.0.0.{number}/32" for number in range(1, 30)]
    owned = {
        name: LedgerEntry(range=name, state=EntryState.OWNED, owners=(EGRESS_OWNER,), since=NOW)
        for name in names
    }
    flight = WriteInFlight(
        desired=(), added=(*names, ENTRY), removed=(), started=ago(10), undoes=(*names, ENTRY)
    )
    known = replace(ledger(30, 20), entries=owned)
    after = noted(ledger=known, flight=flight, listing=Listing.of(()), landed=True)
    assert standing(ledger=after, now=NOW, asked="").again == ago(10) + timedelta(hours=1)


def test_i13_what_counts_as_undoing_somebody_else() -> None:
    known = replace(ledger(), ousted={"198.41.0.4/32": ago(5)})
    added = [Change(entry=f"20.0.0.{n}/32", cause=c) for n, c in enumerate(Cause)]
    back = [c.entry for c in added if c.cause in (Cause.DRIFT, Cause.CLEARED)]
    removed = [
        Change(entry=ENTRY, cause=Cause.WITHDRAWN),
        Change(entry="198.41.0.4/32", cause=Cause.EXCLUSIVE),
        Change(entry="198.41.0.5/32", cause=Cause.EXCLUSIVE),
        Change(entry="198.41.0.6/32", cause=Cause.EXPIRED),
    ]
    found = undoes(ledger=known, additions=added, removals=removed)
    assert found == (*back, ENTRY, "198.41.0.4/32")
    searching = replace(known, search=Search(phase=SearchPhase.HALVING, message="No."))
    cleared = [c.entry for c in added if c.cause is Cause.CLEARED]
    found = undoes(ledger=searching, additions=added, removals=removed)
    assert found == (*cleared, ENTRY, "198.41.0.4/32"), "we left out what comes back by turns"


@pytest.mark.parametrize(
    ("listed", "landed", "counts"),
    [((ENTRY,), False, True), ((), False, False), ((), True, True)],
)
def test_i13_a_write_that_may_not_have_landed_does_not_count(
    listed: tuple[str, ...], landed: bool, counts: bool
) -> None:
    flight = WriteInFlight(
        desired=(ENTRY,), added=(ENTRY,), removed=(), started=NOW, undoes=(ENTRY,)
    )
    after = noted(ledger=ledger(), flight=flight, listing=Listing.of(listed), landed=landed)
    assert after.reversals == ((Reversal(at=NOW, added=(ENTRY,)),) if counts else ())


def test_i13_what_exclusive_takes_out_is_remembered_for_a_while() -> None:
    flight = WriteInFlight(desired=("20.0.0.0/24",), added=(), removed=(ENTRY,), started=NOW)
    old = replace(ledger(), ousted={"1.2.3.4/32": ago(120), "1.2.3.5/32": ago(119)})
    after = noted(ledger=old, flight=flight, listing=Listing.of(()), landed=False)
    assert after.ousted == {"1.2.3.5/32": ago(119), ENTRY: NOW}


@pytest.mark.parametrize(
    ("minutes", "conflict", "recent", "begun"),
    [
        ((20, 10), None, 2, False),
        ((300, 20, 10), None, 2, False),
        ((20, 10, 0), None, 3, True),
        ((200, 100), Conflict(since=ago(200)), 0, False),
        ((65, 20, 10), Conflict(since=ago(70)), 2, True),
    ],
)
def test_i13_how_often_is_told_and_what_was_seen_is_kept(
    minutes: tuple[float, ...], conflict: Conflict | None, recent: int, begun: bool
) -> None:
    known = ledger(*minutes, conflict=conflict)
    found = standing(ledger=known, now=NOW, asked="")
    assert (found.recent, found.reversals) == (recent, known.reversals)
    ends = ago(min(minutes)) + CALM
    assert found.ends == (ends if begun else None)


def test_i13_what_may_be_added_again_at_this_very_moment_does_not_wait() -> None:
    due = ledger(62, 61, 60, conflict=Conflict(since=ago(62)))
    assert standing(ledger=due, now=NOW, asked="").again is None
    early = standing(ledger=due, now=NOW - timedelta(seconds=1), asked="")
    assert early.again == NOW


def test_i13_a_conflict_whose_every_reversal_was_timed_wrongly_is_over() -> None:
    ahead = ledger(-5, conflict=Conflict(since=ago(5)))
    assert standing(ledger=ahead, now=NOW, asked="").conflict is None


def test_i13_a_reversal_remembers_what_it_added_and_what_it_took_out() -> None:
    other = "20.0.0.1/32"
    flight = WriteInFlight(
        desired=(ENTRY,), added=(ENTRY,), removed=(other,), started=NOW, undoes=(ENTRY, other)
    )
    after = noted(ledger=ledger(), flight=flight, listing=Listing.of((ENTRY,)), landed=False)
    assert after.reversals == (Reversal(at=NOW, added=(ENTRY,), removed=(other,)),)


@pytest.mark.parametrize(
    ("ours", "stands", "landed", "ousted"),
    [
        (False, False, False, True),
        (False, True, False, False),
        (False, True, True, True),
        (True, False, True, False),
    ],
)
def test_i13_only_a_foreign_entry_that_surely_went_was_ousted(
    ours: bool, stands: bool, landed: bool, ousted: bool
) -> None:
    flight = WriteInFlight(desired=(), added=(), removed=(ENTRY,), started=NOW)
    known = LedgerEntry(range=ENTRY, state=EntryState.OWNED, owners=(), since=NOW)
    books = replace(ledger(), entries={ENTRY: known} if ours else {})
    listing = Listing.of((ENTRY,) if stands else ())
    after = noted(ledger=books, flight=flight, listing=listing, landed=landed)
    assert after.ousted == ({ENTRY: NOW} if ousted else {})


def test_i13_the_latest_that_were_ousted_are_remembered() -> None:
    many = {f"10.0.{n // 250}.{n % 250}/32": ago(1 + n / 10) for n in range(OUSTED_LIMIT)}
    books = replace(ledger(), ousted={**many, "9.9.9.9/32": ago(120)})
    flight = WriteInFlight(desired=(), added=(), removed=(ENTRY,), started=NOW)
    after = noted(ledger=books, flight=flight, listing=Listing.of(()), landed=True)
    oldest = max(many, key=lambda entry: NOW - many[entry])
    assert after.ousted.keys() == {ENTRY, *many} - {oldest}
