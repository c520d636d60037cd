"""Flag types that several commands share; what does not parse is a usage error."""

import re
from datetime import datetime, timedelta

import click

from aks_access.api.duration import DurationError, parse_duration
from aks_access.api.timestamps import TimestampError, parse_timestamp
from aks_access.plan.wording import sentence


class Time(click.ParamType[datetime]):
    """An RFC 3339 time with a zone."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The time, UTC."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_timestamp(str(value))
        except TimestampError as error:
            self.fail(sentence(str(error)), param, ctx)


class Length(click.ParamType[timedelta]):
    """A duration as grants have it; `days` takes whole days as well, like 7d."""

    name = "duration"

    def __init__(self, *, days: bool = False) -> None:
        self.days = days

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The length."""
        if isinstance(value, timedelta):
            return value
        text = str(value)
        if self.days and re.fullmatch(r"[0-9]{1,4}d", text, re.ASCII):
            return timedelta(days=int(text[:-1]))
        try:
            return parse_duration(text)
        except DurationError as error:
            hint = ", or days like 7d" if self.days else ""
            self.fail(sentence(f"{error}{hint}"), param, ctx)
