"""Lengths of time as people write them: `4h30m`.

One format for the spec fields, the command line's flags and the environment, so that what works
in one place works in all. Whole seconds only, as the CRDs' pattern has it.
"""

import re
from datetime import timedelta
from typing import Final

from aks_access.api.ranges import quoted

DURATION_PATTERN: Final = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
MAX_DURATION: Final = timedelta(hours=8760)
MAX_DURATION_LENGTH: Final = 32

_SHAPE: Final = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?", re.ASCII)


class DurationError(ValueError):
    """Text that is no usable duration; the message names the value, the rule and an example."""


def parse_duration(text: str) -> timedelta:
    """Read `4h30m`, `90m`, `45s`; more than zero and at most 8760h (a year).

    Raises DurationError.
    """
    match = _SHAPE.fullmatch(text) if len(text) <= MAX_DURATION_LENGTH else None
    if match is None or not text:
        raise DurationError(
            f"{quoted(text)} is not a duration; write hours, minutes and seconds in that order, "
            "like 4h30m, 90m or 45s"
        )
    hours, minutes, seconds = (int(group or 0) for group in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total == 0:
        raise DurationError(f"{text} is no time at all; write a duration above zero, like 4h30m")
    if total > MAX_DURATION.total_seconds():
        raise DurationError(f"{text} is longer than 8760h (a year), the longest allowed")
    return timedelta(seconds=total)


def format_duration(value: timedelta) -> str:
    """The shortest text `parse_duration` reads back, in whole seconds: `4h30m`; zero is `0s`.

    Raises ValueError for a negative length.
    """
    total = int(value.total_seconds())
    if total < 0:
        raise ValueError(f"a duration cannot be negative: {value}")
    hours, rest = divmod(total, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
