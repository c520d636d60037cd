"""Plays one history from its script, and cuts a failing one down."""

import logging
from collections.abc import Sequence

from aks_access.api.ranges import IPv4Range
from aks_access.engine.config import EngineConfig
from tests.sim.histories.acts import Acts, randomly
from tests.sim.histories.place import RETENTION, Figures, Place
from tests.sim.histories.rest import be_silent, heal, judge, past_every_end
from tests.sim.histories.script import Script, Step, scripted
from tests.sim.virtual_loop import run_virtually

STEPS = 30


def script_of(seed: int, *, steps: int = STEPS) -> Script:
    """The script of a seed."""
    return scripted(randomly(seed), steps=steps)


def play(script: Script, *, seed: int) -> Figures:
    """Play a script, its ready tasks shuffled by the seed; raises `AssertionError`."""
    figures: list[Figures] = []

    async def main() -> None:
        place = Place(config=_config(script[0]))
        logger = logging.getLogger("aks_access.engine")
        logger.addHandler(place.crashes)
        try:
            await _history(place, script, seed=seed)
        finally:
            logger.removeHandler(place.crashes)
            for process in place.processes:
                process.kill()
            figures.append(place.total())

    run_virtually(main(), seed=seed)
    return figures[0]


async def _history(place: Place, script: Script, *, seed: int) -> None:
    acts = Acts(place)
    for step in script:
        await acts.play(step)
        _safe(place)
    await heal(place, acts)
    _safe(place)
    judge(place)
    await past_every_end(place)
    _safe(place)
    judge(place)
    await be_silent(place, seed=seed)
    _safe(place)
    place.check()


def _safe(place: Place) -> None:
    assert not place.watcher.violations, f"{place.watcher.violations[0]}\n{place.story()}"
    assert not place.crashes.found, place.crashes.found[0]
    assert not place.azure.violations, place.azure.violations


def _config(setup: Step) -> EngineConfig:
    return EngineConfig(
        drift=setup.args["drift"],
        retention=RETENTION,
        management_egress=tuple(map(IPv4Range.parse, setup.args["management"])),
    )


def failure(script: Script, *, seed: int) -> str:
    """What is wrong with a history; "" = nothing."""
    try:
        play(script, seed=seed)
    except AssertionError as error:
        return str(error) or "an assertion"
    return ""


def shrunk(script: Script, *, seed: int) -> Script:
    """The script with every step left out that the failure does not need."""
    kind = failure(script, seed=seed).split()[0]
    size = max(1, len(script) // 2)
    while True:
        smaller = _without(script, size=size, seed=seed, kind=kind)
        if smaller is None and size == 1:
            return script
        if smaller is None:
            size = max(1, size // 2)
        else:
            script = smaller


def _without(script: Script, *, size: int, seed: int, kind: str) -> Script | None:
    for start in range(1, len(script), size):
        shorter = (*script[:start], *script[start + size :])
        if len(shorter) < len(script) and failure(shorter, seed=seed).split()[:1] == [kind]:
            return shorter
    return None


def printed(script: Sequence[Step]) -> str:
    """The script as Python that makes it again."""
    return "\n".join(f"    Step({s.act!r}, {dict(s.args)!r}, {s.wait!r})," for s in script)
