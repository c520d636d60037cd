"""The last entry of a list: taken out only where neither an open list nor a lockout follows."""

from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import OFFICE, World


@simulated
async def test_the_last_grant_gone_leaves_the_sentinel_where_that_locks_nobody_out(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target(baseline=None)
    world.grant()
    await world.start()
    await world.rest()
    cluster.set_by_others({LAPTOP})
    await world.advance(minutes=11)
    world.ungrant()
    await world.rest()
    assert world.list_of() == {"0.0.0.0/32"}
    assert world.gone()
    assert world.target_state() == "InSync"
    world.grant("again", "81.2.69.7")
    await world.rest()
    assert world.list_of() == {"81.2.69.7/32"}


@simulated
async def test_i1_exclusive_and_nothing_left_is_the_sentinel_and_never_empty(world: World) -> None:
    world.cluster(vnet_integration=True)
    world.target(mode="Exclusive", baseline=None)
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    assert world.list_of() == {LAPTOP}
    await world.advance(hours=1)
    await world.rest()
    assert world.list_of() == {"0.0.0.0/32"}
    assert world.target_state() == "InSync"


@simulated
async def test_the_last_entry_stays_where_nothing_else_may_stand(world: World) -> None:
    cluster = world.cluster(outbound_type="userDefinedRouting")
    world.target(baseline=None)
    world.grant()
    await world.start()
    await world.rest()
    assert world.state() == "Active"
    cluster.set_by_others({LAPTOP})
    await world.advance(minutes=11)
    world.regrant(revoked=True)
    await world.advance(hours=1)
    assert world.list_of() == {LAPTOP}
    assert world.target_state() == "RevocationOverdue"
    world.retarget(baseline={"ipRanges": [OFFICE]})
    await world.rest()
    assert world.list_of() == {OFFICE}
    assert world.state() == "Revoked"


@simulated
async def test_a_grant_that_could_not_be_taken_out_is_not_let_in(world: World) -> None:
    world.cluster(outbound_type="userDefinedRouting", ranges=None)
    world.cluster("neu", outbound_type="userDefinedRouting", ranges=("0.0.0.0/32",))
    world.target(baseline=None)
    world.target("neu", baseline=None)
    world.grant("one")
    world.grant("two", target="neu")
    await world.start()
    await world.advance(hours=1)
    assert not world.tried()
    assert not world.tried("neu")
    assert world.state("two") == "NotRevocable"
