"""Clocks that a test moves: on the loop's time, or by hand."""

import asyncio
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
"""The wall-clock time at loop time 0."""


class LoopClock:
    """`ports.Clock` on the running loop's time, so that a virtual loop moves both at once.

    `offset` is how far the wall clock is off; `doubt` is what `in_doubt` answers.
    """

    def __init__(self, *, epoch: datetime = EPOCH) -> None:
        self.epoch = epoch
        self.offset = timedelta()
        self.doubt = False

    def now(self) -> datetime:
        """Wall-clock time, UTC."""
        elapsed = timedelta(seconds=asyncio.get_running_loop().time())
        return self.epoch + elapsed + self.offset

    def in_doubt(self) -> bool:
        """Whether the clock is to be doubted."""
        return self.doubt


class ManualClock:
    """`ports.Clock` that stands still until it is told otherwise."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self.time = now
        self.doubt = False

    def now(self) -> datetime:
        """The time it was set to, UTC."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.time += timedelta(seconds=seconds)

    def in_doubt(self) -> bool:
        """Whether the clock is to be doubted."""
        return self.doubt
