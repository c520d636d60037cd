"""The forms that a setting's value may take, and how each is read from text.

Flags and variables are text alike, so each form is one function from text to value. It raises
ValueError with the rule and the way out; the caller puts the flag's or variable's name before it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from aks_access.api.duration import MAX_DURATION, format_duration, parse_duration
from aks_access.api.ranges import IPv4Range, parse_public, quoted

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """One form of value: `unit` as help words it, `metavar` as usage shows it."""

    metavar: str
    unit: str
    parse: Callable[[str], T]


SHORTEST: Final = 0.01
"""Seconds; anything shorter would be a busy loop."""

_FRACTION: Final = re.compile(r"(?:([0-9]{1,9})ms|([0-9]{1,6}\.[0-9]{1,3})s)", re.ASCII)


def parse_seconds(text: str) -> float:
    """Read `4h30m`, `20s`, `500ms` or `0.5s` as seconds, 10ms at least. Raises ValueError."""
    match = _FRACTION.fullmatch(text)
    if match is None:
        return parse_duration(text).total_seconds()
    milliseconds, seconds = match.groups()
    value = int(milliseconds) / 1000 if milliseconds else float(seconds)
    if not SHORTEST <= value <= MAX_DURATION.total_seconds():
        raise ValueError(f"{text} is not from 10ms to 8760h; write one like 500ms or 30s")
    return value


def format_seconds(value: float) -> str:
    """The text that `parse_seconds` reads back: `4h30m`, `30s`, `500ms`."""
    if value == int(value):
        return format_duration(timedelta(seconds=value))
    return f"{round(value * 1000)}ms"


def _boolean(text: str) -> bool:
    match text.lower():
        case "true" | "yes" | "on" | "1":
            return True
        case "false" | "no" | "off" | "0":
            return False
        case _:
            raise ValueError(f"{quoted(text)} is neither true nor false; write true or false")


def _https_url(text: str) -> str:
    url = text.rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{quoted(text)} is no URL ({error}); write https://host") from error
    if parts.scheme != "https" or not parts.hostname or port == 0:
        raise ValueError(
            f"{quoted(text)} is no https URL, and tokens are sent there; write https://host"
        )
    if parts.username is not None or parts.query or parts.fragment or not url.isprintable():
        raise ValueError(
            f"{quoted(text)} has more than host and path; leave out user name, ? and #"
        )
    return url


_SCOPE_SUFFIX: Final = "/.default"


def _scope(text: str) -> str:
    if not text.endswith(_SCOPE_SUFFIX) or len(text) == len(_SCOPE_SUFFIX) or " " in text:
        raise ValueError(
            f"{quoted(text)} is no scope of an application; write the resource followed by "
            "/.default, like https://management.azure.com/.default"
        )
    return text


def _existing_file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError(f"{quoted(text)} is no file that can be read; mount it or mend the path")
    return path


def _text(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError(f"{quoted(text)} has blanks around it or unprintable characters")
    return text


_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


def _dns_label(text: str) -> str:
    if _LABEL.fullmatch(text) is None:
        raise ValueError(
            f"{quoted(text)} is no Kubernetes name; use lower-case letters, digits and -, "
            "63 characters at most"
        )
    return text


_LABEL_KEY: Final = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?", re.ASCII
)


def _label_key(text: str) -> str:
    if _LABEL_KEY.fullmatch(text) is None:
        raise ValueError(
            f"{quoted(text)} is no label key; write one like app.kubernetes.io/instance"
        )
    return text


_API_VERSION: Final = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9](?:-preview)?", re.ASCII)


def _api_version(text: str) -> str:
    if _API_VERSION.fullmatch(text) is None:
        raise ValueError(f"{quoted(text)} is no api-version; write a date like 2025-10-01")
    return text


def _ranges(text: str) -> tuple[IPv4Range, ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(dict.fromkeys(parse_public(part) for part in parts if part))


SECONDS: Final = Form("DURATION", "duration such as 4h30m, 30s or 500ms", parse_seconds)
BOOLEAN: Final = Form("BOOLEAN", "true or false", _boolean)
HTTPS_URL: Final = Form("URL", "https URL", _https_url)
SCOPE: Final = Form("SCOPE", "OAuth 2.0 scope", _scope)
EXISTING_FILE: Final = Form("FILE", "path of a file that exists", _existing_file)
TEXT: Final = Form("TEXT", "text", _text)
DNS_LABEL: Final = Form("NAME", "Kubernetes name", _dns_label)
LABEL_KEY: Final = Form("LABEL", "label key", _label_key)
API_VERSION: Final = Form("VERSION", "ARM api-version", _api_version)
RANGES: Final = Form("CIDR,…", "public IPv4 ranges, separated by commas", _ranges)


def integer(*, lowest: int, highest: int, unit: str) -> Form[int]:
    """A whole number from `lowest` to `highest`."""

    def parse(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) and lowest <= int(text) <= highest:
            return int(text)
        raise ValueError(
            f"{quoted(text)} is no whole number from {lowest} to {highest}; write one of those"
        )

    return Form("NUMBER", f"{unit}, {lowest} to {highest}", parse)


def choice(kind: type[Choice]) -> Form[Choice]:
    """One of an enumeration's values."""
    values = [member.value for member in kind]

    def parse(text: str) -> Choice:
        try:
            return kind(text.lower())
        except ValueError:
            raise ValueError(f"{quoted(text)} is none of {', '.join(values)}; write one") from None

    return Form("|".join(values), "one of the words shown", parse)
