"""Writes down a simulated world's history for the oracle, as somebody outside the engine sees it.

The fakes tell of each request, object and ledger; what a scenario sets by hand (a list, a state, a
clock, a held watch) is noticed when the next thing happens.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aks_access.engine.fakes.cluster import SimCluster
from aks_access.engine.fakes.clusters import Request
from aks_access.engine.fakes.kube import Key, Raw
from aks_access.engine.fakes.watch import lose_nothing
from aks_access.engine.ports import Kind, OperationState
from aks_access.errors import AzureFault
from aks_access.plan.ledger import Ledger as StoredLedger
from aks_access.plan.model import ClusterKey, cluster_key
from tests.history import (
    Activation,
    Cluster,
    History,
    Ledger,
    Mark,
    Object,
    Owned,
    Read,
    Result,
    Sign,
    Write,
)

if TYPE_CHECKING:
    from tests.sim.process import Process
    from tests.sim.world import World

_RESULTS = {
    "ok": Result.OK,
    AzureFault.INVALID.value: Result.INVALID,
    AzureFault.CHANGED.value: Result.CHANGED,
    AzureFault.NOT_FOUND.value: Result.MISSING,
    AzureFault.UNCERTAIN.value: Result.UNCERTAIN,
}

FEW = 8
"""So many clusters are looked at whatever happens; of more, each at its own requests."""


class Recorder:
    """The history of one `World`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.history = History(
            epoch=world.clock.epoch,
            management=frozenset(map(str, world.config.management_egress)),
        )
        self._seen: dict[str, Cluster] = {}
        self._writes = 0
        self._activations = 0
        self._acknowledged = 0
        self._alive: set[int] = set()
        self._blind = self._doubt = False
        self._offset = 0.0
        world.api.witness = self._object
        world.azure.witness = self._request
        world.ledgers.witness = self._ledger
        for fake in (world.azure, world.objects, world.ledgers, world.activations):
            fake.faults.witness = self._fault

    def finish(self) -> History:
        """The history up to now."""
        self.look()
        for cluster in self._world.azure.every():
            self._cluster(cluster)
        self.history.add(Mark(at=self._world.now, sign=Sign.FAULT_ENDS))
        return self.history

    # what the fakes tell

    def _object(self, key: Key, raw: Raw | None) -> None:
        kind, namespace, name = key
        self.look()
        self.history.add(
            Object(
                at=self._at(),
                kind=str(kind),
                namespace=namespace,
                name=name,
                raw=raw,
                operator=self._by_engine(kind, name),
            )
        )

    def _by_engine(self, kind: Kind, name: str) -> bool:
        """Whether the engine has just announced a write of this object."""
        writes = self._world.objects.writes
        for write in writes[self._writes : -1]:
            self._unchanged(f"{write.kind} {write.name}", write.at)
        fresh = len(writes) > self._writes
        self._writes = len(writes)
        if not fresh:
            return False
        last = writes[-1]
        mine = (last.kind, last.name, last.at) == (kind, name, self._at())
        if not mine:
            self._unchanged(f"{last.kind} {last.name}", last.at)
        return mine

    def _unchanged(self, about: str, at: float) -> None:
        self.history.add(Mark(at=at, sign=Sign.NO_CHANGE, about=about))

    def _request(self, request: Request) -> None:
        cluster = self._world.azure.find(request.key)
        self.look(about=cluster)
        result = _RESULTS.get(request.result, Result.FAILED)
        if request.method != "put":
            if cluster is not None:
                self._cluster(cluster)
            self.history.add(Read(at=request.at, cluster=request.key, result=result))
            return
        if cluster is None:
            return
        self._cluster(cluster, ranges=request.before)
        self.history.add(self._put(request, cluster, result))
        self._cluster(cluster)

    def _put(self, request: Request, cluster: SimCluster, result: Result) -> Write:
        began = request.operation
        leading = [p.leadership.remaining() for p in self._processes()]
        return Write(
            at=request.at,
            cluster=request.key,
            sent=request.spelled,
            before=request.before,
            after=request.sent if result is Result.OK else request.before,
            if_match=request.conditional,
            result=result,
            existed=not cluster.gone,
            ends=began.ends if began is not None else None,
            failed=began is not None and began.outcome is not OperationState.SUCCEEDED,
            lease=leading[0] if len(leading) == 1 else None,
            needed=self._world.config.put_timeout,
        )

    def _ledger(self, key: ClusterKey, ledger: StoredLedger | None, by_engine: bool) -> None:
        self.look()
        entries = ledger.entries.values() if ledger is not None else ()
        known = {e.range: Owned(e.state.value, e.owners, e.released) for e in entries}
        self.history.add(
            Ledger(
                at=self._at(),
                cluster=key,
                entries=known if ledger is not None else None,
                verified=ledger.verified if ledger is not None else None,
                operator=by_engine,
            )
        )

    def _fault(self) -> None:
        self.history.add(Mark(at=self._at(), sign=Sign.FAULT))

    # what is noticed

    def _at(self) -> float:
        return self._world.now

    def _processes(self) -> Iterator["Process"]:
        return (p for p in self._world.processes if p.engine.leading and not p.gate.dead.is_set())

    def look(self, *, about: SimCluster | None = None) -> None:
        """Note what the scenario set by hand since the last time; `about` is looked at apart."""
        self._operators()
        self._clock()
        clusters = self._world.azure.every()
        for cluster in clusters if len(clusters) < FEW else ():
            if cluster is not about:
                self._cluster(cluster)
        given = self._world.ledgers.acknowledged
        for key in given[self._acknowledged :]:
            self.history.add(Mark(at=self._at(), sign=Sign.ACKNOWLEDGED, about=key))
        self._acknowledged = len(given)
        recorded = self._world.activations.recorded
        for at, key in recorded[self._activations :]:
            when = self._world.activations.known().get(key)
            if when is not None:
                self.history.add(Activation(at=at, key=key, when=when))
        self._activations = len(recorded)

    def _operators(self) -> None:
        alive = {id(process): process for process in self._processes()}
        for sign, changed in (
            (Sign.STARTED, alive.keys() - self._alive),
            (Sign.KILLED, self._alive - alive.keys()),
        ):
            self.history.add(*(Mark(at=self._at(), sign=sign) for _ in changed))
        self._alive = set(alive)
        lossy = any(p.watch.held or p.watch.lose is not lose_nothing for p in alive.values())
        blind = lossy or bool(self._world.api.unlistable)
        if blind is not self._blind:
            sign = Sign.BLIND_BEGINS if blind else Sign.BLIND_ENDS
            self.history.add(Mark(at=self._at(), sign=sign))
        self._blind = blind

    def _clock(self) -> None:
        clock = self._world.clock
        offset = clock.offset.total_seconds()
        if offset != self._offset:
            self.history.add(Mark(at=self._at(), sign=Sign.CLOCK, value=offset))
        if clock.doubt is not self._doubt:
            sign = Sign.DOUBT_BEGINS if clock.doubt else Sign.DOUBT_ENDS
            self.history.add(Mark(at=self._at(), sign=sign))
        self._offset, self._doubt = offset, clock.doubt

    def _cluster(self, cluster: SimCluster, *, ranges: object = ...) -> None:
        key = cluster_key(cluster.resource_id)
        shown = cluster.ranges if ranges is ... else ranges
        state = Cluster(
            at=self._at(),
            cluster=key,
            uid=f"{id(cluster)}/{cluster.resource_uid}",
            exists=not cluster.gone,
            ranges=shown,  # type: ignore[arg-type]
            provisioning=cluster.provisioning_state,
            power=cluster.power_state,
            outbound=cluster.outbound_type,
            vnet=cluster.vnet_integration,
            blocked="private" if cluster.private else _basic(cluster),
        )
        last = self._seen.get(key)
        if last is None or _facts(last) != _facts(state):
            self.history.add(state)
            self._seen[key] = state


def _basic(cluster: SimCluster) -> str:
    return "Basic load balancer" if cluster.load_balancer_sku.lower() == "basic" else ""


def _facts(state: Cluster) -> tuple[object, ...]:
    return (
        state.uid,
        state.exists,
        state.ranges,
        state.provisioning,
        state.power,
        state.outbound,
        state.vnet,
        state.blocked,
    )
