"""What each mode may do, and what a suspended target does not."""

from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World, condition


@simulated
async def test_observe_writes_nothing_to_azure_ledgers_or_grants(world: World) -> None:
    world.cluster()
    world.target(mode="Observe")
    world.grant(duration="1h")
    await world.start()
    await world.advance(hours=3)
    assert not world.tried()
    assert not world.ledgers.saves
    assert not world.activations.recorded
    assert {w.method for w in world.objects.writes} == {"patch_status"}
    assert (world.state(), world.in_azure()) == ("Observed", "0/1")
    assert world.target_state() == "Observing"
    summary = world.target_status()["summary"]
    assert summary["difference"] == "+2"
    assert FOREIGN in condition(world.target_status(), "Ready")["message"]


@simulated
async def test_an_observed_grant_ends_as_expired(world: World) -> None:
    world.cluster()
    world.target(mode="Observe")
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.advance(hours=2)
    assert world.state() == "Expired"
    await world.advance(hours=24)
    assert world.gone()


@simulated
async def test_threat_14_observe_to_merge_and_back_leaves_owned_entries_owned(world: World) -> None:
    world.cluster()
    world.target(mode="Observe")
    world.grant(expiresAt=world.at(hours=3))
    await world.start()
    await world.rest()
    world.retarget(mode="Merge")
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}
    world.retarget(mode="Observe")
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}
    assert world.owned() == {OFFICE, LAPTOP}
    await world.advance(hours=3)
    assert world.list_of() == {*BARE, LAPTOP}
    assert world.target_state() == "RevocationOverdue"
    assert world.state() == "RevocationOverdue"
    world.retarget(mode="Merge")
    await world.rest()
    assert world.list_of() == BARE
    assert world.state() == "Expired"
    assert world.target_state() == "InSync"


@simulated
async def test_exclusive_removes_what_is_not_wanted(world: World) -> None:
    world.cluster(ranges=(FOREIGN, "AzureCloud", "198.41.1.0/24"))
    world.target(mode="Exclusive")
    world.grant()
    await world.start()
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}
    assert len(world.puts()) == 1
    world.azure.cluster(world.puts()[0].key).set_by_others([OFFICE, LAPTOP, "198.41.2.0/24"])
    await world.advance(minutes=15)
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}


@simulated
async def test_what_a_grant_asks_for_is_not_cut_off_while_exclusive_takes_over(
    world: World,
) -> None:
    world.cluster(ranges=(FOREIGN, LAPTOP))
    world.target(mode="Exclusive")
    world.grant()
    await world.start()
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}
    assert all(LAPTOP in (request.sent or ()) for request in world.puts())
    world.retarget(baseline={"ipRanges": ["51.141.0.0/24"]})
    world.grant("office", OFFICE)
    await world.rest()
    assert world.list_of() == {"51.141.0.0/24", OFFICE, LAPTOP}
    assert all(LAPTOP in (request.sent or ()) for request in world.puts())


@simulated
async def test_i2_merge_keeps_foreign_entries_as_they_are_written(world: World) -> None:
    cluster = world.cluster(ranges=("AzureCloud", "198.41.0.4", "not-an-address"))
    cluster.ranges = ("AzureCloud", "198.41.0.4", "not-an-address")
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    sent = world.puts()[0].sent or ()
    assert {"AzureCloud", "not-an-address"} <= set(sent)
    assert world.list_of() == {"AzureCloud", "198.41.0.4/32", "not-an-address", OFFICE, LAPTOP}


@simulated
async def test_suspended_leaves_everything_and_says_so_loudly_when_due(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    assert world.target_state() == "Suspended"
    assert condition(world.target_status(), "Ready")["status"] == "True"
    world.grant("late", "81.2.69.9")
    await world.rest()
    assert world.state("late") == "Suspended"
    await world.advance(hours=1)
    assert world.list_of() == {*BARE, LAPTOP}
    assert world.target_state() == "RevocationOverdue"
    assert len(world.tried()) == 1
    world.retarget(suspend=None)
    await world.rest()
    assert world.list_of() == {*BARE, "81.2.69.9/32"}
