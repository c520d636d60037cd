"""A dozen SIGKILLs at random moments of a busy day: nothing is lost, nothing is left behind."""

import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from sandbox.controlplane.client import ApiError
from tests.faults.replicas import LEASE, Replica, Replicas, wait_seconds
from tests.figures import Record
from tests.integration.scenes import OFFICE
from tests.integration.test_crashes import ledger_of, owned
from tests.integration.things import Cluster, Object
from tests.integration.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

KILLS = 12
LONGEST = 2.5
"""Seconds of work between a start and the kill, at most."""


@dataclass
class Day:
    """What people ask for, and what must come of it."""

    world: World
    rng: random.Random
    places: list[tuple[Cluster, Object]]
    wanted: dict[str, dict[str, Object]] = field(default_factory=dict)
    ended: list[Object] = field(default_factory=list)
    deleted: list[Object] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    made: int = 0

    def act(self) -> None:
        """One thing that somebody does."""
        cluster, target = self.rng.choice(self.places)
        standing = self.wanted.setdefault(cluster.key, {})
        choices = ["grant", "grant", "ending", "duration"]
        choices += ["delete", "revoke", "edit"] if standing else []
        choice = self.rng.choice(choices)
        self.counts[choice] += 1
        if choice in ("delete", "revoke", "edit"):
            address = self.rng.choice(sorted(standing))
            grant = standing.pop(address)
            if choice == "delete":
                grant.delete()
                self.deleted.append(grant)
            elif choice == "revoke":
                grant.patch(revoked=True)
            else:
                moved = self._address()
                grant.patch(ipRanges=[moved])
                standing[moved] = grant
            return
        address = self._address()
        spec = {
            "grant": {},
            "ending": {"expiresAt": self.world.at(self.rng.uniform(1.0, 12.0))},
            "duration": {"duration": f"{self.rng.randint(1, 6)}s"},
        }[choice]
        grant = self.world.grant(target, address, **spec)
        if choice == "grant":
            standing[address] = grant
        else:
            self.ended.append(grant)

    def _address(self) -> str:
        self.made += 1
        return f"81.2.{self.made // 200}.{self.made % 200 + 1}"

    def settle(self) -> None:
        """Everything comes out as asked for."""
        for cluster, target in self.places:
            standing = self.wanted.get(cluster.key, {})
            for grant in standing.values():
                grant.wait_state("Active", seconds=60)
            cluster.wait_ranges(OFFICE, *(f"{each}/32" for each in standing), seconds=60)
            target.wait_state("InSync")
        for grant in self.ended:
            grant.wait_state("Expired", seconds=60)
        for grant in self.deleted:
            grant.wait_gone(seconds=60)


def assert_recorded(cluster: Cluster) -> None:
    """I5: whatever stands in Azure beside the office, the ledger knows."""
    unknown = set(cluster.ranges or ()) - {OFFICE} - owned(cluster)
    assert unknown == set(), f"in Azure, and no record owns it: {unknown}"


def begin(world: World, replicas: Replicas, old: Replica | None) -> Replica:
    """Start anew without waiting for the killed one's Lease to run out."""
    if old is not None:
        old.process.kill()
        with suppress(ApiError):
            world.plane.request("DELETE", LEASE)
    return replicas.add()


@pytest.mark.parametrize("seed", [20261122])
def test_i5_a_dozen_kills_at_random_moments_lose_nothing(
    world: World, replicas: Replicas, figure: Record, seed: int
) -> None:
    rng = random.Random(seed)
    places = []
    for seconds in (0.2, 1.5, 0.5, 0.2) * 2:  # so many that no bucket of writes runs dry
        cluster = world.cluster(operation_seconds=seconds)
        places.append((cluster, world.target(cluster)))
    day = Day(world=world, rng=rng, places=places)
    running = begin(world, replicas, None)
    running.process.wait_leading()
    caught: Counter[str] = Counter()
    for _ in range(KILLS):
        until = time.monotonic() + rng.uniform(0.1, LONGEST)
        while time.monotonic() < until:
            day.act()
            wait_seconds(world, time.monotonic(), rng.uniform(0.05, 0.4))
        running.process.kill()
        for cluster, _target in places:
            assert_recorded(cluster)
            caught.update(_moment(cluster))
        running = begin(world, replicas, running)
        running.process.wait_leading(seconds=60)
    day.settle()
    puts = [put for cluster, _ in places for put in cluster.puts()]
    for cluster, _target in places:
        assert owned(cluster) == {f"{each}/32" for each in day.wanted.get(cluster.key, {})}
        assert ledger_of(cluster).in_flight is None
    answers = Counter(put.status for put in puts)
    asked = ", ".join(f"{count} {name}" for name, count in sorted(day.counts.items()))
    figure(
        f"{KILLS} kills, seed {seed}; asked: {asked}; killed while: {dict(caught)}; "
        f"PUTs by answer: {dict(answers)}"
    )


def _moment(cluster: Cluster) -> list[str]:
    """What the killed one was at, as the outside sees it."""
    ledger = ledger_of(cluster)
    if ledger is None or ledger.in_flight is None:
        return ["nothing in flight"]
    if cluster.view().provisioning_state == "Succeeded":
        return ["intent or finished operation not settled"]
    return ["operation running"]
