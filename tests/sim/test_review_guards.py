"""Guards that meet each other: what one of them must never cost through another."""

from datetime import datetime

from aks_access.engine.fakes.cluster import azure_error
from aks_access.errors import AzureFault
from tests.sim.world import FOREIGN, OFFICE, Process, World, key_of, simulated

LAPTOP = "81.2.69.142/32"
BAD = "81.2.69.66/32"
LATE = "81.2.69.99/32"
NODES = "51.141.0.9/32"


async def _lead_after(world: World, *, since: datetime) -> None:
    """Another process, after nobody had led since then."""
    process = Process(world)
    world.processes.append(process)
    await process.engine.lead(relist=process.relist, unattended=since)


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


@simulated
async def test_i8_what_was_missing_before_nobody_led_is_no_doubt(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    cluster.set_by_others([FOREIGN, OFFICE])
    await world.advance(hours=1)
    world.kill()
    since = world.clock.now()
    await world.advance(minutes=10)
    await _lead_after(world, since=since)
    world.retarget(suspend=None)
    await world.rest()
    assert world.target_state() == "InSync", world.target_state()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}


@simulated
async def test_i4_a_stream_of_refused_newcomers_keeps_nobody_out(world: World) -> None:
    world.cluster(unacceptable={f"81.2.70.{number}/32" for number in range(200)})
    world.target()
    await world.start()
    await world.rest()
    asked = 0
    while asked < 54 and (asked <= 24 or world.state() != "Active"):
        if asked == 24:
            world.grant(namespace="team-a")
        world.grant(f"bad{asked}", f"81.2.70.{asked}", namespace="team-b")
        asked += 1
        await world.advance(minutes=10)
    assert world.state() == "Active", "let in within five hours"


@simulated
async def test_i12_a_conflict_does_not_hold_back_the_nodes_egress(world: World) -> None:
    cluster = world.cluster(outbound_type="userDefinedRouting")
    world.target(nodeEgress={"mode": "Static", "ipRanges": [NODES]})
    world.grant()
    await world.start()
    await world.rest()
    for _ in range(5):
        cluster.set_by_others([FOREIGN])
        await world.advance(minutes=12)
        await world.until(lambda: NODES in (world.list_of() or ()))
    assert world.target_state() == "ConflictingOwner"
    assert LAPTOP not in (world.list_of() or ()), "what a grant asks for waits"


@simulated
async def test_threat_02_a_broken_target_is_no_look_into_a_time_without_a_leader(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.kill()
    world.azure.cluster(key_of("weu")).set_by_others([FOREIGN, OFFICE, LATE])
    since = world.clock.now()
    await world.advance(hours=1)
    world.retarget(mode="Nonsense")
    await _lead_after(world, since=since)
    await world.rest()
    world.retarget(mode="Merge")
    await world.rest()
    assert world.target_state() == "LedgerLost"


@simulated
async def test_threat_15_an_outage_of_azure_takes_nobodys_tokens(world: World) -> None:
    world.expect("I3", because="Azure takes no write for hours")
    world.expect("I4", because="Azure takes no write for hours")
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    outage = azure_error(AzureFault.UNCERTAIN, 503, "ServiceUnavailable")
    fault = world.azure.faults.plan("put_ranges", outage, times=None, about=key_of("weu"))
    await world.advance(hours=4)
    world.azure.faults.lift(fault)
    await world.until(lambda: world.list_of() == {FOREIGN, OFFICE})
    world.grant("new", "81.2.69.150")
    await world.advance(minutes=15)  # AKS's own bucket has to fill again
    assert world.state("new") == "Active"
