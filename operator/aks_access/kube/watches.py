"""Watches that outlive what ends them.

kopf gives up all its watches for what passes by itself elsewhere: a 410 or 404 as HTTP status (a
restored API server, a CRD that is replaced), an ERROR event, an event cut off in its JSON, a second
401. A new process would only do what a new informer does, and lose its caches and the Lease over
it. Complete lists go on meanwhile, so nothing but promptness is lost.
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
"""Seconds after which an informer that has not ended is taken to watch."""


class Watching(Protocol):
    """What this needs of an `Informer`."""

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


class Watches:
    """Runs an informer made by `make`, and another one whenever it ends by itself.

    `on_ended` is told why; `on_settled` is awaited once the next one has lasted `SETTLED` seconds.
    """

    def __init__(
        self,
        *,
        make: Callable[[], Watching],
        on_ended: Callable[[KubeError], None],
        on_settled: Callable[[], Awaitable[object]],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._make = make
        self._on_ended = on_ended
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

    async def _lasts(self, informer: Watching) -> bool:
        settled: asyncio.Future[object] = asyncio.ensure_future(self._sleep(SETTLED))
        try:
            either: list[asyncio.Future[object]] = [settled, informer.failed]  # type: ignore[list-item]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            settled.cancel()
        return not informer.failed.done()
