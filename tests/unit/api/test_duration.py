"""Durations and instants: what is read, what is written back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.api.duration import (
    MAX_DURATION,
    DurationError,
    format_duration,
    parse_duration,
)
from aks_access.api.timestamps import (
    TimestampError,
    format_minute,
    format_timestamp,
    parse_timestamp,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4h30m", 16_200), ("90m", 5_400), ("45s", 45), ("8760h", 31_536_000), ("1h1s", 3_601)],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@given(st.integers(1, int(MAX_DURATION.total_seconds())))
def test_durations_read_back(seconds: int) -> None:
    value = timedelta(seconds=seconds)
    assert parse_duration(format_duration(value)) == value


@given(st.text() | st.from_regex(r"[0-9]{0,40}[hms]?[0-9]{0,40}[hms]?", fullmatch=True))
def test_any_text_is_a_duration_within_bounds_or_an_error(text: str) -> None:
    try:
        found: timedelta | str = parse_duration(text)
    except DurationError as error:
        found = str(error)
    if isinstance(found, str):
        assert found.isprintable()
    else:
        assert timedelta(0) < found <= MAX_DURATION


def test_formatting_edges() -> None:
    assert format_duration(timedelta(0)) == "0s"
    assert format_duration(timedelta(days=2, milliseconds=900)) == "48h"
    with pytest.raises(ValueError, match="negative"):
        format_duration(timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22T18:00:00+01:00", "2026-11-22T17:00:00Z"),
        ("2026-11-22T18:00:00.123456789Z", "2026-11-22T18:00:00.123456Z"),
        ("2999-12-31T23:59:59-23:59", "3000-01-01T23:58:59Z"),
    ],
)
def test_instants_become_utc(text: str, expected: str) -> None:
    assert format_timestamp(parse_timestamp(text)) == expected


@given(st.text())
def test_any_other_text_is_a_timestamp_error(text: str) -> None:
    try:
        found: datetime | str = parse_timestamp(text)
    except TimestampError as error:
        found = str(error)
    if isinstance(found, str):
        assert "2026-11-22T18:00:00Z" in found
    else:
        assert found.tzinfo is UTC


def test_times_are_written_in_utc() -> None:
    value = datetime(2026, 11, 22, 19, 30, 59, tzinfo=timezone(timedelta(hours=1)))
    assert format_timestamp(value) == "2026-11-22T18:30:59Z"
    assert format_minute(value) == "2026-11-22T18:30Z"
    with pytest.raises(ValueError, match="no zone"):
        format_timestamp(datetime(2026, 11, 22))
