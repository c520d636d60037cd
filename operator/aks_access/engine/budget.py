"""How many PUTs a cluster will still take: AKS's token bucket, estimated from our own writes.

AKS allows 20 PUTs of a managed cluster, and one more per minute, to all writers together (AKS
documentation, quotas: throttling limits). The times stand in the ledger, or each restart would
believe in a full bucket. The last few are kept for revocations.
"""

from collections.abc import Iterable
from datetime import datetime

from aks_access.plan.settlement import WRITES_REMEMBERED

CAPACITY = 20.0
REFILL_SECONDS = 60.0
RESERVED = 5.0
"""Writes that only a revocation may use."""


def tokens(*, writes: Iterable[datetime], now: datetime) -> float:
    """What is left of the bucket, if nobody else wrote.

    A write in the future was timed by a clock that was wrong, and does not count. Where the ledger
    remembers no further back, the bucket counts as empty before the oldest write: hours of tries
    may have drained it.
    """
    known = sorted(when for when in writes if when <= now)
    level, last = 1.0 if len(known) >= WRITES_REMEMBERED else CAPACITY, None
    for when in known:
        if last is not None:
            level = min(CAPACITY, level + (when - last).total_seconds() / REFILL_SECONDS)
        level, last = max(0.0, level - 1.0), when
    if last is None:
        return CAPACITY
    return min(CAPACITY, level + max(0.0, (now - last).total_seconds()) / REFILL_SECONDS)


def seconds_until(*, writes: Iterable[datetime], now: datetime, needed: float) -> float:
    """Seconds until the bucket holds `needed` tokens; 0 if it does."""
    return max(0.0, (needed - tokens(writes=writes, now=now)) * REFILL_SECONDS)
