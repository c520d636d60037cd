"""Lists that protect little: an entry so wide that it lets in a good part of the internet."""

import pytest

from aks_access.engine.ports import EventType
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World, condition


@pytest.mark.parametrize("wide", ["0.0.0.0/0", "0.0.0.0/1", "20.0.0.0/15", "AzureCloud"])
@simulated
async def test_i1_a_broad_entry_is_flagged_kept_and_never_blocks_a_revocation(
    world: World, wide: str
) -> None:
    world.cluster(ranges=(FOREIGN, wide))
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    assert world.state() == "Active"
    assert world.target_state() == "BroadEntry"
    status = world.target_status()
    ready = condition(status, "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "BroadEntry")
    assert f"{wide}, not ours" in ready["message"]
    assert "Exclusive" in ready["message"]
    assert condition(status, "Programmed")["status"] == "True"
    assert not [c for c in status["conditions"] if c["type"] in ("Stalled", "Reconciling")]
    assert status["cluster"]["ineffectiveEntries"] == [wide]
    assert world.metrics.states["weu"][1]["broad"] == 1.0
    event = next(e for e in world.events.posted if e.reason == "BroadEntry")
    assert event.type is EventType.WARNING
    world.regrant(revoked=True)
    await world.until(lambda: LAPTOP not in (world.list_of() or ()), within=5.0)
    assert wide in (world.list_of() or ())
    await world.rest()
    assert world.state() == "Revoked"


@simulated
async def test_i1_a_sixteen_is_not_broad(world: World) -> None:
    world.cluster(ranges=(FOREIGN, "20.50.0.0/16"))
    world.target()
    await world.start()
    await world.rest()
    assert world.target_state() == "InSync"
    assert world.metrics.states["weu"][1]["broad"] == 0.0


@simulated
async def test_i1_exclusive_takes_a_broad_entry_out(world: World) -> None:
    world.cluster(ranges=(FOREIGN, "0.0.0.0/1"))
    world.target(mode="Exclusive")
    await world.start()
    await world.rest()
    assert world.list_of() == {OFFICE}
    assert world.target_state() == "InSync"
