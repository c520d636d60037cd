"""Reads of ARM for people's commands: any path, lists page by page, throttling waited out.

Only GET, and never for the operator, whose queue decides about a second try.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.mgmt.core import AsyncARMPipelineClient

from aks_access import __version__
from aks_access.azure.calls import Call
from aks_access.azure.clusters import ArmOptions
from aks_access.azure.credentials import Credentials, TokenSource
from aks_access.azure.links import leads_elsewhere, shown
from aks_access.azure.transport import open_session, policies, transport
from aks_access.azure.view import read_cluster
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.cluster import ClusterView
from aks_access.settings.table import Settings

TRIES: Final = 6
FIRST_WAIT: Final = 5.0
"""Seconds before the second try, doubled with each, where Azure names none."""

LONGEST_WAIT: Final = 120.0
_PASSING: Final = frozenset({AzureFault.THROTTLED, AzureFault.UNCERTAIN})
_UNCERTAIN_TRIES: Final = 2
_CLUSTERS: Final = "/providers/Microsoft.ContainerService/managedClusters"


def _silent(_seconds: float) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class ArmReads:
    """Reads with one credential.

    Attributes:
        on_wait: is told how many seconds are waited before another try.
        on_date: receives the `Date` of each answer.
    """

    client: Any
    options: ArmOptions
    source: TokenSource
    on_wait: Callable[[float], None] = _silent
    on_date: Callable[[datetime], None] = lambda _date: None

    async def get(self, path: str, *, api_version: str) -> Mapping[str, Any]:
        """The JSON object at an ARM path. Raises `AzureError`."""
        return await self._get(self._url(path, api_version=api_version))

    async def pages(self, path: str, *, api_version: str) -> AsyncIterator[Mapping[str, Any]]:
        """Every item of a list. Raises `AzureError`: also for a list that leads elsewhere, or on
        without end.
        """
        url = self._url(path, api_version=api_version)
        asked: set[str] = set()
        while url:
            asked.add(url)
            page = await self._get(url)
            items = page.get("value")
            if not isinstance(items, list):
                raise _odd("it has no list of values")
            for item in items:
                if isinstance(item, Mapping):
                    yield item
            url = self._next(page.get("nextLink"), asked=asked)

    def _next(self, link: object, *, asked: Set[str]) -> str:
        """The next page's URL; "" after the last."""
        if not link:
            return ""
        if not isinstance(link, str):
            raise _odd("nextLink is no text")
        if leads_elsewhere(link, endpoint=self.options.endpoint):
            raise _refused(
                f"goes on at {shown(link)}, which is not on {self.options.endpoint}: no token is "
                "sent there"
            )
        if link in asked:
            raise _refused(f"goes on at {shown(link)} again, which was read already")
        return link

    async def clusters(self, scope: str) -> list[str]:
        """ARM ids of the managed clusters in a subscription or resource group, sorted.

        Nothing else is taken from the list: AKS leaves the authorized ranges out of it.
        """
        path = f"{scope}{_CLUSTERS}"
        found = [
            each["id"]
            async for each in self.pages(path, api_version=self.options.api_version)
            if isinstance(each.get("id"), str)
        ]
        return sorted(found, key=str.lower)

    async def cluster(self, resource_id: str) -> ClusterView:
        """One cluster. Raises `AzureError`."""
        body = await self.get(resource_id, api_version=self.options.api_version)
        return read_cluster(body, resource_id=resource_id)

    async def token(self) -> str:
        """The token that Azure is asked with; a secret."""
        return (await self.source.get_token(self.options.scope)).token

    def _url(self, path: str, *, api_version: str) -> str:
        url: str = self.client.format_url(f"{quote(path)}?api-version={api_version}")
        return url

    async def _get(self, url: str) -> Mapping[str, Any]:
        wait = FIRST_WAIT
        for left in reversed(range(TRIES)):
            try:
                return await self._once(url)
            except AzureError as error:
                tried = TRIES - left
                uncertain = error.fault is AzureFault.UNCERTAIN
                if error.fault not in _PASSING or not left:
                    raise
                if uncertain and tried >= _UNCERTAIN_TRIES:
                    raise
                seconds = min(error.retry_after or (1.0 if uncertain else wait), LONGEST_WAIT)
                wait *= 2
                self.on_wait(seconds)
                await asyncio.sleep(seconds)
        raise AssertionError("the last try returns or raises")

    async def _once(self, url: str) -> Mapping[str, Any]:
        call = Call(
            operation="get",
            seconds=self.options.get_timeout,
            on_date=self.on_date,
            on_call=lambda **_told: None,
        )

        async def request() -> Mapping[str, Any]:
            answer = await self.client.send_request(HttpRequest("GET", url), **call.hooks())
            if answer.status_code != 200:
                raise HttpResponseError(response=answer)
            body = answer.json()
            if not isinstance(body, Mapping):
                raise _odd("it is no JSON object")
            return body

        return await call.run(request())


def _odd(what: str) -> AzureError:
    return AzureError(f"Azure's answer cannot be read: {what}.", fault=AzureFault.UNCERTAIN)


def _refused(what: str) -> AzureError:
    return AzureError(f"Azure's list {what}.", fault=AzureFault.REFUSED)


@asynccontextmanager
async def open_reads(
    *,
    settings: Settings,
    environment: Mapping[str, str],
    on_wait: Callable[[float], None] = _silent,
    on_date: Callable[[datetime], None] = lambda _date: None,
) -> AsyncIterator[ArmReads]:
    """Reads for as long as the context lasts. Raises `AzureError` without a credential."""
    options = ArmOptions.of(settings, user_agent=f"aks-access/{__version__}")
    credentials = Credentials.of(settings, environment=environment)
    session: aiohttp.ClientSession = open_session(ca_file=options.ca_file)
    try:
        source = credentials.source(None)
        await source.get_token(options.scope)  # a missing log-in is one error, not one per cluster
        client: Any = AsyncARMPipelineClient(
            base_url=options.endpoint,
            transport=transport(
                session,
                connect_timeout=options.connect_timeout,
                read_timeout=options.get_timeout,
            ),
            policies=policies(
                credential=source, scope=options.scope, user_agent=options.user_agent
            ),
        )
        yield ArmReads(
            client=client, options=options, source=source, on_wait=on_wait, on_date=on_date
        )
    finally:
        await session.close()
        await credentials.aclose()
