"""Targets that go: with our entries, or without."""

from tests.integration.scenes import ENTRY, LAPTOP, OFFICE
from tests.integration.world import World


def test_a_target_that_is_deleted_takes_our_entries_along(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster, deletionPolicy="Revoke", baseline={"ipRanges": ["20.50.1.0/24"]})
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.delete()
    target.wait_gone()
    cluster.wait_ranges(OFFICE, "20.50.1.0/24")
    grant.wait_state("TargetNotFound")
    world.eventually(lambda: cluster.ledger() is None, what="the ledger to be gone")
    grant.delete()
    grant.wait_gone()


def test_a_target_that_is_detached_leaves_the_list_and_names_it(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster, deletionPolicy="Detach")
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    mark = world.mark()
    target.delete()
    target.wait_gone()
    assert cluster.ranges == [OFFICE, ENTRY]
    assert cluster.puts(mark) == []
    assert ENTRY in target.wait_event("Detached")["note"]
    world.eventually(lambda: cluster.ledger() is None, what="the ledger to be gone")
    grant.delete()
    grant.wait_gone()
    assert ENTRY in (cluster.ranges or []), "from then on it is somebody else's"
