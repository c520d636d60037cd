"""How a grant stands on a target of which its report says nothing: as the operator will judge it.

Judged by `plan.access.judge`, and said with `plan.sentences`.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from aks_access.api.names import ARGO_DEFAULT_INSTANCE_LABEL
from aks_access.api.ranges import IPv4Range
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.cli.reports.facts import Facts
from aks_access.cli.reports.seen import SeenGrant, SeenTarget
from aks_access.plan import holders
from aks_access.plan.access import ended, expand, judge, matches
from aks_access.plan.model import Grant, Target, activation_key
from aks_access.plan.outcome import AccessState, Refusal, Rule, Verdict
from aks_access.plan.sentences import refusals_sentence, verdict_sentence
from aks_access.projection import project_grant

NOT_SEEN: Final = "NotSeen"
"""The reason of a grant whose last edit the operator has not reported on."""

_REASONS: Final[Mapping[AccessState, GrantReason]] = {
    AccessState.LIVE: GrantReason.PROGRESSING,
    AccessState.SCHEDULED: GrantReason.SCHEDULED,
    AccessState.EXPIRED: GrantReason.EXPIRED,
    AccessState.REVOKED: GrantReason.REVOKED,
    AccessState.DELETED: GrantReason.REVOCATION_PENDING,
    AccessState.REFUSED: GrantReason.POLICY_DENIED,
}


class Judged(NamedTuple):
    """A reason, and a sentence."""

    reason: str
    message: str


def judged(
    seen: SeenGrant, *, target: SeenTarget, wanted: IPv4Range, facts: Facts
) -> Judged | None:
    """What the operator will say, or has said where its report has no room for it.

    None where the grant is not for the target, or asks for none of the range.
    """
    grant = project_grant(seen.raw, argo_instance_label=ARGO_DEFAULT_INSTANCE_LABEL)
    ranges, _, _ = expand(grant=grant, sets=facts.sets)
    asks = any(item.overlaps(wanted) for item in ranges)
    if not asks or not matches(grant=grant, target=target.projected):
        return None
    verdict = _verdict(grant, target=target, facts=facts)
    said = _sentence(verdict, target=target.projected) if verdict is not None else ""
    if verdict is None or not seen.current:
        return Judged(NOT_SEEN, f"The operator has not reported on it yet. {said}".rstrip())
    reason = verdict.refusals[0].reason if verdict.refusals else _REASONS[verdict.state]
    return Judged(reason.value, said)


def _verdict(grant: Grant, *, target: SeenTarget, facts: Facts) -> Verdict | None:
    """The verdict of the grant alone; None where too little is known for one."""
    activated = {} if grant.activated is None else {activation_key(grant): grant.activated}
    barrier = _barrier(target)
    if barrier is not None and ended(grant=grant, activations=activated, now=facts.now) is None:
        return Verdict(grant=grant, state=AccessState.REFUSED, refusals=(barrier,))
    namespaces = facts.every_namespace
    if target.projected.problems or namespaces is None:
        return None
    return judge(
        grant=grant,
        target=target.projected,
        sets=facts.sets,
        namespaces=namespaces,
        activations=activated,
        now=facts.now,
    )


def _barrier(target: SeenTarget) -> Refusal | None:
    """What a target that judges no grant tells each of them.

    Which of several targets holds a cluster the operator's report says: its ledger knows.
    """
    found = holders.barrier(target.projected, holder=None)
    if found is not None:
        return holders.blocked(target.projected, by=found)
    ready = target.ready
    if ready is None or ready.reason != TargetReason.DUPLICATE_TARGET:
        return None
    return Refusal(
        reason=GrantReason.TARGET_BLOCKED,
        rule=Rule.SPEC,
        value=str(ready.reason),
        limit=ready.message,
    )


def _sentence(verdict: Verdict, *, target: Target) -> str:
    """The operator's sentence."""
    if verdict.refusals:
        return refusals_sentence(
            verdict=verdict,
            target=target.name,
            contact=target.policy.contact,
            cluster=target.resource_id,
        )
    return verdict_sentence(verdict=verdict, target=target.name)
