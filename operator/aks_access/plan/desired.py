"""The list to write: what stays, what comes, and never nothing (I1)."""

from aks_access.api.modes import DeletionPolicy
from aks_access.api.reasons import GrantReason
from aks_access.plan.clearing import PATIENT
from aks_access.plan.composition import Wanted
from aks_access.plan.egress import sentinel_allowed
from aks_access.plan.ledger import EntryState, departure
from aks_access.plan.listing import SENTINEL, cidr, parsed
from aks_access.plan.model import Cause, GrantUid
from aks_access.plan.outcome import Change, Origin, Verdict
from aks_access.plan.scene import RemovalPlan, Scene
from aks_access.plan.world import Removals


def additions(
    *, scene: Scene, wants: Wanted, verdicts: dict[GrantUid, Verdict]
) -> tuple[Change, ...]:
    """What is wanted and not in the list, sorted; of an open cluster what closing would add."""
    target = scene.world.target
    if target is None or target.deleting is not None:
        return ()
    owners = _if_closed(wants=wants, verdicts=verdicts) if scene.open else wants.owners
    missing = [
        entry
        for entry in owners
        if entry not in scene.current and (scene.additions_allowed or entry in scene.base)
    ]
    return tuple(
        Change(
            entry=entry,
            cause=_cause(scene=scene, entry=entry, owners=owners[entry]),
            owners=owners[entry],
        )
        for entry in sorted(missing, key=_sort_key)
    )


def _if_closed(*, wants: Wanted, verdicts: dict[GrantUid, Verdict]) -> dict[str, tuple[str, ...]]:
    owners = dict(wants.owners)
    for uid in sorted(verdicts):
        reasons = {refusal.reason for refusal in verdicts[uid].refusals}
        if reasons and reasons <= {
            GrantReason.CLUSTER_UNRESTRICTED,
            GrantReason.NODE_EGRESS_UNKNOWN,
        }:
            for item in verdicts[uid].ranges:
                owners[cidr(item)] = (*owners.get(cidr(item), ()), uid)
    return owners


def _sort_key(entry: str) -> tuple[int, int, str]:
    value = parsed(entry)
    return (value.network, value.prefix, "") if value is not None else (1 << 32, 0, entry)


def _cause(*, scene: Scene, entry: str, owners: tuple[str, ...]) -> Cause:
    if scene.restores and entry in scene.base:
        return Cause.CLEARED
    known = scene.ledger.entries.get(entry)
    if known is not None and known.state is EntryState.OWNED and set(known.owners) & set(owners):
        return Cause.DRIFT
    origin = scene.platform.entries.get(entry)
    if origin is Origin.BASELINE:
        return Cause.BASELINE
    if origin is not None:
        return Cause.EGRESS
    return Cause.GRANTED


def untouched(scene: Scene) -> bool:
    """Whether the list is not for us to write at this moment, whatever it says."""
    target = scene.world.target
    detaching = (
        target is not None
        and target.deleting is not None
        and departure(target=target, ledger=scene.ledger) is DeletionPolicy.DETACH
    )
    suspended = target is not None and target.suspend
    return (
        scene.observed
        or scene.open
        or bool(scene.unsupported)
        or suspended
        or detaching
        or scene.world.removals is Removals.NONE
    )


def desired(
    *, scene: Scene, removals: RemovalPlan, added: tuple[Change, ...]
) -> tuple[tuple[str, ...] | None, tuple[Change, ...], tuple[Change, ...]]:
    """The list to write (None = leave it), what it adds, and removals that emptiness forbids.

    Where removals leave nothing, the platform's own entries come even while additions wait, but
    for those that AKS may be refusing; then the deny sentinel where it cuts nobody off; else one
    removal is not made: the narrowest of the platform's own, or of all.
    """
    if untouched(scene):
        return None, added, ()
    gone = {change.entry for change in removals.now}
    kept = [
        spelling
        for entry, spelling in scene.base.spelling.items()
        if entry not in gone and entry != SENTINEL
    ]
    fresh = [change.entry for change in added if change.entry not in scene.base]
    if kept or fresh:
        return (*kept, *fresh), added, ()
    if not scene.base.spelling:
        return None, added, ()
    sentinel = sentinel_allowed(scene.view)
    doubtful = sentinel and scene.ledger.search is not None
    rescue = _platform(scene) if removals.now and not doubtful else ()
    if rescue:
        return tuple(change.entry for change in rescue), rescue, ()
    if sentinel:
        return (SENTINEL,), added, ()
    last = max(removals.now, key=_narrowness, default=None)
    if last is None:
        return None, added, ()
    return (scene.base.spelling[last.entry],), added, (last,)


def _platform(scene: Scene) -> tuple[Change, ...]:
    return tuple(
        Change(entry=entry, cause=_cause(scene=scene, entry=entry, owners=owners), owners=owners)
        for entry in sorted(scene.platform.entries, key=_sort_key)
        for owners in (scene.platform.owners(entry),)
    )


def _narrowness(change: Change) -> tuple[bool, int, tuple[int, int, str]]:
    """What is kept where one entry has to be; a service tag counts as a /1, and so before all."""
    value = parsed(change.entry)
    return (
        change.cause in PATIENT,
        value.prefix if value is not None else 1,
        _sort_key(change.entry),
    )
