"""The figures of targets: there while a target is, and gone with it."""

from tests.sim.world import World, simulated


@simulated
async def test_the_figures_of_a_target_go_with_it(world: World) -> None:
    world.cluster("weu")
    world.cluster("neu")
    world.target("weu")
    world.target("neu")
    await world.start()
    await world.rest()
    assert set(world.metrics.states) == {"weu", "neu"}
    world.untarget("weu")
    await world.rest()
    assert set(world.metrics.states) == {"neu"}


@simulated
async def test_a_leader_that_stops_keeps_no_figures(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    await world.process.engine.stop(grace=1.0)
    assert not world.metrics.states
