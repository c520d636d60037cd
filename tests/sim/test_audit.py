"""The audit trail has every write that may have changed access, also those nobody answered."""

import pytest

from aks_access.engine.decisions import Outcome
from aks_access.engine.fakes.cluster import azure_error
from aks_access.errors import AzureFault
from tests.sim.crash import FENCED, CrashPoint, Place
from tests.sim.play import play, simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import OFFICE, World, key_of

UNANSWERED = azure_error(AzureFault.UNCERTAIN, None, "timeout")


def lines(world: World, entry: str = LAPTOP) -> list[tuple[str, str, str]]:
    """Action, cause and outcome of the lines about an entry, oldest first."""
    return [
        (line.action, line.cause.value, line.outcome.value if line.outcome else "")
        for line in world.audit.decisions
        if entry in line.ranges
    ]


async def _at_rest(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()


@simulated
async def test_a_write_without_an_answer_is_told_and_told_again_when_it_is_read_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await _at_rest(world)
    world.azure.faults.plan("put_ranges", UNANSWERED, applied=True)
    world.grant(requestedBy="ann@contoso.com")
    await world.rest()
    assert lines(world) == [
        ("Granted", "Granted", "uncertain"),
        ("Granted", "Unknown", "confirmed"),
    ]
    confirmed = world.audit.decisions[-1]
    assert (confirmed.grants, confirmed.requested_by) == (("team-a/laptop",), "ann@contoso.com")
    assert (confirmed.before, set(confirmed.after or ())) == (None, world.list_of())
    assert "write unanswered" in caplog.messages
    assert "write refused" not in caplog.messages
    world.azure.faults.plan("put_ranges", UNANSWERED, applied=True)
    world.ungrant()
    await world.rest()
    assert lines(world)[2:] == [
        ("Revoked", "Deleted", "uncertain"),
        ("Revoked", "Unknown", "confirmed"),
    ]
    assert world.audit.decisions[-1].grants == ("team-a/laptop",)
    assert world.events.reasons("weu").count("ListWritten") == 3


@simulated
async def test_a_lost_answer_to_what_was_never_applied_confirms_nothing(world: World) -> None:
    await _at_rest(world)
    world.azure.faults.plan("put_ranges", UNANSWERED, applied=False)
    world.grant()
    await world.rest()
    assert lines(world) == [
        ("Granted", "Granted", "uncertain"),
        ("Granted", "Granted", "accepted"),
    ]


@pytest.mark.parametrize("place", [Place.LOST, Place.AFTER])
def test_what_a_process_wrote_and_could_not_tell_is_told_by_the_next(place: Place) -> None:
    async def scenario(world: World) -> None:
        await _at_rest(world)
        gate = world.process.gate
        gate.arm(CrashPoint(call=0, place=place))
        world.grant(requestedBy="ann@contoso.com")
        await world.until(lambda: FENCED in gate.made)
        call = gate.made.index(FENCED) + 1
        world.ungrant()
        await world.rest()
        world.audit.decisions.clear()
        gate.arm(CrashPoint(call=call, place=place))
        world.grant("again", requestedBy="ann@contoso.com")
        await world.until_set(gate.dead, within=600)
        assert lines(world) == []
        await world.start()
        await world.rest()
        assert lines(world) == [("Granted", "Unknown", "confirmed")]
        (line,) = world.audit.decisions
        assert (line.grants, line.requested_by) == (("team-a/again",), "ann@contoso.com")

    play(scenario)


@simulated
async def test_an_accepted_write_is_told_once(world: World) -> None:
    await _at_rest(world)
    world.grant()
    await world.rest()
    assert lines(world) == [("Granted", "Granted", "accepted")]


@simulated
async def test_a_cluster_that_is_gone_lets_go_of_every_entry(world: World) -> None:
    await _at_rest(world)
    world.grant()
    await world.rest()
    world.azure.cluster(key_of("weu")).gone = True
    await world.advance(minutes=30)
    assert lines(world)[1:] == [("Released", "ClusterGone", "")]
    assert lines(world, OFFICE)[-1] == ("Released", "ClusterGone", "")
    released = [line for line in world.audit.decisions if line.action == "Released"]
    assert [line.grants for line in released if LAPTOP in line.ranges] == [("team-a/laptop",)]


@simulated
async def test_a_detached_target_lets_go_of_every_entry(world: World) -> None:
    world.cluster()
    world.target(deletionPolicy="Detach")
    await world.start()
    world.grant()
    await world.rest()
    world.untarget()
    await world.until(world.target_gone, within=600)
    assert lines(world)[1:] == [("Released", "TargetDeleted", "")]
    assert Outcome.UNCERTAIN not in {line.outcome for line in world.audit.decisions}
