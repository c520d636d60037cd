"""A time in which nobody led: what moved meanwhile, and what may be a restored backup."""

from datetime import timedelta

import pytest

from tests.sim.play import simulated
from tests.sim.scenes import BARE, ENDING, LAPTOP, acknowledge, lead_after, programmed, three_grants
from tests.sim.world import FOREIGN, OFFICE, World, condition, key_of

KEY = key_of("weu")
LATE = "81.2.69.99/32"


@pytest.mark.parametrize("unattended", [True, False])
@simulated
async def test_threat_02_a_list_that_moved_while_nobody_led_waits_for_a_person(
    world: World, unattended: bool
) -> None:
    await three_grants(world)
    world.kill()
    world.azure.cluster(KEY).set_by_others((world.list_of() or set()) - {LAPTOP} | {LATE})
    hour_ago = world.clock.now() - timedelta(hours=1)
    process = await lead_after(world, since=hour_ago if unattended else None)
    await world.rest()
    if not unattended:
        assert LAPTOP in (world.list_of() or ()), "a short time without a leader is drift"
        return
    assert LAPTOP not in (world.list_of() or ())
    ready = condition(world.target_status(), "Ready")
    assert ready["reason"] == "LedgerLost"
    assert f"{LAPTOP} went and {LATE} came" in ready["message"]
    world.expect("I2", because="what came stands for a write of ours that the backup lacks")
    await process.engine.stop(grace=0.0)
    await lead_after(world, since=None)  # a clean change of leaders does not make it forgotten
    await world.rest()
    assert world.target_state() == "LedgerLost"
    await world.until(lambda: ENDING not in (world.list_of() or ()), within=3 * 3600.0)
    world.grant("late", "81.2.69.99")  # GitOps brings back what the backup did not know
    await world.rest()
    acknowledge(world, world.code())
    await world.rest()
    assert world.target_state() == "InSync"
    assert LAPTOP in (world.list_of() or ())
    world.ungrant("late")
    await world.rest()
    assert LATE not in (world.list_of() or ()), "it is ours again, not somebody else's"


@simulated
async def test_i12_a_list_that_was_cleared_while_nobody_led_goes_back_at_once(
    world: World,
) -> None:
    await three_grants(world)
    world.kill()
    world.azure.cluster(KEY).set_by_others(None)
    await lead_after(world, since=world.clock.now() - timedelta(hours=1))
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP, ENDING, "81.2.69.2/32"}
    assert world.target_state() == "InSync"


@simulated
async def test_i11_a_time_without_a_leader_costs_nothing_where_nothing_moved(
    world: World,
) -> None:
    await three_grants(world)
    world.kill()
    before = world.written()
    await lead_after(world, since=world.clock.now() - timedelta(hours=1))
    await world.advance(minutes=30)
    assert world.target_state() == "InSync"
    assert world.written() == before


@simulated
async def test_i8_what_was_missing_before_nobody_led_is_no_doubt(world: World) -> None:
    cluster = await programmed(world)
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    cluster.set_by_others([FOREIGN, OFFICE])
    await world.advance(hours=1)
    world.kill()
    since = world.clock.now()
    await world.advance(minutes=10)
    await lead_after(world, since=since)
    world.retarget(suspend=None)
    await world.rest()
    assert world.target_state() == "InSync", world.target_state()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}


@simulated
async def test_threat_02_a_broken_target_is_no_look_into_a_time_without_a_leader(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.kill()
    world.azure.cluster(key_of("weu")).set_by_others([FOREIGN, OFFICE, LATE])
    since = world.clock.now()
    await world.advance(hours=1)
    world.retarget(mode="Nonsense")
    await lead_after(world, since=since)
    await world.rest()
    world.retarget(mode="Merge")
    await world.rest()
    assert world.target_state() == "LedgerLost"
