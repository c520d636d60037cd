"""The plan of one cluster: pure and total.

From the world, the cluster as read and its ledger to the whole list that should stand, each
change with its cause, each grant's verdict, and what waits for whom. No I/O, no clock; the same
input gives the same plan, in whatever order the grants came.
"""

from collections.abc import Mapping
from dataclasses import replace

from aks_access.api.conditions import GrantReason
from aks_access.api.target import Mode
from aks_access.plan import admission, composition, findings, reporting
from aks_access.plan.access import judge, matches
from aks_access.plan.adoption import Adoption, acknowledgement_code
from aks_access.plan.cluster import ClusterView
from aks_access.plan.composition import Wanted
from aks_access.plan.egress import sentinel_allowed
from aks_access.plan.ledger import EntryState
from aks_access.plan.listing import SENTINEL, parsed, same_entries
from aks_access.plan.model import Cause, GrantUid
from aks_access.plan.outcome import AccessState, Change, Origin, Plan, Refusal, Rule, Verdict
from aks_access.plan.removal import guarded, permitted, removal_of
from aks_access.plan.scene import RemovalPlan, Scene, set_scene
from aks_access.plan.world import Removals, World

NEEDS_EGRESS = frozenset({Cause.BASELINE, Cause.EXCLUSIVE, Cause.EGRESS})
"""Removals that could cut the nodes off, and so need the egress to be known."""


def plan(*, world: World, view: ClusterView, adoption: Adoption) -> Plan:
    """The plan; see `Plan`."""
    scene = set_scene(world=world, view=view, adoption=adoption)
    verdicts = _verdicts(scene)
    wants = composition.wanted(platform=scene.platform, verdicts=verdicts, unready=world.unready)
    removals = _removals(scene=scene, wants=wants, verdicts=verdicts)
    additions = _additions(scene=scene, wants=wants)
    desired, stuck = _desired(scene=scene, removals=removals, additions=additions)
    entries = reporting.ledger_entries(
        scene=scene, wants=wants, removals=removals, verdicts=verdicts
    )
    verdicts = reporting.observe_verdicts(
        scene=scene, verdicts=verdicts, entries=entries, removals=removals.now
    )
    overdue = reporting.overdue(scene=scene, entries=entries, removals=removals)
    found = findings.findings(
        scene=scene, removals=removals, stuck=stuck, overdue=overdue, verdicts=verdicts
    )
    resend = scene.ledger.in_flight is not None and scene.ledger.in_flight.failed
    differs = desired is not None and not same_entries(desired, view.ranges)
    listed = desired if desired is not None else tuple(scene.current.spelling)
    return Plan(
        desired=desired,
        write=desired is not None and (differs or resend) and not findings.unwritable(scene),
        made_at=world.now,
        additions=additions,
        removals=tuple(change for change in removals.now if change not in stuck),
        exclusive_removals=_exclusive_removals(scene=scene, wants=wants),
        held_removals=(*removals.waiting, *removals.held, *stuck),
        overdue=overdue,
        verdicts=verdicts,
        held=reporting.held(scene=scene, entries=entries),
        entries=entries,
        report=reporting.entry_report(
            scene=scene, wants=wants, verdicts=verdicts, removals=removals
        ),
        findings=found,
        restores=scene.restores,
        acknowledgement=removals.acknowledgement or findings.lost_code(scene),
        next_transition=reporting.next_transition(scene=scene, verdicts=verdicts, entries=entries),
        entries_used=len(listed),
        entry_limit=view.entry_limit,
    )


def _verdicts(scene: Scene) -> dict[GrantUid, Verdict]:
    world, target = scene.world, scene.world.target
    if target is None:
        return {}
    judged = {
        uid: judge(
            grant=grant,
            target=target,
            sets=world.sets,
            namespaces=world.namespaces,
            activations=world.activations,
            now=world.now,
        )
        for uid, grant in world.grants.items()
        if matches(grant=grant, target=target)
    }
    if target.deleting is not None:
        return judged
    judged = {uid: _structural(scene=scene, verdict=verdict) for uid, verdict in judged.items()}
    programmed = _programmed(scene=scene, verdicts=judged)
    limited = admission.limit_grants(
        verdicts=judged.values(), policy=target.policy, programmed=programmed
    )
    if scene.observed:
        return {
            uid: replace(verdict, admitted=verdict.state is AccessState.LIVE)
            for uid, verdict in limited.items()
        }
    kept = scene.foreign if scene.keeps_foreign else ()
    return admission.admit(
        verdicts=limited,
        fixed={*scene.platform.entries, *kept},
        limit=scene.view.entry_limit,
        max_entries_per_namespace=target.policy.max_entries_per_namespace,
        programmed=programmed,
    )


def _programmed(*, scene: Scene, verdicts: Mapping[GrantUid, Verdict]) -> set[GrantUid]:
    entries = scene.ledger.entries
    return {
        uid
        for uid, verdict in verdicts.items()
        if verdict.ranges
        and all(
            (entry := entries.get(str(item))) is not None and uid in entry.owners
            for item in verdict.ranges
        )
    }


