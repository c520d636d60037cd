"""AKS clusters through ARM: `engine.ports.Clusters` on azure-mgmt-containerservice.

Every call is one request with a deadline, sent once; whoever calls decides whether to try again.
A write always carries `If-Match`, so it can neither overtake a change nor create a cluster, and is
refused here, before anything is sent, where its list would open the cluster.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import aiohttp
from azure.core import MatchConditions
from azure.core.rest import HttpRequest
from azure.mgmt.containerservice.aio import ContainerServiceClient

from aks_access.api.arm import ArmId, ArmIdError
from aks_access.azure.body import with_ranges
from aks_access.azure.calls import Call, CallObserver, Result
from aks_access.azure.credentials import OPERATOR, Credentials
from aks_access.azure.operations import refuse_elsewhere, state_of
from aks_access.azure.transport import open_session, policies, transport
from aks_access.azure.view import read_cluster
from aks_access.engine.ports import ClusterRef, OperationState, WriteAccepted
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.cluster import ClusterView
from aks_access.plan.model import Identity
from aks_access.settings.table import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOptions:
    """Where ARM is, and how long to wait for it.

    Attributes:
        endpoint: base URL, `https://management.azure.com`.
        scope: scope of the tokens.
        api_version: of Microsoft.ContainerService.
        ca_file: certificate authorities to trust; None = the system's.
        user_agent: the product's name and version, put before the SDK's.
        connect_timeout: seconds for a connection.
        get_timeout: seconds for a read, token included.
        put_timeout: seconds for a write, token included.
    """

    endpoint: str
    scope: str
    api_version: str
    ca_file: Path | None = None
    user_agent: str = "aks-access-operator"
    connect_timeout: float = 10.0
    get_timeout: float = 30.0
    put_timeout: float = 20.0

    @classmethod
    def of(cls, settings: Settings, *, user_agent: str) -> Self:
        """Those of the settings."""
        return cls(
            endpoint=settings.azure_endpoint,
            scope=settings.azure_scope,
            api_version=settings.azure_api_version,
            ca_file=settings.azure_ca_file,
            user_agent=user_agent,
            put_timeout=settings.put_timeout,
        )


def _ignore_date(date: datetime) -> None:
    """Observe nothing."""


def _ignore_call(*, operation: str, outcome: str, seconds: float) -> None:
    """Observe nothing."""


class ArmClusters:
    """`engine.ports.Clusters`; one SDK client for each subscription and identity.

    Args:
        options: endpoint and deadlines.
        credentials: where tokens come from; stays its owner's.
        on_date: receives the `Date` of each answer.
        on_call: is told about each call.
    """

    def __init__(
        self,
        *,
        options: ArmOptions,
        credentials: Credentials,
        on_date: Callable[[datetime], None] = _ignore_date,
        on_call: CallObserver = _ignore_call,
    ) -> None:
        self._options = options
        self._credentials = credentials
        self._on_date = on_date
        self._on_call = on_call
        self._session: aiohttp.ClientSession | None = None
        self._clients: dict[tuple[str, Identity], ContainerServiceClient] = {}

    async def get(self, *, ref: ClusterRef) -> ClusterView:
        """Read the cluster (one ARM read)."""
        call = self._call("get", seconds=self._options.get_timeout)

        async def request() -> ClusterView:
            arm_id = _arm_id(ref)
            body: object = await self._client(ref, arm_id).managed_clusters.get(
                arm_id.group, arm_id.name, cls=_json_of, **call.hooks()
            )
            return read_cluster(body, resource_id=ref.resource_id)

        return await self._run(call, ref=ref, request=request())

    async def put_ranges(
        self, *, ref: ClusterRef, view: ClusterView, ranges: Sequence[str]
    ) -> WriteAccepted:
        """Write the list over the cluster as `view` read it, once.

        Raises `UnsafeWrite` before anything is sent, where invariant I1 forbids the list or the
        view is another cluster's.
        """
        body = with_ranges(view=view, resource_id=ref.resource_id, ranges=ranges)
        call = self._call("put", seconds=self._options.put_timeout)
        tag = _bare(view.etag)

        async def request() -> WriteAccepted:
            arm_id = _arm_id(ref)
            await self._client(ref, arm_id).managed_clusters.begin_create_or_update(
                arm_id.group,
                arm_id.name,
                body,
                etag=tag or None,
                match_condition=MatchConditions.IfNotModified if tag else MatchConditions.IfPresent,
                polling=False,
                **call.hooks(),
            )
            return WriteAccepted(operation_url=call.headers.get("azure-asyncoperation"))

        return await self._run(call, ref=ref, request=request())

    async def operation(self, *, ref: ClusterRef, url: str) -> OperationState:
        """Ask how the operation behind an accepted write stands.

        Raises `AzureError` (REFUSED) without asking, where the URL is not ARM's.
        """
        call = self._call("operation", seconds=self._options.get_timeout)

        async def request() -> OperationState:
            refuse_elsewhere(url, endpoint=self._options.endpoint)
            client = self._client(ref, _arm_id(ref))
            return state_of(await client.send_request(HttpRequest("GET", url), **call.hooks()))

        return await self._run(call, ref=ref, request=request())

    async def aclose(self) -> None:
        """Close the connections; the credentials stay their owner's."""
        self._clients.clear()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _call(self, operation: str, *, seconds: float) -> Call:
        return Call(
            operation=operation, seconds=seconds, on_date=self._on_date, on_call=self._on_call
        )

    async def _run(self, call: Call, *, ref: ClusterRef, request: Awaitable[Result]) -> Result:
        try:
            return await call.run(request)
        except AzureError as error:
            if error.status == 401:
                # azure-identity would serve the same token again until its end.
                await self._credentials.source(ref.identity).renew()
            raise

    def _client(self, ref: ClusterRef, arm_id: ArmId) -> ContainerServiceClient:
        key = (arm_id.subscription.lower(), ref.identity or OPERATOR)
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = self._new_client(arm_id.subscription, ref.identity)
        return client

    def _new_client(self, subscription: str, identity: Identity | None) -> ContainerServiceClient:
        source, options = self._credentials.source(identity), self._options
        if self._session is None:
            self._session = open_session(ca_file=options.ca_file)
        return ContainerServiceClient(
            source,
            subscription,
            base_url=options.endpoint,
            credential_scopes=[options.scope],
            api_version=options.api_version,
            transport=transport(
                self._session,
                connect_timeout=options.connect_timeout,
                read_timeout=max(options.get_timeout, options.put_timeout),
            ),
            policies=policies(
                credential=source, scope=options.scope, user_agent=options.user_agent
            ),
        )


def _arm_id(ref: ClusterRef) -> ArmId:
    try:
        return ArmId.parse(ref.resource_id)
    except ArmIdError as error:
        raise AzureError(f"{error}.", fault=AzureFault.REFUSED) from error


def _json_of(response: Any, _model: object, _headers: object) -> object:
    return response.http_response.json()


def _bare(etag: str | None) -> str:
    """The eTag without quotes, for the SDK to quote; "" where it can be no header's value."""
    bare = (etag or "").strip().removeprefix("W/").strip('"')
    return bare if bare.isascii() and bare.isprintable() and '"' not in bare else ""
