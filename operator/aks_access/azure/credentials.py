"""Where tokens come from: settings and `AZURE_*` variables to azure-identity's credentials.

One instance for each identity, because azure-identity caches tokens per instance. Every failure to
get a token leaves as `AzureError(NO_CREDENTIAL)` with what is missing and the way out: at that
point nothing was sent to Azure, and the caller must know.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.identity.aio import (
    AzureCliCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from aks_access.azure.errors import clean
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.model import Identity
from aks_access.settings.azure import AzureCredential
from aks_access.settings.table import Settings

AnyCredential = (
    AzureCliCredential
    | ClientSecretCredential
    | DefaultAzureCredential
    | ManagedIdentityCredential
    | WorkloadIdentityCredential
)

_Token = TypeVar("_Token")

OPERATOR: Final = Identity()
CLIENT_ID: Final = "AZURE_CLIENT_ID"
TENANT_ID: Final = "AZURE_TENANT_ID"
CLIENT_SECRET: Final = "AZURE_CLIENT_SECRET"
TOKEN_FILE: Final = "AZURE_FEDERATED_TOKEN_FILE"

_WEBHOOK: Final = (
    "label the pods azure.workload.identity/use=true and annotate the ServiceAccount with "
    "azure.workload.identity/client-id (the workload identity webhook sets the variable then), or "
    "choose another --azure-credential"
)
_REMEDIES: Final[Mapping[str, str]] = {
    TOKEN_FILE: _WEBHOOK,
    CLIENT_ID: f"set it, or {_WEBHOOK}",
    TENANT_ID: f"set it, or {_WEBHOOK}",
    CLIENT_SECRET: "set it from a Secret, or choose another --azure-credential",
}


class TokenSource:
    """One identity's credential, as the SDK takes it (`AsyncTokenCredential`)."""

    def __init__(self, make: Callable[[], AnyCredential]) -> None:
        self._make = make
        self._credential = make()
        self._lock = asyncio.Lock()

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Get a token; raises `AzureError` (NO_CREDENTIAL)."""
        async with self._lock:
            return await _or_refusal(
                self._credential.get_token(
                    *scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae, **kwargs
                )
            )

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Get a token with its details; raises `AzureError` (NO_CREDENTIAL)."""
        async with self._lock:
            return await _or_refusal(self._credential.get_token_info(*scopes, options=options))

    async def renew(self) -> None:
        """Forget the cached tokens, after Azure refused one before its end (401)."""
        async with self._lock:
            old, self._credential = self._credential, self._make()
            await old.close()

    async def close(self) -> None:
        """Close the connections to Entra ID."""
        await self._credential.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


class Credentials:
    """Makes and keeps a `TokenSource` for each identity.

    Args:
        kind: the operator's own credential; another identity always is a workload identity, but
            with `managed-identity`, where it is that of another client id.
        authority: Entra ID, `https://…`.
        instance_discovery: whether the authority is checked against Microsoft's list.
        ca_file: certificate authorities to trust; None = the system's.
        environment: where the `AZURE_*` variables are read. Proxies, and what `default` looks at,
            azure-identity reads from the process's own.
        timeout: seconds for connecting to Entra ID and for its answer, each.
    """

    def __init__(
        self,
        *,
        kind: AzureCredential,
        authority: str,
        environment: Mapping[str, str],
        instance_discovery: bool = True,
        ca_file: Path | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._kind = kind
        self._environment = environment
        self._transport: dict[str, Any] = {
            "connection_timeout": timeout,
            "read_timeout": timeout,
            "retry_total": 1,
        }
        if ca_file is not None:
            self._transport["connection_verify"] = str(ca_file)
        self._entra: dict[str, Any] = {
            **self._transport,
            "authority": authority,
            "disable_instance_discovery": not instance_discovery,
        }
        self._sources: dict[Identity, TokenSource] = {}

    @classmethod
    def of(cls, settings: Settings, *, environment: Mapping[str, str]) -> Self:
        """Those of the settings."""
        return cls(
            kind=settings.azure_credential,
            authority=settings.azure_authority,
            instance_discovery=settings.azure_instance_discovery,
            ca_file=settings.azure_ca_file,
            environment=environment,
        )

    def source(self, identity: Identity | None) -> TokenSource:
        """The credential of an identity, None = the operator's own.

        Raises `AzureError` (NO_CREDENTIAL) whose sentence names the variable that is missing.
        """
        wanted = identity or OPERATOR
        source = self._sources.get(wanted)
        if source is None:
            source = TokenSource(self._factory(wanted))
            self._sources[wanted] = source
        return source

    async def aclose(self) -> None:
        """Close every credential; new ones can be had afterwards."""
        sources, self._sources = list(self._sources.values()), {}
        for source in sources:
            await source.close()

    def _factory(self, identity: Identity) -> Callable[[], AnyCredential]:
        """How to make the credential; whatever is missing is said now."""
        kind = self._kind
        if kind is AzureCredential.MANAGED_IDENTITY:
            return self._managed_identity(identity)
        if identity != OPERATOR or kind is AzureCredential.WORKLOAD_IDENTITY:
            return self._workload_identity(identity)
        if kind is AzureCredential.CLIENT_SECRET:
            return self._client_secret()
        if kind is AzureCredential.CLI:
            return AzureCliCredential
        return lambda: DefaultAzureCredential(**self._entra)

    def _workload_identity(self, identity: Identity) -> Callable[[], AnyCredential]:
        token_file = self._variable(TOKEN_FILE)
        client_id = identity.client_id or self._variable(CLIENT_ID)
        tenant_id = identity.tenant_id or self._variable(TENANT_ID)
        return lambda: WorkloadIdentityCredential(
            tenant_id=tenant_id, client_id=client_id, token_file_path=token_file, **self._entra
        )

    def _client_secret(self) -> Callable[[], AnyCredential]:
        tenant_id, client_id = self._variable(TENANT_ID), self._variable(CLIENT_ID)
        secret = self._variable(CLIENT_SECRET)
        return lambda: ClientSecretCredential(tenant_id, client_id, secret, **self._entra)

    def _managed_identity(self, identity: Identity) -> Callable[[], AnyCredential]:
        if identity.tenant_id is not None:
            raise AzureError(
                f"The identity names tenant {identity.tenant_id}, and a managed identity belongs "
                "to the subscription's own. Remove spec.identity.tenantId, or run the operator "
                "with --azure-credential=workload-identity.",
                fault=AzureFault.NO_CREDENTIAL,
            )
        client_id = identity.client_id or self._environment.get(CLIENT_ID) or None
        return lambda: ManagedIdentityCredential(client_id=client_id, **self._transport)

    def _variable(self, name: str) -> str:
        value = self._environment.get(name, "").strip()
        if not value:
            raise AzureError(
                f"No token for Azure can be had: the variable {name} is not set. Please "
                f"{_REMEDIES[name]}.",
                fault=AzureFault.NO_CREDENTIAL,
            )
        return value


async def _or_refusal(request: Awaitable[_Token]) -> _Token:
    try:
        return await request
    except AzureError:
        raise
    except Exception as error:
        words = clean(getattr(error, "message", "") or str(error)) or type(error).__name__
        raise AzureError(
            f"No token for Azure could be had: {words}", fault=AzureFault.NO_CREDENTIAL
        ) from error
