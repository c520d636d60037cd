"""`ArmClusters` with the real SDK and real credentials against the ARM emulator."""

import json
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aks_access.azure.clusters import ArmClusters
from aks_access.engine.ports import ClusterRef, OperationState
from aks_access.errors import AzureFault, UnsafeWrite
from aks_access.plan.cluster import ClusterView
from tests.integration.azure_place import (
    CLUSTER,
    LIST,
    REF,
    WANTED,
    Place,
    fault_of,
)

pytestmark = pytest.mark.integration

ANSWERS = os.environ.get("AKS_ACCESS_AZURE_ANSWERS")


async def test_get_write_wait_and_read_back(place: Place, clusters: ArmClusters) -> None:
    view = await clusters.get(ref=REF)
    assert view.ranges == tuple(LIST)
    assert view.settled
    assert view.resource_uid == place.arm.control.cluster(CLUSTER).resource_uid
    accepted = await clusters.put_ranges(ref=REF, view=view, ranges=WANTED)
    assert accepted.operation_url is not None
    operation: dict[str, Any] = {"ref": REF, "url": accepted.operation_url}
    assert await clusters.operation(**operation) is OperationState.RUNNING
    assert not (await clusters.get(ref=REF)).settled
    place.arm.control.finish_operation(CLUSTER)
    assert await clusters.operation(**operation) is OperationState.SUCCEEDED
    after = await clusters.get(ref=REF)
    assert (after.ranges, after.settled) == (tuple(WANTED), True)
    [put] = place.requests("PUT")
    assert put.headers["if-match"] == f'"{view.etag}"'
    assert put.headers["user-agent"].startswith("aks-access-operator ")
    assert place.seen.calls == [
        ("get", "ok"),
        ("put", "ok"),
        ("operation", "ok"),
        ("get", "ok"),
        ("operation", "ok"),
        ("get", "ok"),
    ]


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
async def test_an_operation_that_ends_otherwise(
    place: Place, clusters: ArmClusters, status: str
) -> None:
    place.arm.control.next_outcome(CLUSTER, status=status, code="X", message="words")
    accepted = await clusters.put_ranges(ref=REF, view=await clusters.get(ref=REF), ranges=WANTED)
    place.arm.control.finish_operation(CLUSTER)
    assert accepted.operation_url is not None
    assert await clusters.operation(ref=REF, url=accepted.operation_url) == status


async def test_i2_nothing_else_changes(place: Place, clusters: ArmClusters) -> None:
    control = place.arm.control
    unknown = {"deep": [{"name": "x", "eTag": "kept", "none": None, "n": 1.5}], "id": "kept"}
    for path in (
        "properties.futureProfile",
        "properties.apiServerAccessProfile.futureOption",
        "properties.networkProfile.futureOption",
        "properties.agentPoolProfiles[0].futureOption",
        "futureTopLevel",
    ):
        pool = control.cluster(CLUSTER).body["properties"]["agentPoolProfiles"][0]["name"]
        control.set_property(CLUSTER, path=path.replace("[0]", f"[{pool}]"), value=unknown)
    control.set_options(CLUSTER, service_tags=True)
    control.edit_ranges(CLUSTER, add=["AzureCloud"])
    view = await clusters.get(ref=REF)
    await clusters.put_ranges(ref=REF, view=view, ranges=[*(view.ranges or ()), "20.7.0.0/24"])
    assert control.damage() == []
    [put] = place.requests("PUT")
    assert put.body["properties"]["futureProfile"] == unknown
    assert put.after == [*(view.ranges or ()), "20.7.0.0/24"]
    read_only = {"id", "name", "type", "eTag", "systemData"}
    assert not read_only & set(put.body)
    assert "provisioningState" not in put.body["properties"]


async def test_i2_a_pool_is_written_as_last_read_though_the_etag_stays(
    place: Place, clusters: ArmClusters
) -> None:
    before = await clusters.get(ref=REF)
    [pool, *_] = place.arm.control.cluster(CLUSTER).body["properties"]["agentPoolProfiles"]
    place.arm.control.edit_pool(CLUSTER, pool=pool["name"], values={"count": 9})
    after = await clusters.get(ref=REF)
    assert before.etag == after.etag
    await clusters.put_ranges(ref=REF, view=after, ranges=WANTED)
    [put] = place.requests("PUT")
    assert put.body["properties"]["agentPoolProfiles"][0]["count"] == 9
    assert place.arm.control.damage() == []


