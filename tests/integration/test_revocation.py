"""Everything that ends access: it goes from Azure at once, and what is due is told.

Each way of ending is one edit by a person or a tool; the clock's are in `test_lifetimes`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.integration.things import Cluster, Object
from tests.integration.world import World

FOREIGN = "51.140.8.0/24"
OURS = "81.2.69.128/28"
LABEL = "example.com/admitted"


@dataclass(slots=True)
class Granted:
    """A grant that is in Azure, through a label on the target and one on the namespace."""

    world: World
    cluster: Cluster
    target: Object
    grant: Object

    def relabel_target(self) -> None:
        self.target.patch(metadata={"labels": {"env": None}})

    def relabel_namespace(self) -> None:
        path = f"/api/v1/namespaces/{self.grant.namespace}"
        body = {"metadata": {"labels": {LABEL: None}}}
        self.world.plane.request("PATCH", path, body, content_type="application/merge-patch+json")


@pytest.fixture
def granted(world: World) -> Granted:
    namespace = world.namespace(labels={LABEL: "yes"})
    cluster = world.cluster([FOREIGN])
    env = world.unique("env")
    target = world.target(
        cluster,
        labels={"env": env},
        policy={
            "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {LABEL: "yes"}}},
            "contact": "platform@contoso.com",
        },
    )
    target.wait_state("InSync")
    grant = world.grant(
        None,
        OURS,
        namespace=namespace,
        targetSelector={"matchLabels": {"env": env}},
        expiresAt="2099-01-01T00:00:00Z",
    )
    grant.wait_state("Active")
    target.wait_state("InSync")
    assert cluster.ranges == [FOREIGN, OURS]
    return Granted(world=world, cluster=cluster, target=target, grant=grant)


ENDINGS: dict[str, tuple[Callable[[Granted], object], str, str]] = {
    "revoked": (lambda g: g.grant.patch(revoked=True), "Revoked", "Revoked."),
    "earlier end": (
        lambda g: g.grant.patch(expiresAt="2020-01-01T00:00:00Z"),
        "Expired",
        "Expired 2020-01-01T00:00Z",
    ),
    "ranges edited": (
        lambda g: g.grant.patch(ipRanges=[FOREIGN]),
        "Active",
        "Let in until",
    ),
    "selector edited": (
        lambda g: g.grant.patch(targetSelector={"matchLabels": {"env": "none"}}),
        "TargetNotFound",
        "No target's labels match spec.targetSelector.",
    ),
    "targetRef to nothing": (
        lambda g: g.grant.patch(targetSelector=None, targetRef={"name": "no-such"}),
        "TargetNotFound",
        'No target "no-such".',
    ),
    "target relabelled": (
        Granted.relabel_target,
        "TargetNotFound",
        "No target's labels match spec.targetSelector.",
    ),
    "namespace relabelled": (
        Granted.relabel_namespace,
        "NamespaceNotAllowed",
        "takes no grants from",
    ),
    "policy: narrower ranges": (
        lambda g: g.target.patch(policy={"minPrefixLength": 32}),
        "PolicyDenied",
        "81.2.69.128/28 is wider than /32",
    ),
    "policy: denied ranges": (
        lambda g: g.target.patch(policy={"deniedRanges": ["81.2.0.0/16"]}),
        "PolicyDenied",
        "81.2.69.128/28 overlaps 81.2.0.0/16",
    ),
    "policy: allowed ranges": (
        lambda g: g.target.patch(policy={"allowedRanges": ["20.0.0.0/8"]}),
        "PolicyDenied",
        "81.2.69.128/28 lies outside",
    ),
    "policy: duration": (
        lambda g: g.target.patch(policy={"maxDuration": "24h"}),
        "PolicyDenied",
        "expiresAt 2099-01-01T00:00Z is more than 24h",
    ),
    "policy: reason": (
        lambda g: g.target.patch(policy={"requireReason": True}),
        "PolicyDenied",
        "takes no grant without spec.reason",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_access_ends_at_once(granted: Granted, ending: str) -> None:
    act, state, says = ENDINGS[ending]
    mark = granted.world.mark()
    with granted.world.measure(f"3 {ending}"):
        act(granted)
        granted.grant.until(
            lambda raw: raw["status"]["summary"]["state"] == state, what=f"to be {state}"
        )
        granted.cluster.wait_ranges(FOREIGN)
        granted.target.wait_state("InSync")
    assert len(granted.cluster.puts(mark)) == 1
    assert says in granted.grant.message()
    assert "RevocationOverdue" not in granted.target.reasons(), "it fell due by this very edit"
    if state in ("PolicyDenied", "NamespaceNotAllowed"):
        assert "platform@contoso.com" in granted.grant.message()
        assert granted.grant.condition("Accepted")["status"] == "False"
    granted.grant.delete()
    granted.grant.wait_gone()


def test_revoked_and_taken_back(granted: Granted) -> None:
    granted.grant.patch(revoked=True)
    granted.grant.wait_state("Revoked")
    assert granted.cluster.ranges == [FOREIGN]
    assert granted.grant.condition("Programmed")["status"] == "False"
    assert granted.grant.condition("Ready")["status"] == "True"
    granted.grant.patch(revoked=None)
    granted.grant.wait_state("Active")
    assert granted.cluster.ranges == [FOREIGN, OURS]
    granted.grant.wait_event("AccessGranted", "AccessRevoked")


def test_a_target_ref_edit_moves_access(world: World) -> None:
    clusters = [world.cluster([FOREIGN]), world.cluster([FOREIGN])]
    first, second = (world.target(cluster) for cluster in clusters)
    grant = world.grant(first, OURS)
    grant.wait_state("Active")
    grant.patch(targetRef={"name": second.name})
    clusters[0].wait_ranges(FOREIGN)
    clusters[1].wait_ranges(FOREIGN, OURS)
    raw = grant.wait_state("Active")
    assert raw["status"]["summary"]["target"] == second.name
    assert raw["status"]["summary"]["expires"] == "never"


def test_a_deleted_namespace_ends_clean(restart_world: World) -> None:
    world = restart_world
    world.expect("I8", because="the audit log has one deletion of a collection, not the grants'")
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    namespace = world.namespace()
    grants = [world.grant(target, f"81.2.69.{n}", namespace=namespace) for n in range(8)]
    stays = world.grant(target, OURS, namespace=world.namespace())
    for grant in (*grants, stays):
        grant.wait_state("Active")
    target.wait_state("InSync")
    with world.measure("3 namespace with eight grants deleted"):
        world.plane.request("DELETE", f"/api/v1/namespaces/{namespace}")
        world.eventually(
            lambda: world.get(f"/api/v1/namespaces/{namespace}") is None,
            what=f"namespace {namespace} to be gone",
            about=grants[0],
            seconds=60,  # its controller looks again after seconds that it counts itself
        )
        target.wait_state("InSync")
    assert cluster.ranges == [FOREIGN, OURS]
    assert stays.state == "Active"


def test_a_deleted_target_takes_its_ranges_along(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster, baseline={"ipRanges": ["20.70.1.7"]})
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    assert cluster.ledger() is not None
    target.delete()
    target.wait_gone()
    assert cluster.ranges == [FOREIGN, "20.70.1.7/32"], "the baseline and foreign entries stay"
    world.eventually(lambda: cluster.ledger() is None, what="the ledger to be gone")
    grant.wait_condition("Ready", status="False", reason="TargetNotFound")
    grant.delete()
    grant.wait_gone()


def test_detach_leaves_the_list_and_names_what_it_leaves(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster, deletionPolicy="Detach")
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    mark = world.mark()
    target.delete()
    target.wait_gone()
    assert cluster.puts(mark) == []
    assert cluster.ranges == [FOREIGN, OURS]
    assert OURS in target.wait_event("Detached")["note"]
    assert target.reasons().count("Detached") == 1
    grant.delete()
    grant.wait_gone()


def test_a_grant_that_was_never_let_in_goes_without_a_write(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster, policy={"requireTicket": True})
    grant = world.grant(target, OURS)
    grant.wait_state("PolicyDenied")
    grant.delete()
    grant.wait_gone()
    assert cluster.puts() == []


def test_two_grants_end_in_one_write(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grants = [world.grant(target, f"81.2.69.{n}") for n in range(4)]
    for grant in grants:
        grant.wait_state("Active")
    mark = world.mark()
    end = world.at(6)
    for grant in grants:
        grant.patch(expiresAt=end)
    for grant in grants:
        grant.wait_state("Expired")
    (put,) = cluster.puts(mark)
    assert put.after == [FOREIGN]
    assert put.time >= datetime.fromisoformat(end).timestamp()


def test_an_overdue_revocation_is_loud_once(world: World) -> None:
    """Suspended with a removal due: said at once, and not again and again."""
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    target.patch(suspend=True)
    target.wait_state("Suspended")
    grant.patch(expiresAt="2020-01-01T00:00:00Z")
    grant.wait_state("RevocationOverdue")
    target.wait_state("RevocationOverdue")
    mark = world.mark()
    cluster.wait_looks(2, since=mark)
    assert world.writes(mark) == []
    assert "(suspended)" in target.message()
    grant.delete()
    grant.wait_state("RevocationOverdue")
    assert grant.exists()
    target.patch(suspend=None)
    grant.wait_gone()
    cluster.wait_ranges(FOREIGN)
