"""`ArmClusters` with real credentials against the ARM emulator's identity provider."""

from dataclasses import replace

import pytest

from aks_access.azure.clusters import ArmClusters
from aks_access.errors import AzureFault
from aks_access.plan.model import Identity
from aks_access.settings.azure import AzureCredential
from tests.integration.azure_place import LIST, REF, TENANT, Place, fault_of


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
