"""Clusters whose reads hang, by the hundred: no other one waits for them."""

import asyncio
from typing import Any

import pytest

from aks_access.engine.config import EngineConfig
from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import ClusterRef, WriteAccepted
from aks_access.engine.workers import SLOW
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.cluster import ClusterView
from aks_access.plan.model import cluster_key
from tests.sim.play import play
from tests.sim.world import World, key_of

TIMEOUT = 30.0
"""Seconds of a read that nobody answers."""
PROMPT = 5.0
"""Seconds from a revocation to its PUT: the second look and little else."""
SLOWEST = azure_error(AzureFault.UNCERTAIN, None, "timeout")

MANY = pytest.param(800, 16, marks=[pytest.mark.proof, pytest.mark.timeout(600)])
SOME = pytest.param(100, 4)
"""Hanging clusters, workers."""


class Silence:
    """Makes the reads of some clusters hang, and counts how many do at a time."""

    def __init__(self, world: World) -> None:
        self.of: set[str] = set()
        self.now = self.most = 0
        self._get = world.azure.get
        world.azure.get = self.get  # type: ignore[method-assign]

    async def get(self, *, ref: ClusterRef) -> ClusterView:
        if cluster_key(ref.resource_id) not in self.of:
            return await self._get(ref=ref)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(TIMEOUT)
        finally:
            self.now -= 1
        raise SLOWEST


def landscape(world: World, hanging: int) -> list[str]:
    """Many clusters with a grant that ends in half an hour, and one more."""
    names = [f"c{number}" for number in range(hanging)]
    for name in names:
        world.cluster(name)
        world.target(name)
        world.grant(f"on-{name}", target=name, expiresAt=world.at(minutes=30))
    world.cluster()
    world.target()
    world.grant()
    return names


async def silenced(world: World, hanging: int) -> tuple[Silence, list[str]]:
    """Such a landscape, begun and at rest, of which the many hang from now on; their names."""
    silence = Silence(world)
    names = landscape(world, hanging)
    await world.start()
    await world.rest()
    silence.of = {key_of(name) for name in names}
    return silence, names


async def revoked(world: World, number: int) -> float:
    """Seconds from a grant's deletion to the list without it."""
    entry = f"81.2.71.{number}/32"
    world.grant(f"late-{number}", entry)
    await world.until(lambda: entry in (world.list_of() or ()), within=4000)
    await world.advance(minutes=2)
    world.ungrant(f"late-{number}")
    return await world.until(lambda: entry not in (world.list_of() or ()), within=4000)


@pytest.mark.parametrize(("hanging", "workers"), [SOME, MANY])
def test_i4_clusters_that_hang_do_not_delay_another_ones_revocation(
    hanging: int, workers: int
) -> None:
    async def scenario(world: World) -> None:
        silence, names = await silenced(world, hanging)
        await world.advance(minutes=45)
        assert max([await revoked(world, number) for number in range(3)]) <= PROMPT
        assert silence.most <= workers * (TIMEOUT / 5 + 1)
        silence.of = set()
        await world.advance(minutes=30)
        await world.rest()
        assert not any("81.2.69.142/32" in (world.list_of(name) or ()) for name in names)

    play(scenario, judged=False, config=EngineConfig(workers=workers))


@pytest.mark.parametrize(("hanging", "workers"), [SOME, MANY])
def test_i4_a_leader_that_starts_among_clusters_that_hang_looks_at_the_others_soon(
    hanging: int, workers: int
) -> None:
    """Nothing is known of them yet: each costs a place for five seconds, not for thirty."""

    async def scenario(world: World) -> None:
        await silenced(world, hanging)
        await world.restart()
        await world.advance(2)
        world.ungrant()
        gone = await world.until(
            lambda: "81.2.69.142/32" not in (world.list_of() or ()), within=4000
        )
        assert gone <= hanging / (workers * 3 / 4) * 5 + PROMPT

    play(scenario, judged=False, config=EngineConfig(workers=workers))


def test_i4_a_cluster_that_is_slow_to_write_does_not_wait_among_those_that_hang() -> None:
    async def scenario(world: World) -> None:
        put = world.azure.put_ranges

        async def slowly(**arguments: Any) -> WriteAccepted:
            if arguments["ref"].resource_id.endswith("/weu"):
                await asyncio.sleep(2 * SLOW)
            return await put(**arguments)

        world.azure.put_ranges = slowly  # type: ignore[method-assign]
        await silenced(world, 100)
        await world.advance(minutes=45)
        assert max([await revoked(world, number) for number in range(3)]) <= 2 * SLOW + PROMPT

    play(scenario, judged=False, config=EngineConfig(workers=4))


NO_TOKEN = azure_error(AzureFault.NO_CREDENTIAL, None, "CredentialUnavailable")


@pytest.mark.proof
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("call", "error"), [("put_ranges", SLOWEST), ("get", NO_TOKEN)])
def test_i4_whatever_call_hangs_and_however_it_is_told_nobody_else_waits(
    call: str, error: AzureError
) -> None:
    async def scenario(world: World) -> None:
        names = landscape(world, 100)
        await world.start()
        await world.rest()
        real, hanging = getattr(world.azure, call), {key_of(name) for name in names}

        async def hangs(**arguments: Any) -> Any:
            if cluster_key(arguments["ref"].resource_id) not in hanging:
                return await real(**arguments)
            await asyncio.sleep(TIMEOUT)
            raise error

        setattr(world.azure, call, hangs)
        await world.advance(minutes=45)
        assert max([await revoked(world, number) for number in range(3)]) <= PROMPT

    play(scenario, judged=False, config=EngineConfig(workers=4))
