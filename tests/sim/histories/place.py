"""The world of a random history: one that watches every write, and an operator that comes back."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from aks_access.engine.config import EngineConfig
from aks_access.engine.fakes.clusters import Request, SimClusters
from aks_access.engine.fakes.faults import Faults
from aks_access.engine.fakes.kube import Raw, SimApiServer, deleting
from aks_access.engine.fakes.ledgers import SimLedgers
from aks_access.engine.fakes.objects import SimObjects
from aks_access.engine.fakes.watch import lose_nothing
from aks_access.engine.ports import Kind
from aks_access.plan.model import ClusterKey
from tests.oracle import Bounds
from tests.sim.histories.operator import LEASE, RETRY, Operator
from tests.sim.histories.script import TARGETS
from tests.sim.histories.watcher import Watcher
from tests.sim.recorder import Recorder
from tests.sim.world import JSON, World, key_of

RETENTION = timedelta(hours=1)
CALM = 700.0
"""Seconds without a write after which nothing more comes by itself: more than a slow retry."""

SLACK = 60.0
"""Seconds that a drift check or a relist may come late."""


@dataclass(slots=True)
class Figures:
    """What was done, to be summed over many histories."""

    runs: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    puts: int = 0
    writes: int = 0
    judged: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Figures") -> None:
        """Sum up."""
        self.runs += other.runs
        self.puts += other.puts
        self.writes += other.writes
        for name in ("acts", "faults", "crashes", "judged"):
            getattr(self, name).update(getattr(other, name))

    def stored(self) -> dict[str, Any]:
        """As JSON takes it; `dataclasses.asdict` would count a Counter's items."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Figures":
        """Figures that were stored as JSON."""
        counted = {
            name: Counter(value) for name, value in stored.items() if isinstance(value, dict)
        }
        return cls(**{**stored, **counted})

    def __str__(self) -> str:
        return (
            f"{self.runs} histories, {self.acts.total()} events of {len(self.acts)} kinds, "
            f"{self.faults.total()} faults at {len(self.faults)} calls, "
            f"{self.crashes.total()} crashes at {len(self.crashes)} different points, "
            f"{self.puts} accepted PUTs and {self.writes} Kubernetes writes, "
            f"{self.judged.total()} judgements"
        )


@dataclass(slots=True)
class CountedFaults(Faults):
    """Faults that are counted when they strike."""

    port: str = ""
    struck: Counter[str] = field(default_factory=Counter)

    def take(self, method: str, about: str = "", *, applied: bool) -> None:
        try:
            Faults.take(self, method, about, applied=applied)
        except Exception:
            self.struck[f"{self.port}.{method}{' applied' if applied else ''}"] += 1
            raise


class _Api(SimApiServer):
    """Tells the watcher what is gone, and whether the operator let it go."""

    watcher: Watcher
    forced = False

    def force_delete(self, kind: Kind, name: str, *, namespace: str = "") -> None:
        self.forced = True
        try:
            super().force_delete(kind, name, namespace=namespace)
        finally:
            self.forced = False

    def _gone(self, key: tuple[Kind, str, str]) -> Raw:
        raw = super()._gone(key)
        self.watcher.gone(key[0], raw, released=deleting(raw) and not self.forced)
        return raw


class _Azure(SimClusters):
    """Shows the watcher every PUT at the moment it is worked on."""

    watcher: Watcher
    puts = 0

    def _told(self, request: Request) -> None:
        super()._told(request)
        self.puts += request.method == "put"
        if request.method == "put" and request.result == "ok":
            self.watcher.put(request)


class _Ledgers(SimLedgers):
    watcher: Watcher

    async def delete(self, *, key: ClusterKey) -> None:
        self.watcher.forgetting(key)
        await super().delete(key=key)


