"""What many scenarios share: who is in the list, and short steps of a scene."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aks_access.engine.fakes.cluster import SimCluster
from aks_access.engine.ports import Kind
from tests.sim.process import Process
from tests.sim.world import FOREIGN, OFFICE, World

LAPTOP = "81.2.69.142/32"
"""The entry of every grant that is not given other ranges."""
BARE = {FOREIGN, OFFICE}
"""The usual list without any grant."""
WANTED = {*BARE, LAPTOP}
OTHER = "81.2.69.150/32"
"""Another grant's."""
ENDING = "81.2.69.1/32"
"""What `three_grants` lets in for two hours."""


async def programmed(world: World, **facts: Any) -> SimCluster:
    """Start with the usual cluster, of these facts, its target and one grant; the cluster."""
    cluster = world.cluster(**facts)
    world.target()
    world.grant()
    await world.start()
    return cluster


async def three_grants(world: World) -> None:
    """The usual cluster at rest, with three grants: `laptop`, `ending` in two hours, and `gone`."""
    world.cluster()
    world.target()
    world.grant()
    world.grant("ending", "81.2.69.1", expiresAt=world.at(hours=2))
    world.grant("gone", "81.2.69.2")
    await world.start()
    await world.rest()


async def lead_after(world: World, *, since: datetime | None) -> Process:
    """A new process that leads, after nobody had led since then; None: somebody had."""
    process = Process(world)
    world.processes.append(process)
    await process.engine.lead(relist=process.relist, unattended=since)
    return process


def acknowledge(world: World, code: str) -> None:
    """A person puts the code on the usual target."""
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": code})


async def soon(condition: Callable[[], bool]) -> None:
    """Advance by milliseconds, to act between two steps of a pass."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came")


def refusals(world: World) -> int:
    """Lists that AKS refused so far."""
    return sum(request.result == "Invalid" for request in world.tried())
