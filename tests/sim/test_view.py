"""What is known of the management cluster: lists that fail, watches that stall or come late."""

import asyncio

import pytest

from aks_access.engine.ports import Kind
from aks_access.errors import KubeError
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, WANTED, programmed
from tests.sim.world import World


@pytest.mark.parametrize("kind", list(Kind))
@simulated
async def test_i8_a_partial_view_revokes_nothing_but_what_the_clock_ends(
    world: World, kind: Kind
) -> None:
    world.cluster()
    world.target()
    world.grant("ending", "81.2.69.1", expiresAt=world.at(hours=2))
    world.grant()
    await world.start()
    await world.rest()
    world.api.unlistable[kind] = "403 Forbidden"
    await world.advance(minutes=11)
    world.retarget(policy={"allowedNamespaces": {"from": "All"}})
    await world.advance(minutes=40)
    assert world.list_of() == {*WANTED, "81.2.69.1/32"}
    reads = len(world.gets())
    await world.advance(hours=2)
    assert world.list_of() == WANTED
    assert len(world.gets()) - reads < 150, "a list that fails is no reason to ask Azure"
    del world.api.unlistable[kind]
    await world.advance(minutes=15)
    assert world.list_of() == BARE
    assert world.state() == "PolicyDenied"


@simulated
async def test_i8_what_waited_for_a_whole_view_goes_though_the_ledgers_cannot_be_listed(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    process = world.process
    world.api.unlistable[Kind.NAMESPACE] = "503"
    await process.engine.refresh(relist=process.relist)
    world.regrant(revoked=True)
    await world.advance(60)
    assert world.list_of() == WANTED
    world.ledgers.faults.plan("keys", KubeError("no usable answer", status=503))
    world.api.unlistable.clear()
    await process.engine.refresh(relist=process.relist)
    await world.until(lambda: world.list_of() == BARE, within=5.0)


@simulated
async def test_i8_what_waited_goes_when_another_round_of_lists_completes_the_view(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    process, broken = world.process, asyncio.Event()

    async def later() -> bool:
        await broken.wait()
        await world.advance(30)
        world.api.unlistable.clear()
        return await process.relist()

    second = asyncio.ensure_future(process.engine.refresh(relist=later))
    await asyncio.sleep(0)
    world.api.unlistable[Kind.NAMESPACE] = "503"
    await process.engine.refresh(relist=process.relist)
    broken.set()
    world.regrant(revoked=True)
    await second
    assert world.list_of() == WANTED
    await world.until(lambda: world.list_of() == BARE, within=5.0)


@simulated
async def test_a_list_that_fails_at_the_start_is_waited_for(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    world.api.unlistable[Kind.NAMESPACE] = "403 Forbidden"
    await world.start()
    await world.advance(minutes=5)
    assert not world.tried()
    del world.api.unlistable[Kind.NAMESPACE]
    await world.advance(minutes=12)
    await world.rest()
    assert world.list_of() == WANTED


@simulated
async def test_a_watch_that_stalls_is_made_good_by_the_next_list(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.process.watch.held = True
    world.ungrant()
    await world.advance(minutes=25)
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_a_late_watch_brings_nothing_back(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    world.process.watch.delay = 30.0
    world.grant()
    await world.advance(31)
    await world.rest()
    assert world.state() == "Active"
    world.ungrant()
    await world.advance(40)
    await world.rest()
    assert world.gone()
    assert world.list_of() == BARE
    assert len(world.puts()) == 3


@simulated
async def test_i8_namespaces_that_vanish_do_not_revoke_at_once(world: World) -> None:
    policy = {
        "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"tier": "dev"}}},
        "allowPermanent": True,
    }
    world.mark(Kind.NAMESPACE, "team-a", labels={"tier": "dev"})
    world.cluster()
    world.target(policy=policy)
    world.grant("many", *(f"81.2.69.{n}" for n in range(130, 150)))
    await world.start()
    await world.rest()
    assert "81.2.69.130/32" in (world.list_of() or set())
    world.process.engine.store.listing(Kind.NAMESPACE)
    world.process.engine.store.replaced(Kind.NAMESPACE, [], "999999")
    await world.advance(minutes=5)
    assert "81.2.69.130/32" in (world.list_of() or set())
    assert world.target_state() == "MassRemovalHeld"


@simulated
async def test_i8_an_end_is_kept_by_a_new_leader_that_cannot_list_range_sets(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(minutes=20))
    await world.start()
    await world.rest()
    world.kill()
    world.api.unlistable[Kind.RANGE_SET] = "403"
    await world.advance(minutes=20)
    await world.start()
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 60.0
