"""Ends the process when the engine's event loop hangs for longer than the Lease.

By then another replica may lead, and a loop that wakes up late would go on with stale plans. The
watchdog is a thread because a hung loop cannot watch itself, and it ends the process the hard way
because nothing else can be trusted to run.
"""

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Final

from aks_access.exits import ExitCode

logger = logging.getLogger(__name__)

_LOG_PATIENCE: Final = 2.0
"""Seconds to wait for the last line: the hung thread may hold the log's lock."""


class Watchdog:
    """Calls `end(70)` when nobody has called `beat` for `limit` seconds.

    The loop feeds it by running `feed`. `beat`, `age`, `start` and `stop` may be called from any
    thread; `start` counts as a beat.
    """

    def __init__(
        self,
        *,
        limit: float,
        end: Callable[[int], object] = os._exit,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self._end = end
        self._monotonic = monotonic
        self._last = monotonic()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._watched = threading.get_ident()

    def beat(self) -> None:
        """Say that the loop is alive."""
        self._last = self._monotonic()

    def age(self) -> float:
        """Seconds since the last beat."""
        return self._monotonic() - self._last

    async def feed(self) -> None:
        """Beat from the running loop, ten times within the limit, until cancelled."""
        self._watched = threading.get_ident()
        while True:
            self.beat()
            await asyncio.sleep(self.limit / 10)

    def start(self) -> None:
        """Begin to watch."""
        self.beat()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch; the process lives on."""
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self.limit / 10):
            age = self.age()
            if age > self.limit:
                self._log(age)
                self._end(ExitCode.HUNG)
                return

    def _log(self, age: float) -> None:
        frame = sys._current_frames().get(self._watched)
        where = "".join(traceback.format_stack(frame)) if frame else "unknown"
        writer = threading.Thread(target=_last_words, args=(age, self.limit, where), daemon=True)
        writer.start()
        writer.join(_LOG_PATIENCE)


def _last_words(age: float, limit: float, where: str) -> None:
    logger.critical(
        "The event loop has been hanging for %.1f s, longer than the Lease (%.1f s); the process "
        "ends so that another replica can lead. The loop's thread is at:\n%s",
        age,
        limit,
        where,
    )
    for handler in logging.getLogger().handlers:
        handler.flush()
