"""The crash matrix: a process that dies at any port call, and the one that comes after it.

Each scenario runs once undisturbed to record its port calls; then once more for each of them and
each place in it. What must hold at every moment is `safety.Safety`; the end is that of the
undisturbed run. `proof` holds all of them (a lost Lease and a late arrival at every second call),
the slice that stays quick every few.
"""

import random
from collections.abc import Callable, Iterator

import pytest

from tests.sim.crash import CrashPoint, Place
from tests.sim.crash_matrix import Played, run
from tests.sim.safety import differences
from tests.sim.scenarios import SCENARIOS, Scenario

READS = frozenset({"get", "load", "load_all", "keys", "operation", "acknowledgement"})
QUICK_STEP = 29
"""The quick slice takes one of so many crash points."""
PAIRS = 6
"""Deaths during a recovery, per scenario."""
RECOVERY = 30
"""Port calls of a recovery, of which one is the second death; most recoveries make as many."""
EVERY = {Place.LATE: 2, Place.DEPOSED: 2}
REPORTED = 5

Figure = Callable[[str, object], None]


def _points(calls: tuple[str, ...], *, place: Place) -> Iterator[CrashPoint]:
    for number in range(1, len(calls) + 1, EVERY.get(place, 1)):
        name = calls[number - 1]
        if place is Place.LATE and name in READS:
            continue
        yield CrashPoint(call=number, place=place)


def _judge(
    scenario: Scenario,
    *,
    plain: Played,
    crash: CrashPoint,
    again: CrashPoint | None = None,
    seed: int | None = None,
) -> str:
    """What is wrong with a run; "" = nothing."""
    deaths = 1 if again is None else 2
    try:
        played = run(scenario, crash=crash, again=again, seed=seed)
        struck = len(played.calls) >= crash.call
        if seed is None:
            struck = struck and played.calls[: crash.call] == plain.calls[: crash.call]
        assert struck, f"the calls are not those of the undisturbed run: {played.calls}"
        wrong = differences(wanted=plain.ends, found=played.ends)
        assert not wrong, "; ".join(wrong)
        most = plain.tried + scenario.more * deaths
        assert played.tried <= most, f"{played.tried} PUTs, and {plain.tried} without a death"
    except AssertionError as error:
        called = plain.calls[crash.call - 1]
        return f"call {crash.call} ({called}) {crash.place}, then {again}: {str(error)[:600]}"
    return ""


def _all_well(wrong: list[str]) -> None:
    found = [sentence for sentence in wrong if sentence]
    assert not found, f"{len(found)} of {len(wrong)}:\n" + "\n".join(found[:REPORTED])


@pytest.mark.proof
@pytest.mark.parametrize("place", Place, ids=lambda place: place.name.lower())
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.timeout(300)
def test_i5_a_death_at_any_port_call(name: str, place: Place, record_property: Figure) -> None:
    scenario = SCENARIOS[name]
    plain = run(scenario)
    assert len(plain.calls) >= 8
    points = list(_points(plain.calls, place=place))
    wrong = [_judge(scenario, plain=plain, crash=point) for point in points]
    record_property(f"figure: crash points of {name}", len(points))
    record_property("figure: crash points", len(points))
    _all_well(wrong)


@pytest.mark.proof
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.timeout(300)
def test_i5_a_death_during_the_recovery(name: str, record_property: Figure) -> None:
    scenario = SCENARIOS[name]
    plain = run(scenario)
    rng = random.Random(name)
    wrong = []
    for _ in range(PAIRS):
        crash = CrashPoint(
            call=rng.randint(1, len(plain.calls)), place=rng.choice([Place.BEFORE, Place.LOST])
        )
        again = CrashPoint(call=rng.randint(1, RECOVERY), place=rng.choice(list(Place)[:4]))
        wrong.append(_judge(scenario, plain=plain, crash=crash, again=again))
    record_property("figure: crash points during a recovery", len(wrong))
    _all_well(wrong)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.timeout(120)
def test_i5_a_death_at_some_port_calls(name: str, record_property: Figure) -> None:
    scenario = SCENARIOS[name]
    plain = run(scenario)
    every = [point for place in Place for point in _points(plain.calls, place=place)]
    points = every[::QUICK_STEP]
    wrong = [_judge(scenario, plain=plain, crash=point) for point in points]
    record_property("figure: crash points", len(points))
    _all_well(wrong)
