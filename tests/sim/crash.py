"""How a process dies: from a chosen port call on, none of its calls comes back.

Nothing is raised in the dead engine: an exception would run its `finally` blocks, and a process
that is killed runs none. What it only tells (Events, audit, figures) is silent from then on too.
"""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Call = Callable[[], Awaitable[object]]

LATE_SECONDS = 5.0
"""How long after its sender's death a call that was still on its way arrives."""
FENCED = "put_ranges"
"""The call that a Lease outlasts: it is sent only where it does, so none ends before its answer."""


class Place(StrEnum):
    """Where in a port call it happens."""

    BEFORE = "before it is sent"
    LOST = "applied, its answer lost"
    AFTER = "after its answer"
    LATE = "on its way, applied later"
    DEPOSED = "the Lease ends, the process goes on"


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """The `call`-th port call from when the gate was armed, counted from 1."""

    call: int
    place: Place


class Gate:
    """Counts crossings of a process's ports, two per call: before it is sent, and its answer.

    `witness` is told of the death.
    """

    def __init__(self, *, at: int | None = None, witness: Callable[[], None] | None = None) -> None:
        self.at = at
        self._witness = witness
        self.crossings = 0
        self.dead = asyncio.Event()
        self.calls: list[str] = []

    def kill(self) -> None:
        self.dead.set()
        if self._witness is not None:
            self._witness()

    async def through(self, name: str, call: Call) -> object:
        await self.cross(f"{name} sent")
        try:
            answer = await call()
        except Exception:
            await self.cross(f"{name} answered")
            raise
        await self.cross(f"{name} answered")
        return answer

    async def cross(self, name: str) -> None:
        if not self.dead.is_set():
            self.crossings += 1
            self.calls.append(name)
            if self.crossings == self.at:
                self.kill()
        if self.dead.is_set():
            await asyncio.get_running_loop().create_future()


class PointedGate(Gate):
    """A gate that strikes at one place of one call.

    Attributes:
        made: what was called since it was armed, in order.
        struck: set when the crash point is reached; `dead` as well, where that is a death.
        look: called after each call that did its work, whether its answer arrives or not.
        depose: ends the Lease, at the moment that `struck` is set for a lost one.
    """

    def __init__(
        self,
        *,
        look: Callable[[], None],
        depose: Callable[[], None],
        at: int | None = None,
        witness: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(at=at, witness=witness)
        self.made: list[str] = []
        self.struck = asyncio.Event()
        self.look = look
        self.depose = depose
        self._point: CrashPoint | None = None
        self._deposed = False
        self._fenced = 0
        self._late: list[asyncio.Task[None]] = []

    def arm(self, point: CrashPoint | None) -> None:
        """Count from here."""
        self.made.clear()
        self._point = point

    def kill(self) -> None:
        super().kill()
        self.struck.set()

    async def through(self, name: str, call: Call) -> object:
        place = self._place(name)
        self._deposed = self._deposed or place is Place.DEPOSED
        self._fenced += name == FENCED
        self._lose_lease()
        if place is Place.LATE:
            self._late.append(asyncio.get_running_loop().create_task(self._arrive_late(call)))
        if place in (Place.BEFORE, Place.LATE):
            self.kill()
        await self.cross(f"{name} sent")
        answer, failure = None, None
        try:
            answer = await call()
        except Exception as error:
            failure = error
        self._fenced -= name == FENCED
        self.look()
        if place is Place.LOST:
            self.kill()
        await self.cross(f"{name} answered")
        if place is Place.AFTER:
            self.kill()
        self._lose_lease()
        if failure is not None:
            raise failure
        return answer

    def _lose_lease(self) -> None:
        """Where its end was reached, and no fenced call is under way."""
        if self._deposed and not self._fenced:
            self.depose()
            self.struck.set()

    def _place(self, name: str) -> Place | None:
        if self.dead.is_set():
            return None
        self.made.append(name)
        struck = self._point is not None and self._point.call == len(self.made)
        return self._point.place if struck and self._point is not None else None

    async def _arrive_late(self, call: Call) -> None:
        await asyncio.sleep(LATE_SECONDS)
        await asyncio.gather(call(), return_exceptions=True)
        self.look()


class Gated:
    """A port whose calls go through a gate."""

    def __init__(self, port: object, gate: Gate) -> None:
        self._port = port
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not inspect.iscoroutinefunction(method):
            return self._kept(name, functools.partial(self._tell, method))

        async def call(**arguments: object) -> object:
            return await self._gate.through(name, functools.partial(method, **arguments))

        return self._kept(name, call)

    def _kept(self, name: str, call: Any) -> Any:
        setattr(self, name, call)  # asked for once
        return call

    def _tell(self, method: Callable[..., object], *given: object, **named: object) -> object:
        return None if self._gate.dead.is_set() else method(*given, **named)
