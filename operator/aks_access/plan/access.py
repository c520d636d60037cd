"""What one grant asks of one target at one moment, judged by the target's policy.

Pure: the caller gives the time and everything known. Capacity and the cluster's own state come
later, in `planner`; here a grant is judged as if it were alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aks_access.api.duration import format_duration
from aks_access.api.ranges import MIN_GRANT_PREFIX, IPv4Range
from aks_access.api.reasons import GrantReason
from aks_access.plan.model import (
    Grant,
    Namespace,
    Policy,
    RangeSet,
    Target,
    activation_key,
)
from aks_access.plan.outcome import AccessState, Refusal, Rule, Verdict
from aks_access.plan.wording import instant, listed

NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Period:
    """The current period of a grant, UTC; `ends` None = permanent."""

    starts: datetime
    ends: datetime | None
    needs_activation: bool = False


def matches(*, grant: Grant, target: Target) -> bool:
    """Whether the grant names the target, by name or by label."""
    if grant.selector is not None:
        return grant.selector.matches(target.labels)
    return grant.target_name == target.name


def period(*, grant: Grant, activations: Mapping[str, datetime], now: datetime) -> Period:
    """When the grant's current period starts and ends.

    It starts at the later of `notBefore` and the first admission; before that, at the first
    evaluation of this generation, so that a grant refused as too long stays refused until it is
    edited. Once it has begun no `notBefore` of the past moves its start, or who edits that again
    and again would never end; one in the future closes the access, and begins another period once
    nothing of it stands (then `started` is forgotten). A start that lies in a period already closed
    belongs to that one: a later end opens a new period. A `duration` counts from its recorded
    activation.
    """
    if grant.duration is not None:
        return _counted(
            grant=grant,
            duration=grant.duration,
            activated=activations.get(activation_key(grant)),
            now=now,
        )
    return Period(starts=_begins(grant=grant, now=now), ends=grant.expires_at)


def postponed(*, grant: Grant, now: datetime) -> bool:
    """Whether the grant's `notBefore` is still to come."""
    return grant.not_before is not None and grant.not_before > now


def _begins(*, grant: Grant, now: datetime) -> datetime:
    begun = grant.started
    if begun is not None and grant.closed is not None and begun <= grant.closed:
        begun = None
    if begun is not None and not postponed(grant=grant, now=now):
        return begun
    seen = now
    if grant.evaluated is not None and grant.evaluated[0] == grant.generation:
        seen = grant.evaluated[1]
    return max(seen, grant.not_before) if grant.not_before is not None else seen


def _counted(
    *, grant: Grant, duration: timedelta, activated: datetime | None, now: datetime
) -> Period:
    """A period that counts from activation; a lost record never starts it over (I10)."""
    begun = activated or grant.started
    if begun is not None:
        return Period(starts=begun, ends=begun + duration)
    if grant.closed is not None:
        return Period(starts=grant.closed, ends=grant.closed)
    first = now if grant.not_before is None else max(now, grant.not_before)
    return Period(starts=first, ends=first + duration, needs_activation=True)


def over(*, grant: Grant, ends: datetime | None, now: datetime) -> bool:
    """Whether the period has ended; one that was closed stays so when the clock steps back."""
    if ends is None:
        return False
    return ends <= now or (grant.closed is not None and ends <= grant.closed)


def ended(
    *, grant: Grant, activations: Mapping[str, datetime], now: datetime
) -> AccessState | None:
    """Whether the grant itself ends its access, whatever the target says: expired or revoked."""
    if grant.problems:
        return None
    span = period(grant=grant, activations=activations, now=now)
    if over(grant=grant, ends=span.ends, now=now):
        return AccessState.EXPIRED
    return AccessState.REVOKED if grant.revoked else None


def judge(
    *,
    grant: Grant,
    target: Target,
    sets: Mapping[str, RangeSet],
    namespaces: Mapping[str, Namespace],
    activations: Mapping[str, datetime],
    now: datetime,
) -> Verdict:
    """The grant's state on this target, with every rule that it breaks."""
    if grant.deleting is not None:
        return Verdict(grant=grant, state=AccessState.DELETED)
    if grant.problems:
        refusals = tuple(
            Refusal(
                reason=GrantReason.INVALID_SPEC,
                rule=Rule.SPEC,
                field=problem.path,
                value=problem.value,
                limit=problem.message,
            )
            for problem in grant.problems
        )
        return Verdict(grant=grant, state=AccessState.REFUSED, refusals=refusals)
    span = period(grant=grant, activations=activations, now=now)
    ranges, via_sets, missing = expand(grant=grant, sets=sets)
    verdict = Verdict(
        grant=grant,
        state=AccessState.LIVE,
        ranges=ranges,
        via_sets=via_sets,
        starts=span.starts,
        ends=span.ends,
        needs_activation=span.needs_activation,
    )
    if over(grant=grant, ends=span.ends, now=now):
        return replace(verdict, state=AccessState.EXPIRED)
    if grant.revoked:
        return replace(verdict, state=AccessState.REVOKED)
    refusals = (
        *_unresolved(grant=grant, ranges=ranges, missing=missing),
        *_namespace(grant=grant, target=target, namespaces=namespaces),
        *_policy(verdict=verdict, policy=target.policy),
    )
    if refusals:
        return replace(verdict, state=AccessState.REFUSED, refusals=refusals)
    if postponed(grant=grant, now=now):
        return replace(verdict, state=AccessState.SCHEDULED)
    return verdict


