"""The Lease itself deleted, stolen, filled with nonsense or refused."""

import time
from typing import Any

import pytest

from sandbox.controlplane.client import ApiError
from tests.faults.replicas import (
    LEASE,
    LEASE_SECONDS,
    LEASES,
    Replicas,
    azure_writes,
    holder,
    next_leader,
    one_writer,
    wait_seconds,
)
from tests.figures import Record
from tests.integration.scenes import LAPTOP, OFFICE
from tests.integration.things import MERGE_PATCH
from tests.integration.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

BUILD = "81.2.69.150"
STRANGER = "somebody-else"


def overwrite(world: World, **spec: Any) -> None:
    """Edit the Lease as somebody with the right to."""
    world.plane.request("PATCH", LEASE, {"spec": spec}, content_type=MERGE_PATCH)


def test_a_deleted_lease_is_made_again_by_who_leads(world: World, replicas: Replicas) -> None:
    leader, follower = replicas.leader_and_followers(2)
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    for _ in range(3):
        world.plane.request("DELETE", LEASE)
        world.eventually(lambda: holder(world) == leader.name, what="the leader to make it anew")
    world.grant(target, BUILD).wait_state("Active")
    assert (leader.leading(), follower.leading()) == (True, False)
    assert len(leader.said("leading, as")) == 1, "it led all the time"
    assert follower.said("leading, as") == []


def test_i6_a_stolen_lease_stops_the_leader_until_the_thief_is_silent(
    world: World, replicas: Replicas, figure: Record
) -> None:
    both = leader, _ = replicas.leader_and_followers(2)
    cluster = world.cluster()
    target = world.target(cluster)
    ending = world.grant(target, LAPTOP)
    ending.wait_state("Active")
    ending.patch(expiresAt=world.at(4))
    overwrite(world, holderIdentity=STRANGER)
    stolen = time.monotonic()
    world.eventually(lambda: not leader.leading(), what="the leader to notice")
    noticed = time.monotonic() - stolen
    mark = world.mark()
    new = world.grant(target, BUILD)
    while time.monotonic() - stolen < 2 * LEASE_SECONDS:
        wait_seconds(world, time.monotonic(), 1.0)
        overwrite(world, renewTime="2026-01-01T00:00:00.000000Z", leaseTransitions=_tick())
        assert not any(each.leading() for each in both)
    assert azure_writes(world, mark) == [], "the Lease is a stranger's"
    silent = time.monotonic()
    with one_writer(replicas, cluster):
        next_leader(world, both)
        took = time.monotonic() - silent
        new.wait_state("Active")
        ending.wait_state("Expired")
        cluster.wait_ranges(OFFICE, f"{BUILD}/32")
    assert took > LEASE_SECONDS - 1.5, "it waited until the stranger's Lease had run out"
    figure(
        f"stolen: noticed after {noticed:.1f} s; a leader {took:.1f} s after the thief is silent"
    )


_ticks = iter(range(100, 10_000))


def _tick() -> int:
    return next(_ticks)


NONSENSE: dict[str, dict[str, Any]] = {
    "far future": {"renewTime": "2199-01-01T00:00:00.000000Z"},
    "far past": {"renewTime": "1970-01-01T00:00:00.000000Z", "acquireTime": None},
    "nothing but a holder": {
        "renewTime": None,
        "acquireTime": None,
        "leaseDurationSeconds": None,
        "leaseTransitions": None,
    },
    "most transitions": {"leaseTransitions": 2**31 - 1},
    "a second": {"leaseDurationSeconds": 1},
    "hostile name": {"holderIdentity": "../../\u202e\n{}%s" + "x" * 1000},
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_in_the_lease_delays_the_next_leader_by_one_lease(
    world: World, replicas: Replicas, figure: Record, name: str
) -> None:
    (leader,) = replicas.leader_and_followers(1)
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    leader.process.kill()
    overwrite(world, **{"holderIdentity": STRANGER, **NONSENSE[name]})
    second = replicas.add()
    second.process.wait_ready()
    seen = time.monotonic()
    next_leader(world, [second])
    took = time.monotonic() - seen
    world.grant(target, LAPTOP).wait_state("Active")
    assert holder(world) == second.name
    figure(f"{name}: a leader {took:.1f} s after the next replica is ready")


def test_the_api_server_refuses_negative_durations(world: World, replicas: Replicas) -> None:
    replicas.leader_and_followers(1)
    for spec in ({"leaseDurationSeconds": -5}, {"leaseDurationSeconds": 0}, {"renewTime": "soon"}):
        with pytest.raises(ApiError) as refused:
            overwrite(world, **spec)
        assert refused.value.code in (400, 422)


@pytest.mark.parametrize("status", [403, 500, 503])
def test_i6_the_lease_is_refused_to_the_leader_alone(
    world: World, replicas: Replicas, status: int
) -> None:
    leader, follower = replicas.leader_and_followers(2)
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    with one_writer(replicas, cluster):
        rule = leader.gate.refuse(".*", "/leases", status=status)
        next_leader(world, [follower])
        assert leader.said("not leading any more")[0] < follower.said("leading, as")[0]
        world.grant(target, LAPTOP).wait_state("Active")
        leader.gate.release(rule)
        wait_seconds(world, time.monotonic(), LEASE_SECONDS)
        assert (leader.leading(), follower.leading()) == (False, True)
    assert leader.puts(cluster) == []
    assert leader.process.poll() is None


def test_the_lease_is_refused_to_all_for_long_and_work_goes_on_after_it(
    world: World, replicas: Replicas
) -> None:
    both = replicas.leader_and_followers(2)
    cluster = world.cluster()
    target = world.target(cluster)
    ending = world.grant(target, LAPTOP)
    ending.wait_state("Active")
    ending.patch(expiresAt=world.at(15))
    rules = [(each, each.gate.refuse(".*", LEASES, status=503)) for each in both]
    refused = time.monotonic()
    world.eventually(lambda: not any(each.leading() for each in both), what="nobody to lead")
    mark = world.mark()
    wait_seconds(world, refused, 3 * LEASE_SECONDS)
    assert azure_writes(world, mark) == [], "nobody leads, nobody writes"
    for each, rule in rules:
        each.gate.release(rule)
    next_leader(world, both)
    ending.wait_state("Expired")
    cluster.wait_ranges(OFFICE)
    assert len(cluster.puts(mark)) == 1
    assert all(each.process.poll() is None for each in both)
