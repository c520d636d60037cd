"""Why an entry of ours has to go, and whether it may go now.

What the clock, an act on a grant, or an edit of policy, labels, selectors or mode takes away goes
at once. What merely stopped being there (a grant that vanished or cannot be read any more, a
target, a baseline or a range set that shrank) may be a bug of somebody's tooling: a large removal
of that kind waits for a person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from aks_access.api.reasons import GrantReason
from aks_access.plan.access import ended, period
from aks_access.plan.ledger import (
    BASELINE_OWNER,
    EGRESS_OWNER,
    SENTINEL_OWNER,
    EntryState,
    LedgerEntry,
)
from aks_access.plan.listing import cidr
from aks_access.plan.model import Cause, Grant, GrantUid
from aks_access.plan.outcome import AccessState, Change, Rule, Verdict
from aks_access.plan.world import MASS_REMOVAL_ENTRIES, Removals, World

GUARDED = frozenset(
    {Cause.VANISHED, Cause.INVALID, Cause.ORPHANED, Cause.BASELINE, Cause.RANGE_SET}
)
"""Causes that a large removal of must be acknowledged."""

ENDED = frozenset({Cause.EXPIRED, Cause.REVOKED, Cause.DELETED})
"""Causes that stand even where the target's own spec cannot be used."""

_PLATFORM_CAUSES = {
    BASELINE_OWNER: Cause.BASELINE,
    EGRESS_OWNER: Cause.EGRESS,
    SENTINEL_OWNER: Cause.SENTINEL,
}
_STATE_CAUSES = {
    AccessState.EXPIRED: Cause.EXPIRED,
    AccessState.REVOKED: Cause.REVOKED,
    AccessState.DELETED: Cause.DELETED,
    AccessState.SCHEDULED: Cause.EDITED,
}
_REFUSAL_CAUSES = {
    GrantReason.RANGE_SET_NOT_RESOLVED: Cause.RANGE_SET,
    GrantReason.CAPACITY_EXCEEDED: Cause.CAPACITY,
    GrantReason.RANGE_REFUSED: Cause.REFUSED_BY_AZURE,
    GrantReason.INVALID_SPEC: Cause.EDITED,
}


_OF_THE_WHOLE = frozenset({GrantReason.RANGE_REFUSED, GrantReason.CAPACITY_EXCEEDED})


def owner_cause(
    *,
    owner: str,
    entry: LedgerEntry,
    world: World,
    verdicts: Mapping[GrantUid, Verdict],
    former_names: Sequence[str],
) -> Cause:
    """Why this owner no longer wants the entry.

    `former_names`: of the targets that held the cluster's ledger before; a grant that names one of
    them lost its target to another name.
    """
    if owner in _PLATFORM_CAUSES:
        return _PLATFORM_CAUSES[owner]
    if owner in entry.released:
        return Cause.DELETED
    uid = GrantUid(owner)
    grant = world.grants.get(uid)
    if grant is None:
        return Cause.DELETED if uid in world.deleted else Cause.VANISHED
    if grant.deleting is not None:
        return Cause.DELETED
    if grant.problems:
        return Cause.INVALID
    own = ended(grant=grant, activations=world.activations, now=world.now)
    if own is not None:
        return _STATE_CAUSES[own]
    if world.target is None:
        return Cause.ORPHANED
    if world.target.deleting is not None:
        return Cause.TARGET_DELETED
    verdict = verdicts.get(uid)
    if _homeless(grant=grant, world=world, verdict=verdict):
        return Cause.VANISHED
    if verdict is None and grant.target_name in former_names:
        return Cause.ORPHANED
    if verdict is None:
        return Cause.SELECTOR if grant.selector is not None else Cause.EDITED
    return _verdict_cause(verdict=verdict, entry=entry)


def _homeless(*, grant: Grant, world: World, verdict: Verdict | None) -> bool:
    """Refused for its namespace, and that is not known at all: a gap in our view, no edit."""
    return (
        verdict is not None
        and grant.namespace not in world.namespaces
        and {refusal.reason for refusal in verdict.refusals} == {GrantReason.NAMESPACE_NOT_ALLOWED}
    )


