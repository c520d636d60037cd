"""Token buckets: the limits of AKS (per cluster, group, subscription) and of ARM.

Sizes and refills are those of quotas-skus-regions.md (AKS documentation, August 2026) and of
learn.microsoft.com's request-limits-and-throttling.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

_ROUNDING = 1e-6


class Limit(StrEnum):
    """Names of the limits."""

    AKS_GET = "aks-get"
    AKS_PUT = "aks-put"
    AKS_LIST_SUBSCRIPTION = "aks-list-subscription"
    AKS_LIST_GROUP = "aks-list-group"
    AKS_OPERATION = "aks-operation"
    AKS_OTHER = "aks-other"
    ARM_READ = "arm-read"
    ARM_WRITE = "arm-write"
    ARM_DELETE = "arm-delete"


@dataclass(frozen=True, slots=True)
class Size:
    """How many calls a full bucket holds, and how many come back each second."""

    calls: float
    per_second: float


DEFAULT_SIZES = {
    Limit.AKS_GET: Size(60, 1),
    Limit.AKS_PUT: Size(20, 1 / 60),
    Limit.AKS_LIST_SUBSCRIPTION: Size(500, 1),
    Limit.AKS_LIST_GROUP: Size(60, 1),
    Limit.AKS_OPERATION: Size(200, 2),
    Limit.AKS_OTHER: Size(60, 1),
    Limit.ARM_READ: Size(250, 25),
    Limit.ARM_WRITE: Size(200, 10),
    Limit.ARM_DELETE: Size(200, 10),
}


class Buckets:
    """All buckets of one emulator, each created full at its first call."""

    def __init__(self, sizes: dict[Limit, Size] | None = None) -> None:
        self.sizes = {**DEFAULT_SIZES, **(sizes or {})}
        self._tokens: dict[tuple[Limit, str], tuple[float, float]] = {}

    def take(self, *, limit: Limit, key: str, now: float) -> int:
        """Take one call; return 0, or after how many whole seconds there is one again."""
        tokens = self.level(limit=limit, key=key, now=now)
        if tokens < 1 - _ROUNDING:
            self._tokens[limit, key] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / self.sizes[limit].per_second - _ROUNDING))
        self._tokens[limit, key] = (tokens - 1, now)
        return 0

    def level(self, *, limit: Limit, key: str, now: float) -> float:
        """Return how many calls are left."""
        size = self.sizes[limit]
        tokens, then = self._tokens.get((limit, key), (size.calls, now))
        return min(size.calls, tokens + (now - then) * size.per_second)

    def set_level(self, *, limit: Limit, key: str, calls: float, now: float) -> None:
        """Leave exactly `calls` in a bucket."""
        self._tokens[limit, key] = (calls, now)

    def resize(self, *, limit: Limit, size: Size) -> None:
        """Give a limit another size; its buckets start full again."""
        self.sizes[limit] = size
        self._tokens = {k: v for k, v in self._tokens.items() if k[0] is not limit}

    def levels(self, *, now: float) -> dict[str, dict[str, float]]:
        """Return the calls left, by limit and key, of every bucket used so far."""
        result: dict[str, dict[str, float]] = {}
        for limit, key in sorted(self._tokens):
            result.setdefault(str(limit), {})[key] = self.level(limit=limit, key=key, now=now)
        return result

    def clear(self) -> None:
        """Fill every bucket."""
        self._tokens.clear()
