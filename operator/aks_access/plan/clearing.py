"""Which entries of the list have to go: now, once acknowledged, or once something is known."""

from collections.abc import Iterable, Mapping

from aks_access.api.modes import Mode
from aks_access.plan.adoption import acknowledgement_code
from aks_access.plan.composition import Wanted
from aks_access.plan.egress import sentinel_allowed
from aks_access.plan.ledger import PLATFORM_OWNERS, EntryState
from aks_access.plan.listing import SENTINEL
from aks_access.plan.model import Cause, GrantUid
from aks_access.plan.outcome import Change, Verdict
from aks_access.plan.removal import guarded, permitted, removal_of
from aks_access.plan.scene import RemovalPlan, Scene
from aks_access.plan.world import Removals

PATIENT = frozenset({Cause.BASELINE, Cause.EXCLUSIVE, Cause.EGRESS})
"""Removals by the platform's own spec: no revocations. They need the egress to be known, since they
could cut the nodes off, go together with what replaces them, and are not worth a write that repeats
what others left Failed."""


def removals(*, scene: Scene, wants: Wanted, verdicts: Mapping[GrantUid, Verdict]) -> RemovalPlan:
    """The removals of the base list."""
    changes: list[Change] = []
    held: list[Change] = []
    patient = (
        not scene.platform.egress_known
        or scene.failed_by_others
        or _by_halves(scene=scene, wants=wants)
    )
    for entry in scene.base.spelling:
        if entry in wants.owners or entry == SENTINEL:
            continue
        change = _change(scene=scene, entry=entry, verdicts=verdicts)
        if change is None:
            continue
        unconfirmed = not scene.world.unconfirmed.isdisjoint(change.owners)
        blocked = unconfirmed or (patient and change.cause in PATIENT)
        if blocked or not permitted(change=change, removals=scene.world.removals):
            held.append(change)
        else:
            changes.append(change)
    anchors = _anchors(scene=scene, wants=wants, changes=changes, held=held)
    changes = [change for change in changes if change not in anchors]
    held += anchors
    waiting, code = _unacknowledged(scene=scene, changes=changes)
    waits = {change.entry for change in waiting}
    return RemovalPlan(
        now=tuple(change for change in changes if change.entry not in waits),
        waiting=waiting,
        held=tuple(held),
        anchors=anchors,
        acknowledgement=code,
    )


def _anchors(
    *, scene: Scene, wants: Wanted, changes: Iterable[Change], held: Iterable[Change]
) -> tuple[Change, ...]:
    """The platform's removals that would leave grants alone in a list that must not be empty.

    The last of these grants could never be taken out.
    """
    if sentinel_allowed(scene.view) or not wants.owners:
        return ()
    gone = {change.entry for change in changes}
    stays = {change.entry for change in held if change.cause in PATIENT}
    lasting = any(
        not PLATFORM_OWNERS.isdisjoint(owners) for owners in wants.owners.values()
    ) or any(
        entry in stays or (entry not in scene.ledger.entries and entry not in gone)
        for entry in scene.base.spelling
        if entry not in wants.owners and entry != SENTINEL
    )
    return () if lasting else tuple(change for change in changes if change.cause in PATIENT)


def _by_halves(*, scene: Scene, wants: Wanted) -> bool:
    """Whether something that is wanted would stay out for now, and what it replaces go."""
    target = scene.world.target
    if target is None or target.deleting is not None or scene.additions_allowed:
        return False
    return any(entry not in scene.base for entry in wants.owners)


def revokes(changes: Iterable[Change]) -> bool:
    """Whether one of the removals ends somebody's access, and so may never wait."""
    return any(change.cause not in PATIENT for change in changes)


def _change(*, scene: Scene, entry: str, verdicts: Mapping[GrantUid, Verdict]) -> Change | None:
    world = scene.world
    owned = scene.ledger.entries.get(entry)
    if owned is not None:
        return removal_of(
            entry=owned,
            world=world,
            verdicts=verdicts,
            former_names=scene.ledger.former_names,
        )
    exclusive = (
        scene.mode is Mode.EXCLUSIVE
        and not scene.lost
        and world.target is not None
        and world.target.deleting is None
        and world.removals is Removals.ALL
    )
    return Change(entry=entry, cause=Cause.EXCLUSIVE) if exclusive else None


def _unacknowledged(*, scene: Scene, changes: list[Change]) -> tuple[tuple[Change, ...], str]:
    entries, target = scene.ledger.entries, scene.world.target
    ours = sum(
        1
        for entry in scene.base.spelling
        if (owned := entries.get(entry)) is not None and owned.state is not EntryState.WITHDRAWN
    )
    waiting = guarded(changes=changes, entries=entries, ours=ours)
    if not waiting:
        return (), ""
    code = acknowledgement_code(
        case="MassRemovalHeld",
        sequence=scene.ledger.sequence,
        cluster=scene.ledger.key,
        entries=[change.entry for change in waiting],
    )
    given = target.acknowledge if target is not None else scene.world.acknowledge
    return ((), "") if given == code else (waiting, code)
