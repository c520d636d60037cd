"""Full lists, and ranges that AKS refuses: who gets in, who is told what, who is never delayed."""

import pytest

from tests.integration.scenes import LAPTOP, OFFICE
from tests.integration.things import Object
from tests.integration.world import World


def _foreign(count: int) -> list[str]:
    return [f"20.{number // 250}.{number % 250}.9/32" for number in range(count)]


def _all_at_once(target: Object, grants: list[Object]) -> None:
    """Let the target, which was suspended, judge these in one plan: it has told of each."""
    for grant in grants:
        grant.wait_state("Suspended", "CapacityExceeded")
    target.patch(suspend=False)


def _in_order(grants: list[Object]) -> list[Object]:
    """The order that the list is filled in: the oldest first, then by uid."""

    def age(item: Object) -> tuple[str, str]:
        metadata = item.read()["metadata"]
        return metadata["creationTimestamp"], metadata["uid"]

    return sorted(grants, key=age)


def test_the_201st_entry_is_refused_in_order_and_told_what_is_next(world: World) -> None:
    cluster = world.cluster(_foreign(196), operation_seconds=1.0)
    target = world.target(cluster, suspend=True)
    grants = [
        world.grant(target, f"81.2.69.{number}", expiresAt=world.at(3600 + 60 * number))
        for number in range(10, 17)
    ]
    _all_at_once(target, grants)
    target.wait_state("CapacityExceeded")
    ordered = _in_order(grants)
    winners, losers = ordered[:4], ordered[4:]
    for winner in winners:
        winner.wait_state("Active")
    soonest = min(winners, key=lambda item: item.read()["spec"]["expiresAt"])
    for loser in losers:
        loser.wait_state("CapacityExceeded")
        said = loser.message()
        assert "200/200 used, 1 more needed" in said, said
        assert f"{soonest.namespace}/{soonest.name}" in said, said
    told = target.until(lambda o: o["status"]["summary"]["entries"] == "200/200", what="to be full")
    assert f"{soonest.namespace}/{soonest.name}" in told["status"]["conditions"][0]["message"]
    mark = world.mark()
    cluster.wait_looks(2)
    assert cluster.puts(mark) == [], "a full list is a steady state"

    winners[1].delete()
    winners[1].wait_gone()
    losers[0].wait_state("Active")
    for still in losers[1:]:
        assert still.state == "CapacityExceeded"
    for winner in (winners[0], *winners[2:]):
        assert winner.state == "Active", "a newcomer never pushes anybody out"
    assert len(cluster.ranges or []) == 200


def test_a_grant_gets_in_whole_or_not_at_all(world: World) -> None:
    cluster = world.cluster(_foreign(197))
    target = world.target(cluster)
    big = world.grant(target, *[f"81.2.69.{number}" for number in range(4)])
    big.wait_state("CapacityExceeded")
    assert "197/200 used, 4 more needed" in big.message()
    small = world.grant(target, "81.2.70.1", "81.2.70.2", "81.2.70.3")
    small.wait_state("Active")
    assert big.state == "CapacityExceeded"
    assert len(cluster.ranges or []) == 200
    shared = world.grant(target, "81.2.70.1")
    shared.wait_state("Active")
    assert len(cluster.puts()) == 1, "an entry that is there already takes no room"


@pytest.mark.timeout(360)
def test_2000_entries_with_vnet_integration(world: World) -> None:
    cluster = world.cluster([OFFICE], shape={"vnet_integration": True})
    target = world.target(cluster, suspend=True)
    grants = [
        world.grant(target, *[f"81.{octet}.{number}.7" for number in range(200)])
        for octet in range(10, 20)
    ]
    _all_at_once(target, grants)
    target.wait_state("CapacityExceeded", seconds=60)
    ordered = _in_order(grants)
    for winner in ordered[:9]:
        winner.wait_state("Active", seconds=60)
    ordered[9].wait_state("CapacityExceeded")
    assert "1801/2000 used, 200 more needed" in ordered[9].message()
    assert len(cluster.ranges or []) == 1801
    target.until(
        lambda o: o["status"]["summary"]["entries"] == "1801/2000", what="to count 1801 entries"
    )
    assert len(cluster.puts()) <= 2
    ordered[0].delete()
    ordered[0].wait_gone(seconds=30)
    ordered[9].wait_state("Active", seconds=30)
    assert len(cluster.ranges or []) == 1801
    lines = [
        line
        for line in world.operator.audit_lines()
        if line["cluster"].lower() == cluster.key and line["action"] == "Granted"
    ]
    assert sum(len(line["ranges"]) for line in lines) == 2000
    assert len(lines) == 10, "one line for what one grant brings"
    assert sum(len(line["before"] or []) + len(line["after"] or []) for line in lines) < 10_000


