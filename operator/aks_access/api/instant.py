"""The type of instants in models; apart from `timestamps`, which works without pydantic."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from aks_access.api.ranges import quoted
from aks_access.api.timestamps import TimestampError, format_timestamp, parse_timestamp


def _read(value: object) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TimestampError(f"{value.isoformat()} has no zone; use UTC")
        return value.astimezone(UTC)
    if isinstance(value, str):
        return parse_timestamp(value)
    raise TimestampError(f"{quoted(value)} is not text; write a time like 2026-11-22T18:00:00Z")


Instant = Annotated[
    datetime, BeforeValidator(_read), PlainSerializer(format_timestamp, when_used="json")
]
"""A datetime in UTC that reads and writes RFC 3339 with a zone."""
