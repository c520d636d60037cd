"""How what happens on the simulated API server reaches a `Feed`: in order, late, or never."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from aks_access.engine.feed import Feed
from aks_access.engine.ports import Kind

Lose = Callable[[Kind, str, str], bool]
"""Whether the event (kind, `changed` or `deleted`, name) is lost."""


def lose_nothing(kind: Kind, event: str, name: str) -> bool:
    """Every event arrives."""
    return False


class Watch:
    """One watcher; `delay` seconds after it happened, an event arrives.

    Attributes:
        lose: tells which events never arrive.
        held: while True nothing arrives; all of it comes when it is set to False again.
    """

    def __init__(self, *, feed: Feed, delay: float) -> None:
        self.feed = feed
        self.delay = delay
        self.lose: Lose = lose_nothing
        self._held = False
        self._open = True
        self._pending: deque[tuple[float, Kind, str, Mapping[str, object]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def held(self) -> bool:
        """Whether the watch stalls."""
        return self._held

    @held.setter
    def held(self, held: bool) -> None:
        self._held = held
        self._arm()

    def happened(self, kind: Kind, event: str, raw: Mapping[str, object]) -> None:
        """Take in an event."""
        name = str(_metadata(raw).get("name", ""))
        if not self._open or self.lose(kind, event, name):
            return
        self._pending.append((self._now() + self.delay, kind, event, raw))
        self._arm()

    def close(self) -> None:
        """Deliver nothing any more."""
        self._open = False
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending and not self._held:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._pending[0][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        now = self._now()
        while self._pending and not self._held and self._pending[0][0] <= now:
            _, kind, event, raw = self._pending.popleft()
            if event == "deleted":
                self.feed.deleted(kind, raw)
            else:
                self.feed.changed(kind, raw)
        self._arm()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _metadata(raw: Mapping[str, object]) -> Mapping[str, object]:
    found = raw.get("metadata")
    return found if isinstance(found, Mapping) else {}
