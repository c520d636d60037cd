"""A process that dies at any crossing of its ports, and the one that comes after it.

Each scenario runs once undisturbed to count its crossings; then once more for each of them, with
the first process abandoned there and a second one started on what it left behind.
"""

from collections.abc import Awaitable, Callable

import pytest

from aks_access.engine.ports import OperationState
from tests.sim.world import FOREIGN, OFFICE, World, key_of, play

LAPTOP = "81.2.69.142/32"
BARE = {FOREIGN, OFFICE}
MOST = 120
EVERY = ("grant", "delete", "delete-target")
"""Scenarios that die at each crossing; the longer ones at every second one."""

Step = Callable[[World], Awaitable[None]]


async def _nothing(world: World) -> None:
    """Only what stands at the start."""


async def _delete(world: World) -> None:
    world.ungrant()


async def _edit(world: World) -> None:
    world.regrant(ipRanges=["81.2.69.7"])


async def _delete_target(world: World) -> None:
    world.untarget()


async def _detach(world: World) -> None:
    world.retarget(deletionPolicy="Detach")
    world.untarget()


async def _fail(world: World) -> None:
    world.azure.cluster(key_of("weu")).outcomes = [OperationState.FAILED]
    world.grant("second", "81.2.69.8")


async def _refuse(world: World) -> None:
    world.azure.cluster(key_of("weu")).unacceptable = {"81.2.69.9/32"}
    world.grant("bad", "81.2.69.9")
    world.ungrant()


SCENARIOS: dict[str, tuple[bool, Step, set[str]]] = {
    "grant": (False, _nothing, {*BARE, LAPTOP}),
    "delete": (True, _delete, BARE),
    "edit": (True, _edit, {*BARE, "81.2.69.7/32"}),
    "delete-target": (True, _delete_target, BARE),
    "detach": (True, _detach, {*BARE, LAPTOP}),
    "failed-operation": (True, _fail, {*BARE, LAPTOP, "81.2.69.8/32"}),
    "refused": (True, _refuse, BARE),
}


def _run(name: str, *, crash_at: int | None, again: int | None = None) -> int:
    """Play a scenario; returns how many crossings the first process got to."""
    settled, act, wanted = SCENARIOS[name]
    crossings = 0

    async def scenario(world: World) -> None:
        nonlocal crossings
        world.cluster()
        world.target()
        world.grant(duration="10h")
        if settled:
            await world.start()
            await world.rest()
            activated = list(world.activations.recorded)
            world.kill()
            await act(world)
        puts = len(world.puts())
        first = await world.start(crash_at=crash_at)
        await world.advance(minutes=5)
        crossings = first.gate.crossings
        first.kill()
        if again is not None:
            second = await world.start(crash_at=again)
            await world.advance(minutes=5)
            second.kill()
        await world.start()
        await world.advance(minutes=3)
        await world.rest()
        assert world.list_of() == wanted
        assert len(world.activations.recorded) == 1
        if settled:
            assert world.activations.recorded == activated
        assert len(world.puts()) - puts <= (4 if name in ("refused", "failed-operation") else 2)
        _no_orphans(world, name)

    play(scenario)
    return crossings


def _no_orphans(world: World, name: str) -> None:
    """Every entry is somebody's: foreign from the start, or in the ledger (I5)."""
    ledger = world.ledgers.peek(key_of("weu"))
    if name in ("delete-target", "detach"):
        assert ledger is None
        assert world.target_gone()
        return
    assert ledger is not None
    assert ledger.in_flight is None
    assert world.owned() == (world.list_of() or set()) - {FOREIGN}
    assert world.target_state() == "InSync"
    if name == "delete":
        assert world.gone()


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.timeout(120)
def test_a_crash_at_each_crossing_leaves_no_orphan(name: str) -> None:
    crossings = min(_run(name, crash_at=None), MOST)
    assert crossings > 10
    failed = []
    for place in range(1, crossings + 1, 1 if name in EVERY else 2):
        try:
            _run(name, crash_at=place)
        except AssertionError as error:
            failed.append(f"{place}: {str(error)[:300]}")
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("name", ["grant", "delete"])
@pytest.mark.timeout(120)
def test_a_crash_during_recovery_leaves_no_orphan(name: str) -> None:
    for place in range(10, 32, 4):
        for again in range(8, 28, 6):
            _run(name, crash_at=place, again=again)
