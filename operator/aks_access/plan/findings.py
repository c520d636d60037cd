"""What the target's status must say, the worst first.

Only what the plan itself shows; that ARM could not be reached, or that another operation runs on
the way, is the engine's to add.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan import admission, search
from aks_access.plan.adoption import lost_code
from aks_access.plan.broad import broad
from aks_access.plan.cluster import RUNNING
from aks_access.plan.egress import sentinel_allowed
from aks_access.plan.ledger import SearchPhase
from aks_access.plan.model import Cause, GrantUid
from aks_access.plan.outcome import Change, Finding, Origin, Verdict
from aks_access.plan.scene import RemovalPlan, Scene
from aks_access.plan.severity import SEVERITY
from aks_access.plan.wording import instant, listed
from aks_access.plan.world import Removals


def findings(
    *,
    scene: Scene,
    removals: RemovalPlan,
    stuck: tuple[Change, ...],
    overdue: tuple[tuple[str, datetime], ...],
    verdicts: Mapping[GrantUid, Verdict],
    contested: tuple[Change, ...] = (),
    writes: bool,
) -> tuple[Finding, ...]:
    """Everything worth a condition, the worst first; `writes`: there is a list to be written."""
    found = [
        *_overdue(scene=scene, overdue=overdue, stuck=stuck),
        *_ledger(scene),
        *_waiting(removals),
        *_cluster(scene),
        *_refused(scene),
        *_conflict(scene=scene, contested=contested),
        *_open(scene, writes=writes),
        *_egress(removals=removals, scene=scene),
        *_limits(stuck=stuck or removals.anchors, scene=scene, verdicts=verdicts),
        *_intent(scene),
        *_broad(scene=scene, removals=removals),
    ]
    return tuple(sorted(found, key=lambda finding: SEVERITY[finding.reason]))


def _broad(*, scene: Scene, removals: RemovalPlan) -> Iterator[Finding]:
    gone = {change.entry for change in removals.now}
    wide = [entry for entry in scene.current.spelling if entry not in gone and broad(entry)]
    if wide:
        ours = [entry for entry in wide if entry in scene.platform.entries]
        going = [entry for entry in wide if entry not in ours and entry in scene.ledger.entries]
        known = {*ours, *going}
        others = [scene.current.spelling[entry] for entry in wide if entry not in known]
        yield Finding(
            reason=TargetReason.BROAD_ENTRY,
            details={
                "entries": listed(others),
                "platform": listed(ours),
                "going": listed(going),
                "count": str(len(wide)),
            },
        )


def unwritable(scene: Scene) -> bool:
    """Whether AKS would refuse any write just now, revocations included."""
    return not scene.view.settled or scene.view.power_state != RUNNING


def _overdue(
    *, scene: Scene, overdue: tuple[tuple[str, datetime], ...], stuck: tuple[Change, ...]
) -> Iterator[Finding]:
    if overdue:
        entry, due = min(overdue, key=lambda item: item[1])
        yield Finding(
            reason=TargetReason.REVOCATION_OVERDUE,
            details={
                "entry": entry,
                "due": instant(due),
                "why": _why(scene=scene, entry=entry, stuck=stuck),
                "count": str(len(overdue)),
            },
        )


def _why(*, scene: Scene, entry: str, stuck: tuple[Change, ...]) -> str:
    """What keeps a removal from being made, as far as the plan shows it."""
    target = scene.world.target
    if any(change.entry == entry for change in stuck):
        return "an empty list would open the cluster"
    if scene.observed:
        return "mode Observe"
    if target is not None and target.suspend:
        return "suspended"
    if scene.view.power_state != RUNNING:
        return f"cluster {scene.view.power_state}"
    return "" if scene.view.settled else f"cluster {scene.view.provisioning_state}"


def _ledger(scene: Scene) -> Iterator[Finding]:
    if scene.lost:
        yield Finding(
            reason=TargetReason.LEDGER_LOST,
            details={
                "problem": scene.lost,
                "code": "" if scene.newer else lost_code(scene.ledger),
            },
            blocks=True,
        )


def _waiting(removals: RemovalPlan) -> Iterator[Finding]:
    if removals.waiting:
        yield Finding(
            reason=TargetReason.MASS_REMOVAL_HELD,
            details={
                "count": str(len(removals.waiting)),
                "causes": ", ".join(sorted({change.cause for change in removals.waiting})),
                "code": removals.acknowledgement,
            },
        )


def _cluster(scene: Scene) -> Iterator[Finding]:
    view = scene.view
    if scene.unsupported:
        yield Finding(
            reason=TargetReason.UNSUPPORTED_CLUSTER,
            details={"kind": scene.unsupported, "cluster": view.resource_id},
            blocks=True,
        )
    if view.power_state != RUNNING:
        yield Finding(
            reason=TargetReason.CLUSTER_STOPPED, details={"power": view.power_state}, blocks=True
        )
    if not view.settled:
        yield Finding(reason=TargetReason.CLUSTER_BUSY, details={"state": view.provisioning_state})
    elif scene.failed_by_others:
        yield Finding(
            reason=TargetReason.CLUSTER_FAILED,
            details={"state": view.provisioning_state},
            blocks=True,
        )


def _refused(scene: Scene) -> Iterator[Finding]:
    found, target = scene.ledger.search, scene.world.target
    idle = scene.observed or (target is not None and target.suspend)
    if found is None or idle:
        return
    following = search.next_try(ledger=scene.ledger, now=scene.world.now)
    named = search.named(message=found.message, entries=scene.current.spelling)
    yield Finding(
        reason=TargetReason.WRITE_REFUSED,
        details={
            "phase": found.phase.value,
            "said": found.message,
            "entries": listed(found.stood if found.phase is SearchPhase.OWN else named),
            "foreign": "yes" if any(entry in scene.foreign for entry in named) else "",
            "grants": str(len(found.suspects)),
            "next": instant(following) if following is not None else "",
        },
        blocks=True,
    )


def _conflict(*, scene: Scene, contested: tuple[Change, ...]) -> Iterator[Finding]:
    standing, target = scene.standing, scene.world.target
    idle = scene.observed or (target is not None and target.suspend)
    if standing.conflict is None or idle:
        return
    again = standing.again if contested else None
    yield Finding(
        reason=TargetReason.CONFLICTING_OWNER,
        details={
            "entries": listed(tuple(change.entry for change in contested) or standing.entries),
            "again": instant(again) if again is not None else "",
        },
    )


def _open(scene: Scene, *, writes: bool) -> Iterator[Finding]:
    left_open = scene.open or (scene.restores and not writes)
    if scene.observed or scene.unsupported or not left_open:
        return
    target = scene.world.target
    if scene.ledger.verified is not None:
        yield Finding(
            reason=TargetReason.CLUSTER_UNRESTRICTED,
            details={"cleared": _until(scene), "outbound": scene.view.outbound_type},
            blocks=True,
        )
    elif target is not None and target.restrict_unrestricted and not scene.platform.egress_known:
        yield Finding(
            reason=TargetReason.NODE_EGRESS_UNKNOWN,
            details={"outbound": scene.view.outbound_type},
            blocks=True,
        )
    else:
        opted_in = target is not None and target.restrict_unrestricted
        origins = scene.platform.entries.values()
        ready = opted_in and any(o in (Origin.BASELINE, Origin.MANAGEMENT) for o in origins)
        yield Finding(
            reason=TargetReason.CLUSTER_UNRESTRICTED,
            details={"opted_in": "yes" if opted_in else "", "ready": "yes" if ready else ""},
            blocks=True,
        )


def _until(scene: Scene) -> str:
    """What keeps a list that was cleared from going back."""
    target = scene.world.target
    if target is None:
        return "target"
    if target.suspend:
        return "suspend"
    if target.problems:
        return "spec"
    if scene.world.removals is not Removals.ALL:
        return "view"
    if target.deleting is not None:
        return "leaving"
    return "unsendable" if sentinel_allowed(scene.view) else "nothing"


def _egress(*, removals: RemovalPlan, scene: Scene) -> Iterator[Finding]:
    platform = scene.platform
    causes = (Cause.BASELINE, Cause.EXCLUSIVE, Cause.EGRESS)
    if not platform.egress_known and any(change.cause in causes for change in removals.held):
        yield Finding(
            reason=TargetReason.NODE_EGRESS_UNKNOWN,
            details={"outbound": scene.view.outbound_type},
        )
    if platform.unresolved:
        yield Finding(
            reason=TargetReason.RANGE_SET_NOT_RESOLVED,
            details={"sets": ", ".join(platform.unresolved)},
        )


def _limits(
    *, stuck: tuple[Change, ...], scene: Scene, verdicts: Mapping[GrantUid, Verdict]
) -> Iterator[Finding]:
    reasons = {refusal.reason for verdict in verdicts.values() for refusal in verdict.refusals}
    if stuck or GrantReason.NOT_REVOCABLE in reasons:
        yield Finding(
            reason=TargetReason.NOT_REVOCABLE, details={"outbound": scene.view.outbound_type}
        )
    if GrantReason.CAPACITY_EXCEEDED in reasons or scene.platform.omitted:
        yield Finding(
            reason=TargetReason.CAPACITY_EXCEEDED,
            details={
                "limit": str(scene.view.entry_limit),
                "grants": "yes" if GrantReason.CAPACITY_EXCEEDED in reasons else "",
                "platform": listed(scene.platform.omitted),
                "next": admission.next_to_free(verdicts.values()),
            },
        )


def _intent(scene: Scene) -> Iterator[Finding]:
    if scene.world.target is not None and scene.world.target.suspend:
        yield Finding(reason=TargetReason.SUSPENDED)
    if scene.observed:
        yield Finding(reason=TargetReason.OBSERVING)
