"""Two writers that keep undoing each other (I13): how that is told, and what slows down then.

A write undoes somebody else's where it puts back an entry of ours that was taken out, or takes out
one that came back. The third time within an hour is a conflict: from then on entries are added
again once an hour only. Removals, new entries, a list that was cleared and the egress that nodes
and management need (I12) never wait. It ends when nothing was undone for a while, or when somebody
asks (`requestedAt`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aks_access.plan.ledger import EGRESS_OWNER, Conflict, Ledger, Reversal, WriteInFlight
from aks_access.plan.listing import Listing
from aks_access.plan.model import Cause
from aks_access.plan.outcome import Change, Standing

REVERSALS = 3
WINDOW = timedelta(hours=1)
"""So many reversals in so short a time are a conflict."""

PACE = timedelta(hours=1)
"""Time between two writes that add the same again."""

CALM = timedelta(minutes=75)
"""Without a reversal for so long, it is over: an hour, and what another operator that adds again
once an hour may be late; else its target would say InSync half of the time."""

OUSTED_MEMORY = timedelta(hours=2)
OUSTED_LIMIT = 200
NAMED = 10
REMEMBERED = 8


def standing(*, ledger: Ledger, now: datetime, asked: str, pending: bool = False) -> Standing:
    """The conflict as of `now`; `asked` is the target's `requestedAt`, "" = nobody asked.

    `pending`: somebody undid our list again, and that is not put right yet.

    A reversal in the future was timed by a clock that was wrong, and does not count.
    """
    past = tuple(item for item in ledger.reversals if item.at <= now)
    recent = sum(item.at > now - WINDOW for item in past)
    conflict = ledger.conflict
    if conflict is None:
        if recent + pending < REVERSALS:
            return Standing(reversals=ledger.reversals, recent=recent)
        conflict = Conflict(since=now, asked=asked)
    elif asked not in ("", conflict.asked):
        return Standing()
    ends = max((item.at for item in past), default=now - CALM) + CALM
    if ends <= now:
        return Standing(reversals=ledger.reversals, recent=recent)
    paced = (item.at for item in past if not _vital(ledger=ledger).issuperset(item.added))
    added = max(paced, default=None)
    again = added + PACE if added is not None else None
    return Standing(
        conflict=conflict,
        reversals=ledger.reversals,
        recent=recent,
        again=again if again is not None and again > now else None,
        ends=ends,
    )


def contested(*, standing: Standing, additions: Sequence[Change]) -> tuple[Change, ...]:
    """Those of the additions that wait: what was taken out and would only be added again."""
    if standing.again is None:
        return ()
    return tuple(
        change
        for change in additions
        if change.cause is Cause.DRIFT and EGRESS_OWNER not in change.owners
    )


def _vital(*, ledger: Ledger) -> frozenset[str]:
    """The entries that never wait."""
    return frozenset(e.range for e in ledger.entries.values() if EGRESS_OWNER in e.owners)


def undoes(
    *, ledger: Ledger, additions: Iterable[Change], removals: Iterable[Change]
) -> tuple[str, ...]:
    """The entries by which a write undoes what somebody else did.

    While it is searched which entry AKS refuses, ours come back by turns that we left out.
    """
    causes = (Cause.DRIFT, Cause.CLEARED) if ledger.search is None else (Cause.CLEARED,)
    back = (c.entry for c in additions if c.cause in causes)
    out = (
        c.entry
        for c in removals
        if c.cause is Cause.WITHDRAWN or (c.cause is Cause.EXCLUSIVE and c.entry in ledger.ousted)
    )
    return (*back, *out)


def noted(*, ledger: Ledger, flight: WriteInFlight, listing: Listing, landed: bool) -> Ledger:
    """The ledger after a write settled: its reversal, and the foreign entries that it took out.

    What the list does not show as it was sent counts only where the write surely `landed`.
    """
    added = frozenset(flight.added)
    done = [e for e in flight.undoes if landed or (e in listing) == (e in added)]
    reversals = ledger.reversals
    if done:
        done.sort(key=_vital(ledger=ledger).__contains__)  # what is paced is named first
        reversal = Reversal(
            at=flight.started,
            added=tuple(e for e in done if e in added)[:NAMED],
            removed=tuple(e for e in done if e not in added)[:NAMED],
        )
        reversals = (*reversals, reversal)[-REMEMBERED:]
    ousted = _ousted(ledger=ledger, flight=flight, listing=listing, landed=landed)
    return replace(ledger, reversals=reversals, ousted=ousted)


def _ousted(
    *, ledger: Ledger, flight: WriteInFlight, listing: Listing, landed: bool
) -> dict[str, datetime]:
    taken = {
        entry: flight.started
        for entry in flight.removed
        if entry not in ledger.entries and (landed or entry not in listing)
    }
    if not taken:
        return ledger.ousted
    since = flight.started - OUSTED_MEMORY
    known = {entry: at for entry, at in {**ledger.ousted, **taken}.items() if at > since}
    latest = sorted(known, key=lambda entry: known[entry])[-OUSTED_LIMIT:]
    return {entry: known[entry] for entry in latest}
