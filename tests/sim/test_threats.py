"""Ways in which an operator like this one goes wrong, each as a story of its own.

`docs/safety.md` numbers the threats; stories that stand among their like elsewhere carry the same
numbers in their names.
"""

from collections.abc import Callable

import pytest

from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World, condition

NOBODY = "0.0.0.0/32"


@pytest.mark.parametrize(
    "others",
    [
        ("20.0.0.0/8",),
        ("0.0.0.0/1", "128.0.0.0/1"),
        ("AzureCloud",),
        ("10.0.0.1/8", "not a range"),
    ],
)
@simulated
async def test_threat_06_odd_foreign_entries_neither_change_nor_hold_a_revocation(
    world: World, others: tuple[str, ...]
) -> None:
    cluster = world.cluster()
    cluster.ranges = others
    world.target(baseline=None)
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    assert cluster.ranges == (*others, LAPTOP)
    await world.advance(hours=1)
    await world.rest()
    assert cluster.ranges == others


@simulated
async def test_threat_06_a_foreign_sentinel_does_not_stand_beside_a_grant(world: World) -> None:
    world.cluster(ranges=(NOBODY,))
    world.target(baseline=None)
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    assert world.list_of() == {LAPTOP}
    await world.advance(hours=1)
    await world.rest()
    assert world.list_of() == {NOBODY}


@simulated
async def test_threat_07_unknown_egress_keeps_nobody_in(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    cluster.outbound_type = "userAssignedNATGateway"
    await world.advance(hours=1)
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}


def between_the_looks(world: World, act: Callable[[], None]) -> None:
    """Act once, when the next write stands in the ledger: read, not yet read again."""

    def look() -> None:
        if world.ledger().in_flight is not None:
            world.lookers.remove(look)
            act()

    world.lookers.append(look)


@simulated
async def test_i6_the_list_that_is_sent_is_planned_on_a_second_look(world: World) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant()
    between_the_looks(world, lambda: cluster.set_by_others([FOREIGN, OFFICE, "198.41.0.9/32"]))
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP, "198.41.0.9/32"}
    assert [request.result for request in world.tried()] == ["ok", "ok"], "nothing was refused"


@pytest.mark.parametrize("ending", [False, True], ids=["addition", "removal"])
@simulated
async def test_threat_08_a_pool_that_scales_between_the_looks_is_not_set_back(
    world: World, ending: bool
) -> None:
    cluster = world.cluster()
    world.target()
    if ending:
        world.grant()
    await world.start()
    await world.rest()
    if ending:
        world.regrant(revoked=True)
    else:
        world.grant()
    between_the_looks(world, lambda: cluster.pools.update(system=10))
    await world.until(lambda: len(world.tried()) == 2)
    assert world.tried()[-1].pools == {"system": 10}
    await world.rest()
    assert cluster.pools == {"system": 10}
    assert world.list_of() == ({FOREIGN, OFFICE} if ending else {FOREIGN, OFFICE, LAPTOP})
    assert [request.result for request in world.tried()] == ["ok", "ok"]


@simulated
async def test_threat_12_no_policy_lets_a_grant_have_a_large_part_of_the_internet(
    world: World,
) -> None:
    world.cluster()
    world.target(policy={"allowedNamespaces": {"from": "All"}, "allowPermanent": True})
    halves = ["0.0.0.0/1", "128.0.0.0/1", "20.0.0.0/8", "20.0.0.0/15"]
    for number, wide in enumerate(halves):
        world.grant(f"wide-{number}", wide)
    await world.start()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}
    for number in range(len(halves)):
        assert world.state(f"wide-{number}") in ("PolicyDenied", "InvalidSpec")


@simulated
async def test_threat_16_one_namespace_cannot_hold_the_whole_list(world: World) -> None:
    world.cluster()
    policy = {
        "allowedNamespaces": {"from": "All"},
        "allowPermanent": True,
        "maxEntriesPerNamespace": 50,
    }
    world.target(policy=policy)
    many = [f"20.1.{block}.{host}" for block in range(2) for host in range(1, 101)]
    world.grant("greedy", *many[:40])
    world.grant("greedier", *many[40:])
    await world.start()
    await world.rest()
    assert (world.state("greedy"), world.state("greedier")) == ("Active", "PolicyDenied")
    message = condition(world.status("greedier"), "Ready")["message"]
    assert "its limit is 50" in message
    world.grant("late", "20.9.0.1", namespace="team-b")
    await world.rest()
    assert world.state("late", namespace="team-b") == "Active"


@simulated
async def test_threat_20_without_the_nodes_egress_nothing_that_may_be_theirs_goes(
    world: World,
) -> None:
    cluster = world.cluster(ranges=(FOREIGN,), outbound_type="userAssignedNATGateway")
    world.target(mode="Exclusive")
    await world.start()
    await world.rest()
    assert FOREIGN in (world.list_of() or set()), "it may be the nodes' own address"
    assert world.target_state() == "NodeEgressUnknown"
    world.retarget(nodeEgress={"mode": "Static", "ipRanges": ["20.50.0.1"]})
    await world.rest()
    assert set(cluster.ranges or ()) == {OFFICE, "20.50.0.1/32"}


@simulated
async def test_threat_20_a_new_egress_address_comes_before_the_old_one_goes(world: World) -> None:
    world.cluster(outbound_type="userAssignedNATGateway")
    world.target(nodeEgress={"mode": "Static", "ipRanges": ["20.50.0.1"]})
    await world.start()
    await world.rest()
    world.retarget(nodeEgress={"mode": "Static", "ipRanges": ["20.50.0.2"]})
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, "20.50.0.2/32"}
    for put in world.puts():
        assert {"20.50.0.1/32", "20.50.0.2/32"} & set(put.sent or ())
