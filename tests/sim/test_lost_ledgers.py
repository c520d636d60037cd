"""While a ledger is lost: what falls due, what people do meanwhile, and what is said of it."""

from aks_access.engine.ports import Kind
from aks_access.errors import KubeConflict, KubeError
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP, programmed
from tests.sim.world import FOREIGN, OFFICE, World, key_of


@simulated
async def test_i11_an_overdue_removal_is_quiet_while_its_ledger_is_lost(world: World) -> None:
    await programmed(world)
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
    await programmed(world)
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
    cluster = await programmed(world)
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


@simulated
async def test_i3_a_range_dropped_by_an_edit_while_the_ledger_is_lost_is_no_strangers(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.ledgers.lose(key_of("weu"))
    await world.until(lambda: world.target_state() == "LedgerLost")
    world.regrant(ipRanges=["81.2.69.150"])
    await world.until(lambda: world.list_of() == {FOREIGN, OFFICE})
    await world.rest()
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": world.code()})
    await world.until(lambda: world.list_of() == {FOREIGN, OFFICE, "81.2.69.150/32"})


@simulated
async def test_i11_a_loss_is_acknowledged_once_in_observe_too(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.ledgers.lose(key_of("weu"))
    world.retarget(mode="Observe")
    await world.until(lambda: world.target_state() == "LedgerLost")
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": world.code()})
    await world.rest()
    assert world.target_state() == "Observing"
    world.grant("other", "81.2.69.150")
    world.azure.cluster(key_of("weu")).set_by_others([FOREIGN, OFFICE, LAPTOP, "81.2.69.150/32"])
    await world.advance(hours=1)
    assert world.target_state() == "Observing"


@simulated
async def test_i12_a_detached_list_is_left_alone_while_its_ledger_cannot_be_read(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    listed = world.list_of()
    world.ledgers.faults.plan("load", KubeError("503", status=503), times=None)
    world.ledgers.faults.plan("delete", KubeConflict("409", status=409), times=None)
    world.retarget(deletionPolicy="Detach")
    world.untarget()
    await world.advance(hours=1)
    assert world.target_gone()
    assert world.list_of() == listed
