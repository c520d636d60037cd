"""Access that stands though its target is gone."""

import logging
import re

import pytest

from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import EventType, Kind, LedgerRef
from aks_access.errors import AzureError, AzureFault
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP, programmed
from tests.sim.world import FOREIGN, OFFICE, SUBSCRIPTION, World, key_of


@simulated
async def test_threat_14_orphaned_access_that_azure_keeps_is_told_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, logger="aks_access.engine")
    await programmed(world)
    await world.rest()
    refused = AzureError("The client lacks the right to write.", fault=AzureFault.FORBIDDEN)
    fault = world.azure.faults.plan("put_ranges", refused, times=None)
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(minutes=30)
    told = [e for e in world.events.posted if e.reason == "OrphanedAccess"]
    assert told
    first = told[0]
    assert isinstance(first.regarding, LedgerRef)
    assert first.regarding.uid == key_of("weu")
    assert first.type is EventType.WARNING
    assert LAPTOP in first.note
    assert "target weu is gone" in first.note
    assert f"az aks update --subscription {SUBSCRIPTION} -g rg-weu -n weu --api" in first.note
    assert world.metrics.states["weu"][1]["orphaned"] >= 1.0
    lines = [r for r in caplog.records if r.getMessage().startswith("orphaned access")]
    assert 1 <= len(lines) <= 4, "at most once in ten minutes"

    world.azure.faults.lift(fault)
    await world.until(lambda: LAPTOP not in (world.list_of() or ()), within=700.0)
    await world.until(lambda: world.ledgers.peek(key_of("weu")) is None, within=700.0)
    assert "weu" not in world.metrics.states


@simulated
async def test_threat_14_an_orphaned_ledger_that_revokes_is_not_told_of(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.api.force_delete(Kind.TARGET, "weu")
    await world.until(lambda: world.ledgers.peek(key_of("weu")) is None, within=700.0)
    assert not [e for e in world.events.posted if e.reason == "OrphanedAccess"]


@simulated
async def test_threat_14_a_mass_removal_of_an_orphaned_ledger_names_its_code(world: World) -> None:
    world.cluster()
    world.target()
    for number in range(8):
        world.grant(f"g{number}", f"81.2.69.{number}")
    await world.start()
    await world.rest()
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(minutes=2)
    note = next(e.note for e in world.events.posted if e.reason == "OrphanedAccess")
    code = note.split("aksaccess.dev/acknowledge=")[1][:10]
    world.ledgers.acknowledge(key_of("weu"), code)
    await world.until(lambda: world.ledgers.peek(key_of("weu")) is None, within=1500.0)
    assert "81.2.69.0/32" not in (world.list_of() or ())


@simulated
async def test_threat_14_an_unreadable_ledger_without_a_target_is_told_of(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.TARGET, "weu")
    world.ledgers.spoil(key_of("weu"))
    await world.start()
    await world.advance(60)
    note = next(e.note for e in world.events.posted if e.reason == "OrphanedAccess")
    assert "it is no JSON" in note
    assert "restore the ConfigMap" in note


UNREADABLE = [
    azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed"),
    azure_error(AzureFault.UNCERTAIN, None, "timeout"),
]


@pytest.mark.parametrize("error", UNREADABLE, ids=lambda error: error.code)
@simulated
async def test_i9_an_orphan_that_cannot_be_read_holds_no_other_clusters_grant(
    world: World, error: AzureError
) -> None:
    world.cluster()
    world.target()
    world.grant()
    world.grant("short", "81.2.69.1", expiresAt=world.at(hours=1), retainAfterExpiry="10m")
    world.cluster("open", ranges=None)  # its list was never restricted, so none was read back
    world.target("open")
    await world.start()
    await world.rest()
    assert world.ledger("open").verified is None
    world.azure.faults.plan("get", error, times=None, about=key_of("open"))
    world.api.force_delete(Kind.TARGET, "open")
    await world.restart()
    world.ungrant()
    await world.until(world.gone, within=180.0)
    await world.advance(hours=2)
    assert world.gone("short")
    assert "OrphanedAccess" not in [event.reason for event in world.events.posted]


@simulated
async def test_i9_an_orphan_that_cannot_be_read_holds_its_own_grants(world: World) -> None:
    world.cluster(ranges=None)
    world.target(restrictUnrestricted=True)
    world.grant()
    world.azure.faults.plan("put_ranges", UNREADABLE[1], times=None)

    def blind() -> None:
        if world.tried() and not world.azure.faults.planned[1:]:
            world.azure.faults.plan("get", UNREADABLE[0], times=None)

    world.lookers.append(blind)
    await world.start()
    await world.until(lambda: bool(world.tried()))
    assert (world.ledger().verified, world.owned()) == (None, {OFFICE, LAPTOP})
    world.api.force_delete(Kind.TARGET, "weu")
    await world.restart()
    world.ungrant()
    await world.advance(minutes=10)
    assert not world.gone(), "the write that nobody answered may have let it in"
    note = next(e.note for e in world.events.posted if e.reason == "OrphanedAccess")
    assert note.startswith(f"{OFFICE}, {LAPTOP} stand open")
    world.lookers.clear()
    world.azure.faults.planned.clear()
    await world.until(world.gone, within=700.0)
    assert LAPTOP not in (world.list_of() or ())


@simulated
async def test_threat_14_access_that_was_taken_out_is_not_told_of_as_standing(world: World) -> None:
    cluster = await programmed(world)
    await world.rest()
    cluster.gone = True
    await world.advance(minutes=30)
    assert (world.ledger().verified, world.owned()) == (None, set())
    world.azure.faults.plan("get", UNREADABLE[0], times=None)
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(minutes=30)
    assert "OrphanedAccess" not in [event.reason for event in world.events.posted]


@simulated
async def test_i8_a_mass_removal_of_a_target_that_went_can_be_acknowledged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.cluster()
    world.target()
    world.grant("many", *(f"81.2.69.{n}" for n in range(130, 138)))
    await world.start()
    await world.rest()
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(minutes=20)
    assert "81.2.69.130/32" in (world.list_of() or set())
    codes = re.findall(r"configmap aks-access-ledger-\w{16} \S+=(\w{10})", caplog.text)
    world.ledgers.acknowledge(key_of("weu"), codes[-1])
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_i2_an_orphaned_ledger_touches_nothing_of_a_cluster_created_again(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.TARGET, "weu")
    world.cluster(resource_uid="cluster-2", ranges=(FOREIGN, LAPTOP))
    await world.start()
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, LAPTOP}
