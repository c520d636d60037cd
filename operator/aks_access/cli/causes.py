"""Why an address gets in to a cluster, or does not: by the list as read, and by the grants.

Pure. What a grant's status says of the target is the operator's own word and is passed on. Where
the status has none (an edit not seen yet, the 21st target), the grant is judged as the operator
will judge it: by `plan.access.judge`, and said with `plan.sentences`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from aks_access.api.names import ARGO_DEFAULT_INSTANCE_LABEL
from aks_access.api.ranges import IPv4Range
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.cli.entries import Holder
from aks_access.cli.seen import Gate, SeenGrant, SeenTarget
from aks_access.plan import holders
from aks_access.plan.access import ended, expand, judge, matches
from aks_access.plan.listing import SENTINEL, parsed
from aks_access.plan.model import Grant, Namespace, RangeSet, Target, activation_key
from aks_access.plan.outcome import AccessState, Refusal, Rule, Verdict
from aks_access.plan.sentences import refusals_sentence, verdict_sentence
from aks_access.projection import project_grant

NOT_SEEN: Final = "NotSeen"
"""The reason of a grant whose last edit the operator has not reported on."""


class Verdicts(StrEnum):
    """Whether an address gets in."""

    ALLOWED = "ALLOWED"
    PARTLY = "PARTLY"  # some addresses of a network
    BLOCKED = "BLOCKED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Answer:
    """One target's answer.

    Attributes:
        by: the entries that hold the address, or parts of it, each with its owner.
        why: a sentence where no entry says it.
    """

    verdict: Verdicts
    by: tuple[Holder, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """A grant that asks for the address and is not what lets it in: how it stands, and why."""

    grant: str
    reason: str
    message: str


@dataclass(frozen=True)
class Facts:
    """What grants are looked at with; namespaces are read only where one has to be judged.

    Attributes:
        namespaces: all by name; None where they may not be read.
    """

    sets: Mapping[str, RangeSet]
    namespaces: Callable[[], Mapping[str, Namespace] | None]
    now: datetime

    @cached_property
    def _namespaces(self) -> Mapping[str, Namespace] | None:
        return self.namespaces()

    def judged(self, grant: Grant, *, target: SeenTarget) -> Verdict | None:
        """The verdict of the grant alone; None where too little is known for one."""
        activated = {} if grant.activated is None else {activation_key(grant): grant.activated}
        barrier = _barrier(target)
        if barrier is not None and ended(grant=grant, activations=activated, now=self.now) is None:
            return Verdict(grant=grant, state=AccessState.REFUSED, refusals=(barrier,))
        if target.projected.problems or self._namespaces is None:
            return None
        return judge(
            grant=grant,
            target=target.projected,
            sets=self.sets,
            namespaces=self._namespaces,
            activations=activated,
            now=self.now,
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


def answer(
    target: SeenTarget, *, wanted: IPv4Range, holders: Iterable[Holder], unknown: int
) -> Answer:
    """What the list says about a range; `holders` are its entries, `unknown` how many it lacks."""
    match target.gate:
        case Gate.OPEN:
            return Answer(Verdicts.ALLOWED, why="anyone can reach it: no list is set")
        case Gate.PRIVATE:
            return Answer(Verdicts.UNKNOWN, why="its network decides: lists do not apply to it")
        case Gate.UNKNOWN:
            return Answer(Verdicts.UNKNOWN, why="its list was never read")
        case Gate.LIST:
            return _by_list(wanted=wanted, holders=tuple(holders), unknown=unknown)


def _by_list(*, wanted: IPv4Range, holders: tuple[Holder, ...], unknown: int) -> Answer:
    entries = list(dict.fromkeys(each.range for each in holders if each.range != SENTINEL))
    whole, part = covering(entries, wanted=wanted)
    if whole:
        return Answer(Verdicts.ALLOWED, by=_held_by(holders, whole))
    if _size(part) == wanted.size:
        return Answer(Verdicts.ALLOWED, by=_held_by(holders, part))
    tags = [entry for entry in entries if parsed(entry) is None]
    if unknown or tags:
        what = f"{unknown} more entries" if unknown else ", ".join(tags)
        return Answer(
            Verdicts.UNKNOWN,
            by=_held_by(holders, part),
            why=f"no entry that is known covers it, and what {what} hold is not known here",
        )
    if part:
        why = f"{_size(part)} of its {wanted.size} addresses get in"
        return Answer(Verdicts.PARTLY, by=_held_by(holders, part), why=why)
    return Answer(Verdicts.BLOCKED, why="no entry covers it")


def covering(entries: Iterable[str], *, wanted: IPv4Range) -> tuple[list[str], list[str]]:
    """Of a list's entries those that hold all of a range, and those that hold a part of it."""
    whole, part = [], []
    for entry in entries:
        value = parsed(entry)
        if value is None:
            continue
        if value.contains(wanted):
            whole.append(entry)
        elif wanted.contains(value):
            part.append(entry)
    return whole, part


