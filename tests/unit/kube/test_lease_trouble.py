"""The election where the Lease is touched: deleted, stolen, full of nonsense, or long left."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from aks_access.kube.leases import LeaseRecord
from tests.unit.kube.electors import EPOCH, TIMING, Fault, Server, candidate, leads, until
from tests.unit.kube.virtual_time import run_virtually


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
