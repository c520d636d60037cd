"""Two management clusters whose operators work on one AKS cluster at the same time.

They must not (docs/moving.md); where they do, each takes the other's entries for somebody else's.
What then stands in Azure, how often it is written, and what both targets say.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aks_access.plan.conflict import PACE, REVERSALS
from tests.integration.hubs import Hubs, hubs_on, two_stations
from tests.integration.station import Station
from tests.integration.things import Cluster, Mark, Object
from tests.integration.world import World, sent_ranges

pytestmark = [pytest.mark.proof, pytest.mark.timeout(240)]

PORTAL = "51.140.8.0/24"
OFFICE = "51.141.0.0/24"
BLUE_EGRESS, GREEN_EGRESS = "20.70.0.1/32", "20.70.0.2/32"
BLUES, GREENS, SHARED, LATER = (f"81.2.69.{number}/32" for number in (142, 143, 144, 145))

WAR = 60.0
"""Seconds within which each has undone the other often enough, at the sandbox's pace."""
MOST = 2 * (REVERSALS + 1)
"""Writes that a conflict costs: each side's first one and its reversals."""


@pytest.fixture(scope="module")
def stations() -> Iterator[tuple[Station, Station]]:
    with two_stations() as made:
        for station in made:
            station.start()
        yield made


@pytest.fixture
def both(stations: tuple[Station, Station], unique: Callable[[str], str]) -> Iterator[Hubs]:
    """Two operators that run side by side."""
    made = hubs_on(stations, unique=unique)
    for rule in ("I3", "I5", "I6", "I8", "I13"):
        made.old.expect(rule, because="the oracle takes both operators for one")
    try:
        yield made
        made.judge()
    finally:
        for world in (made.old, made.new):
            world.retire()


def adopted(world: World, cluster: Cluster, *, egress: str, mode: str = "Merge") -> Object:
    """The cluster's target on a hub: one baseline for both, and what the hub knows of egress."""
    return world.target(
        cluster,
        mode=mode,
        baseline={"ipRanges": [OFFICE]},
        nodeEgress={"mode": "Static", "ipRanges": [egress]},
    )


def check_kept(cluster: Cluster, since: Mark, *entries: str) -> None:
    """No write since then went without one of these."""
    for put in cluster.puts(since):
        lost = set(entries) - set(sent_ranges(put) or ())
        assert not lost, f"a write took {sorted(lost)} away: {put}"


def wait_told(*targets: Object) -> None:
    """Return once both say that they are at war."""
    for target in targets:
        target.wait_state("ConflictingOwner", seconds=WAR)
        target.wait_event("ConflictingOwner")


def wait_quiet(cluster: Cluster) -> None:
    """Both look at the cluster again and again, and nobody writes any more."""
    mark = cluster.world.mark()
    cluster.wait_looks(8, since=mark)
    assert cluster.puts(mark) == []


def again_at(grant: Object) -> datetime:
    """When its entry is added again, by its own words."""
    found = re.search(r"added again at (\S+Z)", grant.message())
    assert found, grant.message()
    return datetime.fromisoformat(found[1])


def check_soon(*grants: Object) -> None:
    """Whoever has lost access has it back within the time that a conflict slows adding by."""
    for grant in grants:
        grant.wait_state("TargetBlocked")
        assert again_at(grant) <= datetime.now(UTC) + PACE + timedelta(minutes=1)


def let_in(world: World, target: Object, entry: str) -> Object:
    """A grant that is in."""
    grant = world.grant(target, entry)
    grant.wait_state("Active")
    return grant


def test_threat_19_two_hubs_that_merge_take_nothing_of_each_others(both: Hubs) -> None:
    """One has revoked what the other grants: that alone is fought over, and not for long."""
    old, new = both.old, both.new
    cluster = old.cluster([PORTAL])
    blue = adopted(old, cluster, egress=BLUE_EGRESS)
    green = adopted(new, cluster, egress=GREEN_EGRESS)
    let_in(old, blue, BLUES)
    let_in(new, green, GREENS)
    kept = (PORTAL, OFFICE, BLUE_EGRESS, GREEN_EGRESS, BLUES, GREENS)
    ended = let_in(old, blue, SHARED)
    ended.delete()
    ended.wait_gone()
    cluster.wait_ranges(*kept)
    mark = old.mark()
    stays = new.grant(green, SHARED)
    wait_told(blue, green)
    cluster.wait_ranges(*kept)
    for target in (blue, green):
        assert SHARED in target.message()
    check_soon(stays)
    wait_quiet(cluster)
    assert len(cluster.puts(mark)) <= MOST

    later = let_in(new, green, LATER)
    later.delete()
    later.wait_gone()
    cluster.wait_ranges(*kept)
    let_in(old, blue, SHARED)
    stays.wait_state("Active")
    cluster.wait_ranges(*kept, SHARED)
    check_kept(cluster, mark, *kept)


def test_threat_19_two_hubs_that_are_both_exclusive_end_their_war(both: Hubs) -> None:
    """Each throws out what the other lets in: grants wait for an hour, what both want stays."""
    old, new = both.old, both.new
    cluster = old.cluster([PORTAL])
    blue, green = (
        adopted(world, cluster, egress=BLUE_EGRESS, mode="Exclusive") for world in (old, new)
    )
    for target in (blue, green):
        target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, BLUE_EGRESS)
    mark = old.mark()
    grants = old.grant(blue, BLUES), new.grant(green, GREENS)
    wait_told(blue, green)
    for target in (blue, green):
        assert any(entry in target.message() for entry in (BLUES, GREENS))
    cluster.wait_ranges(OFFICE, BLUE_EGRESS)
    check_soon(*grants)
    wait_quiet(cluster)
    assert len(cluster.puts(mark)) <= MOST
    check_kept(cluster, mark, OFFICE, BLUE_EGRESS)
