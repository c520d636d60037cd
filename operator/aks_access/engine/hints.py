"""How soon a changed grant is looked at, so that one tenant's edits do not read a cluster all day.

What may take access away is looked at at once, and what can only add after a moment of silence;
each namespace has so many looks of either kind at a cluster, and after that waits for the next.
Which look a change gets never depends on another namespace.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from aks_access.engine.looptime import loop_time
from aks_access.plan.model import Grant

KEPT = 50_000
"""Namespaces remembered, times clusters and kinds of look: some 20 MB. Whoever was quiet for
longest is forgotten first, and starts over."""


@dataclass(frozen=True, slots=True)
class Looks:
    """`burst` looks, and one more each `every` seconds."""

    burst: int
    every: float


ADDING = Looks(burst=4, every=20.0)
TAKING = Looks(burst=10, every=5.0)


@dataclass(slots=True)
class _Recent:
    """Loop times: when the bucket is full again, the next look, and the first and last hint of it.

    A look that is due has its token already: further hints of the time before it are free.
    """

    full: float = 0.0
    due: float = -1.0
    first: float = -1.0
    last: float = -1.0


@dataclass(slots=True)
class Hints:
    """Says how long a hint waits; `settle` and `settle_limit` are the queue's, in seconds."""

    settle: float = 1.0
    settle_limit: float = 5.0
    clock: Callable[[], float] = loop_time
    _recent: OrderedDict[Hashable, _Recent] = field(default_factory=OrderedDict)

    def wait(self, *, cluster: str, namespace: str, looks: Looks) -> float:
        """Seconds until a change in the namespace may be looked at; 0 = as soon as usual."""
        now = self.clock()
        recent = self._of((cluster, namespace, looks))
        if recent.due > now:
            return recent.due - now
        settling = (
            looks is ADDING
            and 0.0 <= now - recent.last < self.settle
            and now < recent.first + self.settle_limit
        )
        recent.last = now
        if settling:
            return 0.0
        recent.first = now
        recent.due = max(now, recent.full - (looks.burst - 1) * looks.every)
        recent.full = max(recent.full, recent.due) + looks.every
        return recent.due - now

    def _of(self, key: Hashable) -> _Recent:
        """What is remembered; costs the same however much that is: one edit may ask 1,000 times."""
        recent = self._recent.setdefault(key, _Recent())
        self._recent.move_to_end(key)
        if len(self._recent) > KEPT:
            self._recent.popitem(last=False)
        return recent


def takes_nothing(*, before: Grant, after: Grant) -> bool:
    """Whether the edit can take no access away, whatever policies say."""
    same = replace(
        after,
        generation=before.generation,
        revoked=before.revoked if before.revoked else after.revoked,
        reason=_still(before.reason, after.reason),
        requested_by=_still(before.requested_by, after.requested_by),
        ticket=_still(before.ticket, after.ticket),
        requested_at=before.requested_at,
        retention=before.retention,
        finalized=before.finalized if after.finalized else after.finalized,
    )
    return same == before


def _still(before: str, after: str) -> str:
    """A text of which only presence counts."""
    return before if bool(before.strip()) == bool(after.strip()) else after
