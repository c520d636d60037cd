"""Flag types that several commands share; what does not parse is a usage error."""

import re
from datetime import datetime, timedelta
from typing import Final

import click

from aks_access.api.arm import is_cluster_id
from aks_access.api.cel import DNS_NAME_PATTERN
from aks_access.api.duration import DurationError, parse_duration
from aks_access.api.ranges import MIN_GRANT_PREFIX, IPv4Range, RangeError, parse_public, quoted
from aks_access.api.timestamps import TimestampError, parse_timestamp
from aks_access.plan.wording import instant, sentence


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
        if self.days and re.fullmatch(r"0*[1-9][0-9]{0,3}d", text, re.ASCII):
            return timedelta(days=int(text[:-1]))
        try:
            return parse_duration(text)
        except DurationError as error:
            is_form = re.fullmatch(r"([0-9]+[hms])+", text, re.ASCII) is not None
            hint = ", or days like 7d" if self.days and not is_form else ""
            self.fail(sentence(f"{error}{hint}"), param, ctx)


class Range(click.ParamType[IPv4Range]):
    """A public IPv4 range that a grant may ask for."""

    name = "cidr"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> IPv4Range:
        """The range."""
        if isinstance(value, IPv4Range):
            return value
        try:
            return parse_public(str(value), min_prefix=MIN_GRANT_PREFIX)
        except RangeError as error:
            self.fail(sentence(str(error)), param, ctx)


class Name(click.ParamType[str]):
    """An object's name."""

    name = "name"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The name."""
        text = str(value)
        if len(text) > 253 or not re.fullmatch(DNS_NAME_PATTERN.strip("^$"), text, re.ASCII):
            self.fail(
                f"{quoted(text)} is no name; use lower-case letters, digits, hyphens and dots.",
                param,
                ctx,
            )
        return text


class Text(click.ParamType[str]):
    """A text of at most so many characters.

    `why` names what it has to say: it cannot be empty then.
    """

    name = "text"

    def __init__(self, *, most: int, why: str = "") -> None:
        self.most = most
        self.why = why

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The text."""
        text = str(value)
        if self.why and not text.strip():
            self.fail(f"there is nothing in it; say {self.why}.", param, ctx)
        if len(text) > self.most:
            self.fail(
                f"{quoted(text)} has {len(text)} characters; use {self.most} at most.", param, ctx
            )
        return text


class GrantName(Name):
    """A grant's name, alone or as `kubectl get -o name` has it."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The name."""
        kind, slash, name = str(value).partition("/")
        ours = kind.partition(".")[0] in _GRANT_KINDS
        return super().convert(name if slash and ours else value, param, ctx)


_GRANT_KINDS: Final = ("apiaccessgrant", "apiaccessgrants", "aag")


def cluster_id(text: str) -> str:
    """The id of a managed cluster. Raises BadParameter."""
    if not is_cluster_id(text):
        raise click.BadParameter(
            f"{quoted(text)} is no managed cluster's id, like /subscriptions/<guid>/resourceGroups/"
            "<group>/providers/Microsoft.ContainerService/managedClusters/<name>; "
            "`az aks list --query [].id -o tsv` has them.",
            param_hint="RESOURCE_ID",
        )
    return text


def end(*, length: timedelta | None, until: datetime | None, now: datetime) -> datetime:
    """The end that `--for` or `--until` names; exactly one of them is needed."""
    if length is not None and until is None:
        return now + length
    if until is None or length is not None:
        raise click.UsageError("Say when access ends, once: --for 4h, or --until a time.")
    if until <= now:
        raise click.UsageError(f"--until {instant(until)} is over; name a later time.")
    return until
