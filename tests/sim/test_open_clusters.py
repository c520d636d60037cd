"""A cluster that anyone can reach: closed only where its target says so, and never shut."""

from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP, programmed
from tests.sim.world import OFFICE, World


@simulated
async def test_i12_an_open_cluster_is_not_closed_without_opt_in(world: World) -> None:
    await programmed(world, ranges=None)
    await world.advance(hours=3)
    assert not world.tried()
    assert world.target_state() == "ClusterUnrestricted"
    assert world.state() == "ClusterUnrestricted"
    assert world.target_status()["summary"]["entries"] == "open"
    world.retarget(restrictUnrestricted=True)
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}
    assert world.state() == "Active"


@simulated
async def test_an_open_cluster_needs_a_baseline_to_be_closed(world: World) -> None:
    world.cluster(ranges=None)
    world.target(restrictUnrestricted=True, baseline=None)
    world.grant()
    await world.start()
    await world.advance(hours=1)
    assert not world.tried()


@simulated
async def test_i12_a_list_that_was_cleared_in_observe_stays_open(world: World) -> None:
    cluster = await programmed(world)
    await world.rest()
    world.retarget(mode="Observe")
    await world.rest()
    cluster.set_by_others(None)
    await world.advance(minutes=15)
    assert (world.target_state(), world.list_of()) == ("Observing", None)
    await world.restart()
    world.retarget(mode="Merge")
    await world.rest()
    assert (world.target_state(), world.list_of()) == ("ClusterUnrestricted", None)
    world.retarget(restrictUnrestricted=True)
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}
