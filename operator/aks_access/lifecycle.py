"""The operator's life: the order in which its parts begin, and in which they end.

Start: the API server, what it must serve, caches, then the election. Stop: the engine gives what
runs a moment, the Lease is given back, the watches end.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aks_access import __version__
from aks_access.azure.access import AzureAccess
from aks_access.election import Election
from aks_access.engine.engine import Engine
from aks_access.errors import KubeError
from aks_access.exits import ExitCode
from aks_access.kube.connection import Access, Connection
from aks_access.kube.discovery import Discovery
from aks_access.kube.informer import Informer
from aks_access.kube.watches import Watches
from aks_access.ops.health import Readiness
from aks_access.ops.metrics import PrometheusMetrics
from aks_access.ops.startup import Teller, wait_for_kubernetes, watch_azure, watch_rights
from aks_access.settings.forms import format_seconds
from aks_access.settings.table import Settings

log = logging.getLogger(__name__)

WATCHES = "watches"
"""Name of the check."""


@dataclass(slots=True)
class Operator:
    """Everything that runs."""

    settings: Settings
    connection: Connection
    access: Access
    azure: AzureAccess
    engine: Engine
    readiness: Readiness
    metrics: PrometheusMetrics
    elector: Election

    async def run(self, stopping: asyncio.Event) -> int:
        """Wait for the API server, fill the caches, stand for election; end when told to."""
        log.info("aks-access-operator %s starts", __version__)
        teller = Teller()
        startup = asyncio.create_task(self._startup(teller))
        if not await _until(startup, stopping):
            return ExitCode.OK
        watches = asyncio.create_task(self._watches().run(), name="watches")
        watching = asyncio.create_task(self._watch(teller), name="checks")
        election = asyncio.create_task(self.elector.run(), name="election")
        # A leader lists again when it acquires; nobody waits for this first list.
        listing = asyncio.create_task(self.elector.relist(), name="first list")
        stop = asyncio.create_task(stopping.wait())
        for each in (watching, listing):
            each.add_done_callback(_tell_failure)
        try:
            ends: list[asyncio.Future[object]] = [election, stop, watches]  # type: ignore[list-item]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in (election, watches):
                if task.done() and task.exception() is not None:
                    log.critical("the %s failed: %s", task.get_name(), task.exception())
            return ExitCode.OK if stop.done() else ExitCode.FAILED
        finally:
            self.elector.stop()
            for each in (watching, listing, stop):
                each.cancel()
            await asyncio.wait([election, watching, listing, stop])
            watches.cancel()
            await asyncio.wait([watches])
            log.info("stopped")

    def _watches(self) -> Watches:
        """The informer, begun anew when it ends; what it missed meanwhile is listed."""

        async def ready() -> None:
            await self._startup(Teller())

        def ended(problem: KubeError) -> None:
            self.metrics.watches_ended()
            self.readiness.report(
                WATCHES,
                passed=False,
                detail=f"{problem}; they start again by themselves, and lists every "
                f"{format_seconds(self.settings.relist_interval)} find what changes meanwhile",
            )

        async def settled() -> None:
            log.info("the watches run again")
            self.readiness.report(WATCHES, passed=True)
            await self.elector.refresh()

        return Watches(
            make=lambda: Informer(
                access=self.access,
                feed=self.engine.store,
                idle_timeout=self.settings.watch_idle_timeout,
            ),
            on_ended=ended,
            ready=ready,
            on_settled=settled,
        )

    async def _watch(self, teller: Teller) -> None:
        """Say what is missing beside the work, until nothing is."""
        await asyncio.gather(
            watch_rights(
                probe=self._discovery(),
                server=self.connection.host,
                namespace=self.settings.namespace,
                readiness=self.readiness,
                teller=Teller(),
            ),
            watch_azure(
                probe=self.azure,
                endpoint=self.settings.azure_endpoint,
                readiness=self.readiness,
                teller=teller,
            ),
        )

    def _discovery(self) -> Discovery:
        return Discovery(connection=self.connection, lease=self.settings.lease_name)

    async def _startup(self, teller: Teller) -> None:
        await wait_for_kubernetes(
            probe=self._discovery(),
            server=self.connection.host,
            namespace=self.settings.namespace,
            readiness=self.readiness,
            teller=teller,
        )


def _tell_failure(task: asyncio.Task[Any]) -> None:
    """The process goes on without it, but not without a word."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("the %s ended in an error", task.get_name(), exc_info=error)


async def _until(task: asyncio.Task[None], stopping: asyncio.Event) -> bool:
    """Wait for the task; False where the process is told to stop first."""
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
    done = task.done()
    for each in (task, stop):
        each.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return done
