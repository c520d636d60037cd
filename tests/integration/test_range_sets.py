"""Range sets that are edited, deleted, or vanish: what becomes of the access they gave."""

import re

from tests.integration.world import World

FOREIGN = "51.140.8.0/24"
OURS = "81.2.69.128/28"


def test_a_range_set_that_is_edited_or_deleted(world: World) -> None:
    office = world.range_set("20.50.1.0/24", "20.50.2.0/24")
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    references = [{"name": office.name}]
    only = world.grant(target, rangeSetRefs=references)
    both = world.grant(target, OURS, rangeSetRefs=references)
    only.wait_state("Active")
    both.wait_state("Active")
    with world.measure("3 range set edited"):
        office.patch(ipRanges=["20.50.2.0/24", "20.50.3.0/24"])
        cluster.wait_ranges(FOREIGN, OURS, "20.50.2.0/24", "20.50.3.0/24")
        only.wait_state("Active")
        target.wait_state("InSync")
    with world.measure("3 range set deleted"):
        office.delete()
        cluster.wait_ranges(FOREIGN)
        for grant in (only, both):
            grant.wait_condition("ResolvedRefs", status="False", reason="RangeSetNotResolved")
            assert f"IPRangeSet {office.name} does not exist" in grant.message()
        target.wait_state("InSync")


def test_a_large_set_that_vanishes_waits_for_a_person(world: World) -> None:
    office = world.range_set(*(f"20.50.{n}.0/24" for n in range(7)))
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, rangeSetRefs=[{"name": office.name}])
    other = world.grant(target, OURS)
    grant.wait_state("Active")
    other.wait_state("Active")
    mark = world.mark()
    office.delete()
    target.wait_state("MassRemovalHeld")
    assert cluster.puts(mark) == []
    other.patch(revoked=True)
    other.wait_state("Revoked")
    assert len(cluster.ranges or ()) == 8, "an act on a grant never waits"
    world.kubectl("annotate", f"aat/{target.name}", "aksaccess.dev/acknowledge=stale")
    target.nudge()
    assert target.state == "MassRemovalHeld"
    code = re.search(r"aksaccess\.dev/acknowledge=(\w+)", target.message())
    assert code is not None
    said = f"aksaccess.dev/acknowledge={code[1]}"
    world.kubectl("annotate", "--overwrite", f"aat/{target.name}", said)
    cluster.wait_ranges(FOREIGN)
    grant.wait_state("RangeSetNotResolved")
    target.wait_state("InSync")
