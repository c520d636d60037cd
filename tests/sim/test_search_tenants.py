"""Ranges of one tenant that AKS refuses: they keep no other tenant waiting, and take nobody out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aks_access.plan.pace import Bucket, Pace
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP, refusals
from tests.sim.world import World, key_of

BAD = "81.2.69.66/32"


@simulated
async def test_i8_a_bad_range_in_a_shared_set_takes_nobody_out_unasked(world: World) -> None:
    home = [f"81.2.70.{2 * n}" for n in range(8)]
    world.cluster()
    world.range_set("home", *home)
    world.target()
    for name in ("a", "b", "c"):
        world.grant(name, rangeSetRefs=[{"name": "home"}])
    await world.start()
    await world.rest()
    full = world.list_of() or set()
    world.azure.cluster(key_of("weu")).unacceptable = {"81.2.70.99/32"}
    world.range_set("home", *home, "81.2.70.99")
    await world.advance(hours=3)
    assert world.list_of() == full
    assert world.target_state() == "MassRemovalHeld"
    world.range_set("home", *home, "81.2.70.101")
    await world.advance(hours=1)
    assert world.list_of() == full | {"81.2.70.101/32"}
    assert {world.state(name) for name in ("a", "b", "c")} == {"Active"}


@pytest.mark.parametrize("with_bad", [True, False])
@simulated
async def test_i8_a_set_that_is_swapped_waits_for_a_person_whatever_it_holds(
    world: World, with_bad: bool
) -> None:
    world.cluster(unacceptable={"81.2.71.99/32"})
    world.range_set("home", *[f"81.2.70.{2 * n}" for n in range(8)])
    world.target()
    world.grant(rangeSetRefs=[{"name": "home"}])
    await world.start()
    await world.rest()
    full = world.list_of() or set()
    other = "81.2.71.99" if with_bad else "81.2.71.101"
    world.range_set("home", "81.2.71.1", other)
    await world.advance(hours=3)
    assert (world.list_of() or set()) >= full
    assert world.target_state() == "MassRemovalHeld"


@pytest.mark.parametrize("grants", [12, 30])
@simulated
async def test_i4_grants_that_share_a_bad_range_keep_no_other_tenant_waiting(
    world: World, grants: int
) -> None:
    world.cluster(unacceptable={BAD})
    world.range_set("home", "81.2.70.1", BAD)
    world.target()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    for number in range(grants):
        own = [f"81.2.71.{number}"] if number % 2 else []
        world.grant(f"g{number}", *own, rangeSetRefs=[{"name": "home"}])
    world.process.watch.held = False
    await world.until(lambda: refusals(world) > 0)
    world.grant("innocent", LAPTOP, namespace="team-b")
    tried = len(world.tried())
    took = await world.until(lambda: world.state("innocent", namespace="team-b") == "Active")
    assert len(world.tried()) - tried <= 8
    assert took <= 15 * 60
    await world.rest()
    assert {world.state(f"g{number}") for number in range(grants)} == {"RangeRefused"}
    tries = len(world.tried())
    await world.advance(hours=4)
    assert len(world.tried()) == tries, "they are remembered"
    world.range_set("home", "81.2.70.1", "81.2.70.2")
    await world.rest()
    assert {world.state(f"g{number}") for number in range(grants)} == {"Active"}


@simulated
async def test_i4_a_tenant_with_many_bad_ranges_keeps_no_other_tenant_waiting(
    world: World,
) -> None:
    world.cluster(unacceptable={f"81.2.69.{number}/32" for number in range(12)})
    world.target()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    for number in range(12):
        world.grant(f"g{number}", f"81.2.69.{number}")
    world.process.watch.held = False
    await world.until(lambda: refusals(world) > 0)
    for number in range(3):
        world.grant("innocent", f"81.2.71.{number}", namespace=f"team-{number}")
    tried = len(world.tried())
    took = await world.until(
        lambda: all(
            world.state("innocent", namespace=f"team-{number}") == "Active" for number in range(3)
        )
    )
    assert len(world.tried()) - tried <= 8
    assert took <= 15 * 60
    await world.advance(hours=1)
    world.grant("innocent", "81.2.71.9", namespace="team-9")
    await world.until(lambda: world.state("innocent", namespace="team-9") == "Active", within=7200)
    await world.advance(hours=24)
    assert {world.state(f"g{number}") for number in range(12)} == {"RangeRefused"}


@simulated
async def test_i4_a_tenant_without_tokens_holds_no_search_up(world: World) -> None:
    hourly = Bucket(burst=2, every=timedelta(hours=1))
    world.config = replace(world.config, pace=Pace(namespace=hourly))
    world.cluster(unacceptable={BAD})
    world.target()
    for number in range(2):
        world.grant(f"leaving{number}", f"81.2.71.{number}")
    await world.start()
    await world.rest()
    world.ungrant("leaving0")
    await world.rest()
    world.process.watch.held = True
    world.grant("busy", "81.2.69.1")
    world.grant("bad", BAD, namespace="team-c")
    world.process.watch.held = False
    await world.until(lambda: refusals(world) > 0)
    world.ungrant("leaving1")
    world.grant("innocent", LAPTOP, namespace="team-b")
    took = await world.until(lambda: world.state("innocent", namespace="team-b") == "Active")
    assert took <= 10 * 60
    assert world.state("busy") == "Paced"
    await world.until(lambda: world.state("busy") == "Active")
    assert world.state("bad", namespace="team-c") == "RangeRefused"


@simulated
async def test_i4_bad_ranges_in_ever_new_namespaces_keep_nobody_waiting(world: World) -> None:
    world.cluster(unacceptable={f"81.2.69.{number}/32" for number in range(100)})
    world.target()
    world.grant("bad", "81.2.69.99")
    await world.start()
    await world.rest()
    assert world.state("bad") == "RangeRefused"
    world.process.watch.held = True
    world.grant("bad", "81.2.69.0", namespace="team-0")
    world.grant("good", LAPTOP)
    world.process.watch.held = False
    tries = refusals(world)
    while world.state("good") != "Active":
        known = refusals(world)
        assert known - tries <= 6
        world.grant("bad", f"81.2.69.{known}", namespace=f"team-{known}")
        await world.until(
            lambda known=known: refusals(world) > known or world.state("good") == "Active"
        )


@simulated
async def test_i4_a_stream_of_refused_newcomers_keeps_nobody_out(world: World) -> None:
    world.cluster(unacceptable={f"81.2.70.{number}/32" for number in range(200)})
    world.target()
    await world.start()
    await world.rest()
    asked = 0
    while asked < 54 and (asked <= 24 or world.state() != "Active"):
        if asked == 24:
            world.grant(namespace="team-a")
        world.grant(f"bad{asked}", f"81.2.70.{asked}", namespace="team-b")
        asked += 1
        await world.advance(minutes=10)
    assert world.state() == "Active", "let in within five hours"
