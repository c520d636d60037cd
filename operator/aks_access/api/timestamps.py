"""Instants as RFC 3339 text with a zone, and as servers write them in `Date` headers.

A time without a zone means something else to each reader, and here it decides who gets in; so
it is refused. Written back in UTC, to the second where nothing finer is needed.
"""

import re
from datetime import UTC, datetime
from typing import Final

from aks_access.api.ranges import quoted

TIMESTAMP_PATTERN: Final = (
    r"^2[0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
MAX_TIMESTAMP_LENGTH: Final = 40

_SHAPE: Final = re.compile(TIMESTAMP_PATTERN.strip("^$"), re.ASCII)


class TimestampError(ValueError):
    """Text that is no instant; the message names the value and shows the form."""


def parse_timestamp(text: str) -> datetime:
    """Read `2026-11-22T18:00:00Z` or one with an offset; returns UTC.

    Raises TimestampError, also for a time without a zone.
    """
    problem = "is not an RFC 3339 time with a zone; write one like 2026-11-22T18:00:00Z"
    if len(text) > MAX_TIMESTAMP_LENGTH or _SHAPE.fullmatch(text) is None:
        raise TimestampError(f"{quoted(text)} {problem}")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise TimestampError(f"{quoted(text)} {problem} ({error})") from error


def format_timestamp(value: datetime) -> str:
    """RFC 3339 in UTC: `2026-11-22T18:00:00Z`; fractions only where there are any."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def parse_date(header: str) -> datetime | None:
    """The time in a `Date` header (RFC 9110), UTC; None where it is absent or no date.

    -0000 is UTC of a sender who does not tell his zone (RFC 5322).
    """
    from email.utils import parsedate_to_datetime  # it loads sockets, for the few who read headers

    try:
        value = parsedate_to_datetime(header)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def format_minute(value: datetime) -> str:
    """For columns and messages, to the minute: `2026-11-22T18:00Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
