"""Token buckets: when an addition has its token, whatever came before."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.plan.pace import (
    NAMESPACES_PACED,
    WRITES_PACED,
    Bucket,
    Pace,
    Paced,
    Turn,
    remembered,
    waiting,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BUCKET = Bucket(burst=3, every=10 * MINUTE)
Marks = list[tuple[datetime, bool, bool]]


def adds(*minutes: float) -> Marks:
    return [(NOW + minute * MINUTE, True, False) for minute in minutes]


@pytest.mark.parametrize(
    ("turns", "free"),
    [
        ([], 0.0),
        (adds(-1, -1), 0.0),
        (adds(-1, -1, -1), 9.0),
        (adds(-15, -15, -15), 0.0),
        (adds(-15, -15, -15, -5), 5.0),
        (adds(-300, -1, -1), 0.0),
        (adds(5, 5, 5), 0.0),  # timed by a clock that was ahead
        (adds(5, -1, -1, -1), 9.0),
        (adds(0, 0, 0), 10.0),
    ],
)
def test_a_burst_and_then_one_at_a_time(turns: Marks, free: float) -> None:
    assert max(BUCKET.free_at(turns=turns, now=NOW), NOW) == NOW + free * MINUTE


def test_an_addition_pays_for_one_removal_and_further_ones_count() -> None:
    gone = [(NOW - minute * MINUTE, False, True) for minute in (4, 3, 2)]
    assert BUCKET.free_at(turns=[*adds(-5), *gone[:1]], now=NOW) <= NOW
    assert BUCKET.free_at(turns=[*adds(-5), *gone], now=NOW) == NOW + 5 * MINUTE
    both = [(NOW - MINUTE, True, True)] * 3
    assert BUCKET.free_at(turns=both, now=NOW) == NOW + 9 * MINUTE, "an edit costs one"


def test_the_time_is_a_whole_second_not_before_the_token() -> None:
    turns = [(NOW - timedelta(seconds=1, microseconds=3), True, False)] * 3
    free = BUCKET.free_at(turns=turns, now=NOW)
    assert free == NOW + 10 * MINUTE - timedelta(seconds=1)


@given(
    gaps=st.lists(st.integers(0, 3000), max_size=40),
    burst=st.integers(1, 5),
    every=st.integers(1, 900),
)
def test_i3_no_window_ever_sees_more_than_burst_and_refill(
    gaps: list[int], burst: int, every: int
) -> None:
    bucket = Bucket(burst=burst, every=timedelta(seconds=every))
    now, spent = NOW, list[datetime]()
    for gap in gaps:
        now += timedelta(seconds=gap)
        if bucket.free_at(turns=[(when, True, False) for when in spent], now=now) <= now:
            spent.append(now)
    for first in range(len(spent)):
        for last in range(first, len(spent)):
            window = (spent[last] - spent[first]).total_seconds()
            assert last - first + 1 <= burst + window / every


def test_the_namespace_waits_for_itself_and_for_the_cluster() -> None:
    pace = Pace(namespace=Bucket(2, 10 * MINUTE), cluster=Bucket(3, MINUTE))
    turns = tuple(Turn(at=NOW - MINUTE / 2, added=(name,)) for name in ("a", "a", "b"))
    own = waiting(pace=pace, turns=turns, namespace="a", now=NOW)
    assert own is not None
    assert (own.namespace, own.until) == ("a", NOW + 9.5 * MINUTE)
    everybody = waiting(pace=pace, turns=turns, namespace="c", now=NOW)
    assert everybody is not None
    assert (everybody.namespace, everybody.until) == ("", NOW + 0.5 * MINUTE)
    assert waiting(pace=pace, turns=turns, namespace="c", now=NOW + MINUTE) is None
    assert waiting(pace=None, turns=turns, namespace="a", now=NOW) is None


def test_an_addition_that_waits_names_the_bucket_it_waits_for() -> None:
    pace = Pace(namespace=Bucket(1, 2 * MINUTE), cluster=Bucket(1, 2 * MINUTE))
    turns = (Turn(at=NOW, added=("a",)),)
    until = NOW + 2 * MINUTE
    own = waiting(pace=pace, turns=turns, namespace="a", now=NOW)
    assert own == Paced(until=until, namespace="a", bucket=pace.namespace)
    others = waiting(pace=pace, turns=turns, namespace="b", now=NOW)
    assert others == Paced(until=until, namespace="", bucket=pace.cluster)


def test_removals_cost_the_namespace_that_made_them_and_nobody_else() -> None:
    pace = Pace(namespace=Bucket(1, 2 * MINUTE), cluster=Bucket(1, 2 * MINUTE))
    gone = tuple(Turn(at=NOW, removed=("a",)) for _ in range(3))
    assert waiting(pace=pace, turns=gone, namespace="b", now=NOW) is None
    own = waiting(pace=pace, turns=gone, namespace="a", now=NOW)
    assert own == Paced(until=NOW + 6 * MINUTE, namespace="a", bucket=pace.namespace)


def test_what_a_write_takes_out_is_free_for_the_cluster() -> None:
    pace = Pace(cluster=Bucket(2, MINUTE))
    turns = (Turn(at=NOW, removed=("b",)), Turn(at=NOW, added=("b",), removed=("c",)))
    assert waiting(pace=pace, turns=turns, namespace="a", now=NOW) is None


def test_one_write_for_many_namespaces_costs_the_cluster_one_token() -> None:
    pace = Pace(cluster=Bucket(2, MINUTE))
    turns = (Turn(at=NOW, added=("a", "b", "c")),)
    assert waiting(pace=pace, turns=turns, namespace="d", now=NOW) is None


def test_what_is_remembered_is_bounded_and_the_newest() -> None:
    many = [Turn(at=NOW + number * MINUTE, added=("a",)) for number in range(300)]
    assert remembered(many) == tuple(many[-WRITES_PACED:])
    wide = [Turn(at=NOW, added=tuple(f"n{n}" for n in range(300))) for _ in range(9)]
    assert sum(len(turn.added) for turn in remembered(wide)) <= NAMESPACES_PACED
    half = tuple(f"n{n}" for n in range(NAMESPACES_PACED // 2))
    full = Turn(at=NOW, added=half[1:], removed=half), Turn(at=NOW, added=("a",))
    assert remembered(full) == full
    assert remembered((Turn(at=NOW, removed=("b",)), *full)) == full
    huge = Turn(at=NOW, added=tuple(f"n{n}" for n in range(NAMESPACES_PACED + 1)))
    assert remembered([huge]) == (huge,)
