"""Plays a scenario with a process that dies at a chosen place, and judges what came of it.

A run: what stands is settled; a process that is to die works on what happens; its successor (or
two, where that one dies too) finishes; then everything is compared with the run without a death.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import patch

from aks_access.engine import queue
from tests.sim.crash import CrashPoint, Place
from tests.sim.play import play
from tests.sim.process import Process
from tests.sim.safety import Safety, outcome
from tests.sim.scenarios import Scenario
from tests.sim.world import Method, World

DOWN = (0.5, 40.0, 240.0)
"""Seconds until there is a successor: at once, while Azure still works, long after it."""
ZOMBIE_SECONDS = 10.0
QUIET_MINUTES = 12.0
"""Longer than the time between two lists, and two looks, of which nothing may come."""
NEVER = CrashPoint(call=0, place=Place.BEFORE)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run.

    Attributes:
        calls: the port calls of the process that was to die, from the act on.
        asked: calls of each method of the Kubernetes ports, by any process, from the act on.
        ends: see `safety.outcome`.
        tried: PUTs, refused ones too.
        recovery: the port calls of its successor, if it has one, until every clock has run out.
    """

    calls: tuple[str, ...]
    asked: Counter[Method]
    ends: dict[str, object]
    tried: int
    looks: int
    recovery: tuple[str, ...]


def run(
    scenario: Scenario,
    *,
    crash: CrashPoint | None = None,
    again: CrashPoint | None = None,
    seed: int | None = None,
    spoil: Callable[[World], None] | None = None,
    late: str = "",
) -> Played:
    """Play it; raises `AssertionError` where safety was broken.

    `spoil` is given the world right before the scenario happens to it; `late` says why the
    oracle's bound on removals (I3) does not apply, if so.
    """
    played: Played | None = None

    async def scene(world: World) -> None:
        nonlocal played
        if late:
            world.expect("I3", because=late)
        played = await _scene(world, scenario=scenario, crash=crash, again=again, spoil=spoil)

    steady = SimpleNamespace(Random=lambda: random.Random(0))  # back-off without chance
    with patch.object(queue, "random", steady):
        play(scene, seed=seed)
    assert played is not None
    return played


async def _scene(
    world: World,
    *,
    scenario: Scenario,
    crash: CrashPoint | None,
    again: CrashPoint | None,
    spoil: Callable[[World], None] | None,
) -> Played:
    if Place.LATE in {point.place for point in (crash, again) if point is not None}:
        world.expect("I6", because="a dead process's PUT arrives in its successor's time")
    await scenario.prepare(world)
    if world.clusters:
        await world.start()
        await world.rest(within=580.0)
    safety = Safety(
        world=world,
        others={name: set(scenario.others) for name in scenario.clusters},
        stays={name: set(scenario.stays) for name in scenario.clusters},
        opened=set(scenario.clusters if scenario.opened else ()),
        detached=set(scenario.clusters if scenario.detached else ()),
    )
    began, tried, asked = world.now, len(world.azure.requests("put")), world.asked()
    if spoil is not None:
        spoil(world)
    first = await _act(world, scenario=scenario, crash=crash, safety=safety)
    ends = began + scenario.minutes * 60.0
    second = await _succeed(world, first=first, crash=crash, again=again, ends=ends)
    if again is not None:
        await _succeed(world, first=second, crash=again, again=None, ends=ends)
    await world.advance(max(0.0, ends - world.now))
    calls, asked = tuple(first.gate.made), world.asked() - asked
    recovery = tuple(second.gate.made) if second is not first else ()
    await world.rest()
    written = world.written()
    await world.advance(minutes=QUIET_MINUTES)
    safety.look()
    assert not safety.broken, f"{safety.broken[:3]} {world.story()}"
    assert world.written() == written, f"it does not rest: {world.story()}"
    return Played(
        calls=calls,
        asked=asked,
        ends=outcome(world),
        tried=len(world.azure.requests("put")) - tried,
        looks=safety.looks,
        recovery=recovery,
    )


async def _act(
    world: World, *, scenario: Scenario, crash: CrashPoint | None, safety: Safety
) -> Process:
    """Let it happen to a process that is to die."""
    world.lookers.append(safety.look)
    if scenario.live:
        world.process.gate.arm(crash)
        await scenario.act(world)
        return world.process
    if world.processes:
        world.kill()
    await scenario.act(world)
    return await world.start(crash=crash or NEVER)


async def _succeed(
    world: World, *, first: Process, crash: CrashPoint | None, again: CrashPoint | None, ends: float
) -> Process:
    """Wait for a death, and start the next process; without a death there is none."""
    if crash is None:
        return first
    await world.until_set(first.gate.struck, within=max(1.0, ends - world.now))
    if crash.place is Place.DEPOSED:
        second = await world.start(crash=again or NEVER)
        await world.advance(ZOMBIE_SECONDS)
        first.kill()
        return second
    first.kill()
    await world.advance(DOWN[crash.call % len(DOWN)])
    return await world.start(crash=again or NEVER)
