"""What `status` shows: one line per target, what hangs first, and sums.

Pure but for `changes`, which is handed what it reads and waits with.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum
from typing import Any, Final

from aks_access.api.reasons import ConditionStatus, ConditionType, TargetReason
from aks_access.cli.reports.seen import Gate, SeenTarget
from aks_access.errors import AksAccessError

EVERY: Final = 5.0
"""Seconds between two looks."""

_LOUDEST: Final = (TargetReason.REVOCATION_OVERDUE, TargetReason.WRITE_FORBIDDEN)


class Health(IntEnum):
    """How a target does, the worst first."""

    HANGS = 0  # somebody has to act
    PASSES = 1  # not as wanted, and that passes by itself
    UNKNOWN = 2  # nothing, or something old, is reported
    FINE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One target.

    Attributes:
        gate: what decides who reaches it.
        entries: `14/200`, `open`, `private` or "".
        used, limit: the same as numbers; None where no list decides.
        notes: sentences; none where all is well.
    """

    name: str
    mode: str
    state: str
    health: Health
    gate: Gate
    entries: str
    used: int | None
    limit: int | None
    grants: int
    foreign: int
    difference: str
    next: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All targets.

    Attributes:
        today: the day it was made (UTC).
        failure: why the last look failed; "" = it did not. The lines are those of the one before.
    """

    lines: tuple[Line, ...]
    today: date
    failure: str = ""

    def soon(self, moment: str) -> str:
        """A time to the minute; without its date where that is today's."""
        return moment.removeprefix(f"{self.today.isoformat()}T")

    def sums(self) -> str:
        """One line."""
        if not self.lines:
            return "There are no targets."
        count = Counter(each.health for each in self.lines)
        words = {
            Health.HANGS: "to be looked after",
            Health.PASSES: "under way",
            Health.UNKNOWN: "not reported",
            Health.FINE: "as they should be",
        }
        states = ", ".join(f"{count[each]} {words[each]}" for each in Health if count[each])
        several = "s" if len(self.lines) != 1 else ""
        grants = sum(each.grants for each in self.lines)
        entries = sum(each.used or 0 for each in self.lines)
        soonest = min((each.next for each in self.lines if each.next), default="")
        following = f" Next: {self.soon(soonest)}." if soonest else ""
        return (
            f"{len(self.lines)} target{several}: {states}. {grants} live grants, {entries} "
            f"entries.{following}"
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "targets": [
                {
                    "name": each.name,
                    "mode": each.mode,
                    "state": each.state,
                    "health": each.health.name.lower(),
                    "entriesUsed": each.used,
                    "entriesLimit": each.limit,
                    "decidedBy": each.gate.value,
                    "grants": each.grants,
                    "foreign": each.foreign,
                    "difference": each.difference,
                    "next": each.next or None,
                    "notes": list(each.notes),
                }
                for each in self.lines
            ]
        }


def overview(raws: Iterable[Mapping[str, Any]], *, now: datetime) -> Overview:
    """The targets, the worst first, then by name."""
    lines = [_line(SeenTarget(_without_entries(raw)), now=now) for raw in raws]
    return Overview(tuple(sorted(lines, key=_order)), today=now.date())


def _without_entries(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The object without what is not shown, which is most of it."""
    status = raw.get("status")
    if not isinstance(status, Mapping):
        return dict(raw)
    return {**raw, "status": {key: each for key, each in status.items() if key != "entries"}}


def _order(line: Line) -> tuple[int, int, str]:
    loud = _LOUDEST.index(line.state) if line.state in _LOUDEST else len(_LOUDEST)
    return line.health, loud, line.name


def _line(target: SeenTarget, *, now: datetime) -> Line:
    status, summary = target.status, target.status.summary
    entries = summary.entries if summary is not None else ""
    listed = target.gate is Gate.LIST
    return Line(
        name=target.name,
        mode=target.mode,
        state=target.ready.reason if target.ready is not None else "",
        health=_health(target, now=now),
        gate=target.gate,
        entries="private" if target.gate is Gate.PRIVATE else entries,
        used=status.entries_used if listed else None,
        limit=status.entries_limit if listed else None,
        grants=summary.grants if summary is not None else 0,
        foreign=summary.foreign if summary is not None else 0,
        difference=summary.difference if summary is not None else "",
        next=summary.next_transition if summary is not None else "",
        notes=tuple(target.doubts(now=now)),
    )


def _health(target: SeenTarget, *, now: datetime) -> Health:
    for kind, health in (
        (ConditionType.STALLED, Health.HANGS),
        (ConditionType.RECONCILING, Health.PASSES),
    ):
        found = target.condition(kind)
        if found is not None and found.status is ConditionStatus.TRUE:
            return health
    if target.ready is None or target.late(now=now) or not target.current:
        return Health.UNKNOWN
    return Health.FINE


def changes(
    first: Overview, *, read: Callable[[], Overview], pause: Callable[[float], None]
) -> Iterator[Overview]:
    """The first, then each that is another one; a look that fails is one, and the next is tried."""
    shown = first
    yield shown
    while True:
        pause(EVERY)
        try:
            found = read()
        except AksAccessError as error:
            found = replace(shown, failure=str(error))
        if found != shown:
            shown = found
            yield shown
