"""What a ledger is worth beside the cluster and target of today: use it, start anew, or lost.

A ledger belongs to one cluster (`resourceUID`), not to a name: a cluster re-created under the same
id starts as a new one. A ledger that is missing although the target remembers one, older than the
target remembers, or out of step with Azure after a time in which nobody led (a restored backup
looks like that), is lost: what is ours is then guessed from the grants and from what an older
ledger says, and nothing is added until the platform acknowledges.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from aks_access.plan.access import ended
from aks_access.plan.claiming import claims, known_foreign
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import (
    PLATFORM_OWNERS,
    EntryState,
    Ledger,
    LedgerEntry,
    held_by,
    unlisted,
)
from aks_access.plan.listing import Listing
from aks_access.plan.model import ClusterKey, Grant, GrantUid, RangeSet, Target
from aks_access.plan.settlement import doubt
from aks_access.plan.unattended import out_of_step


@dataclass(frozen=True, slots=True)
class Adoption:
    """The ledger to plan with, and why it cannot be trusted ("" = it can).

    `newer`: a newer operator wrote it, and nobody can acknowledge that away.
    """

    ledger: Ledger
    lost: str = ""
    newer: bool = False


def fresh(*, target: Target, view: ClusterView | None, sequence: int = 0) -> Ledger:
    """An empty ledger for this target: every live entry is somebody else's."""
    return Ledger(
        key=target.key,
        resource_id=target.resource_id,
        resource_uid=view.resource_uid if view else None,
        target_name=target.name,
        target_uid=target.uid,
        mode=target.mode.value,
        identity=target.identity,
        deletion_policy=_said(target),
        sequence=sequence,
        verified=view.ranges if view else None,
    )


def adopt(
    *,
    stored: Ledger | None,
    unreadable: str,
    target: Target,
    view: ClusterView,
    grants: Mapping[GrantUid, Grant],
    sets: Mapping[str, RangeSet],
    activations: Mapping[str, datetime],
    now: datetime,
    unattended: datetime | None = None,
    newer: bool = False,
    guessed: Ledger | None = None,
) -> Adoption:
    """The ledger to plan with for this target and cluster.

    `unattended`: since when nobody had led when this process began to, UTC, where the last leader
    never let go; None = the time without a leader is known to be harmless, or was looked into.
    `newer`: see `Adoption`. `guessed`: what was taken for ours at the last look, where the ledger
    was lost then: a grant that no longer names its range, or is gone, does not make it anybody's.
    """
    remembered = target.ledger_sequence
    problem = unreadable
    if not problem and remembered is not None:
        if stored is None:
            problem = "the ledger is gone"
        elif stored.sequence < remembered:
            problem = f"the ledger is at {stored.sequence}, the target remembers {remembered}"
    if problem:
        return _guess(
            problem=problem,
            stored=stored,
            target=target,
            view=view,
            grants=grants,
            sets=sets,
            now=now,
            newer=newer,
            earlier=guessed,
        )
    if stored is None:
        return Adoption(fresh(target=target, view=view))
    if stored.detached or another_cluster(stored, view):
        renewed = fresh(target=target, view=view, sequence=stored.sequence)
        return Adoption(
            replace(renewed, version=stored.version, writes=stored.writes, turns=stored.turns)
        )
    if not stored.lost and unattended is not None:
        problem = out_of_step(
            stored=stored,
            target=target,
            view=view,
            live=_live(grants=grants, activations=activations, now=now),
            since=unattended,
        )
    if stored.lost or problem:
        return _guess(
            problem=stored.lost or problem,
            stored=stored,
            target=target,
            view=view,
            grants=grants,
            sets=sets,
            now=now,
            earlier=guessed,
        )
    return Adoption(_renewed(stored=stored, target=target, view=view))


def _live(
    *, grants: Mapping[GrantUid, Grant], activations: Mapping[str, datetime], now: datetime
) -> frozenset[GrantUid]:
    return frozenset(
        uid
        for uid, grant in grants.items()
        if ended(grant=grant, activations=activations, now=now) is None
    )


def _renewed(*, stored: Ledger, target: Target, view: ClusterView) -> Ledger:
    """The ledger with what it mirrors of target and cluster; an unusable spec is not mirrored."""
    ledger = replace(
        held_by(ledger=stored, name=target.name, uid=target.uid),
        resource_uid=view.resource_uid or stored.resource_uid,
    )
    if target.problems:
        return ledger
    return replace(
        ledger,
        resource_id=target.resource_id,
        mode=target.mode.value,
        identity=target.identity,
        deletion_policy=_said(target),
    )


def _said(target: Target) -> str:
    """What a usable spec says of its deletion."""
    policy = target.deletion_policy
    return policy.value if policy is not None and not target.problems else ""


