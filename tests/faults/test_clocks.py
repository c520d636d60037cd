"""Replicas whose wall clocks differ by ten minutes, from each other and from everybody else's."""

from pathlib import Path

import pytest

from sandbox.chart import ROOT
from tests.faults.replicas import LEASE_SECONDS, Replica, Replicas, next_leader, one_writer
from tests.figures import Record
from tests.integration.scenes import LAPTOP, OFFICE
from tests.integration.test_crashes import owned
from tests.integration.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

BUILD = "81.2.69.150"
NEW = "81.2.69.160"
SKEW = 600
_SKEWED = Path(__file__).parent / "skewed_clock"


def skewed(replicas: Replicas, seconds: int) -> Replica:
    """A ready replica whose clock is so far ahead (negative: behind)."""
    path = f"{_SKEWED}:{ROOT / 'operator'}"
    replica = replicas.add(environment={"PYTHONPATH": path, "SKEW_SECONDS": str(seconds)})
    replica.process.wait_ready(seconds=60)
    return replica


def test_i10_a_slow_clock_after_a_failover_opens_nothing_again(
    world: World, replicas: Replicas
) -> None:
    right, slow = replicas.leader_and_followers(1)[0], skewed(replicas, -SKEW)
    cluster = world.cluster()
    target = world.target(cluster)
    ended = world.grant(target, LAPTOP, retainAfterExpiry="1h")
    lasting = world.grant(target, BUILD, duration="12s", retainAfterExpiry="1h")
    permanent = world.grant(target, NEW)
    for each in (ended, lasting):
        each.wait_state("Active")
    ended.patch(expiresAt=world.at(2))
    for each in (ended, lasting):
        each.wait_state("Expired")
    permanent.wait_state("Active")
    cluster.wait_ranges(OFFICE, f"{NEW}/32")
    mark = world.mark()
    right.process.kill()
    next_leader(world, [slow])
    target.wait_state("ClockInDoubt")
    cluster.wait_looks(3)
    assert cluster.puts(mark) == [], "by the slow clock both have minutes left"
    assert (ended.state, lasting.state) == ("Expired", "Expired")
    permanent.delete()
    permanent.wait_gone()
    cluster.wait_ranges(OFFICE)
    late = world.grant(target, "81.2.69.170")
    late.wait_state("TargetBlocked")
    assert "clock" in target.message()
    mended = replicas.add()
    mended.process.wait_ready()
    slow.process.kill()
    next_leader(world, [mended])
    late.wait_state("Active")
    cluster.wait_ranges(OFFICE, "81.2.69.170/32")
    assert (ended.state, lasting.state) == ("Expired", "Expired")


def test_i10_a_fast_clock_adds_nothing_and_deletes_no_object(
    world: World, replicas: Replicas, figure: Record
) -> None:
    world.expect("I8", because="by the fast clock the grant is over")
    right, fast = replicas.leader_and_followers(1)[0], skewed(replicas, SKEW)
    cluster = world.cluster()
    target = world.target(cluster)
    soon = world.grant(target, LAPTOP, expiresAt=world.at(300), retainAfterExpiry="1s")
    later = world.grant(target, BUILD, expiresAt=world.at(3600))
    for each in (soon, later):
        each.wait_state("Active")
    target.wait_state("InSync")
    right.process.kill()
    next_leader(world, [fast])
    new = world.grant(target, NEW)
    target.wait_state("ClockInDoubt")
    cluster.wait_ranges(OFFICE, f"{BUILD}/32")
    soon.wait_state("Expired")
    cluster.wait_looks(5)
    assert soon.exists(), "its retention is over by the fast clock alone"
    assert new.state == "TargetBlocked"
    assert later.state == "Active"
    assert owned(cluster) == {f"{BUILD}/32"}
    mended = replicas.add()
    mended.process.wait_ready()
    fast.process.kill()
    next_leader(world, [mended])
    new.wait_state("Active")
    target.wait_state("InSync")
    figure(f"clock {SKEW} s fast: ended early, {soon.state} after the failover to a right clock")


@pytest.mark.parametrize("seconds", [SKEW, -SKEW])
def test_i6_the_lease_does_not_care_about_wall_clocks(
    world: World, replicas: Replicas, seconds: int
) -> None:
    right, wrong = replicas.leader_and_followers(1)[0], skewed(replicas, seconds)
    cluster = world.cluster()
    target = world.target(cluster)
    with one_writer(replicas, cluster):
        world.grant(target, LAPTOP).wait_state("Active")
        assert (right.leading(), wrong.leading()) == (True, False)
        assert right.said("not leading any more") == []
        assert wrong.said("leading, as") == []
        right.process.kill()
        next_leader(world, [wrong])
        back = replicas.add()
        back.process.wait_ready()
        cluster.wait_looks(int(LEASE_SECONDS))
        assert (wrong.leading(), back.leading()) == (True, False)


@pytest.mark.parametrize("seconds", [SKEW, -SKEW])
def test_arm_whose_date_is_off_stops_additions_and_no_removal(
    world: World, replicas: Replicas, seconds: int
) -> None:
    [leader] = replicas.leader_and_followers(1)
    cluster = world.cluster()
    target = world.target(cluster)
    going = world.grant(target, LAPTOP, retainAfterExpiry="1s")
    going.wait_state("Active")
    world.arm.set_world(date_offset=float(seconds))
    try:
        target.wait_state("ClockInDoubt")
        going.patch(expiresAt=world.at(2))
        new = world.grant(target, NEW)
        cluster.wait_ranges(OFFICE)
        going.wait_state("Expired")
        cluster.wait_looks(5)
        assert going.exists()
        assert new.state == "TargetBlocked"
        assert "\naks_access_clock_in_doubt 1.0" in leader.process.get("/metrics")[1]
    finally:
        world.arm.set_world(date_offset=0.0)
    new.wait_state("Active")
    target.wait_state("InSync")
    assert "\naks_access_clock_in_doubt 0.0" in leader.process.get("/metrics")[1]
