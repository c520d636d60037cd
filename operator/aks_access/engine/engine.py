"""The engine: store, queues and reconcilers put together, running while the Lease is held.

Followers keep the store warm and do nothing else. A new leader trusts only lists that began after
it acquired the Lease, and looks at every target and every ledger before anything is believed gone.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from aks_access.engine.activations import forgettable
from aks_access.engine.assembly import grant_reconciler, target_reconciler
from aks_access.engine.board import Board
from aks_access.engine.config import EngineConfig
from aks_access.engine.hints import Hints
from aks_access.engine.ports import Ports
from aks_access.engine.queue import WorkQueue
from aks_access.engine.rangesets import RangeSetReconciler
from aks_access.engine.routing import Router
from aks_access.engine.store import Changed, Store
from aks_access.engine.workers import Workers
from aks_access.engine.worlds import Worlds
from aks_access.errors import KubeError
from aks_access.plan.model import ClusterKey, GrantUid, Target

log = logging.getLogger(__name__)

Relist = Callable[[], Awaitable[bool]]
"""Reads complete lists of every kind into the store; False where one failed."""


class Engine:
    """See the module. `store` is to be fed from the moment of construction."""

    def __init__(self, *, ports: Ports, config: EngineConfig) -> None:
        self._ports = ports
        self._config = config
        self._leading = False
        self._owed = False
        """Whether everything is to be looked at once the view is whole."""
        self.store = Store(on_change=self._changed, argo_instance_label=config.argo_instance_label)
        self._worlds = Worlds(store=self.store, clock=ports.clock, config=config)
        self.board = Board(on_change=self._reported)
        self._workers = Workers(metrics=ports.metrics)
        self._build()

    def _build(self) -> None:
        ports, config = self._ports, self._config
        self._target_queue: WorkQueue[ClusterKey] = WorkQueue(
            settle=config.settle, settle_limit=config.settle_limit
        )
        self._grant_queue: WorkQueue[GrantUid] = WorkQueue()
        self._set_queue: WorkQueue[str] = WorkQueue()
        self._router = Router(
            worlds=self._worlds,
            board=self.board,
            targets=self._target_queue,
            grants=self._grant_queue,
            range_sets=self._set_queue,
            hints=Hints(settle=config.settle, settle_limit=config.settle_limit),
        )
        self._targets = target_reconciler(
            ports=ports,
            config=config,
            store=self.store,
            worlds=self._worlds,
            board=self.board,
        )
        self._grants = grant_reconciler(
            ports=ports,
            config=config,
            store=self.store,
            worlds=self._worlds,
            board=self.board,
            router=self._router,
        )
        self._sets = RangeSetReconciler(store=self.store, objects=ports.objects, clock=ports.clock)

    @property
    def leading(self) -> bool:
        """Whether the reconcilers run."""
        return self._leading

    async def lead(self, *, relist: Relist, unattended: datetime | None = None) -> None:
        """Begin to work: complete lists first, then every ledger and target.

        A list that fails is no reason to wait: until a later one completes, the store says that
        the kind is not listed, and nothing is planned. `unattended`: see `Worlds`. Raises
        `KubeError` where the ledgers cannot be listed.
        """
        self.board.clear()
        self._build()
        self._worlds.unattended = unattended
        self.store.forget_lists()
        await relist()
        self._worlds.activations.clear()
        await self._load_activations()
        ledgers = await self._ports.ledgers.keys()
        self.board.expect(ledgers)
        self._leading, self._owed = True, not self.store.complete
        self._router.everything(ledgers)
        self._start()
        self._ports.metrics.leader(leading=True)

    async def _load_activations(self) -> None:
        """Read the activations; one that cannot be read holds `duration` grants back, no more."""
        try:
            activations = await self._ports.activations.load_all()
        except KubeError as error:
            self._worlds.activations_known = False
            log.error("first activations cannot be read, no duration begins: %s", error)
            return
        for key, begun in activations.items():
            self._worlds.activations.setdefault(key, begun)
        self._worlds.activations_known = True

    def _start(self) -> None:
        count = self._config.workers
        self._workers.start_in_lanes(
            queue=self._target_queue,
            reconcile=self._targets.reconcile,
            controller="target",
            count=count,
        )
        self._workers.start(
            queue=self._grant_queue,
            reconcile=self._grants.reconcile,
            controller="grant",
            count=count,
        )
        self._workers.start(
            queue=self._set_queue, reconcile=self._sets.reconcile, controller="rangeset", count=1
        )

    async def refresh(self, *, relist: Relist) -> None:
        """Read complete lists again, and find ledgers whose target is gone.

        Where they complete a view that was partial, whatever waited for that is looked at, also
        where the ledgers cannot be listed just then.
        """
        # Two may run side by side: one that begins with a view that is still whole may be the one
        # that mends what the other finds broken.
        self._owed |= not self.store.complete
        await relist()
        if not self._leading:
            return
        self._owed |= not self.store.complete
        if self._worlds.activations_known:
            await self._forget_activations()
        else:
            await self._load_activations()
        if self._owed and self.store.complete:
            self._owed = False
            self._router.everything(())
        try:
            ledgers = await self._ports.ledgers.keys()
        except KubeError as error:
            log.warning("ledgers could not be listed: %s", error)
            return
        known = {target.key for target in self.store.targets()}
        for key in ledgers:
            if key not in known:
                self._target_queue.put(key)

    async def _forget_activations(self) -> None:
        if not self.store.complete or self._ports.clock.in_doubt():
            return
        stale = forgettable(
            activations=self._worlds.activations,
            grants=self.store.grants().values(),
            now=self._ports.clock.now(),
        )
        for namespace, keys in stale.items():
            try:
                await self._ports.activations.forget(namespace=namespace, keys=keys)
            except KubeError as error:
                log.warning("old activations of %s not dropped: %s", namespace, error)
                continue
            for key in keys:
                self._worlds.activations.pop(key, None)

    async def stop(self, *, grace: float) -> None:
        """Stop working: take no key any more, give what runs `grace` seconds, then cancel it.

        A write whose answer is not awaited stands in its ledger as uncertain.
        """
        self._leading = False
        self._ports.metrics.leader(leading=False)
        for queue in (self._target_queue, self._grant_queue, self._set_queue):
            queue.close()
        try:
            await self._workers.stop(grace=grace)
        finally:  # the last passes publish too
            self._ports.metrics.targets_gone()

    def _changed(self, change: Changed) -> None:
        if isinstance(change.after, Target):
            self._worlds.remember(change.after)
        elif isinstance(change.before, Target):
            self._worlds.forget(change.before)
            self._ports.metrics.target_gone(target=change.before.name)
        if self._leading:
            self._router.changed(change)
        elif change.after is None and change.seen:
            self._router.remember_deletion(change)

    def _reported(self, uids: set[GrantUid]) -> None:
        for uid in uids:
            self._grant_queue.put(uid)
