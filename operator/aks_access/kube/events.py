"""Kubernetes Events (events.k8s.io/v1) from a bounded queue, by one background task.

An Event is help for people and never worth a reconciliation: posting does not wait, does not
raise, and drops the oldest when too many wait. The same sentence about the same object is posted
once in ten minutes.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Final, Protocol

from aks_access.api.names import GROUP
from aks_access.engine.ports import Event, LedgerRef
from aks_access.errors import KubeError
from aks_access.kube.resources import CONFIG_MAPS, EVENTS, RESOURCES

logger = logging.getLogger(__name__)

REPORTING_CONTROLLER: Final = f"{GROUP}/aks-access-operator"
QUEUE_LIMIT: Final = 1000
QUIET_SECONDS: Final = 600.0
NOTE_LIMIT: Final = 1024  # bytes; limits of the API server's validation of Events
_WORD: Final = re.compile(r"\s*(?:[^\s`]*`[^`]*`\S*|\S+)")
_GAP: Final = " …"
_ACTION_LIMIT: Final = 128
_NAME_LIMIT: Final = 200  # of the object's name, at the beginning of the Event's
_CLUSTER_SCOPED_NAMESPACE: Final = "default"
_FLUSH_SECONDS: Final = 2.0

Key = tuple[str, str, str]


class Creator(Protocol):
    """What posting needs of a `Connection`."""

    async def post(self, path: str, *, body: Mapping[str, object]) -> Mapping[str, object]:
        """Create an object. Raises `KubeError`."""
        ...


class EventPoster:
    """`ports.Events` on a real API server, from `start` to `stop`."""

    def __init__(
        self,
        *,
        connection: Creator,
        instance: str,
        clock: Callable[[], float] = monotonic,
        limit: int = QUEUE_LIMIT,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.dropped = 0
        self._connection = connection
        self._instance = instance[:_ACTION_LIMIT]
        self._clock = clock
        self._limit = limit
        self._on_lost = on_lost
        self._queue: deque[tuple[Event, datetime]] = deque()
        self._posted: dict[Key, float] = {}  # in the order of time
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def post(self, event: Event) -> None:
        """Queue an Event, unless it was queued within ten minutes."""
        now = self._clock()
        key = (event.regarding.uid, event.reason, event.note)
        self._forget(now)
        if key in self._posted:
            return
        self._posted[key] = now
        if len(self._queue) >= self._limit:
            self._queue.popleft()
            self._lost()
            if self.dropped % self._limit == 1:
                logger.warning("Events come faster than they are posted: %d lost", self.dropped)
        self._queue.append((event, datetime.now(UTC)))
        self._idle.clear()
        self._arrived.set()

    def start(self) -> None:
        """Start posting, on the running loop."""
        self._task = asyncio.create_task(self._run(), name="events")

    async def stop(self) -> None:
        """Post what waits, for two seconds at most, and end."""
        if self._task is None:
            return
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("%d Events were not posted before the end", len(self._queue))
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    def _lost(self) -> None:
        self.dropped += 1
        self._on_lost()

    def _forget(self, now: float) -> None:
        while self._posted:
            key = next(iter(self._posted))
            if now - self._posted[key] < QUIET_SECONDS:
                return
            del self._posted[key]

    async def _run(self) -> None:
        while True:
            while self._queue:
                event, time = self._queue.popleft()
                try:
                    await self._send(event, time)
                except Exception:  # this Event is lost; those that follow are not
                    self._lost()
                    logger.exception("the Event %s could not be posted", event.reason)
            self._idle.set()
            self._arrived.clear()
            await self._arrived.wait()

    async def _send(self, event: Event, time: datetime) -> None:
        body = event_body(event, time=time, instance=self._instance)
        namespace = event.regarding.namespace or _CLUSTER_SCOPED_NAMESPACE
        try:
            await self._connection.post(EVENTS.collection(namespace=namespace), body=body)
        except KubeError as error:
            self._lost()
            logger.warning("the Event %s could not be posted: %s", event.reason, error)


def event_body(event: Event, *, time: datetime, instance: str) -> Mapping[str, object]:
    """The Event as the API server takes it. An object without a namespace is told of in `default`.

    Source of the limits: validation of events.k8s.io/v1 in the API server.
    """
    about = event.regarding
    stamp = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(about, LedgerRef):
        resource, kind, version = CONFIG_MAPS, "ConfigMap", ""
    else:
        resource, kind, version = RESOURCES[about.kind], about.kind.value, about.resource_version
    regarding = {
        "apiVersion": resource.api_version,
        "kind": kind,
        "namespace": about.namespace,
        "name": about.name,
        "uid": about.uid,
        "resourceVersion": version,
    }
    return {
        "apiVersion": EVENTS.api_version,
        "kind": "Event",
        "metadata": {
            "generateName": about.name[:_NAME_LIMIT].rstrip(".-") + "-",
            "namespace": about.namespace or _CLUSTER_SCOPED_NAMESPACE,
        },
        "eventTime": stamp,
        "type": event.type.value,
        "reason": event.reason,
        "action": event.action[:_ACTION_LIMIT],
        "note": cut(event.note, NOTE_LIMIT),
        "regarding": {key: value for key, value in regarding.items() if value},
        "reportingController": REPORTING_CONTROLLER,
        "reportingInstance": instance,
    }


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` bytes of UTF-8, with an ellipsis where something went.

    That is in the middle: a sentence begins with what is wrong, and ends with the way out. Words go
    as a whole, and so do commands between backticks.
    """
    if len(text.encode()) <= limit:
        return text
    words = _WORD.findall(text)
    end = list(_fitting(reversed(words), limit // 2))[::-1]
    room = limit - sum(len(each.encode()) for each in end) - len(_GAP.encode())
    begin = list(_fitting(words, room))
    if not begin or not end:
        return text.encode()[: limit - len("…".encode())].decode(errors="ignore") + "…"
    return f"{''.join(begin)}{_GAP}{''.join(end)}"


def _fitting(words: Iterable[str], room: int) -> Iterator[str]:
    """The first words that take so many bytes."""
    for word in words:
        room -= len(word.encode())
        if room < 0:
            return
        yield word
