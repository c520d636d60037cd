"""A range that somebody else needs too, or that lies in a wider one: what stays when one ends."""

from typing import Any

import pytest

from tests.integration.world import World

FOREIGN = "51.140.8.0/24"
OURS = "81.2.69.128/28"


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
