"""What random histories found in the product, cut down to scenarios."""

from tests.sim.world import FOREIGN, OFFICE, World, key_of, simulated


@simulated
async def test_i11_an_overdue_removal_is_quiet_while_its_ledger_is_lost(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.ledgers.lose(key_of("weu"))
    world.retarget(mode="Observe")
    world.regrant(revoked=True)
    await world.advance(hours=2)
    assert world.target_state() == "RevocationOverdue"
    before = len(world.objects.writes)
    await world.advance(hours=4)
    assert len(world.objects.writes) == before


@simulated
async def test_i3_a_removal_made_while_its_ledger_is_lost_is_not_overdue(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.ledgers.lose(key_of("weu"))
    world.regrant(revoked=True)
    await world.rest()
    world.azure.cluster(key_of("weu")).gone = True
    await world.advance(minutes=15)
    world.azure.cluster(key_of("weu")).gone = False
    await world.advance(hours=1)
    assert world.list_of() == {FOREIGN, OFFICE}
    assert world.target_state() == "LedgerLost"


@simulated
async def test_i9_a_grant_is_not_let_go_to_a_ledger_that_is_lost(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.ledgers.lose(key_of("weu"))
    cluster.power_state = "Stopped"
    world.ungrant()
    await world.advance(hours=2)
    assert world.target_state() == "RevocationOverdue"
    assert not world.gone(), "no record but its own tells of the access that stands"
    cluster.power_state = "Running"
    await world.rest()
    assert world.gone()
