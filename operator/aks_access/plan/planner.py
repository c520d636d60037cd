"""The plan of one cluster: pure and total.

From the world, the cluster as read and its ledger to the whole list that should stand, each
change with its cause, each grant's verdict, and what waits for whom. No I/O, no clock; the same
input gives the same plan, in whatever order the grants came.
"""

from dataclasses import replace

from aks_access.plan import (
    composition,
    conflict,
    findings,
    judging,
    live_entries,
    pacing,
    reporting,
)
from aks_access.plan.adoption import Adoption, lost_code
from aks_access.plan.clearing import removals as plan_removals
from aks_access.plan.cluster import ClusterView
from aks_access.plan.composition import Wanted
from aks_access.plan.desired import additions as plan_additions
from aks_access.plan.desired import desired as plan_desired
from aks_access.plan.desired import untouched
from aks_access.plan.listing import SENTINEL, canonical
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import Change, Plan, Verdict
from aks_access.plan.scene import RemovalPlan, Scene, set_scene
from aks_access.plan.world import World


def plan(*, world: World, view: ClusterView, adoption: Adoption) -> Plan:
    """The plan; see `Plan`."""
    scene, verdicts, wants, removals = _decide(set_scene(world=world, view=view, adoption=adoption))
    added = plan_additions(scene=scene, wants=wants, verdicts=verdicts)
    scene = _with_standing(scene=scene, added=added, removals=removals)
    contested = (
        () if untouched(scene) else conflict.contested(standing=scene.standing, additions=added)
    )
    added = tuple(change for change in added if change not in contested)
    listed, added, stuck = plan_desired(scene=scene, removals=removals, added=added)
    entries = reporting.ledger_entries(scene=scene, wants=wants, removals=removals)
    verdicts = reporting.observe_verdicts(
        scene=scene, verdicts=verdicts, entries=entries, removals=removals.now
    )
    overdue = reporting.overdue(scene=scene, entries=entries, removals=removals)
    taken = tuple(change for change in removals.now if change not in stuck)
    return Plan(
        desired=listed,
        write=_write_due(scene=scene, desired=listed),
        made_at=world.now,
        additions=added,
        removals=taken,
        exclusive_removals=_exclusive_removals(scene=scene, wants=wants),
        held_removals=(*removals.waiting, *removals.held, *stuck),
        overdue=overdue,
        verdicts=verdicts,
        held=reporting.held(scene=scene, entries=entries),
        entries=entries,
        report=live_entries.entry_report(scene=scene, wants=wants, verdicts=verdicts),
        findings=findings.findings(
            scene=scene,
            removals=removals,
            stuck=stuck,
            overdue=overdue,
            verdicts=verdicts,
            contested=contested,
            writes=listed is not None,
        ),
        restores=scene.restores,
        unreturned=scene.unreturned,
        contested=contested,
        undoes=conflict.undoes(ledger=scene.ledger, additions=added, removals=taken),
        standing=scene.standing,
        added_for=pacing.charged(scene=scene, changes=added, verdicts=verdicts),
        removed_for=pacing.ended(scene=scene, changes=removals.now),
        acknowledgement=removals.acknowledgement or _lost_code(scene),
        next_transition=reporting.next_transition(scene=scene, verdicts=verdicts, entries=entries),
        entries_used=len(listed) if listed is not None else len(scene.current.spelling),
        entry_limit=view.entry_limit,
    )


def _decide(whole: Scene) -> tuple[Scene, dict[GrantUid, Verdict], Wanted, RemovalPlan]:
    """The scene with the platform that fits, verdicts, what is wanted, and what goes.

    What nobody wants and cannot go yet takes room: where there is such, all is decided again
    around it, or the list would be too long to be written at all.
    """
    occupied = frozenset(whole.kept_foreign)
    while True:
        scene = whole.fitted(occupied)
        verdicts = judging.verdicts(scene=scene, occupied=occupied)
        wants = composition.wanted(
            platform=scene.platform,
            verdicts=verdicts,
            ledger=scene.ledger,
            present=scene.current,
            unready=scene.world.unready,
        )
        removals = plan_removals(scene=scene, wants=wants, verdicts=verdicts)
        gone = {change.entry for change in removals.now}
        left = scene.base.spelling.keys() - wants.owners.keys() - gone - {SENTINEL}
        if left <= occupied:
            verdicts, wants = _paced(scene=scene, wants=wants, verdicts=verdicts)
            return scene, verdicts, wants, removals
        occupied |= left


def _paced(
    *, scene: Scene, wants: Wanted, verdicts: dict[GrantUid, Verdict]
) -> tuple[dict[GrantUid, Verdict], Wanted]:
    """The verdicts and wishes with what waits for a token; such a grant keeps what it holds."""
    held = pacing.held_back(scene=scene, wants=wants, verdicts=verdicts)
    if not held:
        return verdicts, wants
    wants = composition.wanted(
        platform=scene.platform,
        verdicts=verdicts,
        ledger=scene.ledger,
        unready=scene.world.unready | held.keys(),
        present=scene.current,
    )
    paced = {uid: replace(verdicts[uid], paced=wait) for uid, wait in held.items()}
    return {**verdicts, **paced}, wants


def _with_standing(*, scene: Scene, added: tuple[Change, ...], removals: RemovalPlan) -> Scene:
    """The scene with what is known of another writer, this look included."""
    target, ledger = scene.world.target, scene.ledger
    undone = conflict.undoes(ledger=ledger, additions=added, removals=removals.now)
    return replace(
        scene,
        standing=conflict.standing(
            ledger=ledger,
            now=scene.world.now,
            asked=target.requested_at if target is not None else "",
            pending=bool(undone) and not untouched(scene),
        ),
    )


def _write_due(*, scene: Scene, desired: tuple[str, ...] | None) -> bool:
    if desired is None or findings.unwritable(scene):
        return False
    flight = scene.ledger.in_flight
    if scene.world.probe or scene.view.ranges is None or (flight is not None and flight.failed):
        return True
    return set(map(canonical, desired)) != scene.current.spelling.keys()


def _lost_code(scene: Scene) -> str:
    return lost_code(scene.ledger) if scene.lost and not scene.newer else ""


def _exclusive_removals(*, scene: Scene, wants: Wanted) -> tuple[str, ...]:
    if not scene.observed:
        return ()
    return tuple(entry for entry in scene.foreign if entry not in wants.owners)
