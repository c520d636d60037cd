"""From the targets' reports to `ApiAccessGrant.status`. Pure.

The worst target speaks in `Ready`; what stands in Azure speaks in `Programmed` and IN-AZURE.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aks_access.api.duration import format_duration
from aks_access.api.grant import TARGETS_LIMIT, GrantStatus, GrantSummary, TargetState
from aks_access.api.reasons import ConditionType, GrantReason
from aks_access.api.timestamps import format_minute
from aks_access.engine.conditions import Wanted, conditions, history
from aks_access.engine.reports import GrantReport
from aks_access.plan.access import postponed
from aks_access.plan.model import Grant
from aks_access.plan.outcome import AccessState

READY = frozenset(
    {
        GrantReason.ACTIVE,
        GrantReason.SCHEDULED,
        GrantReason.OBSERVED,
        GrantReason.SUSPENDED,
        GrantReason.EXPIRED,
        GrantReason.REVOKED,
    }
)
PASSING = frozenset({GrantReason.PROGRESSING, GrantReason.PACED, GrantReason.REVOCATION_PENDING})
"""Reasons that pass by themselves."""
UNRESOLVED = frozenset({GrantReason.TARGET_NOT_FOUND, GrantReason.RANGE_SET_NOT_RESOLVED})
REFUSING = frozenset(
    {
        GrantReason.INVALID_SPEC,
        GrantReason.TARGET_NOT_FOUND,
        GrantReason.NAMESPACE_NOT_ALLOWED,
        GrantReason.POLICY_DENIED,
        GrantReason.CAPACITY_EXCEEDED,
        GrantReason.RANGE_SET_NOT_RESOLVED,
        GrantReason.RANGE_REFUSED,
        GrantReason.CLUSTER_UNRESTRICTED,
        GrantReason.UNSUPPORTED_CLUSTER,
        GrantReason.NODE_EGRESS_UNKNOWN,
        GrantReason.NOT_REVOCABLE,
    }
)
_ORDER = (
    (GrantReason.REVOCATION_OVERDUE,),
    (GrantReason.REVOCATION_PENDING,),
    tuple(REFUSING),
    (GrantReason.TARGET_BLOCKED,),
    (GrantReason.PACED,),
    (GrantReason.PROGRESSING,),
    (GrantReason.EXPIRED, GrantReason.REVOKED, GrantReason.SCHEDULED),
    (GrantReason.ACTIVE,),
    (GrantReason.SUSPENDED,),
    (GrantReason.OBSERVED,),
)
_RANK = {reason: rank for rank, group in enumerate(_ORDER) for reason in group}
RANGES_NAMED = 3


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What a grant's status is made from.

    Attributes:
        reports: one per matching target; one without a target where none matches.
        activated: first activation of a `duration` grant, UTC.
        held: a ledger holds entries for it, perhaps one of a target that it no longer names.
    """

    grant: Grant
    reports: Sequence[GrantReport]
    activated: datetime | None
    held: bool = False


def worst(reports: Sequence[GrantReport]) -> GrantReport:
    """The report that speaks for the grant."""
    return min(reports, key=lambda report: (_RANK.get(report.reason, 2), report.target))


def grant_status(*, facts: GrantFacts, now: datetime) -> dict[str, object]:
    """The status to write, as JSON."""
    grant, main = facts.grant, worst(facts.reports)
    previous = GrantStatus.lenient(grant.status)
    ordered = sorted(facts.reports, key=lambda r: (_RANK.get(r.reason, 2), r.target))
    listed = [report for report in ordered if report.target]
    evaluated = grant.evaluated[1] if grant.evaluated else None
    if grant.evaluated is None or grant.evaluated[0] != grant.generation:
        evaluated = now.replace(microsecond=0)
    status = GrantStatus(
        observed_generation=grant.generation,
        conditions=conditions(
            previous=previous.conditions,
            wanted=_conditions(facts=facts, main=main),
            generation=grant.generation,
            now=now,
        ),
        history=history(
            previous=previous.history, reason=main.reason.value, message=main.message, now=now
        ),
        last_handled_reconcile_at=grant.requested_at or None,
        summary=_summary(facts=facts, main=main),
        targets=tuple(
            TargetState(
                name=report.target,
                reason=report.reason.value,
                message=report.message,
                in_azure=report.in_azure,
            )
            for report in listed[:TARGETS_LIMIT]
        ),
        targets_omitted=max(0, len(listed) - TARGETS_LIMIT),
        activated_at=facts.activated,
        period_start=_period_start(facts, now=now),
        evaluated_at=evaluated,
        closed_at=_closed(facts),
        starts_at=_starts(facts, now=now) if _dated(facts) else None,
        expires_at=_ends(facts) if _dated(facts) else None,
    )
    return status.to_json()


def _dated(facts: GrantFacts) -> bool:
    """Whether start and end are fixed; an unactivated duration's would tick with the clock."""
    grant = facts.grant
    if grant.duration is not None:
        ended = any(report.state is AccessState.EXPIRED for report in facts.reports)
        return facts.activated is not None or ended
    return any(report.state is not None for report in facts.reports)


