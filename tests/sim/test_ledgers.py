"""The ledger lost, spoiled, old or orphaned; and removals that wait for a person."""

from typing import Any

import pytest

from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import Kind
from aks_access.errors import AzureFault
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, acknowledge, programmed
from tests.sim.world import FOREIGN, World, key_of

KEY = key_of("weu")


async def _running(world: World, *, grants: int = 1, **target: Any) -> None:
    world.cluster()
    world.target(**target)
    world.grant()
    for number in range(1, grants):
        world.grant(f"g{number}", f"81.2.69.{number}")
    await world.start()
    await world.rest()


@pytest.mark.parametrize("how", ["gone", "unreadable", "old"])
@simulated
async def test_i8_a_lost_ledger_adds_nothing_until_it_is_acknowledged(
    world: World, how: str
) -> None:
    await _running(world, grants=3)
    world.kill()
    if how == "gone":
        world.ledgers.lose(KEY)
    elif how == "unreadable":
        world.ledgers.spoil(KEY)
    else:
        world.ledgers.roll_back(KEY, by=1)
    await world.start()
    world.grant("late", "81.2.69.99")
    await world.rest()
    assert world.target_state() == "LedgerLost"
    assert "81.2.69.99/32" not in (world.list_of() or ())
    assert world.state("late") == "TargetBlocked"
    acknowledge(world, "0123456789")
    await world.rest()
    assert world.target_state() == "LedgerLost"
    acknowledge(world, world.code())
    await world.rest()
    assert world.target_state() == "InSync"
    assert world.state("late") == "Active"
    world.ungrant()
    await world.rest()
    assert LAPTOP not in (world.list_of() or ())
    assert FOREIGN in (world.list_of() or ())


