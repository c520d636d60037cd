"""What of Azure the operator opens once: credentials, clusters, and the start's checks."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import aiohttp

from aks_access import __version__
from aks_access.azure.calls import CallObserver
from aks_access.azure.clusters import ArmClusters, ArmOptions
from aks_access.azure.credentials import Credentials
from aks_access.azure.transport import open_session
from aks_access.errors import AzureError, AzureFault
from aks_access.settings.table import Settings

PING: Final = "/metadata/endpoints?api-version=2019-05-01"
"""An ARM path that answers without a token (Azure documentation: metadata endpoints)."""


@dataclass(frozen=True, slots=True)
class AzureAccess:
    """Open access to Azure; also the start's `AzureProbe`."""

    clusters: ArmClusters
    credentials: Credentials
    options: ArmOptions

    async def check_credential(self) -> None:
        """Obtain a token for Azure Resource Manager; raises `AzureError`."""
        await self.credentials.source(None).get_token(self.options.scope)

    async def check_endpoint(self) -> None:
        """Get any answer from Azure Resource Manager; raises `AzureError`."""
        timeout = aiohttp.ClientTimeout(total=self.options.connect_timeout)
        try:
            async with (
                open_session(ca_file=self.options.ca_file) as session,
                session.get(self.options.endpoint.rstrip("/") + PING, timeout=timeout) as answer,
            ):
                await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            words = str(error) or type(error).__name__
            raise AzureError(words, fault=AzureFault.UNCERTAIN) from error


@asynccontextmanager
async def open_azure(
    *,
    settings: Settings,
    environment: Mapping[str, str],
    on_date: Callable[[datetime], None],
    on_call: CallObserver,
) -> AsyncIterator[AzureAccess]:
    """Access to Azure for as long as the context lasts."""
    options = ArmOptions.of(settings, user_agent=f"aks-access-operator/{__version__}")
    credentials = Credentials.of(settings, environment=environment)
    clusters = ArmClusters(
        options=options, credentials=credentials, on_date=on_date, on_call=on_call
    )
    try:
        yield AzureAccess(clusters=clusters, credentials=credentials, options=options)
    finally:
        await clusters.aclose()
        await credentials.aclose()