def expand(
    *, grant: Grant, sets: Mapping[str, RangeSet]
) -> tuple[tuple[IPv4Range, ...], dict[IPv4Range, tuple[str, ...]], tuple[str, ...]]:
    """The grant's ranges with its sets' beside them; ranges that come only through sets; missing.

    Returns (sorted ranges without duplicates, range to names of the sets that brought it, names of
    sets that do not resolve).
    """
    own = set(grant.ranges)
    via: dict[IPv4Range, tuple[str, ...]] = {}
    missing: list[str] = []
    for name in dict.fromkeys(grant.range_sets):
        found = sets.get(name)
        if found is None or not found.usable:
            missing.append(name)
            continue
        for item in found.ranges:
            if item not in own:
                via[item] = (*via.get(item, ()), name)
    return tuple(sorted(own | via.keys())), via, tuple(missing)


def _unresolved(
    *, grant: Grant, ranges: tuple[IPv4Range, ...], missing: tuple[str, ...]
) -> Iterator[Refusal]:
    if not ranges and not grant.range_sets:
        yield Refusal(
            reason=GrantReason.INVALID_SPEC,
            rule=Rule.SPEC,
            field="spec.ipRanges",
            limit="no range is asked for; name one here or in rangeSetRefs",
        )
    for name in missing or (grant.range_sets if not ranges else ()):
        yield Refusal(
            reason=GrantReason.RANGE_SET_NOT_RESOLVED,
            rule=Rule.RANGE_SET,
            field="spec.rangeSetRefs",
            value=name,
        )


def _namespace(
    *, grant: Grant, target: Target, namespaces: Mapping[str, Namespace]
) -> Iterator[Refusal]:
    if not namespace_allowed(
        namespace=grant.namespace, policy=target.policy, namespaces=namespaces
    ):
        yield Refusal(
            reason=GrantReason.NAMESPACE_NOT_ALLOWED,
            rule=Rule.NAMESPACE,
            field="metadata.namespace",
            value=grant.namespace,
        )


def namespace_allowed(
    *, namespace: str, policy: Policy, namespaces: Mapping[str, Namespace]
) -> bool:
    """Whether grants of this namespace may ask for the target at all."""
    if policy.all_namespaces:
        return True
    known = namespaces.get(namespace)
    labels = {**(known.labels if known else {}), NAMESPACE_NAME_LABEL: namespace}
    return policy.namespaces.matches(labels)


def _policy(*, verdict: Verdict, policy: Policy) -> Iterator[Refusal]:
    yield from _ranges(verdict=verdict, policy=policy)
    yield from _length(verdict=verdict, policy=policy)
    grant = verdict.grant
    for required, value, rule, field in (
        (policy.require_reason, grant.reason, Rule.REASON, "spec.reason"),
        (policy.require_ticket, grant.ticket, Rule.TICKET, "spec.ticketRef"),
        (policy.require_requested_by, grant.requested_by, Rule.REQUESTED_BY, "spec.requestedBy"),
    ):
        if required and not value.strip():
            yield Refusal(reason=GrantReason.POLICY_DENIED, rule=rule, field=field)


def _ranges(*, verdict: Verdict, policy: Policy) -> Iterator[Refusal]:
    for item in verdict.ranges:
        for rule, limit in _broken(item=item, policy=policy):
            through_set = item in verdict.via_sets
            yield Refusal(
                reason=GrantReason.POLICY_DENIED,
                rule=rule,
                field="spec.rangeSetRefs" if through_set else "spec.ipRanges",
                value=str(item),
                limit=limit,
            )


def _broken(*, item: IPv4Range, policy: Policy) -> Iterator[tuple[Rule, str]]:
    widest = max(policy.min_prefix_length, MIN_GRANT_PREFIX)
    if item.prefix < widest:
        yield Rule.MIN_PREFIX, f"/{widest}"
    if policy.allowed_ranges and not any(a.contains(item) for a in policy.allowed_ranges):
        yield Rule.ALLOWED_RANGES, listed(tuple(map(str, policy.allowed_ranges)))
    hit = next((d for d in policy.denied_ranges if d.overlaps(item)), None)
    if hit is not None:
        yield Rule.DENIED_RANGES, str(hit)


def _length(*, verdict: Verdict, policy: Policy) -> Iterator[Refusal]:
    grant = verdict.grant
    if verdict.ends is None:
        if not policy.allow_permanent:
            yield Refusal(
                reason=GrantReason.POLICY_DENIED, rule=Rule.PERMANENT, field="spec.expiresAt"
            )
        return
    if policy.max_duration is None or verdict.starts is None:
        return
    length = grant.duration or verdict.ends - verdict.starts
    if length > policy.max_duration:
        yield Refusal(
            reason=GrantReason.POLICY_DENIED,
            rule=Rule.MAX_DURATION,
            field="spec.duration" if grant.duration is not None else "spec.expiresAt",
            value=(
                format_duration(grant.duration)
                if grant.duration is not None
                else instant(verdict.ends)
            ),
            limit=format_duration(policy.max_duration),
        )
