"""How a ledger moves with its one write: intent, refusal, and proof by reading back.

A write is proven only by a settled cluster that shows the list: an answer of 200, or the list in a
body that still says Updating, is no proof. What a lost answer may have done counts as done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from aks_access.plan import conflict
from aks_access.plan.cluster import SUCCEEDED, ClusterView
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry, WriteInFlight, unlisted
from aks_access.plan.listing import Listing, same_entries
from aks_access.plan.outcome import Change, Plan
from aks_access.plan.pace import Turn, remembered
from aks_access.plan.withdrawal import withdrawn

WRITES_REMEMBERED = 40


class Settled(StrEnum):
    """What a look at the cluster says of the write in flight."""

    NOTHING = "Nothing"  # none was in flight
    WAITING = "Waiting"  # its operation, or another one, is under way
    CONFIRMED = "Confirmed"  # read back as it was sent
    DIFFERENT = "Different"  # settled, but the list is another one
    FAILED = "Failed"  # the operation failed: send again


@dataclass(frozen=True, slots=True)
class Settlement:
    """The ledger after a look, and what the look said."""

    ledger: Ledger
    state: Settled


def intend(*, ledger: Ledger, plan: Plan, now: datetime) -> Ledger:
    """The ledger to save before the plan's PUT: old and new entries, and the write in flight."""
    assert plan.desired is not None
    entries = dict(plan.entries)
    for change in plan.additions:
        entries[change.entry] = _intended(before=entries.get(change.entry), change=change, now=now)
    before = ledger.in_flight
    flight = WriteInFlight(
        desired=plan.desired,
        added=tuple(change.entry for change in plan.additions),
        removed=tuple(change.entry for change in plan.removals),
        started=now,
        resends=before is not None and (before.failed or before.resends),
        undoes=_undoes(plan=plan, before=before),
    )
    return replace(
        ledger,
        entries=entries,
        names=_names(ledger=ledger, plan=plan, entries=entries),
        in_flight=flight,
        reversals=plan.standing.reversals,
        conflict=plan.standing.conflict,
        writes=(*ledger.writes, now)[-WRITES_REMEMBERED:],
        turns=_turns(ledger=ledger, plan=plan, now=now),
    )


def _undoes(*, plan: Plan, before: WriteInFlight | None) -> tuple[str, ...]:
    """What the write undoes; the one that repeats a failed write undoes the same."""
    repeated = before.undoes if before is not None and before.failed else ()
    return tuple(dict.fromkeys((*plan.undoes, *repeated)))


def _intended(*, before: LedgerEntry | None, change: Change, now: datetime) -> LedgerEntry:
    """The entry that a write adds; one that is ours and drifted away stays ours throughout."""
    if before is not None and before.state is EntryState.OWNED:
        return replace(before, owners=change.owners)
    return LedgerEntry(
        range=change.entry,
        state=EntryState.INTENDED,
        owners=change.owners,
        since=now,
        unsettled=before is not None and (before.unsettled or before.state is EntryState.WITHDRAWN),
        sets=before.sets if before is not None else (),
    )


def _turns(*, ledger: Ledger, plan: Plan, now: datetime) -> tuple[Turn, ...]:
    if not plan.added_for and not plan.removed_for:
        return ledger.turns
    turn = Turn(at=now, added=plan.added_for, removed=plan.removed_for)
    return remembered((*ledger.turns, turn))


def _names(*, ledger: Ledger, plan: Plan, entries: Mapping[str, LedgerEntry]) -> dict[str, str]:
    """`namespace/name` of every grant that owns an entry, or did when it was let go."""
    owners = {o for entry in entries.values() for o in (*entry.owners, *entry.released)}
    known = dict(ledger.names)
    known.update({uid: verdict.grant.path for uid, verdict in plan.verdicts.items()})
    return {owner: known[owner] for owner in sorted(owners) if owner in known}


def refuse(*, ledger: Ledger) -> Ledger:
    """The ledger after a definite refusal of the write in flight: its intentions are void.

    An entry that an earlier, unsettled attempt carries too stays intended: that one may land yet.
    A failed write that this one was to repeat has to be repeated still. What it cost comes back.
    """
    flight = ledger.in_flight
    if flight is None:
        return ledger
    added = frozenset(flight.added)
    entries = {
        name: entry
        for name, entry in ledger.entries.items()
        if not (name in added and entry.state is EntryState.INTENDED and not entry.unsettled)
    }
    remaining = replace(flight, failed=True) if flight.resends else None
    turns = _turns_without(ledger=ledger, flight=flight)
    return replace(ledger, entries=entries, in_flight=remaining, turns=turns)


