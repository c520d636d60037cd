"""How many looks a namespace's edits get, and which edits take nothing away."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from aks_access.engine.hints import ADDING, KEPT, TAKING, Hints, Looks, takes_nothing
from tests.unit.plan.build import NOW, grant, ranges

GRANT = grant("a", "81.2.69.1", reason="debugging", requested_by="ada")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def looked(*, looks: Looks, every: float, seconds: float) -> int:
    """How many different moments the hints of that long ask for."""
    clock, moments = Clock(), set[float]()
    hints, end = Hints(clock=clock), clock.now + seconds
    while clock.now < end:
        wait = hints.wait(cluster="c", namespace="n", looks=looks)
        if wait or looks is TAKING:
            moments.add(round(clock.now + wait, 3))
        elif not any(abs(clock.now - moment) < 5.0 for moment in moments):
            moments.add(clock.now)
        clock.now += every
    return len(moments)


@pytest.mark.parametrize("every", [0.1, 0.5, 1.5, 4.0])
def test_threat_15_hints_that_only_add_ask_for_a_handful_of_looks(every: float) -> None:
    assert looked(looks=ADDING, every=every, seconds=60.0) <= 8
    assert looked(looks=ADDING, every=every, seconds=600.0) <= 4 + 31


def test_threat_15_hints_that_take_away_are_many_more_but_bounded() -> None:
    assert looked(looks=TAKING, every=0.1, seconds=60.0) <= 10 + 13


def test_a_burst_within_the_settling_time_is_one_look() -> None:
    clock = Clock()
    hints = Hints(clock=clock)
    for _ in range(30):
        assert hints.wait(cluster="c", namespace="n", looks=ADDING) == 0.0
        clock.now += 0.1
    for _ in range(3):
        clock.now += 10.0
        assert hints.wait(cluster="c", namespace="n", looks=ADDING) == 0.0


def test_namespaces_clusters_and_kinds_of_hint_do_not_share() -> None:
    clock = Clock()
    hints = Hints(clock=clock)
    for _ in range(20):
        hints.wait(cluster="c", namespace="n", looks=ADDING)
        clock.now += 1.5
    assert hints.wait(cluster="c", namespace="n", looks=ADDING) > 0.0
    assert hints.wait(cluster="c", namespace="n", looks=TAKING) == 0.0
    assert hints.wait(cluster="c", namespace="m", looks=ADDING) == 0.0
    assert hints.wait(cluster="d", namespace="n", looks=ADDING) == 0.0


def test_threat_15_hints_of_many_namespaces_hold_nobody_up_and_are_bounded() -> None:
    hints = Hints(clock=Clock())
    began = time.process_time()
    for number in range(KEPT + 3000):
        hints.wait(cluster=f"c{number % 1000}", namespace=f"n{number // 1000}", looks=ADDING)
    assert time.process_time() - began < 3.0
    assert len(hints._recent) == KEPT


def test_threat_15_whoever_was_quiet_for_longest_is_forgotten_first() -> None:
    clock = Clock()
    hints = Hints(clock=clock)
    for _ in range(ADDING.burst):
        for namespace in ("quiet", "busy"):
            hints.wait(cluster="c", namespace=namespace, looks=ADDING)
        clock.now += 1.5
    for number in range(KEPT - 1):
        hints.wait(cluster="c", namespace="busy", looks=ADDING)
        hints.wait(cluster="c", namespace=f"n{number}", looks=ADDING)
    assert hints.wait(cluster="c", namespace="busy", looks=ADDING) > 0.0
    assert hints.wait(cluster="c", namespace="quiet", looks=ADDING) == 0.0


@pytest.mark.parametrize(
    ("change", "nothing"),
    [
        ({"reason": "still debugging", "generation": 2}, True),
        ({"requested_at": "now"}, True),
        ({"retention": timedelta(hours=1)}, True),
        ({"reason": ""}, False),
        ({"requested_by": " "}, False),
        ({"revoked": True}, False),
        ({"deleting": NOW}, False),
        ({"expires_at": NOW}, False),
        ({"expires_at": None}, False),
        ({"ranges": ranges("81.2.69.1", "81.2.69.2")}, False),
        ({"target_name": "other"}, False),
        ({"finalized": False}, False),
        ({"tracked": "Argo CD"}, False),
    ],
)
def test_what_takes_nothing_away(change: dict[str, object], nothing: bool) -> None:
    after = replace(GRANT, **change)  # type: ignore[arg-type]
    assert takes_nothing(before=GRANT, after=after) is nothing


def test_lifting_a_revocation_takes_nothing_away() -> None:
    assert takes_nothing(before=replace(GRANT, revoked=True), after=GRANT)
