"""Everything that ends access: it goes from Azure, and the object's hold ends only after that.

Each way of ending is one edit by a person or a tool; the clock's are in `test_lifetimes`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from sandbox.controlplane.client import ApiError
from tests.integration.things import Cluster, Mark, Object
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


def test_the_finalizer_goes_only_after_azure_was_read_back(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    world.arm.set_options(cluster.id, operation_seconds=60.0)
    mark = world.mark()
    with world.measure("3 deleted"):
        grant.delete()
        grant.wait_state("RevocationPending")
        world.eventually(lambda: bool(cluster.puts(mark)), what="the PUT", about=grant)
        assert grant.exists()
        world.arm.finish_operation(cluster.id)
        grant.wait_gone()
        target.wait_state("InSync")
    (put,) = cluster.puts(mark)
    assert put.after == [FOREIGN]
    proof = _read_back(cluster, since=mark)

    def released() -> list[float]:
        return [
            e.timestamp.timestamp()
            for e in world.writes(mark)
            if e.resource == "apiaccessgrants" and e.name == grant.name and not e.subresource
        ]

    world.eventually(lambda: bool(released()), what="the release in the audit log")
    [when] = released()
    assert proof < when
    grant.wait_event("AccessGranted", "AccessRevoked")


def _read_back(cluster: Cluster, *, since: Mark) -> float:
    """When the operator first read the settled list without our range (epoch seconds)."""
    put = cluster.puts(since)[0]
    return min(
        e.time for e in cluster.gets(since) if e.sequence > put.sequence and e.state == "Succeeded"
    )


@pytest.mark.parametrize("needs", ["grant", "baseline", "foreign"])
def test_an_equal_range_stays_while_anybody_needs_it(world: World, needs: str) -> None:
    cluster = world.cluster([FOREIGN, OURS] if needs == "foreign" else [FOREIGN])
    baseline: dict[str, Any] = {"baseline": {"ipRanges": [OURS]}} if needs == "baseline" else {}
    target = world.target(cluster, **baseline)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    other = world.grant(target, OURS) if needs == "grant" else None
    if other is not None:
        other.wait_state("Active")
    mark = world.mark()
    grant.delete()
    grant.wait_gone()
    target.wait_state("InSync")
    assert cluster.puts(mark) == []
    assert cluster.ranges == [FOREIGN, OURS]
    if other is not None:
        assert other.state == "Active"
        other.delete()
        other.wait_gone()
        assert cluster.ranges == [FOREIGN]


def test_a_wide_range_that_ends_leaves_the_narrow_one_inside_it(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    wide = world.grant(target, "81.2.69.0/24", expiresAt="2099-01-01T00:00:00Z")
    narrow = world.grant(target, "81.2.69.142")
    wide.wait_state("Active")
    narrow.wait_state("Active")
    narrow.patch(revoked=True)
    narrow.wait_state("Revoked")
    assert "81.2.69.0/24" in narrow.message(), "the closed grant says what still admits it"
    assert cluster.ranges == [FOREIGN, "81.2.69.0/24"]
    narrow.patch(revoked=None)
    narrow.wait_state("Active")
    wide.patch(expiresAt="2020-01-01T00:00:00Z")
    wide.wait_state("Expired")
    assert cluster.ranges == [FOREIGN, "81.2.69.142/32"]


def test_a_range_set_that_is_edited_or_deleted(world: World) -> None:
    office = world.range_set("20.50.1.0/24", "20.50.2.0/24")
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    references = [{"name": office.name}]
    only = world.grant(target, rangeSetRefs=references)
    both = world.grant(target, OURS, rangeSetRefs=references)
    only.wait_state("Active")
    both.wait_state("Active")
    with world.measure("3 range set edited"):
        office.patch(ipRanges=["20.50.2.0/24", "20.50.3.0/24"])
        cluster.wait_ranges(FOREIGN, OURS, "20.50.2.0/24", "20.50.3.0/24")
        only.wait_state("Active")
        target.wait_state("InSync")
    with world.measure("3 range set deleted"):
        office.delete()
        cluster.wait_ranges(FOREIGN)
        for grant in (only, both):
            grant.wait_condition("ResolvedRefs", status="False", reason="RangeSetNotResolved")
            assert f"IPRangeSet {office.name} does not exist" in grant.message()
        target.wait_state("InSync")


def test_a_large_set_that_vanishes_waits_for_a_person(world: World) -> None:
    office = world.range_set(*(f"20.50.{n}.0/24" for n in range(7)))
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, rangeSetRefs=[{"name": office.name}])
    other = world.grant(target, OURS)
    grant.wait_state("Active")
    other.wait_state("Active")
    mark = world.mark()
    office.delete()
    target.wait_state("MassRemovalHeld")
    assert cluster.puts(mark) == []
    other.patch(revoked=True)
    other.wait_state("Revoked")
    assert len(cluster.ranges or ()) == 8, "an act on a grant never waits"
    world.kubectl("annotate", f"aat/{target.name}", "aksaccess.dev/acknowledge=stale")
    target.nudge()
    assert target.state == "MassRemovalHeld"
    code = re.search(r"aksaccess\.dev/acknowledge=(\w+)", target.message())
    assert code is not None
    said = f"aksaccess.dev/acknowledge={code[1]}"
    world.kubectl("annotate", "--overwrite", f"aat/{target.name}", said)
    cluster.wait_ranges(FOREIGN)
    grant.wait_state("RangeSetNotResolved")
    target.wait_state("InSync")


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


def test_a_grant_whose_finalizer_was_removed_by_force(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    grant.patch(metadata={"finalizers": None})
    grant.until(lambda raw: "finalizers" in raw["metadata"], what="to have its finalizer again")
    world.station.plane.request("DELETE", grant.path)
    _try_without_finalizer(grant)
    cluster.wait_ranges(FOREIGN)
    target.wait_state("InSync")
    assert not grant.exists()


def _try_without_finalizer(item: Object) -> None:
    """Take the finalizer off a deleted object, unless the operator was faster."""
    try:
        item.patch(metadata={"finalizers": None})
    except ApiError as error:
        if error.code != 404:
            raise


def test_a_target_that_goes_without_its_finalizer_is_revoked_by_its_ledger(
    restart_world: World,
) -> None:
    world = restart_world
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, OURS)
    grant.wait_state("Active")
    target.wait_state("InSync")
    world.station.stop()
    target.delete()
    target.patch(metadata={"finalizers": None})
    target.wait_gone()
    world.station.start()
    cluster.wait_ranges(FOREIGN)
    world.eventually(lambda: cluster.ledger() is None, what="the ledger to be gone")
    grant.wait_condition("Ready", status="False", reason="TargetNotFound")
    grant.delete()
    grant.wait_gone()


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