def _turns_without(*, ledger: Ledger, flight: WriteInFlight) -> tuple[Turn, ...]:
    return tuple(turn for turn in ledger.turns if turn.at != flight.started)


def _unseen(*, flight: WriteInFlight, listing: Listing) -> bool:
    """Whether nothing of the write stands in the list: it never came to be, and cost nothing."""
    came = any(entry in listing for entry in flight.added)
    return not came and all(entry in listing for entry in flight.removed)


def doubt(*, ledger: Ledger) -> Ledger:
    """The ledger after an ambiguous answer: what it intended may have been applied."""
    entries = {
        name: replace(entry, unsettled=True) if entry.state is EntryState.INTENDED else entry
        for name, entry in ledger.entries.items()
    }
    return replace(ledger, entries=entries)


def settle(
    *,
    ledger: Ledger,
    view: ClusterView,
    operation_failed: bool,
    operation_running: bool,
    now: datetime,
    landed: bool = False,
) -> Settlement:
    """Look at the cluster for the write in flight.

    `operation_failed`, `operation_running` and `landed` (it Succeeded) are what the operation
    itself said, where its URL is still known; without it a cluster that Succeeded is the proof.
    """
    flight = ledger.in_flight
    if flight is None:
        return Settlement(_landed(ledger=ledger, view=view, now=now), Settled.NOTHING)
    if not view.settled or operation_running:
        return Settlement(ledger, Settled.WAITING)
    if operation_failed or flight.failed or view.provisioning_state != SUCCEEDED:
        failed = replace(doubt(ledger=ledger), in_flight=replace(flight, failed=True))
        return Settlement(failed, Settled.FAILED)
    listing = Listing.of(view.ranges or ())
    removed = frozenset(flight.removed)
    added = frozenset(flight.added) if landed else frozenset()
    entries = {
        name: _proven(
            entry=entry,
            present=name in listing,
            repeated=name in removed,
            taken_out=name in added,
            names=ledger.names,
            now=now,
        )
        for name, entry in ledger.entries.items()
    }
    verified = ledger.verified if view.ranges is None else view.ranges
    after = conflict.noted(ledger=ledger, flight=flight, listing=listing, landed=landed)
    settled = replace(after, entries=entries, in_flight=None, verified=verified)
    if not landed and _unseen(flight=flight, listing=listing):
        settled = replace(settled, turns=_turns_without(ledger=ledger, flight=flight))
    equal = same_entries(view.ranges, flight.desired)
    return Settlement(settled, Settled.CONFIRMED if equal else Settled.DIFFERENT)


def cluster_gone(*, ledger: Ledger, now: datetime) -> Ledger:
    """The ledger of a cluster that does not exist: nothing stands there for anybody.

    What was ours is remembered as withdrawn, so that the same cluster (by `resourceUID`), should
    it answer again, does not keep it as somebody else's.
    """
    remembered = {
        name: entry
        if entry.state is EntryState.WITHDRAWN
        else withdrawn(entry=entry, names=ledger.names, now=now)
        for name, entry in ledger.entries.items()
    }
    entries = remembered if ledger.resource_uid is not None else {}
    return replace(unlisted(ledger), entries=entries)


def _landed(*, ledger: Ledger, view: ClusterView, now: datetime) -> Ledger:
    """An unsettled attempt landed after all, while a later one was refused because of it."""
    if not view.settled or view.provisioning_state != SUCCEEDED:
        return ledger
    listing = Listing.of(view.ranges or ())
    entries = {
        name: replace(entry, state=EntryState.OWNED, since=now, unsettled=False)
        if entry.state is EntryState.INTENDED and entry.unsettled and name in listing
        else entry
        for name, entry in ledger.entries.items()
    }
    return ledger if entries == ledger.entries else replace(ledger, entries=entries)


def _proven(
    *,
    entry: LedgerEntry,
    present: bool,
    repeated: bool,
    taken_out: bool,
    names: Mapping[str, str],
    now: datetime,
) -> LedgerEntry:
    """The entry after the look; `taken_out`: our write landed, and somebody undid it since."""
    match entry.state:
        case EntryState.INTENDED if present or taken_out:
            return replace(entry, state=EntryState.OWNED, since=now, unsettled=False)
        case EntryState.INTENDED:
            return withdrawn(entry=entry, names=names, now=now)
        case EntryState.OWNED if not present and (
            repeated or entry.due is not None or not entry.owners
        ):
            return withdrawn(entry=entry, names=names, now=now)
        case EntryState.WITHDRAWN if repeated and not present:
            return withdrawn(entry=entry, names=names, now=now)
        case _:
            return entry
