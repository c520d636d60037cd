"""SIGSTOP of the leader for twice its Lease, at the four points of a write, then SIGCONT.

What it wakes up to is another leader's world. It must not write any more: not to Azure, no ledger,
no status. What it had sent before it was stopped may still arrive, and must find a closed door.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from tests.faults.replicas import (
    LEASE_SECONDS,
    Replica,
    Replicas,
    next_leader,
    one_writer,
    wait_seconds,
)
from tests.figures import Record
from tests.integration.scenes import ENTRY, LAPTOP, OFFICE
from tests.integration.test_crashes import at_path, held, ledger_of, owned
from tests.integration.things import Cluster, Object
from tests.integration.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@dataclass(frozen=True, slots=True)
class Scene:
    """A leader that is about to let a grant in."""

    world: World
    cluster: Cluster
    leader: Replica

    def ledger_write(self) -> str:
        """Path of a write of the cluster's ledger."""
        return f"/configmaps/{self.cluster.ledger_name}"


Point = Callable[[Scene, Callable[[], Object]], AbstractContextManager[Object]]


@contextmanager
def before_the_intent(scene: Scene, act: Callable[[], Object]) -> Iterator[Object]:
    """The ledger's write has left the process and reaches the API server when all is over."""
    rule = scene.leader.gate.hold("PATCH", scene.ledger_write())
    made = act()
    scene.world.eventually(lambda: bool(rule.met), what="the intent to be held")
    yield made
    scene.leader.gate.release(rule)
    scene.world.eventually(lambda: bool(rule.met[0].status), what="the intent to arrive")
    assert rule.met[0].status == 409, "an intent on top of what another leader wrote"


@contextmanager
def between_intent_and_put(scene: Scene, act: Callable[[], Object]) -> Iterator[Object]:
    """The intent is recorded; the second read, right before the PUT, has no answer."""
    rule = scene.leader.gate.hold("PATCH", scene.ledger_write())
    made = act()
    scene.world.eventually(lambda: bool(rule.met), what="the intent to be held")
    fault = scene.world.arm.add_fault(method="GET", path=at_path(scene.cluster), hold=True)
    scene.leader.gate.release(rule)
    scene.world.eventually(lambda: held(scene.world, fault), what="the second read to be held")
    assert ledger_of(scene.cluster).in_flight is not None
    assert scene.cluster.puts() == []
    yield made
    scene.world.arm.remove_fault(fault)


@contextmanager
def put_in_the_socket(scene: Scene, act: Callable[[], Object]) -> Iterator[Object]:
    """The PUT has left the process, and Azure works on it when all is over."""
    fault = scene.world.arm.add_fault(method="PUT", path=at_path(scene.cluster), hold=True)
    made = act()
    scene.world.eventually(lambda: held(scene.world, fault), what="the PUT to be held")
    yield made
    scene.world.arm.remove_fault(fault)
    scene.world.eventually(
        lambda: any(p.fault == fault for p in scene.leader.puts(scene.cluster)),
        what="the held PUT to be answered",
    )
    late = next(p for p in scene.leader.puts(scene.cluster) if p.fault == fault)
    assert late.status == 412, "its eTag is not the cluster's any more"


@contextmanager
def operation_running(scene: Scene, act: Callable[[], Object]) -> Iterator[Object]:
    """Azure took the PUT and works on it until all is over."""
    scene.world.arm.set_options(scene.cluster.id, operation_seconds=600.0)
    made = act()
    scene.world.eventually(
        lambda: any(p.status == 200 for p in scene.cluster.puts()), what="the PUT"
    )
    scene.cluster.wait_looks(1)  # it has said so in the statuses, and polls
    yield made
    assert made.state != "Active", "not in force before Azure says so"


POINTS: dict[str, Point] = {
    "before the intent": before_the_intent,
    "intent, no PUT yet": between_intent_and_put,
    "PUT in the socket": put_in_the_socket,
    "operation running": operation_running,
}


@pytest.mark.parametrize("name", POINTS)
def test_i6_a_leader_stopped_for_twice_its_lease_writes_no_more(
    world: World, replicas: Replicas, figure: Record, name: str
) -> None:
    leader, follower = replicas.leader_and_followers(2)
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    scene = Scene(world=world, cluster=cluster, leader=leader)

    def act() -> Object:
        return world.grant(target, LAPTOP, duration="1h")

    with one_writer(replicas, cluster), POINTS[name](scene, act) as grant:
        leader.process.signal(signal.SIGSTOP)
        stopped = time.monotonic()
        next_leader(world, [follower])
        took = time.monotonic() - stopped
        if name != "operation running":
            grant.wait_state("Active")
        wait_seconds(world, stopped, 2 * LEASE_SECONDS)
        woken = time.monotonic()
        leader.process.signal(signal.SIGCONT)
        stands_back(world, leader, since=woken)
    if name == "operation running":
        world.arm.finish_operation(cluster.id)
        world.arm.set_options(cluster.id, operation_seconds=0.3)
    grant.wait_state("Active")
    cluster.wait_ranges(OFFICE, ENTRY)
    cluster.wait_looks(2)
    assert len([put for put in cluster.puts() if put.status == 200]) == 1
    assert owned(cluster) == {ENTRY}
    late = leader.gate.work(woken)
    assert late == [], f"woken at {woken}, it wrote: {leader.process.last_words(lines=30)}"
    assert [p for p in leader.puts(cluster) if p.monotonic > woken and not p.fault] == []
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(OFFICE)
    assert owned(cluster) == set()
    how = "ended itself" if leader.process.poll() is not None else "follows"
    figure(f"stopped {name}: next leader after {took:.1f} s; the old one {how}")


def test_a_status_of_the_old_leader_that_arrives_late_is_put_right(
    world: World, replicas: Replicas
) -> None:
    leader, follower = replicas.leader_and_followers(2, relist_interval="10m", drift_interval="10m")
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    rule = leader.gate.hold("PATCH", "/apiaccessgrants/.*/status")
    grant = world.grant(target, LAPTOP)
    world.eventually(lambda: bool(rule.met), what="its first status to be held")
    leader.process.signal(signal.SIGSTOP)
    next_leader(world, [follower])
    grant.wait_state("Active")
    target.wait_state("InSync")
    leader.gate.release(rule)
    world.eventually(lambda: bool(rule.met[0].status), what="the old status to arrive")
    assert rule.met[0].status == 200
    grant.wait_state("Active")
    leader.process.signal(signal.SIGCONT)


def stands_back(world: World, old: Replica, *, since: float) -> None:
    """Return once it has ended, or has asked for the Lease twice without having it."""

    def asked() -> bool:
        tries = [p for p in old.gate.passed if p.at >= since and "/leases" in p.path and p.status]
        return len(tries) >= 3 and not old.leading()

    world.eventually(lambda: old.process.poll() is not None or asked(), what="it to stand back")
