"""Judges a history made outside the operator against the invariants I1 to I13.

`judge` walks the lines once and returns every violation: which invariant, which line, and why.
Safety is judged at every line; what has to happen in time (I3, I4, I12) counts only the seconds in
which nothing stood in the operator's way, against the tier's `Bounds`. It shares no code with the
operator: `tests/reference.py` says what may stand, `tests/invariants` follows each cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.history import History, Line, Write
from tests.invariants.landscape import Bounds, Landscape
from tests.invariants.records import judge_record
from tests.invariants.waiting import credit, overdue, review
from tests.invariants.writes import judge_write

__all__ = ["Bounds", "Violation", "judge", "told"]


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that was broken: by line number `index` (from 0), and why."""

    invariant: str
    index: int
    line: Line
    sentence: str

    def __str__(self) -> str:
        kind = type(self.line).__name__
        return f"{self.invariant} at {self.line.at:.2f} s, {kind} {self.index}: {self.sentence}"


def judge(history: History, *, bounds: Bounds | None = None) -> list[Violation]:
    """Every violation in the history, in the order of its lines."""
    land = Landscape(history=history, bounds=bounds or Bounds())
    return [
        Violation(invariant, index, line, sentence)
        for index, line in enumerate(history.lines)
        for invariant, sentence in _step(land, line)
    ]


def _step(land: Landscape, line: Line) -> Iterator[tuple[str, str]]:
    """Let time pass up to the line, judge the line on what stood before, and take it in."""
    while (change := _next_change(land)) < line.at:
        credit(land, change)
        land.move(change)
        review(land)
    credit(land, line.at)
    land.move(line.at)
    review(land)
    for _, finding in overdue(land):
        yield finding
    if isinstance(line, Write) and line.operator:
        yield from judge_write(line, land.sites[line.cluster], land)
    yield from judge_record(line, land)
    land.take(line)
    review(land, line)


def _next_change(land: Landscape) -> float:
    """When the clock next ends or begins a grant."""
    found = [site.next_change for site in land.sites.values() if site.next_change > land.at]
    return min(found, default=float("inf"))


def told(violations: list[Violation], history: History, *, around: int = 6) -> str:
    """The violations with the lines before them, for a failing test."""
    text = [str(violation) for violation in violations[:8]]
    for violation in violations[:1]:
        first = max(0, violation.index - around)
        text += [f"  {line}"[:400] for line in history.lines[first : violation.index + 1]]
    return "\n".join(text)
