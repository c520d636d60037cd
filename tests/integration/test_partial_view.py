"""A world of which only a part can be read."""

from datetime import UTC, datetime

from tests.integration.scenes import LAPTOP, OFFICE
from tests.integration.things import MERGE_PATCH
from tests.integration.world import RIGHTS, World

ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/aks-access-operator"


def test_what_cannot_be_listed_costs_nobody_access_but_the_clock_goes_on(
    restart_world: World,
) -> None:
    world = restart_world
    world.expect(RIGHTS, because="one is taken away from the operator")
    operator = world.station.ensure(relist_interval="1s")
    cluster = world.cluster()
    members = world.range_set("20.50.1.0/24", "20.50.2.0/24")
    target = world.target(cluster, baseline={"rangeSetRefs": [{"name": members.name}]})
    ending = world.grant(target, LAPTOP)
    deleted = world.grant(target, "81.2.69.143")
    by_set = world.grant(target, rangeSetRefs=[{"name": members.name}])
    for each in (ending, deleted, by_set):
        each.wait_state("Active")
    target.wait_state("InSync")
    standing = {OFFICE, "20.50.1.0/24", "20.50.2.0/24", "81.2.69.143/32"}
    rules = world.plane.request("GET", ROLE)["rules"]
    mark = world.mark()
    end = world.at(6)
    ending.patch(expiresAt=end)
    narrowed = [
        {**rule, "resources": [each for each in rule["resources"] if each != "iprangesets"]}
        for rule in rules
    ]
    world.plane.request("PATCH", ROLE, {"rules": narrowed}, content_type=MERGE_PATCH)
    try:
        world.eventually(
            lambda: any("list of IPRangeSet failed" in str(e) for e in operator.log_lines()),
            what="a list to be refused",
        )
        deleted.delete()
        world.eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(end), what="the end")
        cluster.wait_ranges(*standing)
        cluster.wait_looks(2)
        assert deleted.exists(), "an act waits until everything is known"
        assert set(cluster.ranges or ()) == standing
        assert by_set.state == "Active"
    finally:
        world.plane.request("PATCH", ROLE, {"rules": rules}, content_type=MERGE_PATCH)
    deleted.wait_gone(seconds=30)
    cluster.wait_ranges(*(standing - {"81.2.69.143/32"}))
    ending.wait_state("Expired")
    assert by_set.state == "Active"
    assert len(cluster.puts(mark)) == 2
