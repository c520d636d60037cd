"""The election on a real API server's Lease.

As an administrator: the operator itself may touch the one Lease that the chart names.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from aks_access.errors import KubeConflict
from aks_access.kube.connection import Access, Connection
from aks_access.kube.lease import LeaseElector, LeaseTiming
from aks_access.kube.leases import KubeLeases, LeaseRecord
from sandbox.chart import NAMESPACE
from sandbox.controlplane import ControlPlane
from tests.integration.kube_support import until

pytestmark = pytest.mark.integration

TIMING = LeaseTiming(duration=3, renew_deadline=2, retry_period=0.5)
LONG = LeaseTiming(duration=20, renew_deadline=15, retry_period=0.5)
"""One that a busy machine does not take for having run out."""


@pytest.fixture
async def connection(control_plane: ControlPlane) -> AsyncIterator[Connection]:
    access = Access(kubeconfig=str(control_plane.kubeconfig))
    async with await Connection.open(access=access) as connection:
        yield connection


@pytest.fixture
def leases(connection: Connection, unique: Callable[[str], str]) -> KubeLeases:
    return KubeLeases(connection=connection, namespace=NAMESPACE, name=unique("lease"))


async def nothing() -> None:
    pass


def elector(leases: KubeLeases, identity: str, *, timing: LeaseTiming = TIMING) -> LeaseElector:
    return LeaseElector(
        leases=leases, identity=identity, on_started=nothing, on_stopped=nothing, timing=timing
    )


def record(holder: str) -> LeaseRecord:
    stamp = "2026-05-01T12:00:00.000000Z"
    return LeaseRecord(holder=holder, duration=3, acquired=stamp, renewed=stamp)


async def test_the_record_as_stored(leases: KubeLeases) -> None:
    assert await leases.get() is None
    created = await leases.create(record("a"))
    assert created == replace(record("a"), version=created.version, uid=created.uid)
    with pytest.raises(KubeConflict):
        await leases.create(record("b"))
    updated = await leases.update(replace(created, holder="", transitions=4))
    assert await leases.get() == updated
    with pytest.raises(KubeConflict):
        await leases.update(created)


async def test_a_deleted_lease_is_not_made_anew_by_an_update(
    control_plane: ControlPlane, leases: KubeLeases
) -> None:
    created = await leases.create(record("a"))
    control_plane.request("DELETE", leases.path)
    with pytest.raises(KubeConflict):
        await leases.update(created)
    assert await leases.get() is None


async def test_a_clean_stop_hands_over_at_once(leases: KubeLeases) -> None:
    loop = asyncio.get_running_loop()
    one, two = (elector(leases, name, timing=LONG) for name in ("one", "two"))
    first = asyncio.create_task(one.run())
    await until(lambda: one.remaining() > 0, what="one leads")
    second = asyncio.create_task(two.run())
    one.stop()
    await first
    stopped = loop.time()
    assert one.remaining() == 0
    await until(lambda: two.remaining() > 0, what="two leads")
    assert loop.time() - stopped < LONG.duration
    two.stop()
    await second
    found = await leases.get()
    assert found is not None
    assert (found.holder, found.transitions) == ("", 1)


async def test_a_dead_holder_is_taken_over_when_its_lease_ran_out(leases: KubeLeases) -> None:
    await leases.create(record("dead"))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    one = elector(leases, "one")
    running = asyncio.create_task(one.run())
    await until(lambda: one.remaining() > 0, what="one leads")
    assert loop.time() - begun >= TIMING.duration
    assert one.remaining() <= TIMING.duration
    one.stop()
    await running
