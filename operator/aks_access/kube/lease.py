"""Who leads, by a Lease: one process reconciles, the others stand by with warm caches.

client-go's protocol with its gaps closed. All durations are measured on this process's own clock,
so skewed wall clocks do not matter; a holder is taken over only after its record stood unchanged
for a whole lease duration as seen from here, a Lease that vanished included. `remaining` counts
from the moment before the last good renewal was sent, so it is over before anybody else may lead.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from aks_access.api.timestamps import TimestampError, parse_timestamp
from aks_access.errors import KubeConflict, KubeError
from aks_access.kube.leases import LeaseRecord, Leases
from aks_access.settings.lease import LONGEST_LEASE

logger = logging.getLogger(__name__)

Callback = Callable[[], Coroutine[Any, Any, None]]
_T = TypeVar("_T")

_JITTER: Final = 0.2
_RELEASE_TIMEOUT: Final = 3.0
_FAILOVERS: Final = 4
"""Lengths of the Lease without a renewal that are more than a failover between replicas."""
_MOST_TRANSITIONS: Final = 2**31 - 1  # an int32; the API server refuses what is above it
_RELEASED_DURATION: Final = 1  # seconds: nobody has to wait for a holder that let go


def boot_clock() -> float:
    """Seconds on a clock that only goes forward, and counts a suspended machine's time too."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """Seconds: how long a Lease holds, when a leader gives up renewing, how often it tries."""

    duration: float = 30.0
    renew_deadline: float = 20.0
    retry_period: float = 5.0

    def __post_init__(self) -> None:
        if not self.duration > self.renew_deadline > self.retry_period > 0:
            raise ValueError(
                "a Lease needs duration > renew deadline > retry period > 0, "
                f"not {self.duration:g}, {self.renew_deadline:g}, {self.retry_period:g} s"
            )


