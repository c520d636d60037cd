"""Who may write: the process that leads, until it stops or its Lease runs out."""

import asyncio

import pytest

from aks_access.engine.config import EngineConfig
from tests.sim.play import play, simulated
from tests.sim.scenes import BARE, OTHER, WANTED, programmed
from tests.sim.world import FOREIGN, OFFICE, World


@simulated
async def test_i6_a_closed_fence_writes_nothing(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    process = await world.start()
    process.leadership.seconds = 15.0
    await world.advance(minutes=10)
    assert not world.tried()
    process.leadership.seconds = 30.0
    await world.advance(minutes=3)
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.puts()) == 1


@simulated
async def test_i6_of_two_engines_only_the_one_with_the_lease_writes(world: World) -> None:
    world.cluster()
    world.target()
    first = await world.start()
    await world.rest()
    first.leadership.seconds = 0.0
    await world.start()
    for number in range(5):
        world.grant(f"g{number}", f"81.2.69.{number}")
        await world.advance(70)
    await world.rest()
    assert len(world.tried()) == 6
    assert all(r.result == "ok" for r in world.tried())
    assert len(world.list_of() or ()) == 7


@simulated
async def test_an_engine_that_stops_releases_its_tasks_and_another_takes_over(
    world: World,
) -> None:
    await programmed(world)
    await world.advance(0.7)
    await world.process.engine.stop(grace=8.0)
    world.kill()
    await world.start()
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.puts()) == 1


def test_i6_an_engine_that_stops_begins_no_write_of_those_that_wait() -> None:
    async def scenario(world: World) -> None:
        names = [f"c{number}" for number in range(12)]
        for name in names:
            world.cluster(name)
            world.target(name)
            world.grant(f"on-{name}", target=name)
        process = await world.start()
        await world.rest()
        for name in names:
            world.ungrant(f"on-{name}")
        await world.until(lambda: len(world.azure.requests("put")) > len(names))
        begun = len(world.azure.requests("put"))
        await process.engine.stop(grace=8.0)
        assert len(world.azure.requests("put")) - begun <= workers, "only what was at work"
        await world.restart()
        await world.rest()
        assert all(world.list_of(name) == BARE for name in names)

    workers = 2
    play(scenario, config=EngineConfig(workers=workers))


@pytest.mark.parametrize("moment", range(0, 60, 3))
@simulated
async def test_i6_two_leaders_for_a_moment_leave_nothing_behind(world: World, moment: int) -> None:
    world.cluster()
    world.target()
    world.grant("other", OTHER)
    await world.start()
    await world.rest()
    world.grant()
    world.regrant("other", revoked=True)
    await asyncio.sleep(0.02 * moment)
    old = world.process
    await world.start()
    await asyncio.sleep(3.0)
    old.kill()
    world.ungrant()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}
    assert world.gone()
