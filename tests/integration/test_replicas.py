"""Two replicas: one works, the other waits and takes over; a takeover writes nothing needlessly."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aks_access.engine.ports import Kind
from aks_access.kube.resources import RESOURCES
from sandbox import chart
from sandbox.arm.process import ArmProcess
from sandbox.chart import NAMESPACE
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.audit import read_audit_log
from sandbox.operator import OperatorProcess
from tests.integration.scenes import ENTRY, LAPTOP, OFFICE
from tests.integration.station import PACE, STEADY, Station
from tests.integration.things import Object
from tests.integration.world import OPERATOR, World

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/aks-access-operator"


@contextmanager
def second_replica(world: World, **more: str) -> Iterator[OperatorProcess]:
    """One more operator beside the station's, on the same Lease, with warm caches."""
    settings: dict[str, Any] = {**PACE, **more}
    replica = OperatorProcess(plane=world.plane, arm=world.station.arm, name="replica", **settings)
    with replica:
        replica.wait_ready()
        yield replica


def holder(world: World) -> str:
    """Who holds the Lease, by the API server."""
    return str(world.plane.request("GET", LEASE)["spec"].get("holderIdentity") or "")


def test_one_of_two_replicas_works(restart_world: World) -> None:
    world = restart_world
    leader = world.station.ensure(**STEADY)
    with second_replica(world, **STEADY) as follower:
        cluster = world.cluster()
        target = world.target(cluster)
        grants = [world.grant(target, f"81.2.69.{number}") for number in range(10, 15)]
        for grant in grants:
            grant.wait_state("Active")
        assert (leader.leading(), follower.leading()) == (True, False)
        assert holder(world) == leader.name
        assert follower.ready(), "a follower is ready: its caches are warm"
        assert follower.audit_lines() == []
        assert len(cluster.puts()) <= len(grants)


@pytest.mark.parametrize("by", ["SIGKILL", "SIGTERM"])
def test_the_other_takes_over_and_writes_nothing_for_it(restart_world: World, by: str) -> None:
    world = restart_world
    leader = world.station.start()
    cluster = world.cluster()
    target = world.target(cluster)
    standing, ending = (
        world.grant(target, LAPTOP, duration="1h"),
        world.grant(target, "81.2.69.143"),
    )
    for each in (standing, ending):
        each.wait_state("Active")
    target.wait_state("InSync")
    with second_replica(world) as follower:
        mark = world.mark()
        leader.signal(signal.Signals[by])
        leader.wait()
        follower.wait_leading()
        cluster.wait_looks(2)
        assert cluster.puts(mark) == []
        assert world.writes(mark) == []
        assert holder(world) == follower.name
        ending.delete()
        ending.wait_gone()
        cluster.wait_ranges(OFFICE, ENTRY)
        assert standing.state == "Active"
        assert len(cluster.puts(mark)) == 1


def test_a_deletion_while_nobody_leads_is_finished_by_the_next(restart_world: World) -> None:
    world = restart_world
    leader = world.station.start()
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    with second_replica(world) as follower:
        leader.kill()
        grant.delete()
        follower.wait_leading()
        grant.wait_gone()
        cluster.wait_ranges(OFFICE)


def test_a_leader_that_was_paused_past_its_lease_writes_no_more(restart_world: World) -> None:
    world = restart_world
    leader = world.station.start()
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    with second_replica(world) as follower:
        fault = world.arm.add_fault(method="GET", path=f"{cluster.key}(\\?|$)", hold=True)
        grant = world.grant(target, LAPTOP)
        world.eventually(
            lambda: any(f.fault_id == fault and f.hits for f in world.arm.faults()),
            what="a read of the leader to hang, before its write",
        )
        leader.signal(signal.SIGSTOP)
        world.arm.remove_fault(fault)
        follower.wait_leading()
        grant.wait_state("Active")
        mark = world.mark()
        leader.signal(signal.SIGCONT)
        world.eventually(
            lambda: leader.poll() is not None or not leader.leading(), what="it to stand back"
        )
        cluster.wait_looks(2)
        assert cluster.puts(mark) == []
        assert len(cluster.puts()) == 1
        assert holder(world) == follower.name


@pytest.fixture
def empty_world(own_control_plane: ControlPlane, unique: Callable[[str], str]) -> Iterator[World]:
    """A station for one test alone: what it leaves behind goes with it."""
    chart.apply_chart(own_control_plane)
    with ArmProcess(operation_seconds=0.3) as arm:
        station = Station(plane=own_control_plane, arm=arm, **STEADY)
        station.start()
        made = World(station=station, unique=unique)
        yield made
        made.judge()
        station.stop()


@pytest.mark.timeout(400)
def test_a_restart_with_500_grants_writes_nothing_but_the_lease(empty_world: World) -> None:
    world = empty_world
    clusters = [world.cluster(operation_seconds=0.1) for _ in range(5)]
    collection = RESOURCES[Kind.GRANT].collection(namespace=world.home())
    names = [world.unique("target") for _ in clusters]
    for number in range(500):
        item = Object(world=world, kind=Kind.GRANT, name=f"many-{number}", namespace=world.home())
        spec = {
            "targetRef": {"name": names[number % 5]},
            "ipRanges": [f"81.2.{number // 100}.{number % 100}"],
            "expiresAt": world.at(7200),
        }
        world.plane.request("POST", collection, world.document(item, spec))
    policy = {"allowedNamespaces": {"from": "All"}}
    targets = [
        world.create(
            Kind.TARGET, {"resourceId": cluster.id, "mode": "Merge", "policy": policy}, name=name
        )
        for cluster, name in zip(clusters, names, strict=True)
    ]

    def states() -> list[str]:
        found = world.plane.request("GET", collection)["items"]
        return [o.get("status", {}).get("summary", {}).get("state", "") for o in found]

    world.eventually(lambda: states() == ["Active"] * 500, what="500 to be Active", seconds=200)
    for target in targets:
        target.wait_state("InSync")
    assert sum(len(cluster.puts()) for cluster in clusters) <= 5 * 5

    world.station.stop()
    mark = world.mark()
    world.station.start()
    for cluster in clusters:
        cluster.wait_looks(2, since=mark)
    assert [cluster.puts(mark) for cluster in clusters] == [[]] * 5
    assert world.writes(mark) == []
    others = [
        event
        for event in read_audit_log(world.plane.audit_log, offset=mark.audit)
        if event.user == OPERATOR
        and event.timestamp >= mark.at
        and event.verb in ("create", "update", "patch", "delete")
        and event.resource not in ("leases", "selfsubjectaccessreviews")
    ]
    assert others == [], "not even an Event"
