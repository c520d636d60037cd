"""A write that was sent: its answer is lost, its operation fails, hangs, or is overtaken."""

import pytest

from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import OperationState
from aks_access.errors import AzureFault
from aks_access.plan.ledger import EntryState
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, OTHER, WANTED, programmed, soon
from tests.sim.world import FOREIGN, OFFICE, World, key_of


@simulated
async def test_i5_an_answer_lost_after_the_put_was_applied(world: World) -> None:
    lost = azure_error(AzureFault.UNCERTAIN, None, "timeout")
    world.azure.faults.plan("put_ranges", lost, applied=True)
    await programmed(world)
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.tried()) == 1
    assert world.owned() == {OFFICE, LAPTOP}
    assert world.state() == "Active"


@simulated
async def test_a_removal_whose_answer_was_lost(world: World) -> None:
    await programmed(world)
    await world.rest()
    lost = azure_error(AzureFault.UNCERTAIN, 504, "GatewayTimeout")
    world.azure.faults.plan("put_ranges", lost, applied=True)
    world.ungrant()
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()
    assert len(world.tried()) == 2


@simulated
async def test_an_entry_that_a_lost_answer_wrote_late_is_programmed(world: World) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    tried = len(world.tried())
    world.azure.faults.plan(
        "put_ranges", azure_error(AzureFault.UNCERTAIN, None, ""), about=key_of("weu")
    )
    world.grant()
    await soon(lambda: len(world.tried()) > tried)
    gets = len(world.gets())
    await soon(lambda: len(world.gets()) == gets + 2)
    cluster.set_by_others([FOREIGN, OFFICE, LAPTOP])  # the first PUT lands after all
    await world.advance(minutes=30)
    assert world.state() == "Active"
    assert world.ledger().entries[LAPTOP].state is EntryState.OWNED


@pytest.mark.parametrize("outcome", [OperationState.FAILED, OperationState.CANCELED])
@simulated
async def test_threat_04_an_operation_that_fails_is_sent_again(
    world: World, outcome: OperationState
) -> None:
    await programmed(world, outcomes=[outcome, outcome])
    await world.until(lambda: len(world.puts()) == 3, within=900)
    await world.rest()
    assert len(world.puts()) == 3
    assert world.list_of() == WANTED
    assert world.state() == "Active"
    assert world.ledger().in_flight is None


@pytest.mark.parametrize("outcome", [OperationState.FAILED, OperationState.CANCELED])
@simulated
async def test_threat_04_a_removal_whose_operation_fails_is_sent_again(
    world: World, outcome: OperationState
) -> None:
    cluster = await programmed(world)
    await world.rest()
    cluster.outcomes = [outcome]
    world.ungrant()
    await world.until(lambda: len(world.puts()) == 2)
    await world.advance(55)
    assert not world.gone()
    await world.rest()
    assert len(world.puts()) == 3
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_an_operation_that_always_fails_is_sent_ever_more_slowly(world: World) -> None:
    await programmed(world, outcomes=[OperationState.FAILED] * 1000)
    await world.advance(hours=2)
    assert len(world.tried()) <= 20
    assert world.state() != "Active"


@simulated
async def test_i6_a_failed_operation_is_not_taken_for_done_by_a_later_look(world: World) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    cluster.outcomes.append(OperationState.FAILED)
    world.grant()
    await world.until(lambda: len(world.puts()) == 2)
    first = cluster.operations[-1]
    await world.until(lambda: first.state is not OperationState.RUNNING or world.now > first.ends)
    cluster.settle()
    cluster.provisioning_state = "Succeeded"  # AKS says so, the operation does not
    await world.rest()
    assert len(world.puts()) == 3


@simulated
async def test_i4_an_operation_that_never_ends_does_not_block_for_ever(world: World) -> None:
    world.expect("I3", because="an operation that says it runs is believed for twenty minutes")
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant()
    await world.until(lambda: len(world.puts()) == 2)
    cluster.operations[-1].ends = 1e9
    await world.advance(minutes=2)
    cluster.provisioning_state = "Succeeded"
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 1200.0


@simulated
async def test_i9_a_write_in_flight_survives_a_change_of_mode(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant()
    await world.until(lambda: len(world.puts()) == 2)
    world.retarget(mode="Observe")
    world.ungrant()
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}
    assert world.target_state() == "RevocationOverdue"
    world.untarget()
    await world.advance(minutes=10)
    assert not world.target_gone()
    world.retarget(mode="Merge")
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_i5_a_list_cleared_while_a_write_is_in_flight_comes_back_less_what_ended(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    world.grant("other", OTHER)
    await world.start()
    await world.rest()
    puts = len(world.puts())
    world.grant()
    await world.until(lambda: len(world.puts()) > puts)
    cluster.set_by_others(None)
    world.regrant("other", revoked=True)
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}
    world.ungrant()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}
