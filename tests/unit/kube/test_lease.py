"""The election in virtual time, on one Lease that several electors reach over faulty lines."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from aks_access.errors import KubeConflict, KubeError
from aks_access.kube.lease import LeaseElector, LeaseTiming, boot_clock
from aks_access.kube.leases import LeaseRecord
from tests.unit.kube.virtual_time import run_virtually

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


def test_one_of_two_leads_and_renews() -> None:
    async def main() -> None:
        server = Server()
        async with candidate(server, "a") as a, candidate(server, "b") as b:
            await until(lambda: leads(a) or leads(b), within=1)
            leader, other = (a, b) if leads(a) else (b, a)
            for _ in range(600):
                await asyncio.sleep(1)
                assert leader.elector.remaining() > TIMING.duration - TIMING.retry_period - 0.1
                assert other.elector.remaining() == 0
            assert leader.log == ["started"]
            assert other.log == []
            assert server.record is not None
            assert server.record.transitions == 0
            assert server.record.duration == 30

    run_virtually(main())


def test_a_clean_stop_hands_over_at_once() -> None:
    async def main() -> None:
        server = Server()
        async with candidate(server, "a") as a:
            await until(lambda: leads(a), within=1)
            async with candidate(server, "b") as b:
                await asyncio.sleep(20)
                a.elector.stop()
                await a.running
                assert a.log == ["started", "stopped"]
                assert a.elector.remaining() == 0
                assert server.record is not None
                assert server.record.holder == ""
                waited = await until(lambda: leads(b), within=TIMING.retry_period * 1.2 + 0.1)
                assert waited < TIMING.duration
                assert server.record.transitions == 1

    run_virtually(main())


def test_a_cut_off_leader_stops_before_another_leads() -> None:
    async def main() -> None:
        server = Server()
        async with candidate(server, "a") as a:
            await until(lambda: leads(a), within=1)
            async with candidate(server, "b") as b:
                await asyncio.sleep(60)
                a.line.fault = Fault.HANGS
                await until(lambda: not leads(a), within=TIMING.duration)
                assert not leads(b)
                assert a.log == ["started", "stopped"]
                await until(lambda: leads(b), within=TIMING.duration)
                a.line.fault = Fault.NONE
                await asyncio.sleep(120)
                assert leads(b)
                assert not leads(a)

    run_virtually(main())


def test_leadership_is_given_up_before_the_lease_runs_out() -> None:
    async def main() -> None:
        server = Server()
        async with candidate(server, "a") as a:
            await until(lambda: leads(a), within=1)
            a.line.fault = Fault.REFUSES
            lost = await until(lambda: a.log == ["started", "stopped"], within=TIMING.duration)
            assert TIMING.renew_deadline - TIMING.retry_period < lost <= TIMING.renew_deadline + 1

    run_virtually(main())


def test_short_trouble_does_not_end_leadership() -> None:
    async def main() -> None:
        server = Server()
        async with candidate(server, "a") as a:
            await until(lambda: leads(a), within=1)
            for fault in (Fault.HANGS, Fault.ANSWER_LOST, Fault.REFUSES, Fault.LATE):
                a.line.fault = fault
                await asyncio.sleep(12)
                a.line.fault = Fault.NONE
                await asyncio.sleep(30)
            assert a.log == ["started"]
            assert leads(a)

    run_virtually(main())


def test_wall_clocks_do_not_matter() -> None:
    async def main() -> None:
        server = Server()
        early, late = timedelta(minutes=-10), timedelta(minutes=10)
        async with candidate(server, "a", skew=early) as a:
            await until(lambda: leads(a), within=1)
            async with candidate(server, "b", skew=late) as b:
                await asyncio.sleep(120)
                assert leads(a)
                assert not leads(b)

    run_virtually(main())


def test_a_deleted_lease_is_made_again_by_its_holder_alone() -> None:
    async def main() -> None:
        server = Server()
        async with candidate(server, "a") as a:
            await until(lambda: leads(a), within=1)
            async with candidate(server, "b") as b:
                await asyncio.sleep(60)
                server.record = None
                for _ in range(600):
                    await asyncio.sleep(0.1)
                    assert not leads(b)
                assert leads(a)
                assert a.log == ["started"]

    run_virtually(main())


def test_a_vanished_lease_of_a_dead_holder_is_waited_for() -> None:
    async def main() -> None:
        server = Server()
        async with candidate(server, "a") as a:
            await until(lambda: leads(a), within=1)
            async with candidate(server, "b") as b:
                await asyncio.sleep(60)
                a.line.fault = Fault.HANGS
                server.record = None
                waited = await until(lambda: leads(b), within=2 * TIMING.duration)
                assert waited >= TIMING.duration
                assert not leads(a)

    run_virtually(main())


def test_a_stolen_lease_ends_leadership_at_the_next_renewal() -> None:
    async def main() -> None:
        server = Server()
        async with candidate(server, "a") as a:
            await until(lambda: leads(a), within=1)
            assert server.record is not None
            server.update(replace(server.record, holder="thief"))
            await until(lambda: a.log == ["started", "stopped"], within=TIMING.retry_period + 0.1)
            assert a.elector.remaining() == 0
            await until(lambda: leads(a), within=2 * TIMING.duration)  # the thief never renews

    run_virtually(main())


@pytest.mark.parametrize(
    ("duration", "transitions", "within"),
    [(2**31 - 1, 0, 600.0), (30, 2**31 - 1, 30.0), (0, 0, 30.0)],
)
def test_nonsense_in_the_lease_of_a_silent_holder_is_outlived(
    duration: int, transitions: int, within: float
) -> None:
    async def main() -> None:
        server = Server()
        stamp = "2199-01-01T00:00:00.000000Z"
        server.create(
            LeaseRecord(
                holder="somebody-else",
                duration=duration,
                acquired="",
                renewed=stamp,
                transitions=transitions,
            )
        )
        async with candidate(server, "a") as a:
            waited = await until(lambda: leads(a), within=within + TIMING.retry_period * 1.3)
            assert waited >= within
            assert server.record is not None
            assert server.record.transitions == min(transitions + 1, 2**31 - 1)

    run_virtually(main())


def test_a_failing_start_gives_the_lease_back_and_ends_the_run() -> None:
    async def main() -> None:
        async def fail() -> None:
            await asyncio.sleep(7)
            raise RuntimeError("no complete list")

        server = Server()
        async with candidate(server, "a", on_started=fail) as a:
            with pytest.raises(RuntimeError, match="no complete list"):
                await a.running
            assert a.log == ["started", "stopped"]
            assert server.record is not None
            assert server.record.holder == ""

    run_virtually(main())


def test_losing_the_lease_cancels_the_start() -> None:
    async def main() -> None:
        ended: list[str] = []

        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cancelled")

        server = Server()
        async with candidate(server, "a", on_started=forever) as a:
            await until(lambda: leads(a), within=1)
            a.line.fault = Fault.REFUSES
            await until(lambda: "stopped" in a.log, within=TIMING.duration)
            assert ended == ["cancelled"]

    run_virtually(main())


# Trouble begins when all have seen the Lease once: who finds none at first sight makes one.
trouble = st.tuples(
    st.floats(10, 200), st.integers(0, 2), st.sampled_from(list(Fault)), st.floats(1, 90)
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(troubles=st.lists(trouble, max_size=6), deleted_at=st.none() | st.floats(40, 200))
def test_never_two_lead(
    troubles: list[tuple[float, int, Fault, float]], deleted_at: float | None
) -> None:
    async def main() -> None:
        server = Server()
        loop = asyncio.get_running_loop()
        async with (
            candidate(server, "a", skew=timedelta(hours=1)) as a,
            candidate(server, "b") as b,
            candidate(server, "c", skew=timedelta(hours=-1)) as c,
        ):
            everybody = (a, b, c)
            for begin, which, fault, length in troubles:
                line = everybody[which].line
                loop.call_later(begin, setattr, line, "fault", fault)
                loop.call_later(begin + length, setattr, line, "fault", Fault.NONE)
            if deleted_at is not None:
                loop.call_later(deleted_at, setattr, server, "record", None)
            for _ in range(3000):
                await asyncio.sleep(0.1)
                assert sum(map(leads, everybody)) <= 1
            for one in everybody:
                one.line.fault = Fault.NONE
            await until(lambda: any(map(leads, everybody)), within=60)

    run_virtually(main())


@pytest.mark.parametrize("timing", [(10, 10, 5), (30, 5, 5), (30, 20, 0)])
def test_a_timing_that_cannot_work_is_refused(timing: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="duration > renew deadline > retry period"):
        LeaseTiming(*timing)


def test_the_clock_goes_forward() -> None:
    assert boot_clock() <= boot_clock()


@pytest.mark.parametrize(
    ("holder", "renewed", "unattended"),
    [
        ("old", EPOCH - timedelta(hours=2), True),
        ("old", EPOCH - timedelta(seconds=20), False),  # a failover
        ("", EPOCH - timedelta(hours=2), False),  # given back
        ("a", EPOCH - timedelta(hours=2), False),  # this very process: it remembers
    ],
)
def test_threat_02_a_lease_that_nobody_renewed_for_long_is_told(
    holder: str, renewed: datetime, unattended: bool
) -> None:
    async def main() -> None:
        server = Server()
        stamp = renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        server.create(LeaseRecord(holder=holder, duration=30, acquired=stamp, renewed=stamp))
        async with candidate(server, "a") as a:
            await until(lambda: leads(a), within=60)
            assert a.elector.unattended == (renewed if unattended else None)

    run_virtually(main())
