"""Scenarios played: each in a world of its own, in virtual time, and judged at its end."""

import functools
import inspect
import logging
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from aks_access.engine.config import EngineConfig
from tests.sim.virtual_loop import run_virtually
from tests.sim.world import World

Scenario = Callable[..., Awaitable[None]]


def play(
    scenario: Callable[[World], Awaitable[None]],
    *,
    seed: int | None = None,
    config: EngineConfig | None = None,
    judged: bool = True,
) -> None:
    """Run a scenario in a world of its own, in virtual time.

    With a `seed` the tasks that are ready are shuffled; what is raised names it.
    With `judged` False the oracle is not asked: it looks at every object for every event, which
    is too much where there are thousands.
    """

    async def main() -> None:
        world = World(config=config)
        logger = logging.getLogger("aks_access.engine")
        logger.addHandler(world.crashes)
        try:
            await scenario(world)
            world.check(judged=judged)
        finally:
            logger.removeHandler(world.crashes)
            for process in world.processes:
                process.kill()

    try:
        run_virtually(main(), seed=seed)
    except Exception as error:
        if seed is not None:
            error.add_note(f"the ready tasks were shuffled by seed {seed}")
        raise


def simulated(scenario: Scenario) -> Callable[..., None]:
    """A test whose first argument is the world; the rest are pytest's.

    Its ready tasks are shuffled, the same way each time: the test's name is the seed.
    """
    seed = zlib.crc32(scenario.__name__.encode())

    @functools.wraps(scenario)
    def test(**arguments: Any) -> None:
        play(lambda world: scenario(world, **arguments), seed=seed)

    given = list(inspect.signature(scenario).parameters.values())[1:]
    test.__signature__ = inspect.Signature(given)  # type: ignore[attr-defined]
    return test
