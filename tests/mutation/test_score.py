"""The kept score reaches the goal, and speaks of the code that is here."""

from tests.mutants.mutant import ROOT
from tests.mutation.score import (
    GOAL,
    Mutant,
    Tally,
    accepted,
    complaints,
    read,
    survivors,
    tallies,
    together,
)

MODULES = {path.stem for path in (ROOT / "operator" / "aks_access" / "plan").glob("*.py")}
UNCHANGED = {"__init__", "cluster", "origin", "outcome", "sentences", "severity", "world"}
"""Modules with nothing that mutmut changes: types, constants, properties."""


def test_the_kept_score_reaches_the_goal() -> None:
    assert complaints(read()) == []


def test_the_kept_score_is_of_every_module() -> None:
    assert read().keys() == MODULES - UNCHANGED


def test_every_accepted_survivor_has_a_reason_and_a_module() -> None:
    for (module, place, was, now), reason in accepted().items():
        assert module in MODULES
        assert place
        assert was != now
        assert len(reason.split()) > 3


def mutants(module: str, count: int) -> list[Mutant]:
    return [Mutant(module, f"x_f__mutmut_{n}", "was", "now") for n in range(count)]


def test_a_module_below_the_goal_is_told() -> None:
    assert GOAL == 0.90
    every = [*mutants("good", 10), *mutants("poor", 10)]
    survivor = {"good.x_f__mutmut_3", "poor.x_f__mutmut_0", "poor.x_f__mutmut_7"}
    verdicts = {
        name: "survived" if name in survivor else "killed"
        for name in (f"{each.module}.{each.name}" for each in every)
    }
    found = tallies(mutants=every, verdicts=verdicts)
    assert found == {"good": Tally(10, 9), "poor": Tally(10, 8)}
    assert together(found) == Tally(20, 17)
    assert complaints(found) == ["poor: 80.0% killed, less than 90%"]
    assert len(survivors(mutants=every, verdicts=verdicts)) == 3


def test_a_mutant_that_hangs_is_noticed_and_one_that_no_test_reaches_is_not() -> None:
    every = mutants("m", 2)
    verdicts = {"m.x_f__mutmut_0": "hung", "m.x_f__mutmut_1": "unreached"}
    assert tallies(mutants=every, verdicts=verdicts) == {"m": Tally(2, 1)}


def test_a_mutant_is_named_by_its_place_and_by_what_it_changes() -> None:
    method = Mutant("pace", "xǁBucketǁfree_at__mutmut_3", "a < b", "a <= b")
    assert method.key == ("pace", "Bucket.free_at", "a < b", "a <= b")
    assert str(method) == "pace.Bucket.free_at\n  - a < b\n  + a <= b"
    assert Mutant("guard", "x__added__mutmut_3", "a", "b").place == "_added"
