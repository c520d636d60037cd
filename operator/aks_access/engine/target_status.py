"""From a plan and its notes to `ApiAccessTarget.status`.

Pure. What stands here is what `kubectl get aat` shows: no time that ticks, no id that changes, so
that a steady state writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aks_access.api.conditions import Condition
from aks_access.api.reasons import ConditionType, TargetReason
from aks_access.api.target_status import (
    ENTRIES_LIMIT,
    ENTRY_GRANTS_LIMIT,
    PLAN_LIMIT,
    ClusterFacts,
    LiveEntry,
    PlanPreview,
    TargetStatus,
    TargetSummary,
)
from aks_access.api.timestamps import format_minute
from aks_access.engine.conditions import Wanted, conditions, history
from aks_access.engine.notes import CONTENT, Note
from aks_access.plan.broad import broad
from aks_access.plan.cluster import ClusterView
from aks_access.plan.model import Grant, GrantUid, Target
from aks_access.plan.outcome import AccessState, EntryReport, Origin, Plan

IN_SYNC = frozenset({TargetReason.IN_SYNC, TargetReason.BROAD_ENTRY})

LIVE_STATES = frozenset({AccessState.LIVE, AccessState.SCHEDULED})


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What a target's status is made from; `plan` and `view` None = the cluster was never read."""

    target: Target
    notes: Sequence[Note]
    plan: Plan | None
    view: ClusterView | None
    sequence: int | None
    grants: Mapping[GrantUid, Grant]


def target_status(*, facts: TargetFacts, now: datetime) -> dict[str, object]:
    """The status to write, as JSON."""
    target, plan = facts.target, facts.plan
    previous = _previous(target)
    main = facts.notes[0]
    status = TargetStatus(
        observed_generation=target.generation,
        conditions=_conditions(facts=facts, previous=previous.conditions, now=now),
        history=history(
            previous=previous.history, reason=main.reason.value, message=main.message, now=now
        ),
        last_handled_reconcile_at=target.requested_at or None,
        summary=_summary(facts),
        cluster=_cluster(facts.view),
        entries=_entries(facts),
        entries_omitted=max(0, len(plan.report) - ENTRIES_LIMIT) if plan else 0,
        entries_used=len(facts.view.ranges or ()) if facts.view else None,
        entries_limit=facts.view.entry_limit if facts.view else None,
        plan=_preview(plan),
        ledger_sequence=facts.sequence,
    )
    return status.to_json()


def _previous(target: Target) -> TargetStatus:
    return TargetStatus.lenient(target.status)


def _conditions(
    *, facts: TargetFacts, previous: Sequence[Condition], now: datetime
) -> tuple[Condition, ...]:
    main = facts.notes[0]
    content = main.reason in CONTENT
    spec_ok = main.reason not in (TargetReason.INVALID_SPEC, TargetReason.DUPLICATE_TARGET)
    unresolved = next(
        (n for n in facts.notes if n.reason is TargetReason.RANGE_SET_NOT_RESOLVED), None
    )
    wanted = [
        Wanted(ConditionType.READY, content, main.reason, main.message),
        Wanted(ConditionType.ACCEPTED, spec_ok, TargetReason.ACCEPTED, "The spec is accepted.")
        if spec_ok
        else Wanted(ConditionType.ACCEPTED, False, main.reason, main.message),
        Wanted(
            ConditionType.RESOLVED_REFS,
            True,
            TargetReason.RESOLVED_REFS,
            "Every range set that the baseline names resolves.",
        )
        if unresolved is None
        else Wanted(ConditionType.RESOLVED_REFS, False, unresolved.reason, unresolved.message),
        _programmed(facts),
    ]
    if not content:
        kind = ConditionType.RECONCILING if main.transient else ConditionType.STALLED
        wanted.append(Wanted(kind, True, main.reason, main.message))
    return conditions(previous=previous, wanted=wanted, generation=facts.target.generation, now=now)


def _programmed(facts: TargetFacts) -> Wanted:
    plan = facts.plan
    in_sync = (
        plan is not None
        and plan.desired is not None
        and not plan.write
        and facts.notes[0].reason in IN_SYNC
    )
    if in_sync:
        return Wanted(
            ConditionType.PROGRAMMED,
            True,
            TargetReason.PROGRAMMED,
            "The list in Azure was read back as planned.",
        )
    return Wanted(
        ConditionType.PROGRAMMED,
        False,
        TargetReason.NOT_PROGRAMMED,
        "The list in Azure is not, or not known to be, as planned; see Ready.",
    )


