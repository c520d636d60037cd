"""A list that is nearly full: who gets the room, and that nobody is locked out for want of it."""

from aks_access.engine.ports import Kind
from tests.sim.world import FOREIGN, OFFICE, World, simulated

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


@simulated
async def test_i12_new_egress_comes_in_beside_removals_that_wait_for_a_person(
    world: World,
) -> None:
    old = [f"20.1.{n}.0/24" for n in range(120)]
    new = [f"20.2.{n}.0/24" for n in range(120)]
    world.cluster(outbound_type="userDefinedRouting")
    world.target(
        baseline={"ipRanges": old}, nodeEgress={"mode": "Static", "ipRanges": ["51.141.0.8"]}
    )
    await world.start()
    await world.rest()
    world.retarget(baseline={"ipRanges": new}, nodeEgress={"mode": "Static", "ipRanges": [NODES]})
    world.grant()
    await world.rest()
    assert world.target_state() == "MassRemovalHeld"
    found = world.list_of() or set()
    assert {NODES, *old} <= found
    assert len(found) == 200
    assert len(found & set(new)) == 78
    assert world.state() == "CapacityExceeded"
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": world.code()})
    await world.rest()
    assert world.list_of() == {FOREIGN, NODES, LAPTOP, *new}
    assert all(put.result == "ok" for put in world.tried())
