"""Why an address gets in to a cluster, or does not: by the list as read, and by the grants.

Pure. What a grant's status says of the target is the operator's own word and is passed on. Where
the status has none (an edit not seen yet, the 21st target), `unreported` says what it will be.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aks_access.api.ranges import IPv4Range
from aks_access.api.reasons import GrantReason
from aks_access.cli.reports.entries import Holder
from aks_access.cli.reports.facts import Facts
from aks_access.cli.reports.glimpse import Glimpse
from aks_access.cli.reports.seen import Gate, SeenGrant, SeenTarget
from aks_access.plan.listing import SENTINEL, parsed

if TYPE_CHECKING:
    from aks_access.plan.model import RangeSet


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
    grants: Iterable[Glimpse], *, wanted: IPv4Range, sets: "Mapping[str, RangeSet]"
) -> Iterator[Glimpse]:
    """The grants that may ask for some of a range."""
    through = {
        name for name, each in sets.items() if any(item.overlaps(wanted) for item in each.ranges)
    }
    for grant in grants:
        if any(
            (value := parsed(text)) is not None and value.overlaps(wanted) for text in grant.ranges
        ) or not through.isdisjoint(grant.range_sets):
            yield grant


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
    from aks_access.cli.reports import unreported  # slow to import, and for few grants

    found = unreported.judged(seen, target=target, wanted=wanted, facts=facts)
    return None if found is None else Cause(seen.path, *found)
