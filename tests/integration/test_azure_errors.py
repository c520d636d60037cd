"""What `ArmClusters` makes of refusals, silences, odd answers: one try, and the kind of fault."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aks_access.azure.clusters import ArmClusters
from aks_access.errors import AzureFault
from tests.integration.azure_place import CLUSTER, REF, WANTED, Place, fault_of

Setup = Callable[[Place], object]


@pytest.mark.parametrize(
    ("setup", "fault", "status"),
    [
        (lambda p: p.arm.control.edit_ranges(CLUSTER, add=["20.8.8.8"]), AzureFault.CHANGED, 412),
        (lambda p: p.arm.control.lock(CLUSTER), AzureFault.LOCKED, 409),
        (lambda p: p.arm.control.deny(CLUSTER, verb="write"), AzureFault.FORBIDDEN, 403),
        (
            lambda p: p.arm.control.set_options(CLUSTER, refused_ranges=["20.5.5.5/32"]),
            AzureFault.INVALID,
            400,
        ),
        (
            lambda p: p.arm.control.add_fault(
                method="PUT", status=409, code="EtagMismatch", bare=True
            ),
            AzureFault.CHANGED,
            409,
        ),
        (
            lambda p: p.arm.control.add_fault(
                method="PUT", status=503, code="ServerTimeout", headers={"Retry-After": "1"}
            ),
            AzureFault.UNCERTAIN,
            503,
        ),
        (
            lambda p: p.arm.control.add_fault(
                method="PUT", status=409, code="OperationNotAllowed", headers={"Retry-After": "1"}
            ),
            AzureFault.BUSY,
            409,
        ),
        (
            lambda p: p.arm.control.add_fault(method="PUT", status=502, body="<html>"),
            AzureFault.UNCERTAIN,
            502,
        ),
        (lambda p: p.arm.control.add_fault(method="PUT", status=202), AzureFault.UNCERTAIN, 202),
        (
            lambda p: p.arm.control.add_fault(
                method="PUT", status=307, headers={"Location": f"{p.arm.url}/elsewhere"}
            ),
            AzureFault.UNCERTAIN,
            307,
        ),
        (lambda p: p.arm.control.add_fault(method="PUT", reset=True), AzureFault.UNCERTAIN, None),
        (
            lambda p: p.arm.control.add_fault(method="PUT", lose_answer=True),
            AzureFault.UNCERTAIN,
            None,
        ),
    ],
)
async def test_i6_a_write_is_sent_once_whatever_comes_back(
    place: Place, clusters: ArmClusters, setup: Setup, fault: AzureFault, status: int | None
) -> None:
    view = await clusters.get(ref=REF)
    setup(place)
    error = await fault_of(clusters.put_ranges(ref=REF, view=view, ranges=WANTED))
    assert (error.fault, error.status) == (fault, status)
    assert place.arrived("PUT") == 1
    assert place.seen.calls[-1] == ("put", fault.value)


async def test_a_running_operation_and_a_stopped_cluster_refuse_writes(
    place: Place, clusters: ArmClusters
) -> None:
    place.arm.control.set_state(CLUSTER, power_state="Stopped")
    view = await clusters.get(ref=REF)
    stopped = await fault_of(clusters.put_ranges(ref=REF, view=view, ranges=WANTED))
    assert stopped.fault is AzureFault.STOPPED
    place.arm.control.set_state(CLUSTER, power_state="Running", provisioning_state="Upgrading")
    view = await clusters.get(ref=REF)
    busy = await fault_of(clusters.put_ranges(ref=REF, view=view, ranges=WANTED))
    assert busy.fault is AzureFault.BUSY


async def test_throttling_says_how_long(place: Place, clusters: ArmClusters) -> None:
    view = await clusters.get(ref=REF)
    place.arm.control.set_bucket("aks-put", bucket=CLUSTER, calls=0)
    error = await fault_of(clusters.put_ranges(ref=REF, view=view, ranges=WANTED))
    assert (error.fault, error.status, error.retry_after) == (
        AzureFault.THROTTLED,
        429,
        pytest.approx(60.0, abs=5.0),
    )


async def test_a_missing_group_is_gone_and_a_missing_subscription_is_not(
    place: Place, clusters: ArmClusters
) -> None:
    place.arm.control.delete_group(CLUSTER)
    assert (await fault_of(clusters.get(ref=REF))).fault is AzureFault.NOT_FOUND
    place.arm.control.add_fault(method="GET", status=404, code="SubscriptionNotFound")
    assert (await fault_of(clusters.get(ref=REF))).fault is AzureFault.REFUSED


@pytest.mark.parametrize("body", ["no JSON", [], {}, {"id": CLUSTER}, {"properties": {}}])
async def test_an_unreadable_answer_is_uncertain(
    place: Place, clusters: ArmClusters, body: Any
) -> None:
    place.arm.control.add_fault(method="GET", status=200, body=body)
    assert (await fault_of(clusters.get(ref=REF))).fault is AzureFault.UNCERTAIN


async def test_an_unserved_api_version_is_refused(place: Place) -> None:
    clusters = place.clusters(api_version="2099-01-01")
    error = await fault_of(clusters.get(ref=REF))
    assert (error.fault, error.code) == (AzureFault.REFUSED, "NoRegisteredProviderFound")


async def test_a_late_answer_is_uncertain(place: Place) -> None:
    clusters = place.clusters(put_timeout=1.5, get_timeout=1.5)
    view = await clusters.get(ref=REF)
    held = place.arm.control.add_fault(path="managedClusters", hold=True, count=None)
    for call in (clusters.put_ranges(ref=REF, view=view, ranges=WANTED), clusters.get(ref=REF)):
        error = await fault_of(call)
        assert (error.fault, error.status) == (AzureFault.UNCERTAIN, None)
        assert "1.5 s" in error.message
    place.arm.control.remove_fault(held)


async def test_without_a_token_in_time_nothing_was_sent(place: Place) -> None:
    clusters = place.clusters(get_timeout=0.3)
    held = place.arm.control.add_fault(path="oauth2", hold=True, count=None)
    error = await fault_of(clusters.get(ref=REF))
    assert error.fault is AzureFault.NO_CREDENTIAL
    place.arm.control.remove_fault(held)


async def test_a_cancellation_passes(place: Place, clusters: ArmClusters) -> None:
    await clusters.get(ref=REF)
    held = place.arm.control.add_fault(path="managedClusters", hold=True)
    task = asyncio.create_task(clusters.get(ref=REF))
    async with asyncio.timeout(10):
        # The emulator tells in its state, and by no event, that it holds the request.
        while not any(fault.hits for fault in place.arm.control.faults()):  # noqa: ASYNC110
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert place.seen.calls[-1] == ("get", "cancelled")
    place.arm.control.remove_fault(held)


async def test_nobody_listening_is_uncertain(place: Place) -> None:
    clusters = place.clusters(endpoint="https://127.0.0.1:9")
    assert (await fault_of(clusters.get(ref=REF))).fault is AzureFault.UNCERTAIN


async def test_an_unknown_authority_is_not_trusted(place: Place) -> None:
    clusters = place.clusters(ca_file=None)
    error = await fault_of(clusters.get(ref=REF))
    assert error.fault is AzureFault.UNCERTAIN
    assert "certificate" in error.message.lower()
    assert place.arrived("GET") == 0


async def test_operations_elsewhere_are_not_asked(place: Place, clusters: ArmClusters) -> None:
    before = place.arm.control.last_sequence()
    error = await fault_of(clusters.operation(ref=REF, url="https://localhost:1/operations/x?s=1"))
    assert error.fault is AzureFault.REFUSED
    assert place.arm.control.last_sequence() == before


async def test_an_operation_that_is_forgotten_is_not_a_cluster_that_is_gone(
    place: Place, clusters: ArmClusters
) -> None:
    accepted = await clusters.put_ranges(ref=REF, view=await clusters.get(ref=REF), ranges=WANTED)
    place.arm.control.add_fault(method="GET", path="operations", status=404, code="NotFound")
    assert accepted.operation_url is not None
    error = await fault_of(clusters.operation(ref=REF, url=accepted.operation_url))
    assert error.fault is AzureFault.REFUSED