def _summary(facts: TargetFacts) -> TargetSummary:
    plan, view = facts.plan, facts.view
    state = facts.notes[0].reason.value
    if plan is None or view is None:
        return TargetSummary(state=state, entries="", difference="", next_transition="")
    entries = "open" if view.ranges is None else f"{len(view.ranges)}/{view.entry_limit}"
    return TargetSummary(
        state=state,
        entries=entries,
        grants=sum(verdict.state is AccessState.LIVE for verdict in plan.verdicts.values()),
        foreign=sum(entry.origin in (Origin.FOREIGN, Origin.UNATTRIBUTED) for entry in plan.report),
        difference=_difference(plan),
        next_transition=_next_end(plan),
    )


def _difference(plan: Plan) -> str:
    removed = len(plan.removals) + len(plan.held_removals)
    parts = [f"+{len(plan.additions)}" if plan.additions else "", f"-{removed}" if removed else ""]
    return " ".join(part for part in parts if part) or "0"


def _next_end(plan: Plan) -> str:
    moments = [
        moment
        for verdict in plan.verdicts.values()
        if verdict.state in LIVE_STATES
        for moment in (
            verdict.ends,
            verdict.starts if verdict.state is AccessState.SCHEDULED else None,
        )
        if moment is not None and moment > plan.made_at and not verdict.needs_activation
    ]
    return format_minute(min(moments)) if moments else ""


def _cluster(view: ClusterView | None) -> ClusterFacts | None:
    if view is None:
        return None
    ineffective = tuple(entry for entry in view.ranges or () if broad(entry))
    return ClusterFacts(
        provisioning_state=view.provisioning_state,
        power_state=view.power_state,
        fqdn=view.fqdn or None,
        resource_uid=view.resource_uid,
        private=view.private,
        vnet_integration=view.vnet_integration,
        outbound_type=view.outbound_type,
        disable_run_command=view.disable_run_command,
        restricted=view.ranges is not None,
        ineffective_entries=ineffective[:20],
    )


def _entries(facts: TargetFacts) -> tuple[LiveEntry, ...]:
    if facts.plan is None:
        return ()
    return tuple(
        _entry(entry=entry, grants=facts.grants) for entry in facts.plan.report[:ENTRIES_LIMIT]
    )


def _entry(*, entry: EntryReport, grants: Mapping[GrantUid, Grant]) -> LiveEntry:
    names = sorted(grants[uid].path for uid in entry.grants if uid in grants)
    return LiveEntry(
        range=entry.entry,
        origin=entry.origin.value,
        grants=tuple(names[:ENTRY_GRANTS_LIMIT]),
        grants_omitted=max(0, len(names) - ENTRY_GRANTS_LIMIT),
        until=entry.until,
    )


def _preview(plan: Plan | None) -> PlanPreview | None:
    if plan is None:
        return None
    add = tuple(change.entry for change in plan.additions)
    remove = tuple(
        dict.fromkeys(
            [
                *(change.entry for change in (*plan.removals, *plan.held_removals)),
                *plan.exclusive_removals,
            ]
        )
    )
    if not add and not remove:
        return None
    return PlanPreview(
        add=add[:PLAN_LIMIT],
        add_omitted=max(0, len(add) - PLAN_LIMIT),
        remove=remove[:PLAN_LIMIT],
        remove_omitted=max(0, len(remove) - PLAN_LIMIT),
    )


def observing_message(*, plan: Plan) -> str:
    """What Merge would do, and what Exclusive would remove besides."""
    merge = _difference(plan)
    said = (
        "Observing: Merge would change nothing"
        if merge == "0"
        else f"Observing: Merge would change the list by {merge}"
    )
    extra = plan.exclusive_removals
    if not extra:
        return f"{said}. Set mode to act."
    named = ", ".join(extra[:5]) + (f" and {len(extra) - 5} more" if len(extra) > 5 else "")
    return f"{said}; Exclusive would also remove {named}. Set mode to act."