def test_the_limit_of_a_namespace(world: World) -> None:
    cluster = world.cluster()
    policy = {"maxGrantsPerNamespace": 2, "maxEntriesPerNamespace": 3, "contact": "ops@contoso.com"}
    target = world.target(cluster, policy=policy)
    home, elsewhere = world.home(), world.namespace()
    first = world.grant(target, "81.2.69.1", "81.2.69.2", namespace=home)
    first.wait_state("Active")
    greedy = world.grant(target, "81.2.69.3", "81.2.69.4", namespace=home)
    greedy.wait_state("PolicyDenied")
    assert "4" in greedy.message()
    assert "ops@contoso.com" in greedy.message()
    other = world.grant(target, "81.2.69.3", "81.2.69.4", namespace=elsewhere)
    other.wait_state("Active")
    greedy.patch(ipRanges=["81.2.69.3"])
    greedy.wait_state("Active")
    third = world.grant(target, "81.2.69.1", namespace=home)
    third.wait_state("PolicyDenied")
    cluster.wait_ranges(OFFICE, *[f"81.2.69.{number}/32" for number in range(1, 5)])


def test_a_range_that_aks_refuses_delays_no_removal(world: World) -> None:
    cluster = world.cluster(refused_ranges=["81.2.69.150/32"], operation_seconds=1.0)
    target = world.target(cluster)
    going, staying = world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")
    for each in (going, staying):
        each.wait_state("Active")
    mark = world.mark()
    held = world.arm.add_fault(method="GET", path=f"{cluster.key}(\\?|$)", hold=True)
    world.eventually(
        lambda: any(f.fault_id == held and f.hits for f in world.arm.faults()),
        what="a read to be held, so that both changes meet in one plan",
    )
    bad = world.grant(target, "81.2.69.150")
    going.delete()
    world.arm.remove_fault(held)
    going.wait_gone()
    bad.wait_state("RangeRefused")
    cluster.wait_ranges(OFFICE, "81.2.69.143/32")
    puts = cluster.puts(mark)
    assert [put.status for put in puts].count(400) <= 1
    assert len(puts) <= 3, "the removal, the refused list, and the proof that it is to blame"
    assert "81.2.69.150/32" in bad.message()
    assert staying.state == "Active"


def test_the_newest_addition_is_refused_and_the_others_get_in(world: World) -> None:
    cluster = world.cluster(refused_ranges=["81.2.69.150/32"])
    target = world.target(cluster)
    good = world.grant(target, LAPTOP)
    good.wait_state("Active")
    bad = world.grant(target, "81.2.69.150", "81.2.69.151")
    bad.wait_state("RangeRefused")
    after = world.grant(target, "81.2.69.152")
    after.wait_state("Active")
    mark = world.mark()
    cluster.wait_looks(3)
    assert cluster.puts(mark) == [], "the culprit is remembered"
    assert [put.status for put in cluster.puts()].count(400) == 1
    assert good.state == "Active"

    bad.patch(ipRanges=["81.2.69.151"])
    bad.wait_state("Active")
    cluster.wait_ranges(OFFICE, *[f"81.2.69.{number}/32" for number in (142, 151, 152)])
    target.wait_state("InSync")


def test_a_burst_that_holds_a_bad_range_converges_with_few_tries(world: World) -> None:
    cluster = world.cluster(refused_ranges=["81.2.69.13/32"])
    target = world.target(cluster)
    target.wait_state("InSync")
    grants = [world.grant(target, f"81.2.69.{number}") for number in range(10, 18)]
    bad = grants[3]
    bad.wait_state("RangeRefused", seconds=30)
    for grant in grants:
        if grant is not bad:
            grant.wait_state("Active", seconds=30)
    refused = [put for put in cluster.puts() if put.status == 400]
    assert len(refused) <= 4, "halving finds one of eight in three or four tries"
