"""Which credential a setting and an identity lead to, and what is said where a piece is missing."""

from collections.abc import Mapping
from typing import Any

import pytest
from azure.identity.aio import ManagedIdentityCredential, WorkloadIdentityCredential

from aks_access.azure.credentials import Credentials, TokenSource
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.model import Identity
from aks_access.settings.azure import AzureCredential

COMPLETE = {
    "AZURE_CLIENT_ID": "own",
    "AZURE_TENANT_ID": "tenant",
    "AZURE_CLIENT_SECRET": "secret",
    "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/tokens/azure-identity-token",
}


def credentials(kind: AzureCredential, *, environment: Mapping[str, str] = COMPLETE) -> Credentials:
    return Credentials(
        kind=kind, authority="https://login.microsoftonline.com", environment=environment
    )


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in COMPLETE.items() if key != name}


@pytest.mark.parametrize("kind", AzureCredential)
async def test_every_kind_can_be_made(kind: AzureCredential) -> None:
    made = credentials(kind)
    made.source(None)
    await made.aclose()


@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        (AzureCredential.WORKLOAD_IDENTITY, "AZURE_FEDERATED_TOKEN_FILE"),
        (AzureCredential.WORKLOAD_IDENTITY, "AZURE_CLIENT_ID"),
        (AzureCredential.WORKLOAD_IDENTITY, "AZURE_TENANT_ID"),
        (AzureCredential.CLIENT_SECRET, "AZURE_CLIENT_SECRET"),
        (AzureCredential.CLIENT_SECRET, "AZURE_TENANT_ID"),
        (AzureCredential.CLIENT_SECRET, "AZURE_CLIENT_ID"),
    ],
)
def test_a_missing_variable_is_named_with_the_way_out(kind: AzureCredential, variable: str) -> None:
    made = credentials(kind, environment=without(variable))
    message = rf"{variable} is not set\. Please .*set.*"
    with pytest.raises(AzureError, match=message) as caught:
        made.source(None)
    assert caught.value.fault is AzureFault.NO_CREDENTIAL


async def test_an_identity_has_one_source_and_the_empty_one_is_the_operators_own() -> None:
    made = credentials(AzureCredential.WORKLOAD_IDENTITY)
    own = made.source(None)
    assert own is made.source(Identity())
    other = made.source(Identity(client_id="other"))
    assert other is made.source(Identity(client_id="other"))
    assert other is not own
    assert other is not made.source(Identity(client_id="other", tenant_id="elsewhere"))
    await made.aclose()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (AzureCredential.WORKLOAD_IDENTITY, WorkloadIdentityCredential),
        (AzureCredential.CLIENT_SECRET, WorkloadIdentityCredential),
        (AzureCredential.CLI, WorkloadIdentityCredential),
        (AzureCredential.DEFAULT, WorkloadIdentityCredential),
        (AzureCredential.MANAGED_IDENTITY, ManagedIdentityCredential),
    ],
)
async def test_a_targets_identity_never_uses_the_operators_secret(
    kind: AzureCredential, expected: type
) -> None:
    made = credentials(kind)
    source = made.source(Identity(client_id="other"))
    assert isinstance(source._credential, expected)
    await made.aclose()


def test_a_targets_identity_needs_the_token_file() -> None:
    made = credentials(
        AzureCredential.CLIENT_SECRET, environment=without("AZURE_FEDERATED_TOKEN_FILE")
    )
    made.source(None)
    with pytest.raises(AzureError, match="AZURE_FEDERATED_TOKEN_FILE"):
        made.source(Identity(client_id="other"))


def test_a_managed_identity_has_no_other_tenant() -> None:
    made = credentials(AzureCredential.MANAGED_IDENTITY)
    with pytest.raises(AzureError, match=r"spec\.identity\.tenantId") as caught:
        made.source(Identity(client_id="other", tenant_id="elsewhere"))
    assert caught.value.fault is AzureFault.NO_CREDENTIAL


class Failing:
    """A credential that cannot be had, and counts how often it was closed."""

    closed = 0

    async def get_token_info(self, *scopes: str, options: object = None) -> Any:
        raise FileNotFoundError("/var/run/secrets/azure/tokens/azure-identity-token\n")

    async def get_token(self, *scopes: str, **options: object) -> Any:
        raise FileNotFoundError("/var/run/secrets/azure/tokens/azure-identity-token\n")

    async def close(self) -> None:
        self.closed += 1


async def test_whatever_a_credential_raises_leaves_as_no_credential() -> None:
    made: list[Failing] = []

    def make() -> Any:
        made.append(Failing())
        return made[-1]

    source = TokenSource(make)
    for call in (source.get_token("scope"), source.get_token_info("scope")):
        with pytest.raises(AzureError, match="azure-identity-token") as caught:
            await call
        assert caught.value.fault is AzureFault.NO_CREDENTIAL
    await source.renew()
    await source.close()
    assert [each.closed for each in made] == [1, 1]
