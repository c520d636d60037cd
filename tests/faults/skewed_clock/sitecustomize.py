"""Give a Python process a wall clock that is off, as on a node whose time service failed.

Python runs this at its start where the directory is on PYTHONPATH. `SKEW_SECONDS` is how far the
clock is ahead. Monotonic clocks and the TLS library's own clock stay right.
"""

import datetime
import os
import time

_SKEW = float(os.environ["SKEW_SECONDS"])
_right_datetime = datetime.datetime
_right_time = time.time


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _right_datetime)


class _SkewedDatetime(_right_datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return _right_datetime.now(tz) + datetime.timedelta(seconds=_SKEW)


def _skewed_time() -> float:
    return _right_time() + _SKEW


datetime.datetime = _SkewedDatetime  # type: ignore[misc]
time.time = _skewed_time
