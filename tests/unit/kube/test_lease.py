"""The election in virtual time: who leads, until when, and that never two do."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from aks_access.kube.lease import LeaseTiming, boot_clock
from tests.unit.kube.electors import TIMING, Fault, Server, candidate, leads, until
from tests.unit.kube.virtual_time import run_virtually


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
