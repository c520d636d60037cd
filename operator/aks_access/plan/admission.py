"""Who gets in where not everybody fits: limits per namespace, and the list's own limit.

All or nothing per grant, in an order that never depends on arrival: what is programmed already
first, then the oldest, then by uid, so that a newcomer never pushes anybody out. Nor does growth: a
grant that asks for more than it holds (a range set may have grown by somebody else's edit) keeps
what stands where the rest does not fit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from aks_access.api.reasons import GrantReason
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
    held: Mapping[GrantUid, frozenset[str]] = MappingProxyType({}),
) -> dict[GrantUid, Verdict]:
    """The verdicts with `admitted` set, or refused where the list or a namespace's share is full.

    `fixed` holds the canonical entries that are in the list whatever the grants say; `held`, of
    grants that are not programmed, those that they hold and still ask for.
    """
    room = _Room(used=set(fixed), limit=limit, share=max_entries_per_namespace)
    ranked = sorted(verdicts.values(), key=lambda v: seniority(verdict=v, programmed=programmed))
    live = [verdict for verdict in ranked if verdict.state is AccessState.LIVE]
    result = dict(verdicts)
    keeping: dict[GrantUid, frozenset[str]] = {}
    for verdict in sorted(live, key=lambda v: (v.grant.created, v.grant.uid)):
        uid = verdict.grant.uid
        stands = _asked(verdict) if uid in programmed else held.get(uid, frozenset())
        if stands and room.take(verdict=verdict, entries=stands) is None:
            keeping[uid] = stands
    for verdict in live:
        uid = verdict.grant.uid
        refusal = room.take(verdict=verdict, entries=_asked(verdict))
        if refusal is None:
            result[uid] = replace(verdict, admitted=True)
        else:
            kept = keeping.get(uid, frozenset())
            result[uid] = replace(refused(verdict, refusal), keeps=kept)
    return _hinted(result)


def _asked(verdict: Verdict) -> frozenset[str]:
    return frozenset(map(cidr, verdict.ranges))


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


@dataclass(slots=True)
class _Room:
    """What is taken of the list, and of each namespace's share (None = no share)."""

    used: set[str]
    limit: int
    share: int | None
    own: dict[str, set[str]] = field(default_factory=dict)

    def take(self, *, verdict: Verdict, entries: Set[str]) -> Refusal | None:
        """Take room for the entries, or say why there is none."""
        own = self.own.setdefault(verdict.grant.namespace, set())
        if self.share is not None and len(own | entries) > self.share:
            return Refusal(
                reason=GrantReason.POLICY_DENIED,
                rule=Rule.MAX_ENTRIES,
                field="spec.ipRanges",
                value=str(len(own | entries)),
                limit=str(self.share),
            )
        more = len(entries - self.used)
        if len(self.used) + more > self.limit:
            return Refusal(
                reason=GrantReason.CAPACITY_EXCEEDED,
                rule=Rule.CAPACITY,
                field="spec.ipRanges",
                value=f"{len(self.used)}/{self.limit} used, {more} more needed",
                limit=str(self.limit),
            )
        self.used |= entries
        own |= entries
        return None


def refused(verdict: Verdict, refusal: Refusal) -> Verdict:
    """The verdict, refused for this reason as well."""
    return replace(
        verdict,
        state=AccessState.REFUSED,
        refusals=(*verdict.refusals, refusal),
        admitted=False,
    )
