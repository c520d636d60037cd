"""Two writers on one list: entries of ours that others keep removing, or theirs that keep coming.

What counts is what stands in Azure and how often it is written, hour by hour.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from aks_access.api.ranges import IPv4Range
from aks_access.engine.config import EngineConfig
from aks_access.engine.fakes.cluster import SimCluster
from aks_access.engine.ports import Kind, OperationState
from tests.sim.play import play, simulated
from tests.sim.scenes import BARE, LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World, condition

OTHER = "81.2.69.7/32"
MANAGED = "52.0.0.9/32"
NODES = "51.141.0.9/32"


@asynccontextmanager
async def _writer(cluster: SimCluster, *, keeps: set[str], every: float) -> AsyncIterator[None]:
    """Somebody's job that puts its own list back every so often (terraform apply, a stale az)."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(every)
            idle = cluster.provisioning_state == "Succeeded"
            if idle and cluster.ranges is not None and set(cluster.ranges) != keeps:
                cluster.set_by_others(sorted(keeps))

    job = asyncio.get_running_loop().create_task(repeat())
    try:
        yield
    finally:
        job.cancel()


async def _let_in(world: World, **target: object) -> SimCluster:
    cluster = world.cluster()
    world.target(**target)  # type: ignore[arg-type]
    world.grant("laptop", LAPTOP)
    await world.start()
    await world.rest()
    return cluster


@pytest.mark.parametrize("every", [20.0, 300.0])
@simulated
async def test_i13_adding_again_slows_to_once_an_hour(world: World, every: float) -> None:
    cluster = await _let_in(world)
    puts = len(world.puts())
    async with _writer(cluster, keeps=BARE, every=every):
        await world.until(lambda: world.target_state() == "ConflictingOwner", within=7200)
        assert len(world.puts()) - puts == 2
        await world.advance(hours=6, minutes=30)
        assert 7 <= len(world.puts()) - puts <= 2 + 6
        ready = condition(world.target_status(), "Ready")
        assert (ready["status"], world.target_state()) == ("False", "ConflictingOwner")
        assert condition(world.target_status(), "Stalled")["reason"] == "ConflictingOwner"
        assert LAPTOP in ready["message"]
        assert "reconcile.aksaccess.dev/requestedAt" in ready["message"]
        assert world.state() == "TargetBlocked"
        grant = condition(world.status(), "Ready")["message"]
        assert LAPTOP in grant
        assert "added again at 2026-" in grant
    assert world.events.reasons("weu").count("ConflictingOwner") == 1
    assert world.metrics.states["weu"][1]["reversals"] >= 1
    await world.until(lambda: world.state() == "Active", within=3700)
    await world.until(lambda: world.target_state() == "InSync", within=5000)
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_i13_a_restart_forgets_neither_the_conflict_nor_its_pace(world: World) -> None:
    cluster = await _let_in(world)
    puts = len(world.puts())
    async with _writer(cluster, keeps=BARE, every=60.0):
        await world.until(lambda: world.target_state() == "ConflictingOwner", within=7200)
        for _ in range(12):
            await world.restart()
            await world.advance(minutes=10)
        assert len(world.puts()) - puts <= 2 + 2
        assert world.target_state() == "ConflictingOwner"


@simulated
async def test_i13_an_ask_ends_it_at_once_and_only_once(world: World) -> None:
    world.expect("I13", because="somebody asks for the entry, and the oracle does not hear it")
    cluster = await _let_in(world)
    asked = "reconcile.aksaccess.dev/requestedAt"
    world.mark(Kind.TARGET, "weu", annotations={asked: "before"})
    async with _writer(cluster, keeps=BARE, every=60.0):
        await world.until(lambda: world.target_state() == "ConflictingOwner", within=7200)
        await world.restart()
        await world.advance(minutes=5)
        assert world.target_state() == "ConflictingOwner", "an old request is no new one"
    world.mark(Kind.TARGET, "weu", annotations={asked: "now"})
    await world.until(lambda: world.state() == "Active", within=180)
    await world.rest()
    assert world.target_state() == "InSync"
    assert world.ledger().conflict is None


@simulated
async def test_i13_what_goes_and_what_is_new_never_waits(world: World) -> None:
    cluster = await _let_in(world)
    world.grant("going", OTHER)
    await world.rest()
    async with _writer(cluster, keeps={*BARE, OTHER}, every=60.0):
        await world.until(lambda: world.target_state() == "ConflictingOwner", within=7200)
        await world.until(lambda: LAPTOP not in (world.list_of() or ()))
    world.ungrant("going")
    took = await world.until(lambda: OTHER not in (world.list_of() or ()))
    assert took <= 5.0
    await world.rest()
    world.grant("new", "81.2.69.8")
    took = await world.until(lambda: "81.2.69.8/32" in (world.list_of() or ()))
    assert took <= 10.0
    assert LAPTOP not in (world.list_of() or ())
    await world.rest()
    assert world.state("new") == "Active"


