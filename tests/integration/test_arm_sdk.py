"""azure-identity and azure-mgmt-containerservice, both unmodified, against the ARM emulator."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.rest import HttpRequest
from azure.identity.aio import ClientSecretCredential, WorkloadIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient

from sandbox.arm.app import ArmEmulator

pytestmark = pytest.mark.integration

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
TENANT = "11111111-1111-1111-1111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/prod"
SCOPE = "https://management.azure.com/.default"


@pytest.fixture
async def arm() -> AsyncIterator[ArmEmulator]:
    async with ArmEmulator(operation_seconds=0.3) as emulator:
        emulator.control.create_cluster(CLUSTER, ranges=["20.1.0.0/24", "20.9.9.9"])
        yield emulator


def service_account_token(directory: Path, *, subject: str) -> Path:
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
    file = directory / "token"
    file.write_text(".".join(parts))
    return file


def by_secret(arm: ArmEmulator, *, secret: str = "s3cret") -> ClientSecretCredential:
    return ClientSecretCredential(
        TENANT,
        "app",
        secret,
        authority=arm.url,
        disable_instance_discovery=True,
        connection_verify=str(arm.ca_file),
    )


def by_token(arm: ArmEmulator, *, file: Path) -> WorkloadIdentityCredential:
    return WorkloadIdentityCredential(
        tenant_id=TENANT,
        client_id="app",
        token_file_path=str(file),
        authority=arm.url,
        disable_instance_discovery=True,
        connection_verify=str(arm.ca_file),
    )


class Client:
    """One SDK client with its credential, both closed at the end."""

    def __init__(self, arm: ArmEmulator, credential: AsyncTokenCredential | None = None) -> None:
        self._arm = arm
        self._credential = credential or by_secret(arm)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> ContainerServiceClient:
        credential = await self._stack.enter_async_context(self._credential)
        client = ContainerServiceClient(
            credential,
            SUBSCRIPTION,
            base_url=self._arm.url,
            credential_scopes=[SCOPE],
            connection_verify=str(self._arm.ca_file),
            retry_total=0,
        )
        return await self._stack.enter_async_context(client)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


async def put(client: ContainerServiceClient, ranges: list[str], *, etag: str = "") -> None:
    """GET, set the list as in a dict, PUT with If-Match; do not wait for the operation."""
    cluster = await client.managed_clusters.get("rg", "prod")
    cluster["properties"].setdefault("apiServerAccessProfile", {})["authorizedIPRanges"] = ranges
    await client.managed_clusters.begin_create_or_update(
        "rg",
        "prod",
        cluster,
        etag=etag or cluster["eTag"],
        match_condition=MatchConditions.IfNotModified,
        polling=False,
    )


@pytest.mark.parametrize("workload_identity", [False, True])
async def test_get_modify_put_poll_read_back(
    arm: ArmEmulator, tmp_path: Path, workload_identity: bool
) -> None:
    arm.control.register_client(
        "app", tenant_id=TENANT, secret="s3cret", federations=[("https://issuer", "operator")]
    )
    file = service_account_token(tmp_path, subject="operator")
    credential = by_token(arm, file=file) if workload_identity else by_secret(arm)
    async with Client(arm, credential) as client:
        cluster = await client.managed_clusters.get("rg", "prod")
        profile = cluster["properties"]["apiServerAccessProfile"]
        assert profile["authorizedIPRanges"] == ["20.1.0.0/24", "20.9.9.9/32"]
        profile["authorizedIPRanges"] = ["20.1.0.0/24", "20.5.5.5"]
        poller = await client.managed_clusters.begin_create_or_update(
            "rg",
            "prod",
            cluster,
            etag=cluster["eTag"],
            match_condition=MatchConditions.IfNotModified,
            polling_interval=1,
        )
        result = await poller.result()
    assert result.properties is not None
    assert result.properties.provisioning_state == "Succeeded"
    assert result["properties"]["apiServerAccessProfile"]["authorizedIPRanges"] == [
        "20.1.0.0/24",
        "20.5.5.5/32",
    ]
    entries = [entry for entry in arm.control.journal() if entry.area == "arm"]
    assert [(entry.method, entry.status) for entry in entries[:2]] == [("GET", 200), ("PUT", 200)]
    assert entries[1].headers["if-match"] == f'"{cluster["eTag"]}"'
    assert {entry.client_id for entry in entries} == {"app"}
    assert any("/operations/" in entry.path for entry in entries)
    assert arm.control.damage() == []


async def test_sdk_exceptions(arm: ArmEmulator) -> None:
    arm.control.set_options(CLUSTER, operation_seconds=60)
    async with Client(arm) as client:
        with pytest.raises(ResourceModifiedError) as modified:
            await put(client, ["20.2.0.0/16"], etag="stale")
        await put(client, ["20.2.0.0/16"])
        with pytest.raises(ResourceExistsError) as busy:
            await put(client, ["20.3.0.0/16"])
        arm.control.finish_operation(CLUSTER)
        with pytest.raises(HttpResponseError) as bad:
            await put(client, ["0.0.0.0/32", "20.1.2.3"])
        arm.control.deny(CLUSTER, verb="write")
        with pytest.raises(HttpResponseError) as denied:
            await put(client, ["20.3.0.0/16"])
        with pytest.raises(ResourceNotFoundError) as missing:
            await client.managed_clusters.get("rg", "other")
        arm.control.revoke_tokens()
        with pytest.raises(ClientAuthenticationError):
            await client.managed_clusters.get("rg", "prod")
    found = [
        (raised.value.status_code, raised.value.error.code if raised.value.error else None)
        for raised in (modified, busy, bad, denied, missing)
    ]
    assert found == [
        (412, "PreConditionFailed"),
        (409, "OperationNotAllowed"),
        (400, "InvalidParameter"),
        (403, "AuthorizationFailed"),
        (404, "ResourceNotFound"),
    ]


async def test_throttled_answer_carries_retry_after(arm: ArmEmulator) -> None:
    arm.control.set_bucket("aks-put", bucket=CLUSTER, calls=0)
    async with Client(arm) as client:
        with pytest.raises(HttpResponseError) as throttled:
            await put(client, ["20.2.0.0/16"])
    assert throttled.value.status_code == 429
    answer: Any = throttled.value.response
    assert 50 <= int(answer.headers["Retry-After"]) <= 60


async def test_failed_operation_is_an_error_of_the_poller(arm: ArmEmulator) -> None:
    arm.control.next_outcome(CLUSTER, status="Failed", code="ReconcileError", message="no")
    async with Client(arm) as client:
        cluster = await client.managed_clusters.get("rg", "prod")
        poller = await client.managed_clusters.begin_create_or_update(
            "rg", "prod", cluster, polling_interval=1
        )
        with pytest.raises(HttpResponseError) as failed:
            await poller.result()
        assert failed.value.error is not None
        assert failed.value.error.code == "ReconcileError"
        after = await client.managed_clusters.get("rg", "prod")
    assert after["properties"]["provisioningState"] == "Failed"


async def test_cleared_list_and_listing(arm: ArmEmulator) -> None:
    arm.control.create_cluster(f"{CLUSTER}2", ranges=["20.1.2.3"])
    arm.control.set_world(page_size=1)
    async with Client(arm) as client:
        await put(client, [])
        cluster = await client.managed_clusters.get("rg", "prod")
        assert "apiServerAccessProfile" not in cluster["properties"]
        listed = [found async for found in client.managed_clusters.list()]
        assert [found.name for found in listed] == ["prod", "prod2"]
        assert all("apiServerAccessProfile" not in found["properties"] for found in listed)


async def test_other_resource_through_the_same_client(arm: ArmEmulator) -> None:
    address = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/out"
    arm.control.put_public_ip(address, address="20.7.7.7")
    async with Client(arm) as client:
        request = HttpRequest("GET", f"{arm.url}{address}", params={"api-version": "2024-05-01"})
        answer = await client.send_request(request)
    assert answer.json()["properties"]["ipAddress"] == "20.7.7.7"


async def test_wrong_credentials(arm: ArmEmulator, tmp_path: Path) -> None:
    arm.control.register_client(
        "app", tenant_id=TENANT, secret="right", federations=[("https://issuer", "operator")]
    )
    async with by_secret(arm, secret="wrong") as credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
            await credential.get_token(SCOPE)
    file = service_account_token(tmp_path, subject="impostor")
    async with by_token(arm, file=file) as credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
            await credential.get_token(SCOPE)


async def test_lost_answer_and_reset_on_the_wire(arm: ArmEmulator) -> None:
    """With `count=2`: aiohttp sends a PUT again, once, when the connection is lost."""
    async with Client(arm) as client:
        arm.control.add_fault(method="PUT", reset=True, count=2)
        with pytest.raises(AzureError):
            await put(client, ["20.2.0.0/16"])
        assert arm.control.cluster(CLUSTER).ranges == ["20.1.0.0/24", "20.9.9.9/32"]
        arm.control.add_fault(method="PUT", lose_answer=True, count=2)
        with pytest.raises(AzureError):
            await put(client, ["20.2.0.0/16"])
        assert arm.control.cluster(CLUSTER).ranges == ["20.2.0.0/16"]


async def test_default_transport_turns_a_lost_answer_into_a_refusal(arm: ArmEmulator) -> None:
    """A trap for clients: the list is written, yet the caller reads a definite 412."""
    arm.control.add_fault(method="PUT", lose_answer=True)
    async with Client(arm) as client:
        with pytest.raises(ResourceModifiedError):
            await put(client, ["20.2.0.0/16"])
    puts = [entry for entry in arm.control.journal() if entry.method == "PUT"]
    assert [(entry.status, entry.answered) for entry in puts] == [(200, False), (412, True)]
    assert arm.control.cluster(CLUSTER).ranges == ["20.2.0.0/16"]


async def test_held_request_goes_on_when_released(arm: ArmEmulator) -> None:
    async with Client(arm) as client:
        await client.managed_clusters.get("rg", "prod")
        fault = arm.control.add_fault(method="PUT", hold=True)
        writing = asyncio.create_task(put(client, ["20.2.0.0/16"]))
        async with asyncio.timeout(10):
            while not arm.control.faults()[0].hits:
                await client.managed_clusters.get("rg", "prod")
        assert arm.control.cluster(CLUSTER).ranges == ["20.1.0.0/24", "20.9.9.9/32"]
        arm.control.remove_fault(fault)
        await asyncio.wait_for(writing, 10)
    assert arm.control.cluster(CLUSTER).ranges == ["20.2.0.0/16"]


async def test_delays(arm: ArmEmulator) -> None:
    arm.control.add_fault(method="GET", path="managedClusters", delay=0.2, answer_delay=0.1)
    async with Client(arm) as client:
        started = time.monotonic()
        await client.managed_clusters.get("rg", "prod")
        assert time.monotonic() - started >= 0.3


async def test_certificate_is_checked(arm: ArmEmulator) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(arm.url)
    context = ssl.create_default_context(cafile=str(arm.ca_file))
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{arm.url.replace('localhost', '127.0.0.1')}/none", ssl=context) as answer,
    ):
        assert answer.status == 401
