"""A list that is nearly full: who gets the room, and that nobody is locked out for want of it."""

from aks_access.engine.ports import Kind
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World, condition

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


@simulated
async def test_capacity_is_counted_before_azure_has_to(world: World) -> None:
    world.cluster()
    world.target()
    for block in range(4):
        world.grant(f"block-{block}", *[f"81.2.{block}.{n}" for n in range(0, 98, 2)])
    world.grant("last", "81.3.0.2", "81.3.0.4", "81.3.0.6")
    await world.start()
    await world.rest()
    assert len(world.list_of() or ()) <= 200
    assert world.state("last") == "CapacityExceeded"
    assert world.target_state() == "CapacityExceeded"
    assert all(r.result == "ok" for r in world.tried())
    world.ungrant("block-0")
    await world.rest()
    assert world.state("last") == "Active"


@simulated
async def test_one_of_201_entries_waits_until_there_is_room(world: World) -> None:
    cluster = world.cluster(ranges=[f"198.41.{n // 200}.{n % 200}/32" for n in range(199)])
    world.target(baseline=None)
    world.grant("first", "81.2.69.1")
    await world.start()
    await world.rest()
    world.grant("second", "81.2.69.2")
    await world.rest()
    assert len(world.list_of() or ()) == 200
    assert world.state("second") == "CapacityExceeded"
    cluster.set_by_others([entry for entry in world.list_of() or () if entry != "198.41.0.0/32"])
    await world.advance(minutes=12)
    await world.rest()
    assert world.state("second") == "Active"
    assert len(world.list_of() or ()) == 200
