"""The management cluster is restored from an etcd snapshot while Azure moved on, for real.

A snapshot is taken over etcd's Maintenance API and restored with etcdutl; resourceVersions go
back. In between grants end, are deleted, extended and made, and somebody edits in the portal.
What ended or was deleted must not be let in again unseen, whatever the old objects say.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import chart
from sandbox.arm.process import ArmProcess
from sandbox.chart import NAMESPACE
from sandbox.controlplane import ControlPlane
from sandbox.processes import wait_until
from tests.integration.scenes import acknowledge, code_in
from tests.integration.station import Station
from tests.integration.things import Cluster, Object
from tests.integration.world import RIGHTS, World

pytestmark = [pytest.mark.proof, pytest.mark.timeout(240)]

PORTAL = "51.140.8.0/24"
OFFICE = "51.141.0.0/24"
ENDING, DELETED, EXTENDED, STAYING, LATER, LATER_KEPT, EDITED = (
    f"81.2.69.{number}/32" for number in range(10, 17)
)
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/aks-access-operator"
QUICK_LEASE = {"lease_duration": "2s", "renew_deadline": "1500ms", "retry_period": "300ms"}
QUICK = {**QUICK_LEASE, "put_timeout": "500ms", "relist_interval": "3s"}


@pytest.fixture
def restorable_world(unique: Callable[[str], str]) -> Iterator[World]:
    """A station of this test's own: everything on it goes back in time."""
    with ControlPlane() as plane, ArmProcess(operation_seconds=0.2) as arm:
        chart.apply_chart(plane)
        station = Station(plane=plane, arm=arm, **QUICK)
        try:
            station.start()
            made = World(station=station, unique=unique)
            yield made
            made.judge()
        finally:
            station.stop()


@dataclass(slots=True)
class Yesterday:
    """What the snapshot holds."""

    world: World
    cluster: Cluster
    target: Object
    ending: Object
    deleted: Object
    extended: Object
    staying: Object
    snapshot: Path
    resource_version: int


def _version(item: Object) -> int:
    return int(item.read()["metadata"]["resourceVersion"])


def _yesterday(world: World) -> Yesterday:
    world.expect("I8", because="no audit log tells what a restore of etcd does to the objects")
    cluster = world.cluster([PORTAL])
    target = world.target(cluster, baseline={"ipRanges": [OFFICE]})
    ends = world.at(18)
    grants = {
        "ending": world.grant(target, ENDING, expiresAt=ends),
        "deleted": world.grant(target, DELETED),
        "extended": world.grant(target, EXTENDED, expiresAt=ends),
        "staying": world.grant(target, STAYING),
    }
    for grant in grants.values():
        grant.wait_state("Active")
    target.wait_state("InSync")
    snapshot = world.plane.directory / "yesterday.db"
    world.plane.back_up(snapshot)
    return Yesterday(
        world=world,
        cluster=cluster,
        target=target,
        snapshot=snapshot,
        resource_version=_version(target),
        **grants,
    )


def _move_on(past: Yesterday) -> Object:
    """A day's work after the snapshot; returns a grant that the snapshot does not know."""
    world, cluster = past.world, past.cluster
    past.extended.patch(expiresAt=world.at(600))
    past.deleted.delete()
    past.deleted.wait_gone()
    made = world.grant(past.target, LATER)
    kept = world.grant(past.target, LATER_KEPT)
    for grant in (made, kept):
        grant.wait_state("Active")
    past.ending.wait_state("Expired")
    cluster.edit(add=[EDITED])
    past.target.nudge()
    past.target.wait_state("InSync")
    cluster.wait_ranges(PORTAL, OFFICE, EXTENDED, STAYING, LATER, LATER_KEPT, EDITED)
    return kept


def _settle(past: Yesterday, kept: Object) -> None:
    """From LedgerLost to the end: what GitOps brings back is ours again, nothing else comes in."""
    world, cluster, target = past.world, past.cluster, past.target
    target.wait_state("LedgerLost", seconds=20)
    assert target.condition("Stalled")["status"] == "True"
    assert past.deleted.exists(), "the snapshot brought the deleted grant back"
    cluster.wait_looks(3)
    # EXTENDED ended by what the old object says; nothing that ended or was deleted came back.
    cluster.wait_ranges(PORTAL, OFFICE, STAYING, LATER, LATER_KEPT, EDITED)
    stale = code_in(target.message())

    # What Git holds comes back as it was, with new uids; what Git deleted is pruned.
    again = world.grant(target, LATER_KEPT, name=kept.name)
    past.deleted.delete()
    past.extended.patch(expiresAt=world.at(600))
    past.deleted.wait_gone()
    world.eventually(lambda: code_in(target.message()) != stale, what="another code", about=target)
    acknowledge(target, stale)
    target.nudge()
    assert target.state == "LedgerLost", "a code of an earlier state does nothing"
    cluster.wait_ranges(PORTAL, OFFICE, STAYING, LATER, LATER_KEPT, EDITED)

    acknowledge(target, code_in(target.message()))
    target.wait_state("InSync")
    cluster.wait_ranges(PORTAL, OFFICE, EXTENDED, STAYING, LATER, LATER_KEPT, EDITED)
    again.delete()
    past.staying.delete()
    for each in (again, past.staying):
        each.wait_gone()
    # LATER, which nobody asks for any more and nothing explains, is the platform's to take out.
    cluster.wait_ranges(PORTAL, OFFICE, EXTENDED, LATER, EDITED)
    listed = {e["range"]: e["origin"] for e in target.status["entries"]}
    assert listed[LATER] == listed[EDITED]


def test_threat_02_a_backup_restored_while_no_operator_ran_lets_nothing_in_again(
    restorable_world: World,
) -> None:
    world = restorable_world
    past = _yesterday(world)
    kept = _move_on(past)
    world.station.stop()
    mark = world.mark()
    world.plane.restore(past.snapshot)
    assert _version(past.target) <= past.resource_version + 5, "resourceVersions went back"
    lease = world.plane.request("GET", LEASE)["spec"]
    assert lease["holderIdentity"], "in the snapshot the old leader never let go"
    renewed = datetime.fromisoformat(lease["renewTime"])
    wait_until(
        lambda: datetime.now(UTC) - renewed > timedelta(seconds=8),
        what="more than a failover between replicas to pass",
        timeout=10.0,
    )
    world.station.start()
    past.target.wait_state("LedgerLost", seconds=20)
    message = past.target.message()
    assert message.startswith("Nobody led since 20")
    assert f"{DELETED} went and {LATER}, {LATER_KEPT}, {EDITED} came" in message
    _settle(past, kept)
    sent = [set(entry.after or ()) for entry in past.cluster.puts(mark)]
    assert not any({ENDING, DELETED} & entries for entries in sent)


@pytest.mark.parametrize("bump", [0, 1_000_000_000])
def test_threat_10_a_backup_restored_under_a_running_operator_lets_nothing_in_again(
    restorable_world: World, bump: int
) -> None:
    world = restorable_world
    world.expect(RIGHTS, because="a restarted API server refuses until it has read who may what")
    past = _yesterday(world)
    kept = _move_on(past)
    mark = world.mark()
    world.plane.restore(past.snapshot, bump=bump)
    _settle(past, kept)
    sent = [set(entry.after or ()) for entry in past.cluster.puts(mark)]
    assert not any({ENDING, DELETED} & entries for entries in sent)
    world.operator.ensure_running()
