"""Wiring: the only place that constructs the operator.

The health port is served before all else and as long as anything lives; Events are flushed late.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

from aks_access.azure.access import open_azure
from aks_access.election import CACHES, Election
from aks_access.engine.config import EngineConfig
from aks_access.engine.engine import Engine
from aks_access.engine.ports import Ports
from aks_access.kube.activations import KubeActivations
from aks_access.kube.client import KubeObjects
from aks_access.kube.connection import Access, Connection
from aks_access.kube.events import EventPoster
from aks_access.kube.ledger import KubeLedgers
from aks_access.lifecycle import Operator
from aks_access.ops.audit import LogAudit
from aks_access.ops.clock import SystemClock
from aks_access.ops.health import HealthServer, Liveness, Readiness, health_app
from aks_access.ops.metrics import PrometheusMetrics
from aks_access.ops.startup import KUBERNETES, RIGHTS
from aks_access.ops.watchdog import Watchdog
from aks_access.settings.table import Settings

log = logging.getLogger(__name__)


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