def _starts(facts: GrantFacts, *, now: datetime) -> datetime | None:
    """The start that is fixed; None before the first admission, where it would tick."""
    if facts.activated is not None:
        return facts.activated
    begun = _period_start(facts, now=now)
    if begun is None or postponed(grant=facts.grant, now=now):
        return facts.grant.not_before
    return begun


def _ends(facts: GrantFacts) -> datetime | None:
    return max(
        (report.ends for report in facts.reports if report.ends is not None),
        default=facts.grant.expires_at,
    )


def _period_start(facts: GrantFacts, *, now: datetime) -> datetime | None:
    """Start of the current period: set at the first admission, gone with its end."""
    states = {report.state for report in facts.reports}
    if AccessState.EXPIRED in states or _interrupted(facts, now=now):
        return None
    if facts.grant.started is not None:
        return facts.grant.started
    admitted = [
        report.starts
        for report in facts.reports
        if report.admitted and not report.observed and report.starts is not None
    ]
    return min(admitted).replace(microsecond=0) if admitted else None


def _interrupted(facts: GrantFacts, *, now: datetime) -> bool:
    """Whether a later `notBefore` ended the period: nothing of it stands anywhere any more.

    While something does, the access goes on; else an edit that no write follows would be enough to
    begin anew. A `duration` never does.
    """
    reports = facts.reports
    gone = all(report.state is not None and not report.held for report in reports)
    ended = gone and not facts.held and facts.grant.duration is None
    return ended and postponed(grant=facts.grant, now=now)


def _closed(facts: GrantFacts) -> datetime | None:
    ended = [
        report.ends
        for report in facts.reports
        if report.state is AccessState.EXPIRED and report.ends is not None
    ]
    known = [facts.grant.closed] if facts.grant.closed is not None else []
    return max([*ended, *known], default=None)


def _conditions(*, facts: GrantFacts, main: GrantReport) -> list[Wanted]:
    ready = main.reason in READY
    refused = next((r for r in facts.reports if r.reason in REFUSING), None)
    unresolved = next((r for r in facts.reports if r.reason in UNRESOLVED), None)
    wanted = [Wanted(ConditionType.READY, ready, main.reason, main.message)]
    if not ready:
        transient = main.reason in PASSING or (
            main.reason is GrantReason.TARGET_BLOCKED and main.retries
        )
        kind = ConditionType.RECONCILING if transient else ConditionType.STALLED
        wanted.append(Wanted(kind, True, main.reason, main.message))
    if refused is None:
        wanted.append(
            Wanted(
                ConditionType.ACCEPTED,
                True,
                GrantReason.ACCEPTED,
                "Every target's policy accepts the grant.",
            )
        )
    else:
        wanted.append(Wanted(ConditionType.ACCEPTED, False, refused.reason, refused.message))
    if unresolved is None:
        wanted.append(
            Wanted(
                ConditionType.RESOLVED_REFS,
                True,
                GrantReason.RESOLVED_REFS,
                "Every target and range set that the grant names is there.",
            )
        )
    else:
        wanted.append(
            Wanted(ConditionType.RESOLVED_REFS, False, unresolved.reason, unresolved.message)
        )
    wanted.append(_programmed(facts))
    return wanted


def _programmed(facts: GrantFacts) -> Wanted:
    managed = [report for report in facts.reports if report.target and not report.observed]
    if managed and all(report.in_azure for report in managed):
        return Wanted(
            ConditionType.PROGRAMMED,
            True,
            GrantReason.PROGRAMMED,
            "The ranges were read back from Azure on every target.",
        )
    return Wanted(
        ConditionType.PROGRAMMED,
        False,
        GrantReason.NOT_PROGRAMMED,
        "The ranges are not in Azure on every target; see Ready.",
    )


def _summary(*, facts: GrantFacts, main: GrantReport) -> GrantSummary:
    grant = facts.grant
    targets = [report for report in facts.reports if report.target]
    match targets:
        case []:
            target = grant.target_name or "0 targets"
        case [only]:
            target = only.target
        case _:
            target = f"{len(targets)} targets"
    ends = _ends(facts)
    if grant.duration is not None and facts.activated is None:
        expires = f"{format_duration(grant.duration)} after start"
    else:
        expires = format_minute(ends) if ends is not None else "never"
    return GrantSummary(
        state=main.reason.value,
        target=target,
        in_azure=f"{sum(report.in_azure for report in targets)}/{len(targets)}",
        expires=expires,
        ranges=_ranges(facts),
    )


def _ranges(facts: GrantFacts) -> str:
    ranges = max((report.ranges for report in facts.reports), key=len, default=())
    ranges = ranges or tuple(map(str, facts.grant.ranges))
    more = len(ranges) - RANGES_NAMED
    return ",".join(ranges[:RANGES_NAMED]) + (f" +{more}" if more > 0 else "")
