"""A list that is nearly full: who gets the room, and that nobody is locked out for want of it."""

from aks_access.engine.ports import Kind
from tests.sim.world import FOREIGN, OFFICE, World, condition, simulated

LAPTOP = "81.2.69.142/32"
OTHERS = tuple(f"198.41.{n}.4/32" for n in range(49))
HOME = tuple(f"81.2.70.{n}" for n in range(150))
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


@simulated
async def test_i8_a_set_that_grows_beyond_a_full_list_takes_nobody_out(world: World) -> None:
    world.cluster(ranges=OTHERS)
    world.range_set("home", *HOME)
    world.target(baseline=None)
    world.grant("set", rangeSetRefs=[{"name": "home"}])
    world.grant()
    await world.start()
    await world.rest()
    full = world.list_of()
    assert full is not None
    assert len(full) == 200
    writes = len(world.puts())
    world.range_set("home", *HOME, "81.2.71.1")
    await world.rest()
    assert (world.list_of(), len(world.puts())) == (full, writes)
    assert (world.state("set"), world.in_azure("set")) == ("CapacityExceeded", "0/1")
    ready = condition(world.status("set"), "Ready")
    assert "200/200 used, 1 more needed" in ready["message"]
    assert "Until then it keeps what it has (150 of 151)." in ready["message"]
    world.ungrant()
    await world.rest()
    assert world.state("set") == "Active"
    assert "81.2.71.1/32" in (world.list_of() or ())
    world.ungrant("set")
    await world.rest()
    assert world.list_of() == set(OTHERS)
