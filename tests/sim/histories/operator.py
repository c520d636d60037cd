"""A process of the operator that can die or be stopped at any crossing of its ports, and wake."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

from aks_access.engine.fakes.watch import lose_nothing
from aks_access.errors import AksAccessError
from tests.sim.crash import Gate
from tests.sim.process import Process
from tests.sim.world import World

LEASE = 30.0
RETRY = 5.0
LAG = 2.0
"""Seconds by which what a process does may lag behind what it could know, at its best."""

current: ContextVar["Operator | None"] = ContextVar("current", default=None)
"""The process whose task runs."""


class StoppableGate(Gate):
    """A gate where calls may have to wait as well: SIGSTOP, SIGCONT."""

    def __init__(self, *, at: int | None = None, witness: Callable[[], None] | None = None) -> None:
        super().__init__(at=at, witness=witness)
        self.awake = asyncio.Event()
        self.awake.set()

    async def cross(self, name: str) -> None:
        await super().cross(name)
        if not self.awake.is_set():
            await self.awake.wait()
            if self.dead.is_set():
                await asyncio.get_running_loop().create_future()


class Operator(Process):
    """See the module.

    Attributes:
        down: seconds until the next process starts, once this one is dead.
        deposed: another process has the Lease.
    """

    gate: StoppableGate
    relist_every = 1800.0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.down = 0.0
        self.deposed = asyncio.Event()
        self._stale_since: float | None = None
        self._fresh_at: float | None = None

    def _new_gate(self, at: int | None) -> Gate:
        return StoppableGate(at=at, witness=self._world.recorder.look)

    async def run(self) -> None:
        """Lead, however often the start has to be tried again."""
        current.set(self)
        while not self.gate.dead.is_set():
            try:
                await self.lead()
            except AksAccessError:
                await asyncio.sleep(RETRY)
            else:
                return

    async def relist(self) -> bool:
        complete = await super().relist()
        if complete and not self.watch.held:
            self.watch.lose = lose_nothing
            self.freshen(self._world.now)
        return complete

    def grow_stale(self, now: float) -> None:
        """Its view may be old from now on."""
        if self._stale_since is None or self._fresh_at is not None:
            self._stale_since, self._fresh_at = now, None

    def freshen(self, now: float) -> None:
        """Its view is of now."""
        if self._fresh_at is None:
            self._fresh_at = now

    def knows_since(self, now: float) -> float:
        """Loop time of the oldest state of the world that it may act on."""
        if self._fresh_at is not None and now - self._fresh_at > LAG:
            self._stale_since = self._fresh_at = None
        return now - LAG if self._stale_since is None else min(now, self._stale_since) - LAG
