"""Random histories of the whole loop: safe at every write, at rest as asked for, then silent."""

import json
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.sim.histories.place import Figures
from tests.sim.histories.play import failure, play, script_of
from tests.sim.histories.script import scripted

QUICK = 16
PARTS = 20
RUNS = 100
"""Histories of a part; all parts together are what is proven on each change."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(QUICK))
def test_a_random_history_is_safe_and_comes_to_rest(seed: int) -> None:
    play(script_of(seed), seed=seed)


@pytest.mark.timeout(300)
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_a_history_that_hypothesis_draws_is_safe_too(rng: random.Random, seed: int) -> None:
    play(scripted(rng, steps=12), seed=seed)


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_random_histories_are_safe(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    """Reproducible: a seed is a history. `python -m tests.sim.soak --seed N` plays one again."""
    figures, failed = Figures(), []
    for seed in range(QUICK + part * RUNS, QUICK + (part + 1) * RUNS):
        try:
            figures.add(play(script_of(seed), seed=seed))
        except AssertionError as error:
            failed.append(f"seed {seed}: {str(error)[:300]}")
    record_property("histories", json.dumps(figures.stored()))
    assert not failed, "\n".join(failed)


def test_what_histories_did_adds_up_over_processes() -> None:
    figures = Figures(runs=1)
    figures.acts["grant"] += 2
    total = Figures()
    for _ in range(2):
        total.add(Figures.of(json.loads(json.dumps(figures.stored()))))
    assert (total.runs, total.acts) == (2, {"grant": 4})


@pytest.mark.timeout(300)
def test_a_seed_is_the_same_history_each_time() -> None:
    once, again = (play(script_of(7), seed=7) for _ in range(2))
    assert once == again
    assert failure(script_of(7), seed=7) == ""
