"""Who gets in where not everybody fits: limits per namespace, and the list's own limit.

All or nothing per grant, in an order that never depends on arrival: what is programmed already
first, then the oldest, then by uid, so that a newcomer never pushes anybody out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from datetime import datetime

from aks_access.api.conditions import GrantReason
from aks_access.plan.listing import cidr
from aks_access.plan.model import GrantUid, Policy
from aks_access.plan.outcome import AccessState, Refusal, Rule, Verdict
from aks_access.plan.wording import instant


def seniority(*, verdict: Verdict, programmed: Set[GrantUid]) -> tuple[bool, datetime, str]:
    """The sort key: programmed first, then oldest, then uid."""
    grant = verdict.grant
    return (grant.uid not in programmed, grant.created, grant.uid)


def limit_grants(
    *, verdicts: Iterable[Verdict], policy: Policy, programmed: Set[GrantUid]
) -> dict[GrantUid, Verdict]:
    """The verdicts, those beyond `maxGrantsPerNamespace` refused; live and scheduled ones count."""
    limit = policy.max_grants_per_namespace
    if limit is None:
        return {verdict.grant.uid: verdict for verdict in verdicts}
    counted: Counter[str] = Counter()
    result: dict[GrantUid, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda v: seniority(verdict=v, programmed=programmed)):
        outcome = verdict
        if verdict.state in (AccessState.LIVE, AccessState.SCHEDULED):
            counted[verdict.grant.namespace] += 1
            if counted[verdict.grant.namespace] > limit:
                outcome = refused(
                    verdict,
                    Refusal(
                        reason=GrantReason.POLICY_DENIED,
                        rule=Rule.MAX_GRANTS,
                        field="metadata.namespace",
                        value=verdict.grant.namespace,
                        limit=str(limit),
                    ),
                )
        result[outcome.grant.uid] = outcome
    return result


def admit(
    *,
    verdicts: Mapping[GrantUid, Verdict],
    fixed: Set[str],
    limit: int,
    max_entries_per_namespace: int | None,
    programmed: Set[GrantUid],
) -> dict[GrantUid, Verdict]:
    """The verdicts with `admitted` set, or refused where the list or a namespace's share is full.

    `fixed` holds the canonical entries that are in the list whatever the grants say.
    """
    used = set(fixed)
    share: dict[str, set[str]] = {}
    result: dict[GrantUid, Verdict] = {}
    for verdict in sorted(
        verdicts.values(), key=lambda v: seniority(verdict=v, programmed=programmed)
    ):
        outcome = verdict
        if verdict.state is AccessState.LIVE:
            asked = set(map(cidr, verdict.ranges))
            own = share.setdefault(verdict.grant.namespace, set())
            refusal = _full(
                asked=asked, used=used, limit=limit, own=own, share=max_entries_per_namespace
            )
            if refusal is None:
                used |= asked
                own |= asked
                outcome = replace(verdict, admitted=True)
            else:
                outcome = refused(verdict, refusal)
        result[outcome.grant.uid] = outcome
    return _hinted(result)


def next_to_free(verdicts: Iterable[Verdict]) -> str:
    """Whose end gives room next, and when: `namespace/name, instant`; "" where nobody ends."""
    ends = [
        (verdict.ends, verdict.grant.path)
        for verdict in verdicts
        if verdict.admitted and verdict.ends is not None and not verdict.needs_activation
    ]
    if not ends:
        return ""
    when, path = min(ends)
    return f"{path}, {instant(when)}"


def _hinted(verdicts: dict[GrantUid, Verdict]) -> dict[GrantUid, Verdict]:
    hint = next_to_free(verdicts.values())
    return {
        uid: replace(
            verdict,
            refusals=tuple(
                replace(refusal, hint=hint) if refusal.rule is Rule.CAPACITY else refusal
                for refusal in verdict.refusals
            ),
        )
        if verdict.refusals
        else verdict
        for uid, verdict in verdicts.items()
    }


def _full(
    *, asked: set[str], used: set[str], limit: int, own: set[str], share: int | None
) -> Refusal | None:
    if share is not None and len(own | asked) > share:
        return Refusal(
            reason=GrantReason.POLICY_DENIED,
            rule=Rule.MAX_ENTRIES,
            field="spec.ipRanges",
            value=str(len(own | asked)),
            limit=str(share),
        )
    more = len(asked - used)
    if len(used) + more > limit:
        return Refusal(
            reason=GrantReason.CAPACITY_EXCEEDED,
            rule=Rule.CAPACITY,
            field="spec.ipRanges",
            value=f"{len(used)}/{limit} used, {more} more needed",
            limit=str(limit),
        )
    return None


def refused(verdict: Verdict, refusal: Refusal) -> Verdict:
    """The verdict, refused for this reason as well."""
    return replace(
        verdict,
        state=AccessState.REFUSED,
        refusals=(*verdict.refusals, refusal),
        admitted=False,
    )
