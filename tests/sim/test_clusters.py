"""Clusters in every state that Azure knows: each waits for itself, none for another."""

from typing import Any

import pytest

from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import Kind
from aks_access.errors import AzureFault
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, programmed
from tests.sim.world import OFFICE, World, condition, key_of


def healthy(world: World) -> None:
    """A second cluster, to see that nothing holds it up."""
    world.cluster("healthy")
    world.target("healthy")
    world.grant("other", "81.2.69.200", target="healthy", expiresAt=world.at(minutes=40))


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"private": True, "ranges": None}, "UnsupportedCluster"),
        ({"load_balancer_sku": "basic"}, "UnsupportedCluster"),
        ({"power_state": "Stopped"}, "ClusterStopped"),
        ({"provisioning_state": "Failed"}, "ClusterFailed"),
        ({"gone": True}, "ClusterNotFound"),
    ],
)
@simulated
async def test_a_cluster_that_takes_no_write_holds_up_nobody(
    world: World, facts: dict[str, Any], state: str
) -> None:
    world.cluster(**facts)
    world.target()
    world.grant()
    healthy(world)
    await world.start()
    await world.advance(minutes=5)
    assert world.state("other") == "Active"
    await world.advance(hours=1)
    assert world.list_of("healthy") == BARE
    assert not world.tried()
    assert world.target_state() == state
    assert world.state() in ("TargetBlocked", "UnsupportedCluster")
    assert condition(world.target_status(), "Stalled")["reason"] == state


