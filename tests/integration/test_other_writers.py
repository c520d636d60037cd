"""Somebody else's hands on the list: a war of writers, and entries that are not ours."""

from functools import partial

from tests.integration.scenes import ENTRY, LAPTOP, OFFICE
from tests.integration.things import Cluster, Mark
from tests.integration.world import World


def _wrote_once(cluster: Cluster, mark: Mark) -> bool:
    return len(cluster.puts(mark)) == 1


def test_i13_another_writer_ends_in_a_conflict_and_not_in_a_war(restart_world: World) -> None:
    world = restart_world
    world.expect("I13", because="the request to reconcile, which the oracle does not hear, ends it")
    world.station.ensure()
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.wait_state("InSync")
    for _ in range(2):
        mark = world.mark()
        cluster.edit(remove=[ENTRY])
        target.nudge()
        cluster.wait_ranges(OFFICE, ENTRY)
        world.eventually(partial(_wrote_once, cluster, mark), what="one write")
    cluster.edit(remove=[ENTRY])
    target.wait_state("ConflictingOwner")
    grant.wait_state("TargetBlocked")
    assert ENTRY in target.message()
    assert "added again at" in grant.message()
    mark = world.mark()
    world.station.start()
    cluster.wait_looks(3)
    assert cluster.puts(mark) == [], "a restart does not forget"
    going = world.grant(target, "81.2.69.143")
    going.wait_state("Active")
    going.delete()
    going.wait_gone()
    cluster.wait_ranges(OFFICE)
    world.eventually(lambda: "ConflictingOwner" in target.reasons(), what="Event", about=target)
    target.nudge()
    grant.wait_state("Active")
    target.wait_state("InSync")


def test_i4_a_foreign_entry_that_aks_refuses_blames_no_grant(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    world.arm.set_options(cluster.id, refused_ranges=[OFFICE])
    grant = world.grant(target, LAPTOP)
    target.until(lambda _: "even without additions" in target.message(), what="the cause")
    assert target.state == "WriteRefused"
    grant.wait_state("TargetBlocked")
    mark = world.mark()
    cluster.wait_looks(3)
    assert cluster.puts(mark) == []
    cluster.edit(remove=[OFFICE], add=["51.140.9.0/24"])
    grant.wait_state("Active")
    target.wait_state("InSync")


def test_a_broad_entry_is_flagged_and_blocks_no_revocation(world: World) -> None:
    cluster = world.cluster([OFFICE, "20.0.0.0/7"])
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.wait_state("BroadEntry")
    assert target.condition("Ready")["status"] == "True"
    assert "20.0.0.0/7, not ours" in target.message()
    target.wait_event("BroadEntry")
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(OFFICE, "20.0.0.0/7")
