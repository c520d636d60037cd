"""Access that ended and cannot be taken away: said loudly, kept in the ledger, and done later."""

from typing import Any

import pytest

from aks_access.kube.ledger_document import decode
from aks_access.plan.model import ClusterKey
from sandbox.chart import NAMESPACE
from tests.integration.scenes import DOCUMENT, ENTRY, LAPTOP, OFFICE, let_go
from tests.integration.world import World

BOUND = "3s"


def test_a_removal_that_azure_forbids_becomes_a_debt_and_is_paid_later(
    restart_world: World,
) -> None:
    world = restart_world
    world.station.ensure(revocation_bound=BOUND)
    cluster = world.cluster()
    target = world.target(cluster)
    deleted, ended = world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")
    for each in (deleted, ended):
        each.wait_state("Active")
    world.arm.deny(cluster.id, verb="write")
    ended.patch(expiresAt=world.at(2))
    deleted.delete()
    ended.wait_state("RevocationPending", "RevocationOverdue")
    assert deleted.exists() or ENTRY in (cluster.ranges or [])
    target.wait_state("RevocationOverdue")
    ended.wait_state("RevocationOverdue")
    deleted.wait_gone()
    assert "still open" in target.message()
    assert "aks-access plan" in target.message()
    assert target.condition("Stalled")["reason"] == "RevocationOverdue"
    target.wait_event("RevocationOverdue")
    stored = cluster.ledger()
    assert stored is not None
    ledger = decode(stored["data"][DOCUMENT], key=ClusterKey(cluster.key), version="")
    assert ledger.entries[ENTRY].released, "the ledger holds the debt"
    assert ENTRY in (cluster.ranges or [])

    world.arm.allow(cluster.id)
    target.nudge()
    cluster.wait_ranges(OFFICE)
    ended.wait_state("Expired")
    target.wait_state("InSync")


def test_what_falls_due_on_a_suspended_target_is_reported_and_done_later(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    going, ending = world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")
    for each in (going, ending):
        each.wait_state("Active")
    mark = world.mark()
    target.patch(suspend=True)
    target.wait_state("Suspended")
    assert target.condition("Ready")["status"] == "True", "nothing is due yet"
    late = world.grant(target, "81.2.69.144")
    late.wait_state("Suspended")
    going.patch(revoked=True)
    target.wait_state("RevocationOverdue")
    going.wait_state("RevocationOverdue")
    assert target.condition("Stalled")["status"] == "True"
    cluster.wait_looks(2)
    assert cluster.puts(mark) == []
    target.patch(suspend=False)
    going.wait_state("Revoked")
    late.wait_state("Active")
    cluster.wait_ranges(OFFICE, "81.2.69.143/32", "81.2.69.144/32")


@pytest.mark.timeout(180)
def test_the_ledger_of_a_target_that_was_forced_away_goes_on_revoking(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grants = [world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")]
    for grant in grants:
        grant.wait_state("Active")
    target.wait_state("InSync")
    world.arm.deny(cluster.id, verb="write")
    let_go(world, target)
    assert cluster.ledger() is not None
    grants[0].delete()
    world.arm.allow(cluster.id)
    cluster.wait_ranges(OFFICE, seconds=90)
    grants[0].wait_gone()
    grants[1].wait_state("TargetNotFound")
    world.eventually(lambda: cluster.ledger() is None, what="the ledger to be done with")


@pytest.mark.timeout(180)
def test_access_that_nobody_can_take_away_is_told_of_on_its_ledger(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.wait_state("InSync")
    world.arm.deny(cluster.id, verb="write")
    let_go(world, target)

    def told() -> list[dict[str, Any]]:
        path = f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events"
        return [
            event
            for event in world.plane.request("GET", path)["items"]
            if event["reason"] == "OrphanedAccess"
            and event["regarding"]["name"] == cluster.ledger_name
        ]

    world.eventually(lambda: bool(told()), what="the Event on the ledger")
    event, ledger = told()[0], cluster.ledger()
    assert ledger is not None
    assert event["regarding"]["kind"] == "ConfigMap"
    assert event["regarding"]["uid"] == ledger["metadata"]["uid"]
    assert ENTRY in event["note"]
    world.arm.allow(cluster.id)
    cluster.wait_ranges(OFFICE, seconds=90)
    world.eventually(lambda: cluster.ledger() is None, what="the ledger to be done with")
