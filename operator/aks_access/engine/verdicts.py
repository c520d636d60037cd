"""From a plan to what is told to each grant: its reason, its sentence, and the facts behind it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aks_access.api.modes import Mode
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.engine.reports import GrantReport, TargetReport
from aks_access.plan import sentences
from aks_access.plan.model import ClusterKey, Grant, GrantUid, Target
from aks_access.plan.outcome import AccessState, Plan, Verdict

_STATE_REASONS = {
    AccessState.EXPIRED: GrantReason.EXPIRED,
    AccessState.REVOKED: GrantReason.REVOKED,
    AccessState.DELETED: GrantReason.REVOKED,
    AccessState.SCHEDULED: GrantReason.SCHEDULED,
}


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why a target lets nobody in at the moment, and whether that passes by itself."""

    reason: TargetReason
    message: str
    retries: bool


def target_report(
    *,
    key: ClusterKey,
    target: Target | None,
    plan: Plan,
    blocker: Blocker | None,
    planned_at: float,
    prepare: frozenset[GrantUid] = frozenset(),
    known: bool = True,
) -> TargetReport:
    """The report of one cluster's reconciliation; `blocker` is what keeps additions away."""
    overdue_entries = {entry for entry, _ in plan.overdue}
    overdue = frozenset(uid for uid, entries in plan.held.items() if overdue_entries & set(entries))
    if target is None:
        return TargetReport(
            key=key,
            target="",
            held=plan.held,
            overdue=overdue,
            planned_at=planned_at,
            known=known,
        )
    return TargetReport(
        key=key,
        target=target.name,
        grants={
            uid: _grant_report(
                verdict=verdict,
                target=target,
                plan=plan,
                overdue=uid in overdue,
                blocker=blocker,
            )
            for uid, verdict in plan.verdicts.items()
        },
        held=plan.held,
        prepare=prepare,
        overdue=overdue,
        planned_at=planned_at,
        known=known,
    )


def _grant_report(
    *,
    verdict: Verdict,
    target: Target,
    plan: Plan,
    overdue: bool,
    blocker: Blocker | None,
) -> GrantReport:
    held = plan.held.get(verdict.grant.uid, ())
    late = min((due for entry, due in plan.overdue if entry in held), default=None)
    waits = tuple(c.entry for c in plan.contested if verdict.grant.uid in c.owners)
    if verdict.state is AccessState.LIVE and waits and plan.standing.again is not None:
        again = sentences.instant(plan.standing.again)
        reason = GrantReason.TARGET_BLOCKED
        message = sentences.contested_sentence(entries=waits, again=again, target=target.name)
    else:
        reason, message = _words(
            verdict=verdict, target=target, held=held, late=late, blocker=blocker
        )
    asks = verdict.state is AccessState.LIVE or bool(verdict.keeps) or _blocked(verdict)
    return GrantReport(
        target=target.name,
        generation=verdict.grant.generation,
        state=verdict.state,
        reason=reason,
        message=message,
        observed=_observed(target),
        admitted=verdict.let_in,
        in_azure=verdict.present and verdict.admitted if asks else bool(held),
        held=bool(held),
        retries=blocker is not None and blocker.retries,
        starts=verdict.starts,
        ends=verdict.ends,
        ranges=tuple(map(str, verdict.ranges)),
    )


def _observed(target: Target) -> bool:
    """Whether the target asks to be looked at only; the mode of an unusable spec is no mode."""
    return target.mode is Mode.OBSERVE and not target.problems


def _words(
    *,
    verdict: Verdict,
    target: Target,
    held: tuple[str, ...],
    late: datetime | None,
    blocker: Blocker | None,
) -> tuple[GrantReason, str]:
    left = tuple(entry for entry in held if entry not in verdict.keeps)
    if verdict.state is not AccessState.LIVE and left:
        if late is not None:
            return GrantReason.REVOCATION_OVERDUE, sentences.overdue_sentence(
                entries=held, due=sentences.instant(late), target=target.name
            )
        if not _blocked(verdict):
            return GrantReason.REVOCATION_PENDING, sentences.pending_sentence(
                verdict=verdict, target=target.name
            )
    if verdict.state is AccessState.REFUSED:
        said = sentences.refusals_sentence(
            verdict=verdict,
            target=target.name,
            contact=target.policy.contact,
            cluster=target.resource_id,
        )
        return verdict.refusals[0].reason, said + sentences.left_words(left)
    reason = _reason(verdict=verdict, target=target, blocker=blocker)
    if reason is GrantReason.TARGET_BLOCKED and blocker is not None:
        return reason, sentences.blocked_sentence(
            target=target.name, reason=blocker.reason, message=blocker.message
        )
    if reason is GrantReason.PACED and verdict.paced is not None:
        return reason, sentences.paced_sentence(paced=verdict.paced, target=target.name)
    return reason, sentences.verdict_sentence(
        verdict=verdict,
        target=target.name,
        observed=_observed(target),
        suspended=target.suspend,
    )


def _blocked(verdict: Verdict) -> bool:
    """Whether only the target's own spec refuses it; nothing that it holds is taken out then."""
    return any(refusal.reason is GrantReason.TARGET_BLOCKED for refusal in verdict.refusals)


def _reason(*, verdict: Verdict, target: Target, blocker: Blocker | None) -> GrantReason:
    if verdict.state is not AccessState.LIVE:
        return _STATE_REASONS[verdict.state]
    if _observed(target):
        return GrantReason.OBSERVED
    if verdict.present and verdict.admitted:
        return GrantReason.ACTIVE
    if target.suspend:
        return GrantReason.SUSPENDED
    if blocker is not None:
        return GrantReason.TARGET_BLOCKED
    return GrantReason.PROGRESSING if verdict.paced is None else GrantReason.PACED


def blocked_report(
    *,
    key: ClusterKey,
    target: Target,
    grants: Iterable[Grant],
    blocker: Blocker,
    planned_at: float,
    known: bool = True,
) -> TargetReport:
    """The report of a target that could not judge its grants (never read, or a duplicate).

    `known` False: nobody can tell what its ledger holds for them.
    """
    message = sentences.blocked_sentence(
        target=target.name, reason=blocker.reason, message=blocker.message
    )
    return TargetReport(
        key=key,
        target=target.name,
        grants={
            grant.uid: GrantReport(
                target=target.name,
                generation=grant.generation,
                reason=GrantReason.TARGET_BLOCKED,
                message=message,
                retries=blocker.retries,
            )
            for grant in grants
        },
        planned_at=planned_at,
        known=known,
    )
