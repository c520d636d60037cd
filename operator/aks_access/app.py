"""Wiring: the only place that constructs the operator, and the order in which it lives and dies.

Start: health port, API server, what it must serve, caches, then the election. Stop: the engine
gives what runs a moment, the Lease is given back, the watches end, Events are flushed.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aks_access import __version__
from aks_access.azure.access import AzureAccess, open_azure
from aks_access.election import CACHES, Election
from aks_access.engine.config import EngineConfig
from aks_access.engine.engine import Engine
from aks_access.engine.ports import Ports
from aks_access.errors import KubeError
from aks_access.exits import ExitCode
from aks_access.kube.activations import KubeActivations
from aks_access.kube.client import KubeObjects
from aks_access.kube.connection import Access, Connection
from aks_access.kube.discovery import Discovery
from aks_access.kube.events import EventPoster
from aks_access.kube.informer import Informer
from aks_access.kube.ledger import KubeLedgers
from aks_access.kube.watches import Watches
from aks_access.ops.audit import LogAudit
from aks_access.ops.clock import SystemClock
from aks_access.ops.health import HealthServer, Liveness, Readiness, health_app
from aks_access.ops.metrics import PrometheusMetrics
from aks_access.ops.startup import (
    KUBERNETES,
    RIGHTS,
    Teller,
    wait_for_kubernetes,
    watch_azure,
    watch_rights,
)
from aks_access.ops.watchdog import Watchdog
from aks_access.settings.forms import format_seconds
from aks_access.settings.table import Settings

log = logging.getLogger(__name__)

WATCHES = "watches"
"""Name of the check."""


async def run(settings: Settings) -> int:
    """Run the operator until SIGTERM or SIGINT; returns the exit code.

    Raises `StartupError` where something needed cannot be had.
    """
    async with AsyncExitStack() as stack:
        stopping = asyncio.Event()
        _on_signals(stopping)
        operator = await _assemble(settings=settings, stack=stack)
        return await operator.run(stopping)


def _on_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)


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


async def _assemble(*, settings: Settings, stack: AsyncExitStack) -> Operator:
    clock, metrics = SystemClock(), PrometheusMetrics()
    metrics.clock_in_doubt(clock.in_doubt)
    watchdog = Watchdog(limit=settings.lease_duration)
    liveness = Liveness(
        beat_age=watchdog.age,
        beat_limit=settings.lease_duration,
        relist_interval=settings.relist_interval,
    )
    readiness = Readiness(KUBERNETES, RIGHTS, CACHES)
    await stack.enter_async_context(_watched(watchdog))
    health = HealthServer(
        app=health_app(liveness=liveness, readiness=readiness, registry=metrics.registry),
        host=settings.health_host,
        port=settings.health_port,
    )
    port = await health.start()
    stack.push_async_callback(health.stop)
    log.info("health and metrics are served", extra={"port": port})
    access = Access(
        kubeconfig=str(settings.kubeconfig) if settings.kubeconfig else None,
        context=settings.context,
    )

    def on_kube_date(date: datetime) -> None:
        clock.observe(date, source="the API server")

    connection = await stack.enter_async_context(
        await Connection.open(access=access, on_date=on_kube_date)
    )

    def on_azure_date(date: datetime) -> None:
        clock.observe(date, source="ARM")

    azure = await stack.enter_async_context(
        open_azure(
            settings=settings,
            environment=os.environ,
            on_date=on_azure_date,
            on_call=metrics.arm_called,
        )
    )
    events = EventPoster(
        connection=connection, instance=settings.identity, on_lost=metrics.event_lost
    )
    events.start()
    stack.push_async_callback(events.stop)
    election = Election(
        settings=settings,
        connection=connection,
        metrics=metrics,
        liveness=liveness,
        readiness=readiness,
    )
    leading = connection.fenced(election.remaining)
    engine = Engine(
        ports=Ports(
            clusters=azure.clusters,
            objects=KubeObjects(connection=leading),
            ledgers=KubeLedgers(connection=leading, namespace=settings.namespace),
            activations=KubeActivations(connection=leading, namespace=settings.namespace),
            events=events,
            leadership=election,
            clock=clock,
            audit=LogAudit(),
            metrics=metrics,
        ),
        config=engine_config(settings),
    )
    election.serve(engine)
    return Operator(
        settings=settings,
        connection=connection,
        access=access,
        azure=azure,
        engine=engine,
        readiness=readiness,
        metrics=metrics,
        elector=election,
    )


def engine_config(settings: Settings) -> EngineConfig:
    """The engine's part of the settings."""
    return EngineConfig(
        first_poll=settings.first_poll,
        poll=settings.poll_interval,
        drift=settings.drift_interval,
        put_timeout=settings.put_timeout,
        revocation_bound=timedelta(seconds=settings.revocation_bound),
        retention=timedelta(seconds=settings.retention),
        settle=settings.settle_window,
        settle_limit=settings.settle_limit,
        pace=settings.pace,
        management_egress=settings.management_egress,
        argo_instance_label=settings.argocd_instance_label,
        workers=settings.workers,
    )


@asynccontextmanager
async def _watched(watchdog: Watchdog) -> AsyncIterator[None]:
    watchdog.start()
    feeding = asyncio.create_task(watchdog.feed(), name="watchdog")
    try:
        yield
    finally:
        feeding.cancel()
        await asyncio.wait([feeding])
        watchdog.stop()
