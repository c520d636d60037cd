"""A failover with many operations in flight, on real processes."""

import time

import pytest

from aks_access.engine.ports import Kind
from aks_access.kube.resources import RESOURCES
from tests.faults.replicas import Replicas, next_leader
from tests.figures import Record
from tests.integration.scenes import OFFICE
from tests.integration.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

CLUSTERS = 100


def test_i6_a_failover_with_100_operations_in_flight_sends_none_again(
    world: World, replicas: Replicas, figure: Record
) -> None:
    leader, follower = replicas.leader_and_followers(2, poll_interval="2s", drift_interval="30s")
    clusters = [world.cluster(operation_seconds=3600.0) for _ in range(CLUSTERS)]
    targets = [world.target(cluster) for cluster in clusters]
    for number, target in enumerate(targets):
        world.grant(target, f"81.2.69.{number + 1}", name=f"grant-{number}")
    keys = {cluster.key for cluster in clusters}

    def sent() -> set[str]:
        journal = world.arm.journal(since=world.begun.journal, bodies=False)
        return {e.cluster for e in journal if e.method == "PUT" and e.status == 200} & keys

    world.eventually(lambda: len(sent()) == CLUSTERS, what="every PUT", seconds=90)
    mark, killed = world.mark(), time.monotonic()
    leader.process.kill()
    next_leader(world, [follower])
    for cluster in clusters:
        world.arm.set_options(cluster.id, operation_seconds=0.3)
        world.arm.finish_operation(cluster.id)
    collection = RESOURCES[Kind.GRANT].collection(namespace=world.home())

    def states() -> list[str]:
        found = world.plane.request("GET", collection)["items"]
        return [o.get("status", {}).get("summary", {}).get("state", "") for o in found]

    world.eventually(lambda: states() == ["Active"] * CLUSTERS, what="all Active", seconds=90)
    took = time.monotonic() - killed
    after = [e for e in world.arm.journal(since=mark.journal, bodies=False) if e.area == "arm"]
    puts = [e for e in after if e.method == "PUT" and e.cluster in keys]
    gets = [e for e in after if e.method == "GET" and e.path.lower() in keys]
    assert puts == [], "none is sent a second time"
    for number, cluster in enumerate(clusters):
        assert sorted(cluster.ranges or ()) == sorted([OFFICE, f"81.2.69.{number + 1}/32"])
    figure(
        f"{CLUSTERS} operations in flight at the kill: all Active {took:.1f} s later, "
        f"0 PUTs, {len(gets)} GETs by the next leader"
    )
