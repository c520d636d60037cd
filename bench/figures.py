"""How measured times are printed."""

import statistics
from collections.abc import Sequence
from typing import Literal

_UNITS = {"s": (1, 2), "ms": (1000, 0)}
"""How many make a second, and decimals."""


def figures(values: Sequence[float], *, unit: Literal["s", "ms"]) -> str:
    """Median and range of seconds, told in `unit`."""
    times, decimals = _UNITS[unit]
    low, middle, high = (
        f"{times * value:.{decimals}f}"
        for value in (min(values), statistics.median(values), max(values))
    )
    return f"{middle:>6} {unit}  ({low} to {high})"
