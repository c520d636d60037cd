"""A list that is nearly full: who gets the room, and that nobody is locked out for want of it."""

from tests.sim.world import OFFICE, World, simulated

LAPTOP = "81.2.69.142/32"
NODES = "51.141.0.9/32"


@simulated
async def test_i12_exclusive_takes_over_a_full_list_without_locking_anybody_out(
    world: World,
) -> None:
    world.cluster(
        ranges=tuple(f"81.3.0.{n}/32" for n in range(200)), outbound_type="userDefinedRouting"
    )
    world.target(mode="Exclusive", nodeEgress={"mode": "Static", "ipRanges": [NODES]})
    world.grant()
    await world.start()
    await world.rest()
    assert world.list_of() == {OFFICE, NODES, LAPTOP}
    assert all({OFFICE, NODES} <= set(put.sent) for put in world.puts())
