"""A 400 that AKS answers once, at every step, though it has nothing against any range.

The search believes it. What follows: nothing else waits or is lost, and of the grants that the list
added one at most is blamed, until its spec changes.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from aks_access.engine.ports import Kind
from tests.sim.arm_errors import ANSWERS, AZURE, failing
from tests.sim.crash_matrix import run
from tests.sim.safety import differences
from tests.sim.scenarios import SCENARIOS, Act
from tests.sim.world import World

Figure = Callable[[str, object], None]

ADDING = ("grant", "edit")
"""Scenarios in which a list adds something for a grant."""
REMOVING = ("expire", "delete", "delete-target")
SEARCHED = 25.0
"""Minutes until a search that a 400 began is over: one slow try, twenty, and a while."""
SEARCH_TRIES = 3
"""PUTs that a search for one culprit of two costs."""


def _forgiven(act: Act, *, blamed: list[str]) -> Act:
    """The act, and once a search is over an edit of every grant that it blames."""

    async def scene(world: World) -> None:
        await act(world)
        await world.advance(minutes=SEARCHED)
        for full in world.api.names(Kind.GRANT):
            space, _, name = full.partition("/")
            if world.state(name, namespace=space) == "RangeRefused":
                blamed.append(full)
                world.regrant(name, namespace=space, reason="asked for again")

    return scene


@pytest.mark.proof
@pytest.mark.parametrize("name", [*ADDING, *REMOVING])
@pytest.mark.timeout(300)
def test_i4_a_400_at_any_step_blames_one_grant_at_most_until_its_edit(
    name: str, record_property: Figure
) -> None:
    scenario = SCENARIOS[name]
    plain = run(scenario)
    steps = sum(call in AZURE for call in plain.calls)
    wrong = []
    for number in range(1, steps + 1):
        blamed: list[str] = []
        act = _forgiven(scenario.act, blamed=blamed)
        longer = replace(scenario, act=act, minutes=scenario.minutes + 2 * SEARCHED)
        try:
            found = run(longer, spoil=failing(number, ANSWERS["bad-range"]))
            if problems := differences(wanted=plain.ends, found=found.ends):
                wrong.append(f"step {number}: {problems}")
            elif found.tried > plain.tried + SEARCH_TRIES:
                wrong.append(f"step {number}: {found.tried} PUTs instead of {plain.tried}")
            elif len(blamed) > (name in ADDING):
                wrong.append(f"step {number} blames {blamed}")
        except AssertionError as error:
            wrong.append(f"step {number}: {str(error)[:600]}")
    record_property("figure: ARM errors injected, one at a step", steps)
    assert not wrong, "\n".join(wrong[:5])