def _held_by(holders: tuple[Holder, ...], entries: Iterable[str]) -> tuple[Holder, ...]:
    kept = frozenset(entries)
    return tuple(each for each in holders if each.range in kept)


def _size(entries: Iterable[str]) -> int:
    """How many addresses the entries hold together; one may lie within another."""
    size, last = 0, -1
    for value in sorted(each for entry in entries if (each := parsed(entry)) is not None):
        if value.last > last:
            size += value.last - max(value.first, last + 1) + 1
            last = value.last
    return size


def asking(
    raws: Iterable[Mapping[str, Any]], *, wanted: IPv4Range, sets: Mapping[str, RangeSet]
) -> Iterator[Mapping[str, Any]]:
    """The grants that may ask for some of a range: reading ten thousand whole takes seconds."""
    through = {
        name for name, each in sets.items() if any(item.overlaps(wanted) for item in each.ranges)
    }
    for raw in raws:
        spec = raw.get("spec")
        if not isinstance(spec, Mapping):
            continue
        if any(
            isinstance(text, str) and (value := parsed(text)) is not None and value.overlaps(wanted)
            for text in _items(spec.get("ipRanges"))
        ) or any(
            isinstance(ref, Mapping) and ref.get("name") in through
            for ref in _items(spec.get("rangeSetRefs"))
        ):
            yield raw


def refers(raw: Mapping[str, Any]) -> bool:
    """Whether the grant asks through range sets."""
    spec = raw.get("spec")
    return isinstance(spec, Mapping) and "rangeSetRefs" in spec


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def causes(
    target: SeenTarget,
    *,
    wanted: IPv4Range,
    grants: Iterable[SeenGrant],
    facts: Facts,
    found: Answer,
) -> list[Cause]:
    """The grants that ask this target for some of the range and are not what lets it in.

    `grants` are those that `asking` found: ten thousand may be.
    """
    inside = {each.grant for each in found.by}
    result = []
    for seen in grants:
        if seen.path in inside:
            continue
        cause = _cause(seen, target=target, wanted=wanted, facts=facts)
        allowed = found.verdict is Verdicts.ALLOWED
        if cause is not None and not (allowed and cause.reason == GrantReason.ACTIVE):
            result.append(cause)
    return sorted(result, key=lambda each: (_settled(each), each.grant))


def _settled(cause: Cause) -> bool:
    """Whether it is over: what can still become access comes first."""
    return cause.reason in (GrantReason.EXPIRED, GrantReason.REVOKED)


def _cause(seen: SeenGrant, *, target: SeenTarget, wanted: IPv4Range, facts: Facts) -> Cause | None:
    """How the grant stands on the target; None where it is not for it."""
    state = next((each for each in seen.status.targets if each.name == target.name), None)
    if seen.current and state is not None:
        return Cause(seen.path, state.reason, state.message)
    if seen.current and not seen.status.targets_omitted:
        return None
    grant = project_grant(seen.raw, argo_instance_label=ARGO_DEFAULT_INSTANCE_LABEL)
    ranges, _, _ = expand(grant=grant, sets=facts.sets)
    asks = any(item.overlaps(wanted) for item in ranges)
    if not asks or not matches(grant=grant, target=target.projected):
        return None
    return _judged(seen, grant=grant, target=target, facts=facts)


def _judged(seen: SeenGrant, *, grant: Grant, target: SeenTarget, facts: Facts) -> Cause:
    """What the operator will say, or has said where its report has no room for it."""
    verdict = facts.judged(grant, target=target)
    said = _sentence(verdict, target=target.projected) if verdict is not None else ""
    if verdict is None or not seen.current:
        message = f"The operator has not reported on it yet. {said}".rstrip()
        return Cause(grant.path, NOT_SEEN, message)
    reason = verdict.refusals[0].reason if verdict.refusals else _REASONS[verdict.state]
    return Cause(grant.path, reason.value, said)


_REASONS: Final[Mapping[AccessState, GrantReason]] = {
    AccessState.LIVE: GrantReason.PROGRESSING,
    AccessState.SCHEDULED: GrantReason.SCHEDULED,
    AccessState.EXPIRED: GrantReason.EXPIRED,
    AccessState.REVOKED: GrantReason.REVOKED,
    AccessState.DELETED: GrantReason.REVOCATION_PENDING,
    AccessState.REFUSED: GrantReason.POLICY_DENIED,
}


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
