"""The platform's own entries: a baseline that changes, does not resolve, or that AKS refuses."""

from aks_access.engine.ports import Kind
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World

BAD = "81.2.69.66/32"


@simulated
async def test_threat_11_the_baseline_of_a_target_may_change(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.retarget(baseline={"ipRanges": ["51.141.0.0/24"]})
    await world.rest()
    assert world.list_of() == {FOREIGN, "51.141.0.0/24"}
    assert len(world.puts()) == 2


@simulated
async def test_threat_09_a_baseline_set_that_stops_resolving_keeps_its_last_value(
    world: World,
) -> None:
    world.cluster()
    world.range_set("office", "51.141.0.0/24")
    world.target(baseline={"rangeSetRefs": [{"name": "office"}]})
    await world.start()
    await world.rest()
    world.api.delete(Kind.RANGE_SET, "office")
    await world.advance(hours=1)
    assert world.list_of() == {FOREIGN, "51.141.0.0/24"}
    assert world.target_state() == "RangeSetNotResolved"


@simulated
async def test_i8_a_set_that_is_gone_keeps_what_the_egress_named_as_well(world: World) -> None:
    world.cluster(outbound_type="userDefinedRouting")
    world.range_set("office", "51.141.0.9", "51.141.0.77")
    world.target(
        baseline={"rangeSetRefs": [{"name": "office"}]},
        nodeEgress={"mode": "Static", "ipRanges": ["51.141.0.9"]},
    )
    await world.start()
    await world.rest()
    world.api.delete(Kind.RANGE_SET, "office")
    await world.rest()
    world.retarget(nodeEgress={"mode": "Static", "ipRanges": ["51.141.0.10"]})
    await world.rest()
    assert world.list_of() == {FOREIGN, "51.141.0.9/32", "51.141.0.77/32", "51.141.0.10/32"}
    world.range_set("office", "51.141.0.77")
    await world.rest()
    assert world.list_of() == {FOREIGN, "51.141.0.77/32", "51.141.0.10/32"}


@simulated
async def test_i12_a_baseline_is_not_exchanged_by_halves_while_the_clock_is_in_doubt(
    world: World,
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.clock.doubt = True
    world.retarget(baseline={"ipRanges": ["51.141.0.0/24"]})
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE}
    world.clock.doubt = False
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, "51.141.0.0/24"}


@simulated
async def test_a_baseline_entry_that_azure_refuses_is_nobodys_fault(world: World) -> None:
    world.cluster(unacceptable={OFFICE})
    world.target()
    world.grant("leaving")
    world.grant("staying", "81.2.69.1")
    await world.start()
    await world.advance(hours=2)
    assert world.state("staying") == "TargetBlocked"
    assert world.target_state() == "WriteRefused"
    assert len(world.tried()) <= 20
    world.retarget(baseline=None)
    await world.advance(minutes=12)
    await world.rest()
    assert world.state("staying") == "Active"


@simulated
async def test_i4_a_baseline_that_azure_refuses_does_not_drain_the_bucket(world: World) -> None:
    cluster = world.cluster()
    cluster.unacceptable.add("51.141.0.0/24")
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    tried = len(world.tried())
    world.retarget(baseline={"ipRanges": [OFFICE, "51.141.0.0/24"]})
    await world.advance(minutes=30)
    assert len(world.tried()) - tried <= 5
    await world.until(lambda: LAPTOP not in (world.list_of() or set()), within=1860)


@simulated
async def test_i12_a_baseline_that_azure_refuses_does_not_cost_the_one_before(
    world: World,
) -> None:
    cluster = world.cluster()
    cluster.unacceptable.add("51.141.0.0/24")
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    world.retarget(baseline={"ipRanges": ["51.141.0.0/24"]})
    world.regrant(revoked=True)
    world.process.watch.held = False
    await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    tried = len(world.tried())
    await world.advance(minutes=60)
    assert OFFICE in (world.list_of() or set())
    assert len(world.tried()) - tried <= 8


@simulated
async def test_i4_a_refused_baseline_that_a_removal_needs_is_tried_few_times_an_hour(
    world: World,
) -> None:
    for invariant in ("I3", "I4"):
        world.expect(invariant, because="AKS refuses all that could take the entry's place")
    cluster = world.cluster(outbound_type="userDefinedRouting", unacceptable={BAD})
    world.target(baseline={"ipRanges": [BAD]}, nodeEgress={"mode": "Static", "ipRanges": [BAD]})
    await world.start()
    await world.rest()
    cluster.unacceptable = set()
    world.grant(expiresAt=world.at(hours=3))
    await world.until(lambda: LAPTOP in (world.list_of() or ()), within=7200)
    await world.rest()
    cluster.unacceptable = {BAD}
    cluster.set_by_others([LAPTOP])
    await world.advance(hours=4)
    tried = len(world.tried())
    await world.advance(hours=1)
    assert len(world.tried()) - tried <= 4, "the same refused list, again and again"
