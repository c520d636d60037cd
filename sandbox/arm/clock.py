"""The emulator's two clocks behind one Protocol.

Operations and token buckets run on the monotonic clock, tokens and the `Date` header on the wall
clock. A test that wants an operation of 75 seconds to end at once passes a `ManualClock`.
"""

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch, and seconds that never step back."""

    def wall(self) -> float:
        """Return seconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""


class SystemClock:
    """The machine's clocks."""

    def wall(self) -> float:
        """Return seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""
        return time.monotonic()


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told to."""

    wall_seconds: float = 1_795_348_800.0
    monotonic_seconds: float = 0.0

    def wall(self) -> float:
        """Return seconds since the epoch, UTC."""
        return self.wall_seconds

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""
        return self.monotonic_seconds

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds`."""
        if seconds < 0:
            raise ValueError(f"advance({seconds}): a monotonic clock does not step back")
        self.wall_seconds += seconds
        self.monotonic_seconds += seconds
