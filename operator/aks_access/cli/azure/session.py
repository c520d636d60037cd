"""Azure for people's commands: as whom it is asked, and the way from a command to the reads.

Imports nothing of Azure until something is asked.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from aks_access.cli.terminal.saying import say
from aks_access.errors import AzureError, AzureFault, StartupError
from aks_access.settings.azure import AzureCredential
from aks_access.settings.table import SETTINGS, Settings

if TYPE_CHECKING:
    from aks_access.azure.reads import ArmReads

Answer = TypeVar("Answer")

_CREDENTIAL = "AKS_ACCESS_AZURE_CREDENTIAL"
_WEBHOOK = "AZURE_FEDERATED_TOKEN_FILE"


def azure_settings(environment: Mapping[str, str]) -> Settings:
    """How Azure is reached: by the variables of the operator's settings.

    People are who `az login` says; in a pod the workload identity is. Raises SettingsError.
    """
    names = {each.variable for each in SETTINGS if each.name.startswith("azure-")}
    known = {name: value for name, value in environment.items() if name in names}
    if "AZURE_AUTHORITY_HOST" in environment:
        known["AZURE_AUTHORITY_HOST"] = environment["AZURE_AUTHORITY_HOST"]
    if not known.get(_CREDENTIAL) and not environment.get(_WEBHOOK):
        known[_CREDENTIAL] = AzureCredential.CLI.value
    return Settings.load(given={}, environment=known)


def with_azure(
    ask: "Callable[[ArmReads], Awaitable[Answer]]",
    *,
    on_date: Callable[[datetime], None] = lambda _date: None,
) -> Answer:
    """Ask Azure. Raises `AzureError`, StartupError without a log-in, SettingsError."""
    settings = azure_settings(os.environ)
    logging.getLogger("azure").addHandler(logging.NullHandler())  # what it says comes as an error
    from aks_access.azure.reads import open_reads

    async def main() -> Answer:
        async with open_reads(
            settings=settings, environment=os.environ, on_wait=_waits, on_date=on_date
        ) as reads:
            return await ask(reads)

    try:
        return asyncio.run(main())
    except AzureError as error:
        if error.fault is not AzureFault.NO_CREDENTIAL:
            raise
        way = (
            "Run: az login"
            if settings.azure_credential is AzureCredential.CLI
            else f"{_CREDENTIAL} is {settings.azure_credential}: see the settings' page"
        )
        raise StartupError(f"{error.message.rstrip('.')}. {way}") from error


def _waits(seconds: float) -> None:
    say(f"Azure is asked again in {seconds:g} s …")
