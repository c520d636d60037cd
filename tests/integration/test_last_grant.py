"""What stays when the last grant goes: never an empty list, on any way there (I1)."""

from typing import Any

import pytest

from sandbox.arm.control_clusters import Shape
from tests.integration.things import Cluster
from tests.integration.world import World, sent_ranges

FOREIGN = "51.140.8.0/24"
OURS = "81.2.69.142/32"
SENTINEL = "0.0.0.0/32"
CLOSABLE: dict[str, Shape] = {
    "load balancer": {"outbound_type": "loadBalancer"},
    "no outbound": {"outbound_type": "none"},
    "VNet integration": {"outbound_type": "userDefinedRouting", "vnet_integration": True},
}
"""Shapes whose nodes reach the API server whatever the list says."""

CUT_OFF: dict[str, Shape] = {
    "user-defined routing": {"outbound_type": "userDefinedRouting"},
    "managed NAT gateway": {"outbound_type": "managedNATGateway"},
    "user's NAT gateway": {"outbound_type": "userAssignedNATGateway"},
}
"""Shapes whose nodes the deny sentinel alone would cut off."""


def assert_never_empty(cluster: Cluster) -> None:
    for put in cluster.puts():
        assert sent_ranges(put), f"an empty list was sent: {put}"
        assert put.after, f"a write left the cluster open: {put}"


@pytest.mark.parametrize("mode", ["Merge", "Exclusive"])
def test_foreign_or_baseline_is_left(world: World, mode: str) -> None:
    cluster = world.cluster([FOREIGN])
    left = FOREIGN if mode == "Merge" else "20.70.1.7/32"
    baseline: dict[str, Any] = {} if mode == "Merge" else {"baseline": {"ipRanges": ["20.70.1.7"]}}
    target = world.target(cluster, mode=mode, **baseline)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    with world.measure(f"5 last grant: {mode}, something is left"):
        grant.patch(revoked=True)
        grant.wait_state("Revoked")
        target.wait_state("InSync")
    cluster.wait_ranges(left)
    assert_never_empty(cluster)


def test_the_sentinel_stands_alone(world: World) -> None:
    clusters = [world.cluster([SENTINEL], shape=shape) for shape in CLOSABLE.values()]
    targets = [world.target(cluster) for cluster in clusters]
    for target in targets:
        target.wait_state("InSync")
        assert target.status["summary"]["foreign"] == 0, "the sentinel is a state, no entry"
    grants = [world.grant(target, OURS) for target in targets]
    for grant in grants:
        grant.wait_state("Active")
    assert [cluster.ranges for cluster in clusters] == [[OURS]] * 3
    with world.measure("5 last grant on three clusters: sentinel"):
        for grant in grants:
            grant.delete()
        for grant, target in zip(grants, targets, strict=True):
            grant.wait_gone()
            target.wait_state("InSync")
    assert [cluster.ranges for cluster in clusters] == [[SENTINEL]] * 3
    world.grant(targets[0], OURS).wait_state("Active")
    assert clusters[0].ranges == [OURS]
    for cluster in clusters:
        assert_never_empty(cluster)


def test_exclusive_without_anything_ends_at_the_sentinel(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster, mode="Exclusive")
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    cluster.wait_ranges(OURS)
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(SENTINEL)
    target.wait_state("InSync")
    assert_never_empty(cluster)


def test_a_deleted_target_leaves_the_sentinel_not_nothing(world: World) -> None:
    cluster = world.cluster([SENTINEL])
    target = world.target(cluster)
    world.grant(target, OURS).wait_state("Active")
    target.delete()
    target.wait_gone()
    cluster.wait_ranges(SENTINEL)
    assert_never_empty(cluster)


def test_a_grant_is_not_let_in_where_its_end_could_not_be_written(world: World) -> None:
    cases = []
    for shape in CUT_OFF.values():
        cluster = world.cluster([SENTINEL], shape=shape)
        target = world.target(cluster, policy={"contact": "platform@contoso.com"})
        cases.append((shape, cluster, target, world.grant(target, OURS)))
    for shape, cluster, target, grant in cases:
        grant.wait_state("NotRevocable")
        assert shape["outbound_type"] in grant.message()
        assert "platform@contoso.com" in grant.message()
        target.wait_condition("Ready", status="False", reason="NotRevocable")
        assert cluster.puts() == []
        target.patch(baseline={"ipRanges": ["20.70.1.7"]})
    for _, cluster, _, grant in cases:
        grant.wait_state("Active")
        cluster.wait_ranges("20.70.1.7/32", OURS)
        assert_never_empty(cluster)


def test_with_foreign_entries_the_end_can_be_written(world: World) -> None:
    cluster = world.cluster([FOREIGN], shape={"outbound_type": "userDefinedRouting"})
    target = world.target(cluster)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    grant.delete()
    grant.wait_gone()
    assert cluster.ranges == [FOREIGN]
    assert_never_empty(cluster)


def test_an_end_that_emptiness_forbids_is_overdue_until_something_else_stands(
    world: World,
) -> None:
    """The entry beside ours goes while ours is in: the removal waits, loudly, for another."""
    cluster = world.cluster([FOREIGN], shape={"outbound_type": "userDefinedRouting"})
    target = world.target(cluster)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    cluster.edit(ranges=[OURS])
    target.nudge()
    mark = world.mark()
    grant.patch(revoked=True)
    grant.wait_state("RevocationPending", "RevocationOverdue")
    ready = target.wait_condition("Ready", status="False")
    assert ready["reason"] in ("NotRevocable", "RevocationOverdue")
    target.nudge()
    assert cluster.puts(mark) == []
    assert cluster.ranges == [OURS]
    target.patch(baseline={"ipRanges": ["20.70.1.7"]})
    grant.wait_state("Revoked")
    cluster.wait_ranges("20.70.1.7/32")
    assert_never_empty(cluster)


def test_a_static_node_egress_is_left(world: World) -> None:
    cluster = world.cluster([SENTINEL], shape={"outbound_type": "userDefinedRouting"})
    egress = {"mode": "Static", "ipRanges": ["20.80.1.4"]}
    target = world.target(cluster, nodeEgress=egress)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    cluster.wait_ranges("20.80.1.4/32", OURS)
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges("20.80.1.4/32")
    assert_never_empty(cluster)


def test_all_foreign_entries_are_removed_by_others_while_ours_ends(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    grant.patch(expiresAt=world.at(2))
    cluster.edit(ranges=[OURS])
    grant.wait_state("Expired")
    cluster.wait_ranges(SENTINEL)
    assert_never_empty(cluster)