@simulated
async def test_threat_04_a_stopped_cluster_goes_on_when_it_is_started(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    cluster.power_state = "Stopped"
    await world.advance(hours=2)
    assert world.target_state() == "RevocationOverdue"
    assert len(world.tried()) == 1
    cluster.power_state = "Running"
    await world.until(lambda: world.list_of() == BARE, within=65)


@simulated
async def test_a_cluster_that_fails_by_others_takes_revocations_only(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    cluster.busy(60, failed=True)
    await world.advance(70)
    world.grant("late", "81.2.69.9")
    await world.advance(minutes=20)
    assert len(world.tried()) == 1
    assert world.target_state() == "ClusterFailed"
    await world.advance(minutes=40)
    await world.rest()
    assert LAPTOP not in (world.list_of() or ())


@simulated
async def test_i2_a_cluster_that_fails_by_others_is_not_written_for_the_platform(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target(mode="Exclusive", baseline={"ipRanges": [OFFICE, "51.141.0.0/24"]})
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    cluster.busy(60, failed=True)
    await world.advance(70)
    cluster.set_by_others([*cluster.ranges, "81.3.0.1/32"])
    world.retarget(baseline={"ipRanges": [OFFICE]})
    await world.advance(minutes=30)
    assert len(world.tried()) == 1
    assert world.target_state() == "ClusterFailed"
    await world.advance(minutes=40)
    await world.rest()
    assert world.list_of() == {OFFICE}, "a revocation is written, and mends the cluster"


@simulated
async def test_an_upgrade_is_waited_for(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    cluster.busy(1800)
    world.grant("late", "81.2.69.9")
    await world.advance(minutes=10)
    assert world.target_state() == "ClusterBusy"
    assert condition(world.target_status(), "Reconciling")["reason"] == "ClusterBusy"
    assert world.state("late") in ("TargetBlocked", "Progressing")
    assert len(world.tried()) == 1
    await world.advance(minutes=22)
    assert "81.2.69.9/32" in (world.list_of() or ())


@simulated
async def test_threat_13_a_deleted_cluster_releases_after_two_404s(world: World) -> None:
    cluster = await programmed(world)
    await world.rest()
    cluster.gone = True
    gone_at = world.now
    world.ungrant()
    await world.until(world.gone, within=200)
    assert world.now - gone_at >= 60
    assert not any(request.result == "ok" for request in world.tried()[1:])
    assert world.target_state() == "ClusterNotFound"


@simulated
async def test_one_404_releases_nothing(world: World) -> None:
    await programmed(world)
    await world.rest()
    missing = azure_error(AzureFault.NOT_FOUND, 404, "ResourceNotFound")
    world.azure.faults.plan("get", missing)
    world.ungrant()
    await world.advance(30)
    assert not world.gone()
    assert world.owned() == {OFFICE, LAPTOP}
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_a_cluster_that_was_only_thought_gone_keeps_nobody_in(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    world.grant("other", "81.2.69.1")
    await world.start()
    await world.rest()
    missing = azure_error(AzureFault.NOT_FOUND, 404, "ResourceNotFound")
    fault = world.azure.faults.plan("get", missing, times=None)
    world.ungrant()
    await world.until(world.gone, within=200)
    world.azure.faults.lift(fault)
    await world.advance(minutes=15)
    await world.rest()
    assert world.list_of() == {*BARE, "81.2.69.1/32"}
    assert world.owned() == {OFFICE, "81.2.69.1/32"}


@simulated
async def test_i7_a_cluster_created_again_starts_as_a_new_one(world: World) -> None:
    cluster = await programmed(world)
    await world.rest()
    cluster.gone = True
    await world.advance(minutes=30)
    world.cluster(resource_uid="cluster-2", ranges=("198.41.7.0/24", LAPTOP))
    await world.advance(minutes=15)
    await world.rest()
    assert world.list_of() == {"198.41.7.0/24", OFFICE, LAPTOP}
    assert world.ledger().resource_uid == "cluster-2"
    world.ungrant()
    await world.rest()
    assert LAPTOP in (world.list_of() or ()), "it was there before us"
    assert world.gone()


@simulated
async def test_a_cluster_swapped_between_two_looks_starts_as_a_new_one(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.cluster(resource_uid="cluster-2", ranges=None)
    await world.advance(minutes=30)
    assert world.list_of() is None, "an open cluster that was never restricted"
    assert world.target_state() == "ClusterUnrestricted"


@simulated
async def test_a_forbidden_read_keeps_the_debt_until_it_is_overdue(world: World) -> None:
    await programmed(world)
    await world.rest()
    forbidden = azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    fault = world.azure.faults.plan("get", forbidden, times=None, about=key_of("weu"))
    world.ungrant()
    await world.advance(minutes=14)
    assert not world.gone()
    await world.advance(minutes=3)
    assert world.target_state() == "RevocationOverdue"
    assert world.gone(), "the ledger takes the debt over"
    assert LAPTOP in world.owned()
    world.azure.faults.lift(fault)
    await world.rest()
    assert world.list_of() == BARE
    assert world.target_state() == "InSync"


@pytest.mark.parametrize(
    ("fault", "status", "state"),
    [
        (AzureFault.FORBIDDEN, 403, "WriteForbidden"),
        (AzureFault.LOCKED, 409, "ClusterLocked"),
        (AzureFault.REFUSED, 403, "WriteRefused"),
    ],
)
@simulated
async def test_a_refused_write_is_tried_slowly_and_said(
    world: World, fault: AzureFault, status: int, state: str
) -> None:
    world.cluster()
    world.target()
    world.grant()
    healthy(world)
    error = azure_error(fault, status, "No")
    planned = world.azure.faults.plan("put_ranges", error, times=None, about=key_of("weu"))
    await world.start()
    await world.advance(hours=1)
    assert world.target_state() == state
    assert world.state() == "TargetBlocked"
    assert len(world.tried()) <= 8
    assert len(world.gets()) <= 30
    assert world.list_of("healthy") == BARE
    assert world.ledger().in_flight is None
    world.azure.faults.lift(planned)
    await world.advance(minutes=12)
    await world.rest()
    assert world.state() == "Active"


@simulated
async def test_a_refused_removal_is_tried_more_often_and_becomes_overdue(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    locked = azure_error(AzureFault.LOCKED, 409, "ScopeLocked")
    world.azure.faults.plan("put_ranges", locked, times=None)
    await world.advance(hours=2)
    tries = len(world.tried()) - 1
    assert 30 <= tries <= 70
    assert world.target_state() == "RevocationOverdue"
    assert world.state() == "RevocationOverdue"
    assert condition(world.status(), "Stalled")["status"] == "True"


@simulated
async def test_a_target_with_a_wrong_id_says_so(world: World) -> None:
    world.cluster()
    world.api.create(Kind.TARGET, "bad", spec={"resourceId": "weu", "mode": "Merge"})
    world.target("missing")
    healthy(world)
    await world.start()
    await world.advance(minutes=5)
    assert world.target_state("bad") == "InvalidSpec"
    assert world.target_state("missing") == "ClusterNotFound"
    assert world.state("other") == "Active"


@simulated
async def test_a_target_that_becomes_invalid_still_lets_what_ends_end(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("ending", "81.2.69.1", expiresAt=world.at(hours=1))
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(policy={"allowedNamespaces": {"from": "Nobody"}})
    await world.rest()
    assert world.target_state() == "InvalidSpec"
    assert world.list_of() == {*BARE, LAPTOP, "81.2.69.1/32"}
    await world.advance(hours=1)
    assert world.list_of() == {*BARE, LAPTOP}
    world.ungrant()
    await world.rest()
    assert world.gone()
    assert world.list_of() == BARE