@simulated
async def test_i13_a_cleared_list_goes_back_at_once_all_the_same(world: World) -> None:
    cluster = await _let_in(world)
    for _ in range(6):
        cluster.set_by_others(None)
        world.mark(Kind.TARGET, "weu", annotations={"a": str(world.now)})
        took = await world.until(lambda: world.list_of() is not None, within=620)
        await world.rest()
    assert took <= 600.0 + 5.0
    assert world.target_state() == "ConflictingOwner"
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_i13_a_withdrawn_entry_that_keeps_coming_back_is_taken_out_promptly(
    world: World,
) -> None:
    cluster = await _let_in(world)
    world.ungrant()
    await world.rest()
    for _ in range(4):
        cluster.set_by_others([*BARE, LAPTOP])
        await world.until(lambda: world.list_of() == BARE, within=610)
        await world.rest()
    assert world.target_state() == "ConflictingOwner"
    assert LAPTOP in condition(world.target_status(), "Ready")["message"]
    await world.advance(hours=2)
    assert world.target_state() == "InSync"


@simulated
async def test_i13_foreign_entries_that_keep_coming_back_in_exclusive(world: World) -> None:
    cluster = await _let_in(world, mode="Exclusive")
    for _ in range(4):
        cluster.set_by_others([*(world.list_of() or ()), OTHER])
        await world.until(lambda: world.list_of() == {OFFICE, LAPTOP}, within=610)
        await world.rest()
    assert world.target_state() == "ConflictingOwner"
    assert OTHER in condition(world.target_status(), "Ready")["message"]


@simulated
async def test_i13_a_person_who_edits_here_and_there_is_no_conflict(world: World) -> None:
    cluster = await _let_in(world)
    for _ in range(6):
        cluster.set_by_others(BARE)
        await world.advance(minutes=31)
        assert world.list_of() == {*BARE, LAPTOP}
        assert world.target_state() == "InSync"


@simulated
async def test_i13_our_own_writes_that_fail_are_nobodys_conflict(world: World) -> None:
    cluster = await _let_in(world)
    cluster.outcomes = [OperationState.FAILED] * 6
    cluster.set_by_others(BARE)
    await world.advance(hours=1)
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}
    assert world.target_state() == "InSync"
    assert len(world.ledger().reversals) == 1


@pytest.mark.parametrize("mode", ["Merge", "Exclusive"])
def test_threat_19_two_operators_on_one_cluster_do_not_war(mode: str) -> None:
    """One revoked what the other still grants: each puts right what the other did."""
    config = EngineConfig(management_egress=(IPv4Range.parse(MANAGED),))
    always = {MANAGED, OFFICE} | ({FOREIGN} if mode == "Merge" else set())

    async def scenario(world: World) -> None:
        for rule in ("I3", "I5", "I6", "I8", "I11", "I13"):
            world.expect(rule, because="the oracle takes both operators for one")
        await _let_in(world, mode=mode)
        other = World(config=world.config)
        other.azure, other.clock = world.azure, world.clock
        other.target(mode=mode)
        other.grant("same", LAPTOP)
        await other.start()
        await world.rest()
        assert world.list_of() == {*always, LAPTOP}
        began = len(world.tried())
        try:
            world.ungrant()
            await world.advance(hours=4)
            tried = len(world.tried())
            assert tried - began <= 20, "they slow down"
            await world.advance(hours=10)
            assert 2 * 8 <= len(world.tried()) - tried <= 2 * 10 + 2, "each writes once an hour"
            assert {world.target_state(), other.target_state()} == {"ConflictingOwner"}
            assert other.state("same") in ("TargetBlocked", "Progressing", "Active")
            other.ungrant("same")
            await world.advance(hours=3)
            assert (world.target_state(), other.target_state()) == ("InSync", "InSync")
            assert world.list_of() == always
        finally:
            for process in other.processes:
                process.kill()
        for put in world.puts()[began:]:
            assert always <= set(put.sent or ()) <= {*always, LAPTOP}, put

    play(scenario, seed=19, config=config)


@simulated
async def test_i12_a_conflict_does_not_hold_back_the_nodes_egress(world: World) -> None:
    cluster = world.cluster(outbound_type="userDefinedRouting")
    world.target(nodeEgress={"mode": "Static", "ipRanges": [NODES]})
    world.grant()
    await world.start()
    await world.rest()
    for _ in range(5):
        cluster.set_by_others([FOREIGN])
        await world.advance(minutes=12)
        await world.until(lambda: NODES in (world.list_of() or ()))
    assert world.target_state() == "ConflictingOwner"
    assert LAPTOP not in (world.list_of() or ()), "what a grant asks for waits"
