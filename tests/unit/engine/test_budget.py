from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aks_access.engine.budget import CAPACITY, seconds_until, tokens
from aks_access.plan.settlement import WRITES_REMEMBERED

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=value) for value in seconds]


def test_an_unused_bucket_is_full() -> None:
    assert tokens(writes=[], now=NOW) == CAPACITY == 20


def test_each_write_takes_one_and_each_minute_brings_one() -> None:
    assert tokens(writes=ago(0), now=NOW) == 19
    assert tokens(writes=ago(30), now=NOW) == 19.5
    assert tokens(writes=ago(120), now=NOW) == 20
    assert tokens(writes=ago(*[0] * 20), now=NOW) == 0


def test_i4_hours_of_tries_are_not_forgotten_with_the_oldest_write() -> None:
    hours = ago(*[60.0 * number for number in range(WRITES_REMEMBERED)])
    assert tokens(writes=hours, now=NOW) == 0
    assert seconds_until(writes=hours, now=NOW, needed=1) == 60
    assert tokens(writes=hours[1:], now=NOW) > 18


def test_the_wait_is_until_enough_is_there() -> None:
    writes = ago(*[0] * 20)
    assert seconds_until(writes=writes, now=NOW, needed=1) == 60
    assert seconds_until(writes=writes, now=NOW, needed=6) == 360
    assert seconds_until(writes=[], now=NOW, needed=6) == 0


@given(st.lists(st.floats(min_value=0, max_value=90_000), max_size=60))
def test_it_stays_within_bounds_and_never_falls_by_waiting(past: list[float]) -> None:
    writes = ago(*past)
    levels = [tokens(writes=writes, now=NOW + timedelta(minutes=m)) for m in range(25)]
    assert all(0 <= level <= CAPACITY for level in levels)
    assert levels == sorted(levels)
    assert levels[-1] == CAPACITY
    wait = seconds_until(writes=writes, now=NOW, needed=6)
    assert tokens(writes=writes, now=NOW + timedelta(seconds=wait + 0.001)) >= 6
