"""Clusters that cannot be written: each says why, what to do, and costs nobody else anything.

Every trouble is made by the emulator as Azure makes it, and cured as people cure it; the operator
must then find its way back by itself, or when it is asked to.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from aks_access.engine.ports import Kind
from sandbox.processes import ProcessError
from tests.integration.scenes import LAPTOP, OFFICE
from tests.integration.things import Cluster
from tests.integration.world import World

Act = Callable[[World, Cluster], Any]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One way for a cluster to be in trouble, and what must be said of it."""

    reason: str
    says: tuple[str, ...]
    make: Act
    cure: Act
    passes: bool = False
    """Whether it passes by itself: Reconciling, not Stalled."""
    nudged: bool = False
    """Whether the operator is asked to look again after the cure, or sees it by itself."""
    tried: int = 0
    """PUTs that Azure refuses meanwhile."""
    grant_reason: str = "TargetBlocked"


def _deny(verb: str, **details: Any) -> Act:
    return lambda world, cluster: world.arm.deny(cluster.id, verb=verb, **details)


def _allow(world: World, cluster: Cluster) -> None:
    world.arm.allow(cluster.id)


def _state(**state: str) -> Act:
    return lambda world, cluster: world.arm.set_state(cluster.id, **state)


TROUBLES = {
    "stopped": Trouble(
        reason="ClusterStopped",
        says=("is Stopped", "Start it"),
        make=_state(power_state="Stopped"),
        cure=_state(power_state="Running"),
    ),
    "upgrading": Trouble(
        reason="ClusterBusy",
        says=("is Upgrading", "Nothing to do"),
        make=_state(provisioning_state="Upgrading"),
        cure=_state(provisioning_state="Succeeded"),
        passes=True,
        grant_reason="Progressing",
    ),
    "failed by others": Trouble(
        reason="ClusterFailed",
        says=("ended Failed", "Repair the cluster"),
        make=_state(provisioning_state="Failed"),
        cure=_state(provisioning_state="Succeeded"),
    ),
    "locked": Trouble(
        reason="ClusterLocked",
        says=("lock", "Remove it"),
        make=lambda world, cluster: world.arm.lock(cluster.id),
        cure=lambda world, cluster: world.arm.unlock(cluster.id),
        nudged=True,
        tried=1,
    ),
    "read forbidden": Trouble(
        reason="ReadForbidden",
        says=("Microsoft.ContainerService/managedClusters/read", "az role assignment create"),
        make=_deny("read"),
        cure=_allow,
        nudged=True,
    ),
    "write forbidden": Trouble(
        reason="WriteForbidden",
        says=("Microsoft.ContainerService/managedClusters/write", "az role assignment create"),
        make=_deny("write"),
        cure=_allow,
        nudged=True,
        tried=1,
    ),
    "linked right missing": Trouble(
        reason="WriteForbidden",
        says=("Microsoft.Network/virtualNetworks/subnets/join/action",),
        make=_deny(
            "write",
            refusal="LinkedAuthorizationFailed",
            linked_action="Microsoft.Network/virtualNetworks/subnets/join/action",
        ),
        cure=_allow,
        nudged=True,
        tried=1,
    ),
    "disallowed by policy": Trouble(
        reason="WriteForbidden",
        says=("Azure Policy", "Exempt the cluster"),
        make=_deny("write", refusal="RequestDisallowedByPolicy", policy="no-changes"),
        cure=_allow,
        nudged=True,
        tried=1,
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_is_said_and_healed(world: World, name: str) -> None:
    trouble = TROUBLES[name]
    cluster, healthy = world.cluster(), world.cluster()
    target, other = world.target(cluster), world.target(healthy)
    for each in (target, other):
        each.wait_state("InSync")
    trouble.make(world, cluster)
    grant, neighbour = world.grant(target, LAPTOP), world.grant(other, LAPTOP)

    neighbour.wait_state("Active")
    target.wait_state(trouble.reason)
    grant.until(
        lambda o: o.get("status", {}).get("summary", {}).get("state") == trouble.grant_reason,
        what=f"to be {trouble.grant_reason}",
    )
    said = target.message()
    assert all(words in said for words in trouble.says), said
    shown = {"Stalled", "Reconciling"} & {c["type"] for c in target.status["conditions"]}
    assert shown == {"Reconciling" if trouble.passes else "Stalled"}
    assert target.condition("Ready")["status"] == "False"
    if trouble.grant_reason == "TargetBlocked":
        assert trouble.reason in grant.message()
    if trouble.reason != "ReadForbidden":
        cluster.wait_looks(2)
    assert len(cluster.puts()) == trouble.tried, "refused once is tried again later, not at once"
    assert cluster.ranges == [OFFICE]

    trouble.cure(world, cluster)
    if trouble.nudged:
        target.nudge()
    grant.wait_state("Active")
    target.wait_state("InSync")
    assert len(cluster.puts()) == trouble.tried + 1
    assert len(healthy.puts()) == 1


def test_a_failure_of_others_still_lets_a_removal_through(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    going, staying = world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")
    for each in (going, staying):
        each.wait_state("Active")
    world.arm.set_state(cluster.id, provisioning_state="Failed")
    target.wait_state("ClusterFailed")
    late = world.grant(target, "81.2.69.144")
    late.wait_state("TargetBlocked")
    going.delete()
    going.wait_gone()
    assert "81.2.69.142/32" not in (cluster.ranges or [])
    late.wait_state("Active")  # the write that took the other out repaired the cluster
    cluster.wait_ranges(OFFICE, "81.2.69.143/32", "81.2.69.144/32")


def test_a_private_cluster_is_never_written(world: World) -> None:
    cluster = world.cluster(None, shape={"private": True})
    target = world.target(cluster, baseline={"ipRanges": [OFFICE]}, restrictUnrestricted=True)
    grant = world.grant(target, LAPTOP)
    target.wait_state("UnsupportedCluster")
    grant.wait_state("UnsupportedCluster")
    assert "az aks command invoke" in target.message()
    cluster.wait_looks(2)
    assert cluster.puts() == []
    assert target.status["cluster"]["private"] is True


def test_an_open_cluster_is_reported_and_never_touched(world: World) -> None:
    cluster = world.cluster(None)
    target = world.target(cluster, baseline={"ipRanges": [OFFICE]})
    grant = world.grant(target, LAPTOP)
    target.wait_state("ClusterUnrestricted")
    grant.wait_state("ClusterUnrestricted")
    assert "restrictUnrestricted" in target.message()
    assert target.status["summary"]["entries"] == "open"
    cluster.wait_looks(2)
    assert cluster.puts() == []
    target.patch(restrictUnrestricted=True)
    grant.wait_state("Active")
    cluster.wait_ranges(OFFICE, "81.2.69.142/32")
    assert len(cluster.puts()) == 1


def test_an_unknown_cluster_is_named_and_found_later(world: World) -> None:
    cluster = world.cluster()
    world.arm.delete_cluster(cluster.id)
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    target.wait_state("ClusterNotFound")
    grant.wait_state("TargetBlocked")
    assert cluster.id in target.message()
    assert "delete aat/" in target.message()
    assert grant.finalizers == [], "nothing was let in, so nothing keeps the object"
    world.arm.create_cluster(cluster.id, ranges=[OFFICE])
    target.nudge()
    grant.wait_state("Active")
    cluster.wait_ranges(OFFICE, "81.2.69.142/32")


def test_a_grant_for_a_cluster_that_nobody_reads_can_be_deleted(world: World) -> None:
    cluster = world.cluster()
    world.arm.deny(cluster.id, verb="read")
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    target.wait_state("ReadForbidden")
    grant.wait_state("TargetBlocked")
    grant.delete()
    grant.wait_gone()
    target.delete()
    target.wait_gone()


@pytest.mark.parametrize(
    "resource_id",
    [
        "/subscriptions/x/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/a",
        "/subscriptions/5ca1ab1e-0000-4000-8000-0000000000aa/resourceGroups/rg/providers/"
        "Microsoft.Network/natGateways/a",
        "prod-weu",
        "",
    ],
)
def test_a_wrong_resource_id_is_refused_at_apply(world: World, resource_id: str) -> None:
    item = world.object(Kind.TARGET, name=world.unique("target"))
    policy = {"allowedNamespaces": {"from": "All"}}
    spec = {"resourceId": resource_id, "mode": "Merge", "policy": policy}
    with pytest.raises(ProcessError, match="resourceId"):
        world.kubectl("apply", "--filename", "-", documents=[world.document(item, spec)])
    assert not item.exists()


def test_the_resource_id_cannot_be_changed(world: World) -> None:
    cluster, another = world.cluster(), world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    body = json.dumps({"spec": {"resourceId": another.id}})
    with pytest.raises(ProcessError, match="resourceId"):
        world.kubectl("patch", "aat", target.name, "--type", "merge", "--patch", body)


def test_a_second_target_for_a_cluster_is_refused_and_takes_over_when_it_may(world: World) -> None:
    cluster = world.cluster()
    first = world.target(cluster)
    grant = world.grant(first, LAPTOP)
    grant.wait_state("Active")
    spelled = cluster.id.replace("resourceGroups", "RESOURCEGROUPS")
    policy = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True}
    second = world.create(
        Kind.TARGET,
        {"resourceId": spelled, "mode": "Exclusive", "policy": policy},
        name=world.unique("twin"),
    )
    theirs = world.grant(second, "81.2.69.143")
    second.wait_state("DuplicateTarget")
    theirs.wait_state("TargetBlocked")
    assert first.name in second.message()
    mark = world.mark()
    cluster.wait_looks(2)
    assert cluster.puts(mark) == []
    assert first.state == "InSync"
    assert grant.state == "Active"

    first.delete()
    first.wait_gone()
    grant.wait_state("TargetNotFound")
    theirs.wait_state("Active")
    second.wait_state("InSync")
    cluster.wait_ranges("81.2.69.143/32")


def test_a_recreated_cluster_starts_as_a_new_one(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    ended, going = world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")
    for each in (ended, going):
        each.wait_state("Active")
    mark = world.mark()
    world.arm.recreate_cluster(cluster.id, ranges=["198.41.0.4/32", "81.2.69.142/32"])
    cluster.wait_ranges("198.41.0.4/32", "81.2.69.142/32", "81.2.69.143/32")
    assert OFFICE not in (cluster.ranges or []), "the list of the one before does not come back"
    target.wait_state("InSync")
    ended.delete()
    ended.wait_gone()
    going.delete()
    going.wait_gone()
    cluster.wait_ranges("198.41.0.4/32", "81.2.69.142/32")
    assert len(cluster.puts(mark)) == 2
    for put in cluster.puts(mark):
        assert "81.2.69.142/32" in (put.after or []), "what stood there before us is not ours"


@pytest.mark.timeout(150)
def test_a_deleted_cluster_lets_its_grants_go_after_a_second_look(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    world.arm.delete_cluster(cluster.id)
    mark = world.mark()
    target.nudge()
    grant.delete()
    target.wait_state("ClusterNotFound", "RevocationOverdue")
    grant.wait_gone(seconds=90)
    looks = [e for e in world.arm.journal(since=mark.journal) if e.path.lower() == cluster.key]
    assert [e.status for e in looks][:2] == [404, 404]
    seen = [e.time for e in looks if e.method == "GET"]
    assert seen[-1] - seen[0] >= 59.0, "one 404 proves nothing"
    assert all(e.method == "GET" for e in looks), "a write would bring the cluster back"
    target.wait_state("ClusterNotFound")
    target.delete()
    target.wait_gone()


def test_a_hanging_cluster_holds_nobody_else(world: World) -> None:
    stuck, healthy = world.cluster(), world.cluster()
    hanging, other = world.target(stuck), world.target(healthy)
    for each in (hanging, other):
        each.wait_state("InSync")
    fault = world.arm.add_fault(method="GET", path=f"{stuck.key}(\\?|$)", hold=True, count=None)
    try:
        world.grant(hanging, LAPTOP)
        world.eventually(
            lambda: any(f.fault_id == fault and f.hits for f in world.arm.faults()),
            what="a read to hang",
        )
        grant = world.grant(other, LAPTOP)
        grant.wait_state("Active")
        grant.patch(expiresAt=world.at(2))
        grant.wait_state("Expired")
        healthy.wait_ranges(OFFICE)
    finally:
        world.arm.remove_fault(fault)
    stuck.wait_ranges(OFFICE, "81.2.69.142/32")
