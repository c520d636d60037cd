"""Finalizers: the object's hold ends only after its access was read back as gone, or by force."""

from sandbox.controlplane.client import ApiError
from tests.integration.things import Cluster, Mark, Object
from tests.integration.world import World

FOREIGN = "51.140.8.0/24"
OURS = "81.2.69.128/28"


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
