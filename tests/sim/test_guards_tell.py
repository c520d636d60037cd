"""Each guard of a target speaks in a condition, an Event and a figure, always in the same words."""

from collections.abc import Callable

import pytest

from aks_access.engine.ports import EventType, Kind
from aks_access.errors import AzureError, AzureFault
from tests.sim.world import World, condition, key_of, simulated

MANY = [f"81.2.70.{number}" for number in range(0, 20, 2)]


def _doubt(world: World) -> None:
    world.clock.doubt = True


def _fill(world: World) -> None:
    world.ledgers.most = 1
    world.grant("more", "81.2.69.3")


def _lose(world: World) -> None:
    world.ledgers.lose(key_of("weu"))


def _collapse(world: World) -> None:
    world.respec(Kind.RANGE_SET, "office", ipRanges=MANY[:1])


def _forbid(world: World) -> None:
    refused = AzureError("No right to write.", fault=AzureFault.FORBIDDEN)
    world.azure.faults.plan("put_ranges", refused, times=None)
    world.regrant(revoked=True)


@pytest.mark.parametrize(
    ("reason", "happen", "way_out"),
    [
        ("ClockInDoubt", _doubt, "Mend the time of its node"),
        ("LedgerFull", _fill, "Use fewer or wider ranges"),
        ("LedgerLost", _lose, "aksaccess.dev/acknowledge="),
        ("MassRemovalHeld", _collapse, "aksaccess.dev/acknowledge="),
        ("RevocationOverdue", _forbid, "az aks update"),
    ],
)
@simulated
async def test_i12_a_guard_speaks_in_condition_event_and_figure_and_does_not_tick(
    world: World, reason: str, happen: Callable[[World], None], way_out: str
) -> None:
    sets = reason == "MassRemovalHeld"
    world.range_set("office", *MANY)
    world.cluster()
    world.target(baseline={"rangeSetRefs": [{"name": "office"}]} if sets else None)
    world.grant()
    await world.start()
    await world.rest()
    happen(world)
    world.mark(Kind.TARGET, "weu", annotations={"reconcile.aksaccess.dev/requestedAt": "now"})
    await world.until(lambda: world.target_state() == reason)
    ready = condition(world.target_status(), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", reason)
    assert condition(world.target_status(), "Stalled")["reason"] == reason
    assert way_out in ready["message"]
    assert world.metrics.states["weu"][0] == reason
    events = [e for e in world.events.posted if e.reason == reason and e.regarding.name == "weu"]
    assert [e.type for e in events] == [EventType.WARNING]
    assert events[0].note == ready["message"]
    await world.advance(minutes=35)
    assert condition(world.target_status(), "Ready")["message"] == ready["message"]


@simulated
async def test_i1_a_target_on_which_nothing_could_be_taken_back_says_so(world: World) -> None:
    world.cluster(ranges=("20.50.0.0/24",), outbound_type="userDefinedRouting")
    world.target(mode="Exclusive", baseline=None, nodeEgress={"mode": "NotNeeded"})
    world.grant()
    await world.start()
    await world.rest()
    assert world.state() == "NotRevocable"
    assert "Add a baseline entry" in condition(world.target_status(), "Ready")["message"]
    assert world.metrics.states["weu"][0] == "NotRevocable"
    assert "NotRevocable" in world.events.reasons("weu")
    assert "NotRevocable" in world.events.reasons("laptop")
