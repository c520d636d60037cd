"""The Lease, and what happens while it is held: the engine leads, and lists are made anew."""

import asyncio
import logging

from aks_access.engine.engine import Engine
from aks_access.engine.ports import Kind
from aks_access.errors import KubeError
from aks_access.kube.connection import Connection
from aks_access.kube.lease import LeaseElector, LeaseTiming
from aks_access.kube.leases import KubeLeases
from aks_access.kube.relist import Relist
from aks_access.ops.health import Liveness, Readiness
from aks_access.ops.metrics import PrometheusMetrics
from aks_access.settings.table import Settings

log = logging.getLogger(__name__)

CACHES = "caches"
"""Name of the check that every kind was listed."""


class Election:
    """Stands for election and serves the engine; see the module."""

    def __init__(
        self,
        *,
        settings: Settings,
        connection: Connection,
        metrics: PrometheusMetrics,
        liveness: Liveness,
        readiness: Readiness,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._liveness = liveness
        self._readiness = readiness
        self._relist = Relist(connection=connection)
        self._engine: Engine | None = None
        self._elector = LeaseElector(
            leases=KubeLeases(
                connection=connection, namespace=settings.namespace, name=settings.lease_name
            ),
            identity=settings.identity,
            on_started=self._lead,
            on_stopped=self._rest,
            timing=LeaseTiming(
                duration=settings.lease_duration,
                renew_deadline=settings.renew_deadline,
                retry_period=settings.retry_period,
            ),
        )

    def remaining(self) -> float:
        """See `ports.Leadership`."""
        return self._elector.remaining()

    def serve(self, engine: Engine) -> None:
        """The engine that works while the Lease is held."""
        self._engine = engine

    async def run(self) -> None:
        """Stand for election until `stop`, with complete lists from time to time beside it."""
        sweeping = asyncio.create_task(self._sweep(), name="relist")
        try:
            await self._elector.run()
        finally:
            sweeping.cancel()
            await asyncio.wait([sweeping])

    def stop(self) -> None:
        """Give the Lease back and end."""
        self._elector.stop()

    async def relist(self) -> bool:
        """Complete lists of every kind into the store; False where one failed."""
        assert self._engine is not None
        failures = await self._relist.relist(feed=self._engine.store)
        for kind in Kind:
            failed = kind in failures
            self._liveness.relisted(kind.value, failed=failed)
            self._metrics.relisted(kind=kind.value, failed=failed)
            if failed:
                log.warning("the list of %s failed: %s", kind, failures[kind])
        self._readiness.report(
            CACHES,
            passed=not failures,
            detail="; ".join(
                f"the list of {kind} failed ({error}), so nothing but what ends by the clock "
                "is taken away; check the API server and the operator's rights"
                for kind, error in failures.items()
            ),
        )
        return not failures

    async def _sweep(self) -> None:
        assert self._engine is not None
        while True:
            complete = self._engine.store.complete
            await asyncio.sleep(
                self._settings.relist_interval if complete else self._settings.retry_period
            )
            await self.refresh()

    async def refresh(self) -> None:
        """List everything once more, beside the lists that come in time."""
        assert self._engine is not None
        try:
            await self._engine.refresh(relist=self.relist)
        except Exception:
            log.exception("a complete list failed; the next one comes in time")

    async def _lead(self) -> None:
        assert self._engine is not None
        while True:
            try:
                await self._engine.lead(relist=self.relist, unattended=self._elector.unattended)
            except KubeError as error:
                log.warning("the start as leader failed and is tried again: %s", error)
                await asyncio.sleep(self._settings.retry_period)
            else:
                return

    async def _rest(self) -> None:
        assert self._engine is not None
        await self._engine.stop(grace=self._settings.shutdown_grace)
