"""`ArmClusters` with the real SDK and real credentials against the ARM emulator."""

import asyncio
import base64
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aks_access.azure.clusters import ArmClusters, ArmOptions
from aks_access.azure.credentials import Credentials
from aks_access.engine.ports import ClusterRef, OperationState
from aks_access.errors import AzureError, AzureFault, UnsafeWrite
from aks_access.plan.cluster import ClusterView
from aks_access.plan.model import Identity
from aks_access.settings import AzureCredential
from sandbox.arm.app import ArmEmulator
from sandbox.arm.journal import JournalEntry

pytestmark = pytest.mark.integration

ANSWERS = os.environ.get("AKS_ACCESS_AZURE_ANSWERS")
SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
TENANT = "11111111-1111-1111-1111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/prod"
REF = ClusterRef(CLUSTER)
LIST = ["20.1.0.0/24", "20.9.9.9/32"]
WANTED = ["20.1.0.0/24", "20.5.5.5/32"]


@dataclass
class Seen:
    dates: list[datetime] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)

    def call(self, *, operation: str, outcome: str, seconds: float) -> None:
        assert 0 <= seconds < 60
        self.calls.append((operation, outcome))


@dataclass
class Place:
    """The emulator and clusters under test, closed together."""

    arm: ArmEmulator
    directory: Path
    seen: Seen = field(default_factory=Seen)
    closing: list[Any] = field(default_factory=list)

    def clusters(
        self, *, kind: AzureCredential = AzureCredential.CLIENT_SECRET, **options: Any
    ) -> ArmClusters:
        credentials = Credentials(
            kind=kind,
            authority=self.arm.url,
            instance_discovery=False,
            ca_file=self.arm.ca_file,
            environment={
                "AZURE_CLIENT_ID": "operator",
                "AZURE_TENANT_ID": TENANT,
                "AZURE_CLIENT_SECRET": "s3cret",
                "AZURE_FEDERATED_TOKEN_FILE": str(self.directory / "token"),
            },
        )
        standard: dict[str, Any] = {
            "endpoint": self.arm.url,
            "scope": "https://management.azure.com/.default",
            "api_version": "2025-10-01",
            "ca_file": self.arm.ca_file,
        }
        made = ArmClusters(
            options=ArmOptions(**(standard | options)),
            credentials=credentials,
            on_date=self.seen.dates.append,
            on_call=self.seen.call,
        )
        self.closing += [made, credentials]
        return made

    def requests(self, method: str) -> list[JournalEntry]:
        """What ARM got, on the cluster itself."""
        return [
            entry
            for entry in self.arm.control.journal()
            if entry.area == "arm" and entry.method == method and entry.cluster
        ]

    def arrived(self, method: str) -> int:
        """How many requests reached the server, reset ones included."""
        return sum(
            entry.method == method and "managedclusters" in entry.path.lower()
            for entry in self.arm.control.journal()
        )


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    write_token(tmp_path)
    async with ArmEmulator(operation_seconds=60) as arm:
        arm.control.create_cluster(CLUSTER, ranges=LIST)
        place = Place(arm=arm, directory=tmp_path)
        yield place
        for each in place.closing:
            await each.aclose()


@pytest.fixture
def clusters(place: Place) -> ArmClusters:
    return place.clusters()


def write_token(directory: Path, *, subject: str = "operator") -> None:
    claims = {
        "iss": "https://issuer",
        "sub": subject,
        "aud": ["api://AzureADTokenExchange"],
        "exp": int(time.time()) + 600,
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, claims, "signature")
    ]
    (directory / "token").write_text(".".join(parts))


async def fault_of(call: Any) -> AzureError:
    with pytest.raises(AzureError) as caught:
        await call
    return caught.value


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
    assert (error.fault, error.status, error.retry_after) == (AzureFault.THROTTLED, 429, 60.0)


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
    clusters = place.clusters(put_timeout=0.3, get_timeout=0.3)
    view = await clusters.get(ref=REF)
    held = place.arm.control.add_fault(path="managedClusters", hold=True, count=None)
    for call in (clusters.put_ranges(ref=REF, view=view, ranges=WANTED), clusters.get(ref=REF)):
        error = await fault_of(call)
        assert (error.fault, error.status) == (AzureFault.UNCERTAIN, None)
        assert "0.3 s" in error.message
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


@pytest.mark.parametrize("kind", [AzureCredential.WORKLOAD_IDENTITY, AzureCredential.CLIENT_SECRET])
async def test_credentials_as_they_are(place: Place, kind: AzureCredential) -> None:
    place.arm.control.register_client(
        "operator",
        tenant_id=TENANT,
        secret="s3cret",
        federations=[("https://issuer", "operator")],
    )
    place.arm.control.set_identity(only_registered=True)
    assert (await place.clusters(kind=kind).get(ref=REF)).ranges == tuple(LIST)
    assert {entry.client_id for entry in place.requests("GET")} == {"operator"}


async def test_each_identity_asks_with_its_own_token(place: Place) -> None:
    clusters = place.clusters(kind=AzureCredential.WORKLOAD_IDENTITY)
    other = replace(REF, identity=Identity(client_id="other"))
    for ref in (REF, other, REF, other):
        await clusters.get(ref=ref)
    assert [entry.client_id for entry in place.requests("GET")] == [
        "operator",
        "other",
        "operator",
        "other",
    ]
    logins = [
        entry
        for entry in place.arm.control.journal()
        if entry.area == "identity" and entry.method == "POST"
    ]
    assert [entry.client_id for entry in logins] == ["operator", "other"]


async def test_a_login_that_is_refused_names_the_reason(place: Place) -> None:
    place.arm.control.register_client("operator", tenant_id=TENANT, secret="another")
    clusters = place.clusters()
    error = await fault_of(clusters.get(ref=REF))
    assert error.fault is AzureFault.NO_CREDENTIAL
    assert "AADSTS7000215" in error.message
    assert place.arrived("GET") == 0


async def test_a_token_that_azure_refuses_is_not_used_again(
    place: Place, clusters: ArmClusters
) -> None:
    await clusters.get(ref=REF)
    place.arm.control.revoke_tokens()
    error = await fault_of(clusters.get(ref=REF))
    assert (error.fault, error.status) == (AzureFault.NO_CREDENTIAL, 401)
    assert (await clusters.get(ref=REF)).ranges == tuple(LIST)


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