def _acknowledged(*, acknowledge: str, ledger: Ledger) -> Adoption:
    """A guessed ledger is trusted from the acknowledgement on, and not before."""
    if ledger.lost and acknowledge == lost_code(ledger):
        ledger = replace(ledger, lost="", foreign=None)
    return Adoption(ledger, lost=ledger.lost)


def lost_code(ledger: Ledger) -> str:
    """The code that acknowledges this guess of what is ours."""
    return acknowledgement_code(
        case="LedgerLost",
        sequence=ledger.sequence,
        cluster=ledger.key,
        entries=ledger.entries,
    )


def inherited(*, stored: Ledger, view: ClusterView, acknowledge: str) -> Adoption:
    """The ledger of a target that is gone or unusable; another cluster has nothing of ours."""
    if not another_cluster(stored, view):
        return _acknowledged(acknowledge=acknowledge, ledger=stored)
    emptied = replace(
        unlisted(stored),
        resource_uid=view.resource_uid,
        entries={},
        verified=view.ranges,
        lost="",
        foreign=None,
    )
    return Adoption(emptied)


def another_cluster(stored: Ledger, view: ClusterView) -> bool:
    """Whether the ledger is about a cluster that this one, of the same id, replaced."""
    return (
        stored.resource_uid is not None
        and view.resource_uid is not None
        and stored.resource_uid != view.resource_uid
    )


def _guess(
    *,
    problem: str,
    stored: Ledger | None,
    target: Target,
    view: ClusterView,
    grants: Mapping[GrantUid, Grant],
    sets: Mapping[str, RangeSet],
    now: datetime,
    newer: bool = False,
    earlier: Ledger | None = None,
) -> Adoption:
    """What is ours as far as grants and an older ledger tell; lost until it is acknowledged.

    Entries of the older ledger stay ours: had one been taken out meanwhile and come back, it would
    be taken out again. What it knows of its last write is settled as if nobody had seen its answer.
    """
    known = stored if stored is not None and not _useless(stored, view) else None
    sequence = max(target.ledger_sequence or 0, stored.sequence if stored else 0)
    if known is None:
        guessed = fresh(target=target, view=view, sequence=sequence)
    else:
        older = known.sequence < sequence
        guessed = replace(
            _renewed(stored=known, target=target, view=view),
            sequence=sequence,
            verified=view.ranges if view.ranges is not None else known.verified,
        )
        guessed = replace(doubt(ledger=guessed), in_flight=None) if older else guessed
    listing = Listing.of(view.ranges or ())
    foreign = known_foreign(known) if known is not None else None
    owners = claims(
        grants=grants,
        sets=sets,
        target=target,
        present=listing.spelling.keys(),
        foreign=foreign,
    )
    entries = {
        entry: LedgerEntry(
            range=entry, state=EntryState.OWNED, owners=tuple(owners[entry]), since=now
        )
        for entry in listing.spelling
        if entry in owners and entry not in guessed.entries
    }
    names = {uid: grants[GrantUid(uid)].path for entry in entries for uid in owners[entry]}
    guessed = replace(
        guessed,
        entries={**guessed.entries, **entries},
        names={**guessed.names, **names},
        lost=problem,
        foreign=tuple(sorted(foreign)) if foreign is not None else None,
    )
    guessed = _with_earlier(guessed=guessed, earlier=earlier, view=view)
    if stored is not None:
        guessed = replace(guessed, version=stored.version, writes=stored.writes, turns=stored.turns)
    if newer:
        return Adoption(guessed, lost=problem, newer=True)
    return _acknowledged(acknowledge=target.acknowledge, ledger=guessed)


def _with_earlier(*, guessed: Ledger, earlier: Ledger | None, view: ClusterView) -> Ledger:
    """The guess with what grants' owners held at an earlier one, and when that fell due."""
    if earlier is None or another_cluster(earlier, view):
        return guessed
    listing = Listing.of(view.ranges or ())
    entries = dict(guessed.entries)
    for name, before in earlier.entries.items():
        if before.state is EntryState.WITHDRAWN or name not in listing:
            continue
        found = entries.get(name)
        if found is None and not PLATFORM_OWNERS.issuperset(before.owners):
            entries[name] = before
        elif found is not None and found.state is not EntryState.WITHDRAWN:
            entries[name] = replace(found, due=found.due or before.due)
    return replace(guessed, entries=entries, names={**earlier.names, **guessed.names})


def _useless(stored: Ledger, view: ClusterView) -> bool:
    """Whether an older ledger says nothing of this cluster's entries."""
    return stored.detached or another_cluster(stored, view)


def acknowledgement_code(
    *, case: str, sequence: int, cluster: ClusterKey, entries: Iterable[str]
) -> str:
    """The code that acknowledges just this: another state of affairs has another code."""
    text = "\n".join([case, cluster, str(sequence), *sorted(entries)])
    return hashlib.sha256(text.encode()).hexdigest()[:10]