def _verdict_cause(*, verdict: Verdict, entry: LedgerEntry) -> Cause:
    """Why a grant that matches no longer wants the entry: an edit of a set, of its own, a refusal.

    What a set dropped the set took away, whatever the grant is refused for as well; so it did where
    a range that it brought is what makes the grant refused.
    """
    if verdict.state in _STATE_CAUSES:
        return _STATE_CAUSES[verdict.state]
    dropped = all(cidr(item) != entry.range for item in verdict.ranges)
    through_sets = not set(entry.sets).isdisjoint(verdict.grant.range_sets)
    if through_sets and (dropped or _refused_as_a_whole(verdict)):
        return Cause.RANGE_SET
    if not verdict.refusals or (dropped and verdict.keeps):
        return Cause.EDITED
    causes = [_REFUSAL_CAUSES.get(refusal.reason, Cause.POLICY) for refusal in verdict.refusals]
    return next((cause for cause in causes if cause not in GUARDED), causes[0])


def _refused_as_a_whole(verdict: Verdict) -> bool:
    """Whether nothing but the number of its ranges, or one of them, makes it refused."""
    return all(
        refusal.reason in _OF_THE_WHOLE or refusal.rule is Rule.MAX_ENTRIES
        for refusal in verdict.refusals
    )


def _certainty(cause: Cause) -> int:
    """How surely a cause is known: what merely is not there any more comes first."""
    if cause in GUARDED:
        return 0
    if cause not in ENDED:
        return 1
    return 3 if cause is Cause.EXPIRED else 2


def removal_of(
    *,
    entry: LedgerEntry,
    world: World,
    verdicts: Mapping[GrantUid, Verdict],
    former_names: Sequence[str],
) -> Change:
    """The change that takes an unwanted entry of ours out.

    Of several owners the least certain cause speaks: an entry goes at once only when no owner
    merely vanished.
    """
    if entry.state is EntryState.WITHDRAWN:
        return Change(entry=entry.range, cause=Cause.WITHDRAWN)
    owners = (*entry.owners, *entry.released)
    causes = [
        owner_cause(
            owner=owner,
            entry=entry,
            world=world,
            verdicts=verdicts,
            former_names=former_names,
        )
        for owner in owners
    ]
    cause = min(causes, key=_certainty, default=Cause.DELETED)
    return Change(entry=entry.range, cause=cause, owners=owners)


def fell_due(*, change: Change, entry: LedgerEntry, world: World) -> datetime:
    """When the removal fell due, UTC: when the last owner's access ended, or at first sight."""
    if entry.due is not None:
        return entry.due
    moments = [_ended_at(grant=world.grants.get(GrantUid(o)), world=world) for o in change.owners]
    return min(max(moments, default=world.now), world.now)


def _ended_at(*, grant: Grant | None, world: World) -> datetime:
    """When this owner's access ended; an end edited into the past ends it by the edit."""
    if grant is None or grant.problems:
        return world.now
    if grant.deleting is not None:
        return grant.deleting
    ends = period(grant=grant, activations=world.activations, now=world.now).ends
    if ends is None or grant.revoked:
        return world.now
    if grant.evaluated is None:
        return ends
    generation, seen = grant.evaluated
    return max(ends, seen) if generation == grant.generation else world.now


def permitted(*, change: Change, removals: Removals) -> bool:
    """Whether so much of the world is known that this removal may be made."""
    match removals:
        case Removals.ALL:
            return True
        case Removals.ACTS:
            return change.cause in ENDED
        case Removals.CLOCK:
            return change.cause is Cause.EXPIRED
        case Removals.NONE:
            return False


def guarded(
    *, changes: Sequence[Change], entries: Mapping[str, LedgerEntry], ours: int
) -> tuple[Change, ...]:
    """The removals that must wait for an acknowledgement; `ours` = live entries that are ours.

    One that fell due before was let through then, and stays so.
    """
    doubtful = tuple(
        change
        for change in changes
        if change.cause in GUARDED
        and (entry := entries.get(change.entry)) is not None
        and entry.due is None
    )
    if len(doubtful) > MASS_REMOVAL_ENTRIES and len(doubtful) * 2 > ours:
        return doubtful
    return ()