async def test_i6_without_an_etag_the_write_still_needs_the_cluster(
    place: Place, clusters: ArmClusters
) -> None:
    place.arm.control.set_options(CLUSTER, withhold_etag=True)
    view = await clusters.get(ref=REF)
    assert view.etag is None
    await clusters.put_ranges(ref=REF, view=view, ranges=WANTED)
    [put] = place.requests("PUT")
    assert put.headers["if-match"] == "*"


@pytest.mark.parametrize("withhold", [False, True])
async def test_i7_a_cluster_that_is_gone_is_not_created(
    place: Place, clusters: ArmClusters, withhold: bool
) -> None:
    place.arm.control.set_options(CLUSTER, withhold_etag=withhold)
    view = await clusters.get(ref=REF)
    place.arm.control.delete_cluster(CLUSTER)
    error = await fault_of(clusters.put_ranges(ref=REF, view=view, ranges=WANTED))
    assert error.fault in {AzureFault.CHANGED, AzureFault.NOT_FOUND}
    assert place.arm.control.clusters() == []
    assert (await fault_of(clusters.get(ref=REF))).fault is AzureFault.NOT_FOUND


@pytest.mark.parametrize("ranges", [[], ["0.0.0.0/0"], ["0.0.0.0/32", "20.1.0.0/24"], ["10.0.0.1"]])
async def test_i1_an_unsafe_list_is_not_sent(
    place: Place, clusters: ArmClusters, ranges: list[str]
) -> None:
    view = await clusters.get(ref=REF)
    before = place.arm.control.last_sequence()
    with pytest.raises(UnsafeWrite):
        await clusters.put_ranges(ref=REF, view=view, ranges=ranges)
    assert place.arm.control.last_sequence() == before


async def test_i2_another_clusters_view_is_not_sent(place: Place, clusters: ArmClusters) -> None:
    view = await clusters.get(ref=REF)
    other = ClusterRef(CLUSTER.replace("prod", "lab"))
    with pytest.raises(UnsafeWrite):
        await clusters.put_ranges(ref=other, view=view, ranges=WANTED)
    assert place.arrived("PUT") == 0


async def test_every_answers_date_is_reported(place: Place, clusters: ArmClusters) -> None:
    place.arm.control.set_world(date_offset=-3600.0)
    await clusters.get(ref=REF)
    place.arm.control.deny(CLUSTER, verb="read")
    assert (await fault_of(clusters.get(ref=REF))).fault is AzureFault.FORBIDDEN
    assert len(place.seen.dates) == 2
    for date in place.seen.dates:
        behind = datetime.now(UTC) - date
        assert timedelta(minutes=59) < behind < timedelta(minutes=61)


async def test_nothing_secret_is_logged(
    place: Place, clusters: ArmClusters, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    accepted = await clusters.put_ranges(ref=REF, view=await clusters.get(ref=REF), ranges=WANTED)
    assert accepted.operation_url is not None
    await clusters.operation(ref=REF, url=accepted.operation_url)
    signed = accepted.operation_url.partition("?")[2]
    for secret in ("eyJ", "s3cret", signed, "agentPoolProfiles"):
        assert secret not in caplog.text


@pytest.mark.skipif(not ANSWERS, reason="AKS_ACCESS_AZURE_ANSWERS is not set")
async def test_i2_a_recorded_cluster_of_2026_survives_a_write(
    place: Place, clusters: ArmClusters
) -> None:
    file = Path(str(ANSWERS)) / "recordings" / "azure-cli_2026-04-24_get_after_update.json"
    ref = ClusterRef(CLUSTER.replace("prod", "recorded"))
    body = {**json.loads(file.read_text())["response"], "id": ref.resource_id, "name": "recorded"}
    place.arm.control.create_cluster(ref.resource_id, body=body)
    view: ClusterView = await clusters.get(ref=ref)
    assert view.ranges is None
    await clusters.put_ranges(ref=ref, view=view, ranges=WANTED)
    assert place.arm.control.damage() == []
    [put] = place.requests("PUT")
    assert put.after == WANTED
