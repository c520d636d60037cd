"""The clock and its doubts."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from aks_access.ops.clock import SystemClock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Time:
    """A wall clock and a monotonic clock that go together, until one is stepped."""

    def __init__(self) -> None:
        self.ticks = 1000.0
        self.stepped = timedelta()

    def monotonic(self) -> float:
        return self.ticks

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.ticks - 1000.0) + self.stepped


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time) -> SystemClock:
    return SystemClock(wall=time.wall, monotonic=time.monotonic)


def header(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def test_now_is_the_machines_time_in_utc():
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta()


def test_without_an_observation_there_is_no_doubt(clock):
    assert not clock.in_doubt()


@pytest.mark.parametrize(("seconds", "doubt"), [(30, False), (31, True), (-30, False), (-31, True)])
def test_more_than_thirty_seconds_either_way_is_a_doubt(clock, seconds, doubt):
    clock.observe(header(NOON + timedelta(seconds=seconds)), source="ARM")
    assert clock.in_doubt() is doubt


def test_one_source_is_enough(clock):
    clock.observe(header(NOON), source="the API server")
    clock.observe(header(NOON + timedelta(minutes=5)), source="ARM")
    clock.observe(header(NOON), source="the API server")
    assert clock.in_doubt()
    (sentence,) = clock.doubts()
    assert sentence.startswith("This node's clock is 300 s behind ARM's;")


def test_a_sources_newest_word_counts(clock):
    clock.observe(header(NOON + timedelta(minutes=5)), source="ARM")
    clock.observe(header(NOON), source="ARM")
    assert not clock.in_doubt()


def test_an_observation_counts_for_fifteen_minutes(clock, time):
    clock.observe(header(NOON + timedelta(minutes=5)), source="ARM")
    time.ticks += 900
    assert clock.in_doubt()
    time.ticks += 1
    assert not clock.in_doubt()


def test_time_that_passes_is_no_difference(clock, time):
    clock.observe(header(NOON), source="ARM")
    time.ticks += 600
    assert not clock.in_doubt()


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_stepped_after_the_observation_is_noticed_at_once(clock, time, step):
    clock.observe(header(NOON), source="ARM")
    time.ticks += 60
    time.stepped = step
    assert clock.in_doubt()


@pytest.mark.parametrize("text", [None, "", "yesterday", "Sun, 99 Nov 2026 12:00:00 GMT"])
def test_what_is_no_date_is_ignored(clock, text):
    clock.observe(text, source="ARM")
    assert not clock.in_doubt()


def test_a_parsed_date_and_one_without_a_zone_count_too(clock):
    clock.observe(NOON + timedelta(minutes=1), source="the API server")
    assert clock.in_doubt()
    clock.observe("Sun, 22 Nov 2026 12:00:00 -0000", source="the API server")
    assert not clock.in_doubt()


def test_the_last_date_there_is_is_a_doubt_and_no_error(clock, time):
    clock.observe("Fri, 31 Dec 9999 23:59:59 GMT", source="ARM")
    time.ticks += 60
    assert clock.in_doubt()


def test_a_doubt_is_logged_when_it_comes_and_when_it_goes(clock, caplog):
    caplog.set_level(logging.INFO, logger="aks_access.ops.clock")
    for minutes in (5, 5, 0, 0):
        clock.observe(header(NOON + timedelta(minutes=minutes)), source="ARM")
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
