"""The figures of targets: there while a target is, and gone with it."""

from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import Kind
from aks_access.errors import AzureFault
from tests.sim.play import simulated
from tests.sim.scenes import programmed
from tests.sim.world import World


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


@simulated
async def test_a_leader_that_stops_at_work_keeps_no_figures(world: World) -> None:
    names = [f"c{number}" for number in range(20)]
    for name in names:
        world.cluster(name)
        world.target(name)
    await world.start()
    await world.rest()
    for name in names:
        world.grant(f"on-{name}", target=name)
    while len(world.azure.requests("put")) <= len(names):
        await world.advance(0.01)
    reported = world.metrics.passes["target", False]
    await world.process.engine.stop(grace=8.0)
    assert world.metrics.passes["target", False] > reported, "the last passes end after it"
    assert not world.metrics.states


@simulated
async def test_a_leader_that_stops_keeps_no_figures_of_an_orphaned_ledger(world: World) -> None:
    await programmed(world)
    await world.rest()
    refused = azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    world.azure.faults.plan("put_ranges", refused, times=None)
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(minutes=5)
    assert world.metrics.states["weu"][1]["orphaned"] >= 1.0
    await world.process.engine.stop(grace=8.0)
    assert not world.metrics.states