class LeaseElector:
    """`ports.Leadership`, and the loop that gains and keeps it.

    `on_started` runs beside the renewals and is cancelled when leadership ends before it does;
    if it raises, the Lease is given back and `run` raises the same. `on_stopped` is awaited after
    each period of leadership, before the Lease is given back. `identity` must be this process's
    alone: a restarted one must not take itself for its predecessor.
    """

    def __init__(
        self,
        *,
        leases: Leases,
        identity: str,
        on_started: Callback,
        on_stopped: Callback,
        timing: LeaseTiming | None = None,
        clock: Callable[[], float] = boot_clock,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._leases = leases
        self._identity = identity
        self._on_started = on_started
        self._on_stopped = on_stopped
        self._timing = timing or LeaseTiming()
        self._clock = clock
        self._now = now
        self._stop = asyncio.Event()
        self._held: LeaseRecord | None = None
        self._renewed = 0.0  # before the request of the last good renewal was sent
        self._seen: LeaseRecord | None = None
        self._blocked_until = 0.0  # before this, another process may lead
        self.unattended: datetime | None = None
        """When the Lease was last renewed, UTC, where its last holder did not give it back and had
        not been heard of for several of its lengths when it was taken over; else None."""

    def remaining(self) -> float:
        """Seconds for which this process surely still holds the Lease; 0 where it does not."""
        if self._held is None:
            return 0.0
        return max(0.0, self._renewed + self._timing.duration - self._clock())

    def stop(self) -> None:
        """Make `run` end: `on_stopped`, then the Lease is given back."""
        self._stop.set()

    async def run(self) -> None:
        """Stand for election, again after each loss, until `stop`."""
        while await self._acquire():
            logger.info("leading, as %s", self._identity)
            await self._lead()

    async def _acquire(self) -> bool:
        """Try until the Lease is ours; False when told to stop."""
        while not self._stop.is_set():
            try:
                if await self._try_to_take():
                    return True
            except (KubeError, TimeoutError) as error:
                logger.warning("the Lease cannot be read or taken: %s", _told(error))
            await self._pause(self._timing.retry_period * (1 + _JITTER * random.random()))
        return False

    async def _try_to_take(self) -> bool:
        found = await self._call(self._leases.get())
        self._observe(found)
        if self._clock() < self._blocked_until:
            return False
        try:
            await self._write(found)
        except KubeConflict:
            return False  # another candidate was faster
        self.unattended = self._gap(found)
        return True

    def _gap(self, found: LeaseRecord | None) -> datetime | None:
        """Since when nobody renewed what was taken over, where that is longer than a failover."""
        if found is None or found.holder in ("", self._identity):
            return None
        try:
            renewed = parse_timestamp(found.renewed)
        except TimestampError:
            return None  # somebody else's idea of a Lease
        longest = timedelta(seconds=self._timing.duration * _FAILOVERS)
        return renewed if self._now() - renewed > longest else None

    def _observe(self, found: LeaseRecord | None) -> None:
        """Start the wait anew with each change of the record.

        A record that vanished is waited for too: somebody may have taken it since it was seen.
        """
        previous, self._seen = self._seen, found
        if found == previous:
            return
        wait = self._timing.duration
        if found is not None:
            free = found.holder in ("", self._identity)
            wait = 0.0 if free else max(wait, min(found.duration, LONGEST_LEASE))
        self._blocked_until = self._clock() + wait

    async def _lead(self) -> None:
        started = asyncio.create_task(self._on_started(), name="leading")
        try:
            await self._keep(started)
        finally:
            logger.info("not leading any more")
            started.cancel()
            await asyncio.wait([started])
            await self._on_stopped()
            await self._release()
        if not started.cancelled():
            started.result()

    async def _keep(self, started: asyncio.Task[None]) -> None:
        """Renew until the Lease is lost, `stop` is called, or `started` failed."""
        tried = self._renewed
        while True:
            due = min(tried + self._timing.retry_period, self._gives_up())
            await self._pause(max(0.0, due - self._clock()), started)
            if self._stop.is_set() or _failed(started):
                return
            tried = self._clock()
            try:
                if not await self._renew():
                    return
            except (KubeError, TimeoutError) as error:
                logger.warning("the Lease was not renewed: %s", _told(error))
                if self._clock() >= self._gives_up():
                    logger.error(
                        "the Lease could not be renewed for %g s: leadership is given up",
                        self._timing.renew_deadline,
                    )
                    return

    def _gives_up(self) -> float:
        return self._renewed + self._timing.renew_deadline

    async def _renew(self) -> bool:
        """One try. False where the Lease is somebody else's; raises where that is not known."""
        try:
            await self._write(self._held)
        except KubeConflict:
            # An answer to a write of ours was lost, or the Lease was deleted or taken.
            found = await self._call(self._leases.get())
            if found is not None and found.holder != self._identity:
                logger.error("the Lease was taken by %s", found.holder or "somebody who freed it")
                self._held = None
                return False
            await self._write(found)
        return True

    async def _write(self, found: LeaseRecord | None) -> None:
        """Make the Lease ours, on top of the record `found`."""
        before = self._clock()
        wanted = self._ours(found)
        request = self._leases.create if found is None else self._leases.update
        self._seen = self._held = await self._call(request(wanted))
        self._renewed = before

    def _ours(self, found: LeaseRecord | None) -> LeaseRecord:
        now = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ours = LeaseRecord(
            holder=self._identity,
            duration=math.ceil(self._timing.duration),
            acquired=now,
            renewed=now,
        )
        if found is None:
            return ours
        if found.holder == self._identity:
            return replace(found, duration=ours.duration, renewed=now)
        transitions = min(found.transitions + 1, _MOST_TRANSITIONS)
        return replace(ours, transitions=transitions, version=found.version, uid=found.uid)

    async def _release(self) -> None:
        """Let a successor in at once. Best effort: a Lease that is not given back runs out."""
        held, self._held = self._held, None
        if held is None:
            return
        freed = replace(self._ours(held), holder="", duration=_RELEASED_DURATION)
        try:
            async with asyncio.timeout(_RELEASE_TIMEOUT):
                await self._leases.update(freed)
        except (KubeError, TimeoutError) as error:
            logger.warning("the Lease was not given back, so it runs out: %s", _told(error))

    async def _pause(self, seconds: float, started: asyncio.Task[None] | None = None) -> None:
        """Wait; less where `stop` is called or `started` ends."""
        waiter = asyncio.create_task(self._stopped())
        watched = {waiter} if started is None or started.done() else {waiter, started}
        try:
            await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()

    async def _stopped(self) -> None:
        await self._stop.wait()

    async def _call(self, request: Awaitable[_T]) -> _T:
        async with asyncio.timeout(self._timing.retry_period):
            return await request


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _told(error: BaseException) -> str:
    return str(error) or "no answer in time"
