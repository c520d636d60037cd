"""Workers, who take keys from the queues to the reconcilers, and stand-ins for those that hang.

A reconciliation that fails is tried again later and ends no worker.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from aks_access.engine.look import Next
from aks_access.engine.ports import Metrics
from aks_access.engine.queue import Closed, WorkQueue
from aks_access.errors import AksAccessError

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

RETRY_LIMIT = 60.0
"""The most seconds between two tries of a pass that the API server failed."""

SLOW = 5.0
"""Seconds after which a look at a cluster, which mostly takes one, counts as waiting in vain."""

SLOW_LANE = 4
"""One worker of so many looks at the clusters of which Azure gave no answer for that long at their
last look, and at no other; the rest look at none of them. So clusters that hang, however many,
never delay one that answers."""


@dataclass(frozen=True, slots=True)
class _Post(Generic[K]):
    """What a worker does.

    `slow` says which lane of a queue with two; None = it has but one, and no stand-ins.
    """

    queue: WorkQueue[K]
    reconcile: Callable[[K], Awaitable[Next]]
    controller: str
    slow: bool | None


class Workers:
    """Tasks that work until their queue is closed. `controller` names them in log and figures."""

    def __init__(self, *, metrics: Metrics) -> None:
        self._metrics = metrics
        self._tasks: list[asyncio.Task[None]] = []
        self._working = False

    def start(
        self,
        *,
        queue: WorkQueue[K],
        reconcile: Callable[[K], Awaitable[Next]],
        controller: str,
        count: int,
    ) -> None:
        """Begin `count` workers of a queue."""
        self._working = True
        for _ in range(count):
            self._spawn(_Post(queue, reconcile, controller, slow=None))

    def start_in_lanes(
        self,
        *,
        queue: WorkQueue[K],
        reconcile: Callable[[K], Awaitable[Next]],
        controller: str,
        count: int,
    ) -> None:
        """Begin `count` workers of a queue, one in `SLOW_LANE` in its slow lane; two at least."""
        self._working = True
        slow = max(1, count // SLOW_LANE)
        for number in range(max(2, count)):
            self._spawn(_Post(queue, reconcile, controller, slow=number < slow))

    async def stop(self, *, grace: float) -> None:
        """End all of them, whose queues are closed; who works still has `grace` seconds for it."""
        self._working = False
        tasks, self._tasks = self._tasks, []
        if tasks:
            _, running = await asyncio.wait(tasks, timeout=grace)
            for task in running:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, post: _Post[K]) -> None:
        task = asyncio.get_running_loop().create_task(self._work(post))
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)

    async def _work(self, post: _Post[K]) -> None:
        """Work until the queue is closed, or another worker has taken this one's place."""
        loop, queue, taken = asyncio.get_running_loop(), post.queue, False

        def stand_in() -> None:
            """This look has become slow: its worker's place goes to another one."""
            nonlocal taken
            if self._working:
                taken = True
                self._spawn(post)

        while not taken:
            try:
                key = await queue.get(slow=bool(post.slow))
            except Closed:
                return
            began, failed, hangs = loop.time(), True, False
            timer = None if post.slow is None else loop.call_later(SLOW, stand_in)
            try:
                outcome = await post.reconcile(key)
                failed, hangs = outcome.failed, outcome.hangs
            except AksAccessError as error:
                log.warning("%s %s: %s", post.controller, key, error)
                queue.put_backoff(key, limit=RETRY_LIMIT)
            except Exception:
                log.exception("%s %s failed", post.controller, key)
                queue.put_backoff(key)
            else:
                _requeue(queue=queue, key=key, outcome=outcome)
            finally:
                seconds = loop.time() - began
                if timer is not None:
                    timer.cancel()
                queue.done(key, slow=hangs and seconds >= SLOW)
                self._metrics.reconciled(controller=post.controller, seconds=seconds, failed=failed)
                self._metrics.queue_depth(queue=post.controller, depth=len(queue))


def _requeue(*, queue: WorkQueue[K], key: K, outcome: Next) -> None:
    if outcome.failed:
        queue.put_backoff(key, limit=outcome.limit)
    else:
        queue.succeeded(key)
    if outcome.after is not None:
        queue.put_after(key, outcome.after)
