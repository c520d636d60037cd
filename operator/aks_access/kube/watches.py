"""Watches that outlive what ends them.

kopf gives up all its watches for what passes by itself elsewhere: a 410 or 404 as HTTP status (a
restored API server, a CRD that is replaced), an ERROR event, an event cut off in its JSON, a second
401. A new process would only do what a new informer does, and lose its caches and the Lease over
it. Complete lists go on meanwhile: they find what changes, later than a watch would, and known ends
are kept. A new informer begins once every kind is served again, and counts as watching only when
it says so.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aks_access.errors import KubeError

logger = logging.getLogger(__name__)

BACKOFF: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each new start in a row; the last one from then on."""

SETTLED: Final = 5.0
"""Seconds for which an informer has to watch before its start counts as a good one."""


class Watching(Protocol):
    """What this needs of an `Informer`."""

    @property
    def watching(self) -> asyncio.Future[None]:
        """Done when every kind is watched."""
        ...

    @property
    def failed(self) -> asyncio.Future[KubeError]:
        """Done, with the reason, when it ended by itself."""
        ...

    def start(self) -> None:
        """Start watching, on the running loop."""
        ...

    async def stop(self) -> None:
        """Stop watching."""
        ...


async def _at_once() -> None:
    """Wait for nothing."""


class Watches:
    """Runs an informer made by `make`, and another one whenever it ends by itself.

    `on_ended` is told why; `ready` returns when another one may begin, and `on_settled` is awaited
    once that has watched every kind for `SETTLED` seconds.
    """

    def __init__(
        self,
        *,
        make: Callable[[], Watching],
        on_ended: Callable[[KubeError], None],
        on_settled: Callable[[], Awaitable[object]],
        ready: Callable[[], Awaitable[object]] = _at_once,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._make = make
        self._on_ended = on_ended
        self._ready = ready
        self._on_settled = on_settled
        self._sleep = sleep

    async def run(self) -> None:
        """Watch until cancelled; the informer has stopped then."""
        failures = 0
        while True:
            informer = self._make()
            informer.start()
            try:
                if await self._lasts(informer) and failures:
                    failures = 0
                    await self._on_settled()
                problem = await informer.failed
            finally:
                await informer.stop()
            delay = BACKOFF[min(failures, len(BACKOFF) - 1)]
            failures += 1
            logger.error("%s; they start again in %g s", problem, delay)
            self._on_ended(problem)
            await self._sleep(delay)
            await self._ready()

    async def _lasts(self, informer: Watching) -> bool:
        """Whether it watched every kind for `SETTLED` seconds, rather than end before."""

        async def watch() -> None:
            await asyncio.shield(informer.watching)
            await self._sleep(SETTLED)

        settled = asyncio.create_task(watch())
        try:
            either: list[asyncio.Future[object]] = [settled, informer.failed]  # type: ignore[list-item]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            settled.cancel()
        return not informer.failed.done()
