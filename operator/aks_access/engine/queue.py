"""A keyed work queue: each key waits at most once, and is never worked on twice at a time.

Contract, as the tests name it:
- puts of a waiting key are merged, the earliest wanted time wins;
- a key put while it is worked on is handed out again afterwards, not at the same time;
- `put_after` hands a key out when its time has come; an earlier put brings it forward;
- `put_settled` waits until hints have been quiet for `settle` seconds, or `limit` after the first;
- `put_backoff` waits longer with each failure in a row, with jitter; `succeeded` ends the row;
- a closed queue hands out nothing any more, not even what was ready;
- a key whose work ended as `slow` waits in a lane of its own, for `get(slow=True)` alone, until its
  work ends otherwise.

It knows nothing of a server's Retry-After: that is a gate of the cluster's memory, and a key that
comes early finds it shut.
"""

import asyncio
import random
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait after failures: `base`, doubled up to `limit`, plus `jitter` of it."""

    base: float = 1.0
    limit: float = 600.0
    jitter: float = 0.1

    def delay(self, *, failures: int, rng: random.Random) -> float:
        """Seconds to wait after that many failures in a row (1 = the first)."""
        plain = min(self.limit, self.base * 2.0 ** min(failures - 1, 30))
        return plain * (1 + rng.random() * self.jitter)


@dataclass(slots=True)
class _Key:
    urgent: float | None = None
    settled: float | None = None
    first_hint: float | None = None
    failures: int = 0
    working: bool = False
    slow: bool = False
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def wanted(self) -> float | None:
        times = [when for when in (self.urgent, self.settled) if when is not None]
        return min(times, default=None)


class Closed(Exception):  # noqa: N818 - a signal, not an error
    """The queue is closed: no key will come any more."""


class WorkQueue(Generic[K]):
    """See the module. Times are seconds of the running loop's clock."""

    def __init__(
        self,
        *,
        settle: float = 1.0,
        settle_limit: float = 5.0,
        backoff: Backoff | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._settle = settle
        self._settle_limit = settle_limit
        self._backoff = backoff or Backoff()
        self._rng = rng or random.Random()
        self._keys: dict[K, _Key] = {}
        self._ready: asyncio.Queue[K | None] = asyncio.Queue()
        self._slow: asyncio.Queue[K | None] = asyncio.Queue()
        self._queued: set[K] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._queued)

    def put(self, key: K) -> None:
        """Hand the key out as soon as possible."""
        self._want(key, self._now())

    def put_after(self, key: K, delay: float) -> None:
        """Hand the key out in `delay` seconds, unless it is wanted earlier."""
        self._want(key, self._now() + max(0.0, delay))

    def put_settled(self, key: K) -> None:
        """Hand the key out once hints have been quiet; a put for earlier still wins."""
        state = self._keys.setdefault(key, _Key())
        now = self._now()
        if state.first_hint is None:
            state.first_hint = now
        state.settled = min(now + self._settle, state.first_hint + self._settle_limit)
        self._arm(key, state)

    def put_backoff(self, key: K, *, limit: float | None = None) -> float:
        """Hand the key out after a failure; returns the delay, at most `limit` seconds."""
        state = self._keys.setdefault(key, _Key())
        state.failures += 1
        delay = self._backoff.delay(failures=state.failures, rng=self._rng)
        if limit is not None:
            delay = min(delay, limit)
        self.put_after(key, delay)
        return delay

    def succeeded(self, key: K) -> None:
        """The row of failures is over."""
        if (state := self._keys.get(key)) is not None:
            state.failures = 0

    async def get(self, *, slow: bool = False) -> K:
        """The next key of a lane; it counts as worked on until `done`. Raises `Closed`."""
        lane = self._slow if slow else self._ready
        key = await lane.get()
        if key is None or self._closed:  # what was ready before it was closed stays undone
            self._wake()
            raise Closed
        self._queued.discard(key)
        state = self._keys[key]
        state.working = True
        state.urgent = state.settled = state.first_hint = None
        return key

    def done(self, key: K, *, slow: bool = False) -> None:
        """The work on the key is over; `slow` says in which lane it waits from now on."""
        state = self._keys.get(key)
        if state is None:
            return
        state.working, state.slow = False, slow
        if state.wanted is not None:
            self._arm(key, state)
        elif state.failures == 0:
            del self._keys[key]

    def close(self) -> None:
        """Hand out nothing any more."""
        self._closed = True
        for state in self._keys.values():
            if state.timer is not None:
                state.timer.cancel()
        self._wake()

    def _wake(self) -> None:
        for lane in (self._ready, self._slow):
            lane.put_nowait(None)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _want(self, key: K, when: float) -> None:
        state = self._keys.setdefault(key, _Key())
        if state.urgent is None or when < state.urgent:
            state.urgent = when
        self._arm(key, state)

    def _arm(self, key: K, state: _Key) -> None:
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
        wanted = state.wanted
        if self._closed or wanted is None or state.working or key in self._queued:
            return
        delay = wanted - self._now()
        if delay <= 0:
            self._queued.add(key)
            (self._slow if state.slow else self._ready).put_nowait(key)
        else:
            state.timer = asyncio.get_running_loop().call_later(delay, self._fire, key)

    def _fire(self, key: K) -> None:
        state = self._keys.get(key)
        if state is not None:
            state.timer = None
            self._arm(key, state)
