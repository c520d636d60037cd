"""The sim of Azure is worth what it shares with the emulator behind the real SDK: one suite.

Every test speaks to `ports.Clusters` and to `ArmBackend`, and runs on the shipped fake and on the
ARM emulator through `azure/`.
"""

from collections.abc import AsyncIterator

import pytest

from aks_access.engine.ports import ClusterRef, OperationState, WriteAccepted
from aks_access.errors import AzureError, AzureFault, UnsafeWrite
from aks_access.plan.cluster import ClusterView
from tests.integration.arm_backends import CLUSTER, ArmBackend, EmulatedArm, SimArm

REF = ClusterRef(CLUSTER)
LIST = ("20.1.0.0/24", "20.9.9.9/32")
WANTED = ("20.1.0.0/24", "20.5.5.5/32")
MANY = tuple(f"20.7.{n // 256}.{n % 256}/32" for n in range(201))


@pytest.fixture(params=["sim", "emulator"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[ArmBackend]:
    if request.param == "sim":
        yield SimArm()
        return
    async with EmulatedArm.opened() as emulated:
        yield emulated


@pytest.fixture
async def arm(backend: ArmBackend) -> ArmBackend:
    backend.create(ranges=LIST)
    return backend


async def look(arm: ArmBackend) -> ClusterView:
    return await arm.clusters.get(ref=REF)


async def write(arm: ArmBackend, *ranges: str, view: ClusterView | None = None) -> WriteAccepted:
    return await arm.clusters.put_ranges(
        ref=REF, view=view or await look(arm), ranges=ranges or WANTED
    )


async def refused(
    arm: ArmBackend, *ranges: str, view: ClusterView | None = None
) -> tuple[AzureFault, int | None]:
    """The fault and the status that a write meets; the list stays as it was."""
    before = arm.stored()
    with pytest.raises(AzureError) as caught:
        await write(arm, *ranges, view=view)
    assert arm.stored() == before
    return caught.value.fault, caught.value.status


async def state(arm: ArmBackend, accepted: WriteAccepted) -> OperationState:
    assert accepted.operation_url is not None
    return await arm.clusters.operation(ref=REF, url=accepted.operation_url)


# reads


async def test_a_read_shows_list_state_and_limits(arm: ArmBackend) -> None:
    view = await look(arm)
    assert view.ranges == LIST
    assert view.settled
    assert (view.provisioning_state, view.power_state) == ("Succeeded", "Running")
    assert view.etag
    assert view.resource_uid
    assert view.entry_limit == 200
    assert not view.private
    again = await look(arm)
    assert again.etag == view.etag


async def test_an_open_cluster_has_no_list(backend: ArmBackend) -> None:
    backend.create(ranges=None)
    assert (await look(backend)).ranges is None


async def test_a_list_that_is_cleared_is_no_empty_list(arm: ArmBackend) -> None:
    tag = (await look(arm)).etag
    arm.edit(None)
    view = await look(arm)
    assert view.ranges is None
    assert view.etag != tag


async def test_a_missing_cluster_is_not_found(backend: ArmBackend) -> None:
    with pytest.raises(AzureError) as caught:
        await look(backend)
    assert (caught.value.fault, caught.value.status) == (AzureFault.NOT_FOUND, 404)


async def test_a_cluster_made_again_is_another_one(arm: ArmBackend) -> None:
    before = await look(arm)
    arm.recreate(LIST)
    after = await look(arm)
    assert after.resource_uid != before.resource_uid
    assert after.ranges == before.ranges


async def test_what_others_do_moves_the_etag_and_a_pool_does_not(arm: ArmBackend) -> None:
    first = await look(arm)
    arm.edit_pool()
    second = await look(arm)
    assert second.etag == first.etag
    arm.edit(["20.8.8.8"])
    third = await look(arm)
    assert third.etag != second.etag
    assert third.ranges == ("20.8.8.8/32",)


# writes


async def test_a_write_is_shown_at_once_and_done_when_its_operation_is(arm: ArmBackend) -> None:
    first = await look(arm)
    accepted = await write(arm, view=first)
    second = await look(arm)
    assert second.ranges == WANTED
    assert second.provisioning_state == "Updating"
    assert not second.settled
    assert second.etag != first.etag
    assert await state(arm, accepted) is OperationState.RUNNING
    arm.finish()
    assert await state(arm, accepted) is OperationState.SUCCEEDED
    third = await look(arm)
    assert third.provisioning_state == "Succeeded"
    assert third.ranges == WANTED
    assert third.etag != second.etag


async def test_an_address_is_stored_as_a_network(arm: ArmBackend) -> None:
    await write(arm, "20.1.0.0/24", "20.5.5.5")
    assert (await look(arm)).ranges == WANTED


async def test_a_write_replaces_and_never_appends(arm: ArmBackend) -> None:
    await write(arm, "20.5.5.5/32")
    assert arm.stored() == {"20.5.5.5/32"}


async def test_an_open_cluster_can_be_restricted(backend: ArmBackend) -> None:
    backend.create(ranges=None)
    await write(backend)
    backend.finish()
    assert (await look(backend)).ranges == WANTED


async def test_the_sentinel_stands_alone(arm: ArmBackend) -> None:
    await write(arm, "0.0.0.0/32")
    assert arm.stored() == {"0.0.0.0/32"}


@pytest.mark.parametrize("outcome", [OperationState.FAILED, OperationState.CANCELED])
async def test_an_operation_that_ends_otherwise_blocks_no_write(
    arm: ArmBackend, outcome: OperationState
) -> None:
    arm.next_outcome(outcome)
    accepted = await write(arm)
    arm.finish()
    assert await state(arm, accepted) is outcome
    view = await look(arm)
    assert view.provisioning_state == outcome.value
    assert view.settled
    again = await write(arm)
    arm.finish()
    assert await state(arm, again) is OperationState.SUCCEEDED
    assert (await look(arm)).provisioning_state == "Succeeded"


async def test_an_operation_that_nobody_knows_says_nothing_of_the_cluster(arm: ArmBackend) -> None:
    accepted = await write(arm)
    arm.forget_operations()
    with pytest.raises(AzureError) as caught:
        await state(arm, accepted)
    assert (caught.value.fault, caught.value.status) == (AzureFault.REFUSED, 404)
    assert (await look(arm)).provisioning_state == "Updating"


# refusals


async def test_i6_a_cluster_that_changed_refuses_the_write(arm: ArmBackend) -> None:
    view = await look(arm)
    arm.edit(["20.8.8.8"])
    assert await refused(arm, view=view) == (AzureFault.CHANGED, 412)


async def test_i6_an_etag_alone_does_not_keep_a_pool_from_being_set_back(arm: ArmBackend) -> None:
    view, nodes = await look(arm), arm.nodes()
    arm.edit_pool()
    assert (await look(arm)).etag == view.etag
    await write(arm, view=view)
    assert arm.nodes() == nodes
    assert arm.set_back()


async def test_i6_a_write_over_the_last_read_keeps_the_pools(arm: ArmBackend) -> None:
    nodes = arm.nodes()
    await look(arm)
    arm.edit_pool()
    await write(arm)
    assert arm.nodes() == nodes + 1
    assert not arm.set_back()


async def test_i6_of_two_writes_over_the_same_read_one_wins(arm: ArmBackend) -> None:
    view = await look(arm)
    await write(arm, view=view)
    assert (await refused(arm, view=view))[0] in (AzureFault.BUSY, AzureFault.CHANGED)
    assert await refused(arm) == (AzureFault.BUSY, 409)


async def test_i7_a_cluster_that_is_gone_is_not_created(arm: ArmBackend) -> None:
    view = await look(arm)
    arm.delete()
    with pytest.raises(AzureError) as caught:
        await write(arm, view=view)
    assert (caught.value.fault, caught.value.status) == (AzureFault.CHANGED, 412)
    with pytest.raises(AzureError) as missing:
        await look(arm)
    assert missing.value.fault is AzureFault.NOT_FOUND


@pytest.mark.parametrize("busy", ["Updating", "Upgrading", "Starting", "Deleting"])
async def test_a_running_operation_refuses_writes(arm: ArmBackend, busy: str) -> None:
    arm.set_state(provisioning=busy)
    assert not (await look(arm)).settled
    assert await refused(arm) == (AzureFault.BUSY, 409)


async def test_a_stopped_cluster_refuses_writes(arm: ArmBackend) -> None:
    arm.set_state(power="Stopped")
    view = await look(arm)
    assert view.power_state == "Stopped"
    assert view.settled
    assert await refused(arm) == (AzureFault.STOPPED, 409)


async def test_a_private_cluster_takes_no_list(backend: ArmBackend) -> None:
    backend.create(ranges=None, private=True)
    assert (await look(backend)).private
    assert await refused(backend) == (AzureFault.INVALID, 400)


async def test_a_range_that_azure_does_not_take_refuses_the_whole_list(arm: ArmBackend) -> None:
    arm.refuse("20.5.5.5/32")
    assert await refused(arm) == (AzureFault.INVALID, 400)
    assert (await look(arm)).settled
    await write(arm, "20.1.0.0/24")


@pytest.mark.parametrize(
    "ranges",
    [
        ["0.0.0.0/0"],
        ["0.0.0.0/32", "20.1.0.0/24"],
        ["20.5.5.5", "20.5.5.5/32"],
        ["10.0.0.1/32"],
        ["20.5.5.5/24"],
        ["2a00::1/128"],
        ["contoso"],
        MANY,
    ],
    ids=lambda ranges: ranges[0] if len(ranges) < 201 else "too-many",
)
async def test_i1_what_must_not_be_sent_is_not_sent(arm: ArmBackend, ranges: list[str]) -> None:
    with pytest.raises(UnsafeWrite):
        await write(arm, *ranges)
    assert arm.stored() == set(LIST)


async def test_vnet_integration_takes_more(backend: ArmBackend) -> None:
    backend.create(ranges=LIST, vnet=True)
    view = await look(backend)
    assert view.vnet_integration
    assert view.entry_limit == 2000
    await write(backend, *MANY)
    assert backend.stored() == set(MANY)


# throttling


async def test_a_write_too_many_is_told_how_long_to_wait(arm: ArmBackend) -> None:
    view = await look(arm)
    arm.empty_bucket("put")
    with pytest.raises(AzureError) as caught:
        await write(arm, view=view)
    assert (caught.value.fault, caught.value.status) == (AzureFault.THROTTLED, 429)
    assert caught.value.retry_after is not None
    assert 50.0 <= caught.value.retry_after <= 60.0
    assert arm.stored() == set(LIST)
    await look(arm)


async def test_a_read_too_many_is_told_how_long_to_wait(arm: ArmBackend) -> None:
    await look(arm)  # to be logged in: the bucket fills up by one call a second
    arm.empty_bucket("get")
    with pytest.raises(AzureError) as caught:
        await look(arm)
    assert (caught.value.fault, caught.value.status) == (AzureFault.THROTTLED, 429)
    assert caught.value.retry_after is not None
    assert 0.0 < caught.value.retry_after <= 1.0
