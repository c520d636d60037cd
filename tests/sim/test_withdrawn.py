"""What was taken out is known when it comes back, by whichever way (I3)."""

import pytest

from aks_access.engine.config import EngineConfig
from aks_access.engine.fakes.cluster import azure_error
from aks_access.errors import AzureFault
from tests.sim.play import play, simulated
from tests.sim.scenes import BARE, LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World, key_of

KEY = key_of("weu")
LOCKED = azure_error(AzureFault.LOCKED, 403, "ScopeLocked")


@pytest.mark.parametrize("kept_by", ["suspend", "stopped", "lock"])
@simulated
async def test_i3_a_cleared_list_goes_back_without_all_that_ended_meanwhile(
    world: World, kept_by: str
) -> None:
    world.cluster()
    world.target()
    world.grant("x", "81.2.69.1", expiresAt=world.at(hours=2))
    world.grant("y", "81.2.69.2")
    await world.start()
    await world.rest()
    if kept_by == "suspend":
        world.retarget(suspend=True)
        await world.rest()
    elif kept_by == "stopped":
        world.azure.cluster(KEY).power_state = "Stopped"
    lock = world.azure.faults.plan("put_ranges", LOCKED, times=None) if kept_by == "lock" else None
    world.azure.cluster(KEY).set_by_others(None)
    await world.advance(hours=4)
    world.azure.cluster(KEY).power_state = "Running"
    if lock is not None:
        world.azure.faults.lift(lock)
    if kept_by == "suspend":
        world.retarget(suspend=None)
    await world.advance(hours=1)
    assert world.list_of() == {FOREIGN, OFFICE, "81.2.69.2/32"}


def test_i3_what_ended_is_remembered_for_as_long_as_it_could_go_back() -> None:
    async def scenario(world: World) -> None:
        world.cluster()
        world.target()
        world.grant(expiresAt=world.at(hours=2))
        await world.start()
        await world.rest()
        world.retarget(suspend=True)
        await world.rest()
        world.azure.cluster(KEY).set_by_others(None)
        await world.advance(days=92)
        world.retarget(suspend=None)
        await world.advance(hours=1)
        assert world.list_of() == {FOREIGN, OFFICE}

    play(scenario, config=EngineConfig(drift=6 * 3600.0))


@simulated
async def test_threat_01_a_withdrawn_entry_that_returns_is_removed_again(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.advance(hours=2)
    assert world.list_of() == BARE
    cluster.set_by_others({*BARE, LAPTOP})
    await world.advance(minutes=12)
    await world.rest()
    assert world.list_of() == BARE
    assert "WithdrawnEntryReturned" in world.events.reasons("weu")
