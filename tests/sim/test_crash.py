"""The crash matrix: a process that dies at any port call, and the one that comes after it.

Each scenario runs once undisturbed to record its port calls; then once more for each of them and
each place in it. What must hold at every moment is `safety.Safety`; the end is that of the
undisturbed run. `proof` holds all of them (a lost Lease and a late arrival at every second call),
the slice that stays quick every few.
"""

import random
from collections.abc import Callable, Iterator

import pytest

from tests.sim.crash import FENCED, CrashPoint, Place
from tests.sim.crash_matrix import Played, run
from tests.sim.safety import differences
from tests.sim.scenarios import SCENARIOS, Scenario

READS = frozenset({"get", "load", "load_all", "keys", "operation", "acknowledgement"})
QUICK_STEP = 29
"""The quick slice takes one of so many crash points."""
FIRST, SECOND = 3, 3
"""Per scenario so many first deaths, and in the recovery from each so many second ones."""
DEATHS = (Place.BEFORE, Place.LOST, Place.AFTER, Place.LATE)
EXHAUSTIVE = ("grant", "delete-found", "expire", "412")
"""Scenarios in which the second death takes every call of a recovery."""
SEEDS = (1, 2)
SHUFFLED_STEP = 23
"""In shuffled order one of so many crash points is taken."""
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
    died: Played | None = None,
    seed: int | None = None,
) -> str:
    """What is wrong with a run; "" = nothing.

    `again` is a call of the recovery that `died` played after the first death alone.
    """
    deaths = 1 if again is None else 2
    try:
        played = run(scenario, crash=crash, again=again, seed=seed)
        _strikes(crash, made=played.calls, planned=plain.calls, ordered=seed is None)
        if again is not None and died is not None:
            _strikes(again, made=played.recovery, planned=died.recovery, ordered=seed is None)
        wrong = differences(wanted=plain.ends, found=played.ends)
        assert not wrong, "; ".join(wrong)
        most = plain.tried + scenario.more * deaths
        assert played.tried <= most, f"{played.tried} PUTs, and {plain.tried} without a death"
    except AssertionError as error:
        called = plain.calls[crash.call - 1]
        return f"call {crash.call} ({called}) {crash.place}, then {again}: {str(error)[:600]}"
    return ""


def _strikes(
    point: CrashPoint, *, made: tuple[str, ...], planned: tuple[str, ...], ordered: bool
) -> None:
    """The process came to the call at which it is to die, the same way as when nothing struck."""
    assert len(made) >= point.call, f"{point} never strikes: {made}"
    if ordered:
        assert made[: point.call] == planned[: point.call], f"{made} is not {planned}"


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


def _second_deaths(scenario: Scenario, *, plain: Played, crash: CrashPoint, some: int) -> list[str]:
    """What is wrong where the recovery from a death is one too; `some` of them, or 0 for all."""
    died = run(scenario, crash=crash)
    points = [point for place in DEATHS for point in _points(died.recovery, place=place)]
    if some:
        points = random.Random(str(crash)).sample(points, some)
    return [_judge(scenario, plain=plain, crash=crash, again=point, died=died) for point in points]


@pytest.mark.proof
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.timeout(300)
def test_i5_a_death_during_the_recovery(name: str, record_property: Figure) -> None:
    scenario = SCENARIOS[name]
    plain = run(scenario)
    rng = random.Random(name)
    wrong = []
    for _ in range(FIRST):
        crash = CrashPoint(
            call=rng.randint(1, len(plain.calls)), place=rng.choice([Place.BEFORE, Place.LOST])
        )
        wrong += _second_deaths(scenario, plain=plain, crash=crash, some=SECOND)
    record_property("figure: crash points during a recovery", len(wrong))
    _all_well(wrong)


@pytest.mark.proof
@pytest.mark.parametrize("name", EXHAUSTIVE)
@pytest.mark.timeout(300)
def test_i5_a_death_at_any_call_of_the_recovery(name: str, record_property: Figure) -> None:
    """The first process died when its first list was applied, and never heard of it."""
    scenario = SCENARIOS[name]
    plain = run(scenario)
    crash = CrashPoint(call=plain.calls.index(FENCED) + 1, place=Place.LOST)
    wrong = _second_deaths(scenario, plain=plain, crash=crash, some=0)
    record_property("figure: crash points during a recovery", len(wrong))
    _all_well(wrong)


@pytest.mark.proof
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.timeout(300)
def test_i5_a_death_in_another_order_of_what_is_ready(
    name: str, seed: int, record_property: Figure
) -> None:
    """It ends as in the usual order; which call is the n-th, and where it dies, differs."""
    scenario = SCENARIOS[name]
    plain = run(scenario)
    every = [point for place in Place for point in _points(plain.calls, place=place)]
    points = every[seed::SHUFFLED_STEP]
    wrong = [_judge(scenario, plain=plain, crash=point, seed=seed) for point in points]
    record_property("figure: crash points in shuffled order", len(points))
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
