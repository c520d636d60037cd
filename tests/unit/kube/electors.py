"""One Lease, and electors that reach it over lines that fail, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from aks_access.errors import KubeConflict, KubeError
from aks_access.kube.lease import LeaseElector, LeaseTiming
from aks_access.kube.leases import LeaseRecord

T = TypeVar("T")

TIMING = LeaseTiming(duration=30, renew_deadline=20, retry_period=5)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Fault(Enum):
    NONE = "answers after 20 ms"
    HANGS = "nothing arrives"
    ANSWER_LOST = "writes arrive, answers do not"
    REFUSES = "503"
    LATE = "arrives after 12 s, when the caller has given up"


class Server:
    """The API server's one Lease, with optimistic locking."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self.version = 0
        self.late: set[asyncio.Task[LeaseRecord]] = set()

    def create(self, record: LeaseRecord) -> LeaseRecord:
        if self.record is not None:
            raise KubeConflict("exists", status=409)
        return self._store(record)

    def update(self, record: LeaseRecord) -> LeaseRecord:
        if self.record is None:
            raise KubeConflict("gone", status=409)
        if record.version != self.record.version:
            raise KubeConflict("changed", status=409)
        return self._store(record)

    def _store(self, record: LeaseRecord) -> LeaseRecord:
        self.version += 1
        self.record = replace(record, version=str(self.version))
        return self.record


class Line:
    """How one elector reaches the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.fault = Fault.NONE

    async def get(self) -> LeaseRecord | None:
        return await self._carry(lambda: self.server.record)

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        return await self._carry(lambda: self.server.create(record))

    async def update(self, record: LeaseRecord) -> LeaseRecord:
        return await self._carry(lambda: self.server.update(record))

    async def _carry(self, apply: Callable[[], T]) -> T:
        match self.fault:
            case Fault.NONE:
                await asyncio.sleep(0.01)
                answer = apply()
                await asyncio.sleep(0.01)
                return answer
            case Fault.REFUSES:
                raise KubeError("503", status=503)
            case Fault.LATE:
                asyncio.get_running_loop().call_later(12, _swallow, apply)
            case Fault.ANSWER_LOST:
                _swallow(apply)
            case Fault.HANGS:
                pass
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")


def _swallow(apply: Callable[[], object]) -> None:
    """The server's refusal of a request whose sender is not listening reaches nobody."""
    try:
        apply()
    except KubeError:
        return


@dataclass
class Candidate:
    elector: LeaseElector
    line: Line
    log: list[str]
    running: asyncio.Task[None]


@asynccontextmanager
async def candidate(
    server: Server,
    name: str,
    *,
    skew: timedelta = timedelta(),
    on_started: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> AsyncIterator[Candidate]:
    loop = asyncio.get_running_loop()
    line = Line(server)
    log: list[str] = []

    async def started() -> None:
        log.append("started")
        if on_started is not None:
            await on_started()

    async def stopped() -> None:
        log.append("stopped")

    elector = LeaseElector(
        leases=line,
        identity=name,
        on_started=started,
        on_stopped=stopped,
        timing=TIMING,
        clock=loop.time,
        now=lambda: EPOCH + skew + timedelta(seconds=loop.time()),
    )
    running = asyncio.create_task(elector.run())
    try:
        yield Candidate(elector, line, log, running)
    finally:
        elector.stop()
        await asyncio.wait([running])


async def until(condition: Callable[[], bool], *, within: float) -> float:
    """Virtual seconds until the condition holds; fails after `within`."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while not condition():
        assert loop.time() - begun <= within, f"not within {within} s"
        await asyncio.sleep(0.05)
    return loop.time() - begun


def leads(one: Candidate) -> bool:
    return one.elector.remaining() > 0
