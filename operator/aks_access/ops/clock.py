"""The wall clock, and whether to believe it.

Access ends by this clock, so a node whose clock is off would close too early or too late. What
servers say in their `Date` headers is carried forward by the monotonic clock and compared with the
wall clock at each question, so that a clock that is stepped later is noticed at once.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from aks_access.api.timestamps import parse_date

logger = logging.getLogger(__name__)

DOUBT_LIMIT: Final = timedelta(seconds=30)
"""A difference above this is a doubt."""

MEMORY: Final = 15 * 60.0
"""Seconds for which an observation counts."""


@dataclass(frozen=True, slots=True)
class _Observation:
    server: datetime
    at: float  # monotonic seconds


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class SystemClock:
    """`ports.Clock` on the machine's clock, checked against `Date` headers."""

    def __init__(
        self,
        *,
        wall: Callable[[], datetime] = _wall_clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._newest: dict[str, _Observation] = {}
        self._doubted = False

    def now(self) -> datetime:
        """Wall-clock time, UTC, aware."""
        return self._wall()

    def observe(self, date: datetime | str | None, *, source: str) -> None:
        """Take in the `Date` (RFC 9110) of an answer that has just arrived, parsed or as sent.

        `source` says in a word who answered. A header that is absent or no date is ignored.
        """
        server = parse_date(date) if isinstance(date, str) else date
        if server is None:
            return
        if server.tzinfo is None:  # RFC 5322's -0000: UTC from an unknown zone
            server = server.replace(tzinfo=UTC)
        self._newest[source] = _Observation(server=server, at=self._monotonic())
        self._tell()

    def in_doubt(self) -> bool:
        """Whether the newest `Date` of any source, at most 15 minutes old, differs by > 30 s."""
        return bool(self.doubts())

    def doubts(self) -> tuple[str, ...]:
        """One sentence for each source that contradicts this clock."""
        now, ticks = self._wall(), self._monotonic()
        sentences = []
        for source, seen in sorted(self._newest.items()):
            age = ticks - seen.at
            if age > MEMORY:
                continue
            ahead = now - seen.server - timedelta(seconds=age)
            if abs(ahead) > DOUBT_LIMIT:
                seconds = round(abs(ahead).total_seconds())
                side = "ahead of" if ahead > timedelta() else "behind"
                sentences.append(
                    f"This node's clock is {seconds} s {side} {source}'s; until that is mended "
                    "nothing is added and nothing deleted. Check the node's time service."
                )
        return tuple(sentences)

    def _tell(self) -> None:
        doubts = self.doubts()
        if doubts and not self._doubted:
            for sentence in doubts:
                logger.error("%s", sentence)
        elif self._doubted and not doubts:
            logger.info("This node's clock agrees with the servers again.")
        self._doubted = bool(doubts)