class Place(World):
    """See the module."""

    def __init__(self, *, config: EngineConfig) -> None:
        super().__init__(config=config)
        self.figures = Figures(runs=1)
        self.watcher = Watcher(self)
        api = _Api(now=self.clock.now)
        api.watcher = self.watcher
        self.api = api
        self.objects = SimObjects(server=api)
        ledgers = _Ledgers(codec=JSON)
        ledgers.watcher = self.watcher
        self.ledgers = ledgers
        azure = _Azure()
        azure.watcher = self.watcher
        self.azure: _Azure = azure
        self._struck: list[CountedFaults] = []
        for name in ("azure", "objects", "ledgers", "activations"):
            counted = CountedFaults(port=name)
            getattr(self, name).faults = counted
            self._struck.append(counted)
        self.recorder = Recorder(self)
        for invariant in ("I2", "I3"):
            self.expect(invariant, because="the watcher judges it by what each process could know")
        self.bounds = Bounds(drift=config.drift + SLACK, relist=Operator.relist_every + SLACK)
        for name in ("team-a", "team-b"):
            api.create_namespace(name, labels={"env": "dev"})
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def operator(self) -> Operator:
        """The newest process."""
        found = self.processes[-1]
        assert isinstance(found, Operator)
        return found

    @property
    def alive(self) -> bool:
        """Whether a process works at this moment."""
        return bool(self.processes) and not self.operator.gate.dead.is_set()

    async def begin(self) -> None:
        """Start the operator, and another one whenever one has died."""
        self._tasks.append(asyncio.ensure_future(self._supervise()))
        await asyncio.sleep(0.0)

    async def _supervise(self) -> None:
        while True:
            operator = Operator(self)
            self.processes.append(operator)
            self._tasks.append(asyncio.ensure_future(operator.run()))
            dead = asyncio.ensure_future(operator.gate.dead.wait())
            deposed = asyncio.ensure_future(operator.deposed.wait())
            await asyncio.wait({dead, deposed}, return_when=asyncio.FIRST_COMPLETED)
            if operator.gate.dead.is_set():
                self._died(operator)
                await asyncio.sleep(operator.down)

    def _died(self, operator: Operator) -> None:
        last = operator.gate.calls[-1] if operator.gate.calls else "start"
        self.figures.crashes[last] += 1
        operator.kill()

    def pause(self, seconds: float) -> None:
        """Stop the process; another one leads once the Lease is over; then it wakes."""
        operator = self.operator
        if self.alive and operator.gate.awake.is_set():
            self._tasks.append(asyncio.ensure_future(self._pause(operator, seconds)))

    async def _pause(self, operator: Operator, seconds: float) -> None:
        operator.grow_stale(self.now)
        operator.gate.awake.clear()
        held, operator.watch.held = operator.watch.held, True
        await asyncio.sleep(min(seconds, LEASE + RETRY))
        if seconds >= LEASE:
            operator.leadership.seconds = 0.0
            operator.deposed.set()
            await asyncio.sleep(seconds - LEASE - RETRY)
        operator.watch.held = held
        operator.gate.awake.set()
        if seconds >= LEASE:
            await asyncio.sleep(1.0)
            operator.kill()
        elif not held and operator.watch.lose is lose_nothing:
            operator.freshen(self.now)

    def written(self) -> tuple[int, int, int, int]:
        return (
            len(self.objects.writes),
            len(self.ledgers.saves),
            len(self.activations.recorded),
            self.azure.puts,
        )

    async def rest(self, *, calm: float = CALM, within: float = 6 * 3600.0) -> None:
        await super().rest(calm=calm, within=within)

    def total(self) -> Figures:
        """What was done so far."""
        for counted in self._struck:
            self.figures.faults.update(counted.struck)
            counted.struck.clear()
        self.figures.puts = sum(1 for r in self.azure.requests("put") if r.result == "ok")
        self.figures.writes = len(self.objects.writes) + len(self.ledgers.saves)
        return self.figures

    def name_of(self, request_key: ClusterKey) -> str:
        """The cluster's name."""
        return next(name for name in TARGETS if key_of(name) == request_key)
