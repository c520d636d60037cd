"""A target that is deleted: its entries go with it or stay, as it says, and its debts go first."""

from dataclasses import replace

import pytest

from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, programmed
from tests.sim.world import FOREIGN, OFFICE, World, condition, key_of


@simulated
async def test_a_deleted_target_takes_its_grants_out_and_keeps_the_baseline(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.untarget()
    await world.until(lambda: world.list_of() == BARE, within=5)
    assert not world.target_gone()
    await world.rest()
    assert world.target_gone()
    assert world.ledgers.peek(world.puts()[0].key) is None
    assert world.state() == "TargetNotFound"
    world.ungrant()
    assert not world.gone()
    await world.rest()
    assert world.gone()


@simulated
async def test_detach_leaves_the_list_and_names_what_it_leaves(world: World) -> None:
    world.cluster()
    world.target(deletionPolicy="Detach")
    world.grant()
    await world.start()
    await world.rest()
    puts = len(world.tried())
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {*BARE, LAPTOP}
    assert len(world.tried()) == puts
    notes = [event.note for event in world.events.posted if event.reason == "Detached"]
    assert len(notes) == 1
    assert LAPTOP in notes[0]
    world.ungrant()
    await world.rest()
    assert world.gone()


@simulated
async def test_i5_a_target_does_not_go_while_a_debt_of_a_released_grant_stands(
    world: World,
) -> None:
    cluster = await programmed(world)
    await world.rest()
    cluster.power_state = "Stopped"
    world.ungrant()
    await world.advance(minutes=20)
    assert world.gone(), "its debt is the ledger's"
    world.untarget()
    await world.advance(minutes=30)
    assert not world.target_gone(), "its ledger still has a debt"
    cluster.power_state = "Running"
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE}
    assert world.target_gone()


@simulated
async def test_i9_a_suspended_target_that_is_deleted_goes_after_its_debts(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.retarget(suspend=True)
    world.ungrant()
    world.untarget()
    await world.advance(minutes=40)
    assert world.gone(), "its debt is the ledger's"
    assert not world.target_gone()
    world.retarget(suspend=None)
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_a_suspended_target_that_is_detached_does_not_wait(world: World) -> None:
    world.cluster()
    world.target(deletionPolicy="Detach")
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_i12_a_suspended_target_waits_with_its_deletion_while_the_list_is_cleared(
    world: World,
) -> None:
    cluster = await programmed(world)
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    cluster.set_by_others(None)
    await world.advance(minutes=20)
    world.untarget()
    await world.advance(hours=1)
    assert not world.target_gone()
    assert world.list_of() is None
    world.retarget(suspend=None)
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == BARE


@simulated
async def test_i12_a_suspended_target_waits_with_its_deletion_when_its_spec_is_unusable(
    world: World,
) -> None:
    world.cluster()
    world.target(suspend=True)
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(mode="Nonsense")
    world.untarget()
    await world.advance(hours=1)
    assert not world.target_gone()
    assert not world.tried()


@pytest.mark.parametrize("policy", ["Revoke", "Detach"])
@pytest.mark.parametrize("forgotten", [False, True])
@simulated
async def test_i9_a_target_whose_spec_became_unusable_goes_as_it_last_said(
    world: World, policy: str, forgotten: bool
) -> None:
    world.cluster()
    world.target(deletionPolicy=policy)
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(mode="Nonsense", deletionPolicy=None if forgotten else policy)
    await world.rest()
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == ({*BARE, LAPTOP} if policy == "Detach" else BARE)


@simulated
async def test_i9_what_an_unusable_spec_says_of_its_deletion_comes_before_what_it_said(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.retarget(mode="Nonsense", deletionPolicy="Detach")
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_i9_a_target_of_which_nobody_knows_how_to_go_says_what_it_waits_for(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.kill()
    world.retarget(mode="Nonsense")
    books = await world.ledgers.load(key=key_of("weu"))
    assert books is not None
    await world.ledgers.save(ledger=replace(books, deletion_policy=""))
    await world.start()
    world.untarget()
    await world.advance(hours=1)
    assert world.list_of() == {*BARE, LAPTOP}
    assert condition(world.target_status(), "Ready")["message"].endswith(
        "nothing says what becomes of its entries: set spec.deletionPolicy to Revoke or Detach."
    )
    world.retarget(deletionPolicy="Revoke")
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == BARE
