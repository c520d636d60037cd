"""What the tests of failing edges share: an error at one step, and what is due in an outage."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.sim.crash_matrix import Played, run
from tests.sim.safety import differences
from tests.sim.scenarios import Scenario
from tests.sim.world import FOREIGN, OFFICE, World

LAPTOP, STAYING, ENDING, NEW = ("81.2.69.142/32", "81.2.69.1/32", "81.2.69.5/32", "81.2.69.7/32")
WANTED = {FOREIGN, OFFICE, STAYING, NEW}
OVER = 12.0
"""Minutes until a look that an error puts off has been made: the longest wait, ten, and a while."""
MORE = 3
"""PUTs that one error may cost."""
REPORTED = 5


def got_over(
    scenario: Scenario, *, plain: Played, spoil: Callable[[World], None], late: str = ""
) -> str:
    """What is wrong with a scenario that is spoilt once, beside the `plain` one; "" = nothing."""
    longer = replace(scenario, minutes=scenario.minutes + OVER)
    try:
        found = run(longer, spoil=spoil, late=late)
    except AssertionError as error:
        return str(error)[:600]
    if problems := differences(wanted=plain.ends, found=found.ends):
        return "; ".join(problems)
    if found.tried > plain.tried + MORE:
        return f"{found.tried} PUTs instead of {plain.tried}"
    return ""


def all_got_over(wrong: Mapping[str, str]) -> None:
    """Raise `AssertionError` for what `got_over` found, by step."""
    found = [f"{step}: {sentence}" for step, sentence in wrong.items() if sentence]
    assert not found, f"{len(found)} of {len(wrong)}:\n" + "\n".join(found[:REPORTED])


async def under_way(world: World) -> None:
    """What stands before an outage: a grant that is to go, one that stays, and one that ends."""
    world.cluster()
    world.target()
    world.grant("leaving")
    world.grant("staying", "81.2.69.1")
    world.grant("ending", "81.2.69.5", expiresAt=world.at(minutes=15))
    await world.start()
    await world.rest()


def act(world: World) -> None:
    """A removal is due at once, and an addition is asked for."""
    world.ungrant("leaving")
    world.grant("new", "81.2.69.7")
