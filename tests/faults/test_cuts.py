"""The leader alone loses its way to the API server; the other replicas and Azure are well."""

import time

import pytest

from tests.faults.replicas import Replica, Replicas, next_leader, one_writer
from tests.figures import Record
from tests.integration.scenes import LAPTOP, OFFICE
from tests.integration.test_crashes import owned
from tests.integration.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

BUILD = "81.2.69.150"
NEW = "81.2.69.160"


@pytest.mark.parametrize("silent", [True, False], ids=["silence", "resets"])
def test_i6_a_leader_that_is_cut_off_gives_up_before_another_leads(
    world: World, replicas: Replicas, figure: Record, silent: bool
) -> None:
    leader, follower = replicas.leader_and_followers(2)
    cluster = world.cluster()
    target = world.target(cluster)
    ending, deleted = world.grant(target, LAPTOP), world.grant(target, BUILD)
    for each in (ending, deleted):
        each.wait_state("Active")
    ending.patch(expiresAt=world.at(6))
    with one_writer(replicas, cluster):
        leader.gate.cut(silent=silent)
        cut = time.monotonic()
        deleted.delete()
        new = world.grant(target, NEW)
        next_leader(world, [follower])
        took = time.monotonic() - cut
        deleted.wait_gone()
        ending.wait_state("Expired")
        new.wait_state("Active")
        cluster.wait_ranges(OFFICE, f"{NEW}/32")
        mended = time.monotonic()
        leader.gate.mend()
        world.eventually(lambda: follows(leader, since=mended), what="the old one to follow")
    gave_up, led = leader.said("not leading any more"), follower.said("leading, as")
    assert gave_up[0] < led[0], "two at a time believed to lead"
    assert [put for put in leader.puts(cluster) if put.monotonic > mended] == []
    assert leader.gate.work(mended) == []
    assert owned(cluster) == {f"{NEW}/32"}
    assert leader.process.poll() is None, "it stands by"
    early = (led[0] - gave_up[0]).total_seconds()
    figure(
        f"cut by {'silence' if silent else 'resets'}: next leader after {took:.1f} s, "
        f"{early:.1f} s after the old one gave up"
    )


def follows(old: Replica, *, since: float) -> bool:
    """Whether it has seen the Lease again, and does not lead."""
    reads = [
        p for p in old.gate.passed if p.at >= since and "/leases" in p.path and p.status == 200
    ]
    return len(reads) >= 2 and not old.leading()


def test_all_replicas_are_cut_off_and_one_leads_again(world: World, replicas: Replicas) -> None:
    both = replicas.leader_and_followers(2)
    cluster = world.cluster()
    target = world.target(cluster)
    ending = world.grant(target, LAPTOP)
    ending.wait_state("Active")
    ending.patch(expiresAt=world.at(5))
    for replica in both:
        replica.gate.cut(silent=False)
    world.eventually(lambda: not any(r.leading() for r in both), what="nobody to lead")
    new = world.grant(target, NEW)
    mark = world.mark()
    world.eventually(
        lambda: all(len(r.said("the Lease cannot be read")) >= 3 for r in both),
        what="both to try in vain",
    )
    assert cluster.puts(mark) == [], "nobody leads, nobody writes"
    for replica in both:
        replica.gate.mend()
    leader = next_leader(world, both)
    ending.wait_state("Expired")
    new.wait_state("Active")
    cluster.wait_ranges(OFFICE, f"{NEW}/32")
    assert all(leader.sent(put) for put in cluster.puts(mark))
    assert all(r.process.poll() is None for r in both)
    assert [r for r in both if r.leading()] == [leader], "just one"
