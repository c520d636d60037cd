"""One process of the operator in a simulated world: it leads, looks, and dies like a real one."""

import asyncio
import functools
import logging
from typing import TYPE_CHECKING, Any

from aks_access.engine.engine import Engine
from aks_access.engine.fakes.recorders import FakeLeadership
from aks_access.engine.fakes.watch import Watch
from aks_access.engine.ports import Ports
from aks_access.errors import KubeError
from tests.sim.crash import Gate, Gated, PointedGate

if TYPE_CHECKING:
    from tests.sim.world import World

START_AGAIN = 5.0
"""Seconds until a start that the API server failed is tried again: the setting."""


class Crashes(logging.Handler):
    """Collects exceptions that the engine did not expect."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(logging.Formatter().format(record))


class Process:
    """One process of the operator: an engine on gated ports, and its watch."""

    relist_every = 600.0

    def __init__(self, world: "World", *, crash_at: int | None = None) -> None:
        self._world = world
        self.leadership = FakeLeadership()
        self.gate: Any = self._new_gate(crash_at)
        self.engine = Engine(ports=self._ports(world), config=world.config)
        self.watch: Watch = world.api.watch(self.engine.store)
        self._refreshing: asyncio.Task[None] | None = None

    def _new_gate(self, at: int | None) -> Gate:
        return PointedGate(
            at=at,
            witness=self._world.recorder.look,
            look=self._world.look,
            depose=functools.partial(setattr, self.leadership, "seconds", 0.0),
        )

    def _ports(self, world: "World") -> Ports:
        def gated(port: object) -> Any:
            return Gated(port, self.gate)

        return Ports(
            clusters=gated(world.azure),
            objects=gated(world.objects),
            ledgers=gated(world.ledgers),
            activations=gated(world.activations),
            events=gated(world.events),
            leadership=self.leadership,
            clock=world.clock,
            audit=gated(world.audit),
            metrics=gated(world.metrics),
        )

    async def lead(self) -> None:
        while True:
            try:
                await self.engine.lead(relist=self.relist)
            except KubeError:
                await asyncio.sleep(START_AGAIN)
            else:
                break
        self._world.recorder.look()
        loop = asyncio.get_running_loop()
        self._refreshing = loop.create_task(self._refresh())

    async def relist(self) -> bool:
        return await self._world.api.relist(self.engine.store)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(self.relist_every)
            await self.engine.refresh(relist=self.relist)

    def kill(self) -> None:
        engine = self.engine
        if not self.gate.dead.is_set():
            self.gate.kill()
        self.watch.close()
        for queue in (engine._target_queue, engine._grant_queue, engine._set_queue):
            queue.close()  # else its timers would go on for ever
        if self._refreshing is not None:
            self._refreshing.cancel()