@simulated
async def test_threat_02_a_lost_ledger_still_revokes_what_any_known_grant_names(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    world.grant("other", "81.2.69.1")
    await world.start()
    await world.rest()
    world.kill()
    world.ledgers.lose(KEY)
    await world.advance(hours=2)
    await world.start()
    await world.rest()
    assert LAPTOP not in (world.list_of() or ())
    assert "81.2.69.1/32" in (world.list_of() or ())
    assert FOREIGN in (world.list_of() or ())
    assert world.target_state() == "LedgerLost"


@simulated
async def test_a_target_never_seen_counts_every_live_entry_as_foreign(world: World) -> None:
    world.cluster(ranges=(FOREIGN, LAPTOP))
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    assert world.state() == "Active"
    world.ungrant()
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_threat_09_a_mass_removal_by_a_blank_set_waits_for_an_acknowledgement(
    world: World,
) -> None:
    world.cluster()
    ranges = [f"81.2.70.{n}" for n in range(0, 20, 2)]
    world.range_set("home", *ranges)
    world.target()
    world.grant(rangeSetRefs=[{"name": "home"}])
    world.grant("ending", "81.2.69.1", expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    full = world.list_of()
    world.range_set("home", "81.2.70.0")
    await world.rest()
    assert world.list_of() == full
    assert world.target_state() == "MassRemovalHeld"
    await world.advance(hours=2)
    assert "81.2.69.1/32" not in (world.list_of() or ()), "the clock never waits"
    assert len(world.list_of() or ()) == 12
    assert world.target_state() == "MassRemovalHeld"
    acknowledge(world, world.code())
    await world.rest()
    assert world.list_of() == {*BARE, "81.2.70.0/32"}
    assert world.target_state() == "InSync"


@simulated
async def test_grants_that_vanish_in_bulk_wait_and_deleted_ones_do_not(world: World) -> None:
    await _running(world, grants=8)
    world.kill()
    for name in [item.partition("/")[2] for item in world.api.names(Kind.GRANT)]:
        world.api.force_delete(Kind.GRANT, name, namespace="team-a")
    await world.start()
    await world.rest()
    assert len(world.list_of() or ()) == 10
    assert world.target_state() == "MassRemovalHeld"
    acknowledge(world, world.code())
    await world.rest()
    assert world.list_of() == BARE


@simulated
async def test_many_deleted_grants_never_wait(world: World) -> None:
    await _running(world, grants=8)
    world.api.delete_namespace("team-a")
    await world.rest()
    assert world.list_of() == BARE
    assert len(world.puts()) == 2


@simulated
async def test_i9_an_overdue_revocation_releases_the_grant_and_keeps_the_debt(world: World) -> None:
    await _running(world)
    locked = azure_error(AzureFault.LOCKED, 409, "ScopeLocked")
    fault = world.azure.faults.plan("put_ranges", locked, times=None)
    world.ungrant()
    deleted = world.now
    await world.until(world.gone, within=1200)
    assert 900 <= world.now - deleted <= 970
    assert world.target_state() == "RevocationOverdue"
    await world.restart()
    await world.advance(minutes=30)
    assert LAPTOP in world.owned()
    assert world.target_state() == "RevocationOverdue"
    world.azure.faults.lift(fault)
    await world.advance(minutes=2)
    await world.rest()
    assert world.list_of() == BARE
    assert world.target_state() == "InSync"


@simulated
async def test_threat_14_a_target_forced_away_leaves_a_ledger_that_keeps_revoking(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    world.grant("other", "81.2.69.1")
    await world.start()
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.TARGET, "weu")
    await world.start()
    await world.advance(hours=1)
    await world.rest()
    assert world.list_of() == BARE
    assert world.ledgers.peek(KEY) is None
    world.ungrant("other")
    await world.rest()
    assert world.gone("other")


@simulated
async def test_a_target_forced_away_under_our_eyes(world: World) -> None:
    await _running(world)
    world.api.force_delete(Kind.TARGET, "weu")
    await world.rest()
    assert world.list_of() == BARE
    assert world.ledgers.peek(KEY) is None
    assert world.state() == "TargetNotFound"
    world.ungrant()
    await world.rest()
    assert world.gone()


@simulated
async def test_many_grants_of_a_vanished_target_wait_for_the_ledgers_acknowledgement(
    world: World,
) -> None:
    await _running(world, grants=8)
    world.api.force_delete(Kind.TARGET, "weu")
    await world.rest()
    assert len(world.list_of() or ()) == 10
    world.target()
    await world.rest()
    assert world.target_state() == "InSync"
    assert len(world.puts()) == 1


@pytest.mark.parametrize("edited", [False, True])
@simulated
async def test_i8_another_target_that_takes_the_cluster_over_revokes_nobody_en_masse(
    world: World, edited: bool
) -> None:
    await _running(world, grants=8)
    full = world.list_of()
    world.target("second", cluster="weu")
    await world.rest()
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(hours=1)
    await world.restart()
    await world.rest()
    assert world.target_state("second") == "MassRemovalHeld"
    assert world.list_of() == full
    if edited:
        world.expect("I8", because="the oracle keeps the first cause, and an edit came after it")
        for path in world.api.names(Kind.GRANT):
            world.regrant(path.partition("/")[2], targetRef={"name": "elsewhere"})
    else:
        code = {"aksaccess.dev/acknowledge": world.code("second")}
        world.mark(Kind.TARGET, "second", annotations=code)
    await world.rest()
    assert world.list_of() == BARE


@simulated
async def test_a_target_deleted_while_its_cluster_is_busy_waits(world: World) -> None:
    await _running(world)
    world.azure.cluster(KEY).busy(1200)
    world.untarget()
    await world.advance(minutes=10)
    assert not world.target_gone()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == BARE


@simulated
async def test_a_suspended_target_waits_with_its_deletion(world: World) -> None:
    await _running(world, suspend=None)
    world.retarget(suspend=True)
    world.untarget()
    await world.advance(hours=1)
    assert not world.target_gone()
    assert world.list_of() == {*BARE, LAPTOP}
    world.retarget(suspend=None)
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == BARE


@simulated
async def test_threat_17_a_ledger_that_is_full_adds_nothing_and_removes_all_the_same(
    world: World,
) -> None:
    await _running(world)
    world.ledgers.most = 2
    world.grant("more", "81.2.69.1")
    await world.advance(hours=1)
    assert "81.2.69.1/32" not in (world.list_of() or ())
    assert world.target_state() == "LedgerFull"
    assert world.state("more") == "TargetBlocked"
    world.ungrant()
    await world.until(lambda: LAPTOP not in (world.list_of() or ()), within=10)
    world.ledgers.most = None
    await world.advance(minutes=12)
    await world.rest()
    assert world.state("more") == "Active"
    assert world.gone()


@simulated
async def test_a_request_to_reconcile_is_answered(world: World) -> None:
    await _running(world)
    reads = len(world.gets())
    stamp = {"reconcile.aksaccess.dev/requestedAt": "now-1"}
    world.mark(Kind.TARGET, "weu", annotations=stamp)
    world.mark(Kind.GRANT, "laptop", namespace="team-a", annotations=stamp)
    await world.advance(10)
    assert len(world.gets()) > reads
    assert world.target_status()["lastHandledReconcileAt"] == "now-1"
    assert world.status()["lastHandledReconcileAt"] == "now-1"


@simulated
async def test_i12_a_ledger_without_target_remembers_the_list_that_somebody_cleared(
    world: World,
) -> None:
    await _running(world)
    world.azure.cluster(KEY).set_by_others(None)
    world.api.edit(Kind.TARGET, "weu", change=lambda raw: raw["metadata"].update(finalizers=[]))
    world.untarget()
    world.expect("I12", because="without a target nothing is put back")
    await world.advance(minutes=30)
    (told,) = {e.note for e in world.events.posted if e.reason == "OrphanedAccess"}
    assert "create that again, or delete its ledger" in told
    world.target()
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_i11_a_ledger_without_target_of_a_cluster_that_became_private_goes(
    world: World,
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.api.edit(Kind.TARGET, "weu", change=lambda raw: raw["metadata"].update(finalizers=[]))
    world.azure.cluster(KEY).private = True
    world.azure.cluster(KEY).set_by_others(None)
    world.untarget()
    await world.advance(hours=1)
    assert world.ledgers.peek(KEY) is None
    assert "OrphanedAccess" not in {e.reason for e in world.events.posted}


@simulated
async def test_ledger_lost_counts_grants_that_were_moved_away_as_ours(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.kill()
    world.regrant(targetRef={"name": "elsewhere"})
    world.ledgers.lose(key_of("weu"))
    await world.start()
    await world.advance(minutes=20)
    assert LAPTOP not in (world.list_of() or set())