def _structural(*, scene: Scene, verdict: Verdict) -> Verdict:
    """Refuse a live grant that this cluster cannot let in, or whose end could not be written."""
    if verdict.state is not AccessState.LIVE:
        return verdict
    remembered = scene.ledger.refused.get(verdict.grant.uid)
    if scene.unsupported:
        refusal = Refusal(reason=GrantReason.UNSUPPORTED_CLUSTER, rule=Rule.AZURE)
    elif scene.open:
        refusal = Refusal(reason=GrantReason.CLUSTER_UNRESTRICTED, rule=Rule.UNRESTRICTED)
    elif remembered is not None and remembered.generation == verdict.grant.generation:
        refusal = Refusal(
            reason=GrantReason.RANGE_REFUSED,
            rule=Rule.AZURE,
            field="spec.ipRanges",
            value=", ".join(map(str, verdict.ranges[:5])),
            limit=remembered.message,
        )
    elif not _revocable(scene):
        refusal = Refusal(
            reason=GrantReason.NOT_REVOCABLE,
            rule=Rule.NOT_REVOCABLE,
            value=scene.view.outbound_type,
        )
    else:
        return verdict
    return admission.refused(verdict, refusal)


def _revocable(scene: Scene) -> bool:
    kept = scene.foreign if scene.keeps_foreign else ()
    return bool(scene.platform.entries) or bool(kept) or sentinel_allowed(scene.view)


def _removals(*, scene: Scene, wants: Wanted, verdicts: Mapping[GrantUid, Verdict]) -> RemovalPlan:
    world = scene.world
    changes: list[Change] = []
    held: list[Change] = []
    for entry in scene.base.spelling:
        if entry in wants.owners or entry == SENTINEL:
            continue
        owned = scene.ledger.entries.get(entry)
        if owned is not None:
            change = removal_of(entry=owned, world=world, verdicts=verdicts)
        elif scene.mode is Mode.EXCLUSIVE and not scene.lost and world.target is not None:
            if world.target.deleting is not None or world.removals is not Removals.ALL:
                continue
            change = Change(entry=entry, cause=Cause.EXCLUSIVE)
        else:
            continue
        blocked = change.cause in NEEDS_EGRESS and not scene.platform.egress_known
        if blocked or not permitted(change=change, removals=world.removals):
            held.append(change)
        else:
            changes.append(change)
    ours = sum(
        1
        for entry in scene.base.spelling
        if (owned := scene.ledger.entries.get(entry)) is not None
        and owned.state is not EntryState.WITHDRAWN
    )
    waiting = guarded(changes=changes, ours=ours)
    code = ""
    if waiting:
        code = acknowledgement_code(
            case="MassRemovalHeld",
            sequence=scene.ledger.sequence,
            cluster=scene.ledger.key,
            entries=[change.entry for change in waiting],
        )
        if world.target is not None and world.target.acknowledge == code:
            waiting, code = (), ""
    return RemovalPlan(
        now=tuple(change for change in changes if change not in waiting),
        waiting=waiting,
        held=tuple(held),
        acknowledgement=code,
    )


def _additions(*, scene: Scene, wants: Wanted) -> tuple[Change, ...]:
    if scene.open or not (scene.additions_allowed or scene.restores):
        return ()
    if scene.world.target is not None and scene.world.target.deleting is not None:
        return ()
    changes = []
    for entry, owners in sorted(wants.owners.items(), key=lambda item: _sort_key(item[0])):
        if entry in scene.current or (not scene.additions_allowed and entry not in scene.base):
            continue
        changes.append(
            Change(entry=entry, cause=_addition_cause(scene, entry, owners), owners=owners)
        )
    return tuple(changes)


def _sort_key(entry: str) -> tuple[int, int, str]:
    value = parsed(entry)
    return (value.network, value.prefix, "") if value is not None else (1 << 32, 0, entry)


def _addition_cause(scene: Scene, entry: str, owners: tuple[str, ...]) -> Cause:
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


def _desired(
    *, scene: Scene, removals: RemovalPlan, additions: tuple[Change, ...]
) -> tuple[tuple[str, ...] | None, tuple[Change, ...]]:
    """The list to write (None = leave it) and the removals that the list's emptiness forbids."""
    target = scene.world.target
    suspended = target is not None and target.suspend
    if scene.observed or scene.open or scene.unsupported or suspended:
        return None, ()
    if scene.world.removals is Removals.NONE:
        return None, ()
    gone = {change.entry for change in removals.now}
    kept = [
        spelling
        for entry, spelling in scene.base.spelling.items()
        if entry not in gone and entry != SENTINEL
    ]
    added = [change.entry for change in additions if change.entry not in scene.base]
    if kept or added:
        return (*kept, *added), ()
    if sentinel_allowed(scene.view):
        return (SENTINEL,), ()
    last = max(
        removals.now,
        key=lambda change: (_prefix(change.entry), _sort_key(change.entry)),
        default=None,
    )
    if last is None:
        return None, ()
    return (scene.base.spelling[last.entry],), (last,)


def _prefix(entry: str) -> int:
    value = parsed(entry)
    return value.prefix if value is not None else -1


def _exclusive_removals(*, scene: Scene, wants: Wanted) -> tuple[str, ...]:
    if not scene.observed:
        return ()
    return tuple(entry for entry in scene.foreign if entry not in wants.owners)
