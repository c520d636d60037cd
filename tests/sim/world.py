"""The whole world of a scenario: API server, Azure, clock, and the engine that lives on them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aks_access.api.timestamps import format_timestamp
from aks_access.engine.config import EngineConfig
from aks_access.engine.fakes.clock import LoopClock
from aks_access.engine.fakes.cluster import SimCluster
from aks_access.engine.fakes.clusters import Request, SimClusters
from aks_access.engine.fakes.faults import Faults
from aks_access.engine.fakes.kube import Raw, SimApiServer
from aks_access.engine.fakes.ledgers import Codec, SimActivations, SimLedgers
from aks_access.engine.fakes.objects import SimObjects
from aks_access.engine.fakes.recorders import (
    RecordingAudit,
    RecordingEvents,
    RecordingMetrics,
)
from aks_access.engine.ports import Kind
from aks_access.kube.ledger_document import decode, encode
from aks_access.plan.ledger import EntryState, Ledger
from aks_access.plan.model import ClusterKey, cluster_key
from aks_access.plan.pace import Bucket, Pace
from tests.gitops.voices import misheard
from tests.oracle import Bounds, judge, told
from tests.sim.crash import CrashPoint
from tests.sim.process import Crashes, Process
from tests.sim.recorder import Recorder

SUBSCRIPTION = "5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e"
OFFICE = "51.140.0.0/24"
"""The baseline of every target that is not given another."""
FOREIGN = "198.41.0.4/32"
"""The entry that somebody else has put into every cluster that is not given others."""
POLICY: Mapping[str, object] = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True}
REQUESTS_A_MINUTE = 40

Method = tuple[str, str]
"""A Kubernetes port of the world (`objects`, `ledgers`, `activations`), and its method."""
KUBE_PORTS = ("objects", "ledgers", "activations")


def resource_id(name: str) -> str:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{name}"
    return f"{group}/providers/Microsoft.ContainerService/managedClusters/{name}"


def key_of(name: str) -> ClusterKey:
    return cluster_key(resource_id(name))


def _decoded(key: ClusterKey, document: str) -> Ledger:
    return decode(document, key=key, version="")


JSON = Codec(write=encode, read=_decoded)
"""Ledgers as they stand in their ConfigMaps."""


class World:
    """See the module. `start` before anything is expected to happen."""

    def __init__(self, *, config: EngineConfig | None = None) -> None:
        self.config = config or EngineConfig()
        self.clock = LoopClock()
        self.api = SimApiServer(now=self.clock.now)
        self.objects = SimObjects(server=self.api)
        self.ledgers = SimLedgers(codec=JSON)
        self.activations = SimActivations()
        self.azure = SimClusters()
        self.events = RecordingEvents()
        self.audit = RecordingAudit()
        self.metrics = RecordingMetrics()
        self.processes: list[Process] = []
        self.abandoned: list[asyncio.Future[None]] = []
        self.crashes = Crashes()
        self.recorder = Recorder(self)
        self.waived: dict[str, str] = {}
        self.bounds = Bounds()
        self.clusters: list[str] = []
        self.lookers: list[Callable[[], None]] = []
        for namespace in ("team-a", "team-b"):
            self.api.create_namespace(namespace)

    # the operator

    @property
    def process(self) -> Process:
        return self.processes[-1]

    def look(self) -> None:
        """Called after each port call of any process: what must hold at any moment."""
        for looker in self.lookers:
            looker()

    async def start(
        self, *, crash_at: int | None = None, crash: CrashPoint | None = None
    ) -> Process:
        """Start a process; one that is to crash may do so before it leads."""
        process = Process(self, crash_at=crash_at)
        self.processes.append(process)
        if crash is not None:
            process.gate.arm(crash)
        if crash_at is None and crash is None:
            await process.lead()
            return process
        leading = asyncio.ensure_future(process.lead())
        self.abandoned.append(leading)
        dead = asyncio.ensure_future(process.gate.dead.wait())
        await asyncio.wait({leading, dead}, return_when=asyncio.FIRST_COMPLETED)
        if leading.done():
            leading.result()
        return process

    def unpaced(self) -> None:
        """Let grants add as often as they like; before `start`."""
        free = Bucket(burst=100, every=timedelta(seconds=1))
        self.config = replace(self.config, pace=Pace(namespace=free, cluster=free))

    def kill(self) -> None:
        self.process.kill()

    async def restart(self) -> Process:
        self.kill()
        return await self.start()

    # what people do

    def cluster(self, name: str = "weu", **facts: Any) -> SimCluster:
        facts.setdefault("ranges", (FOREIGN,))
        self.clusters.append(name)
        return self.azure.add(SimCluster(resource_id=resource_id(name), **facts))

    def target(
        self,
        name: str = "weu",
        *,
        cluster: str = "",
        mode: str = "Merge",
        policy: Mapping[str, object] | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> Raw:
        body = {
            "resourceId": resource_id(cluster or name),
            "mode": mode,
            "baseline": {"ipRanges": [OFFICE]},
            "policy": dict(POLICY if policy is None else policy),
            **spec,
        }
        body = {field: value for field, value in body.items() if value is not None}
        return self.api.apply(Kind.TARGET, name, spec=body, labels=labels, annotations=annotations)

    def grant(
        self,
        name: str = "laptop",
        *ranges: str,
        namespace: str = "team-a",
        target: str | None = "weu",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> Raw:
        body: dict[str, object] = {**spec}
        if "rangeSetRefs" not in spec or ranges:
            body["ipRanges"] = list(ranges or ("81.2.69.142",))
        if target is not None and "targetSelector" not in spec:
            body["targetRef"] = {"name": target}
        body = {field: value for field, value in body.items() if value is not None}
        return self.api.apply(
            Kind.GRANT,
            name,
            namespace=namespace,
            spec=body,
            labels=labels,
            annotations=annotations,
        )

    def range_set(self, name: str, *ranges: str) -> Raw:
        return self.api.apply(Kind.RANGE_SET, name, spec={"ipRanges": list(ranges)})

    def respec(self, kind: Kind, name: str, *, namespace: str = "", **spec: Any) -> None:
        """Change some fields of a spec; None takes a field out."""

        def change(raw: Raw) -> None:
            body = raw["spec"]
            assert isinstance(body, dict)
            body.update(spec)
            for field in [field for field, value in body.items() if value is None]:
                del body[field]

        self.api.edit(kind, name, namespace=namespace, change=change)

    def regrant(self, name: str = "laptop", *, namespace: str = "team-a", **spec: Any) -> None:
        self.respec(Kind.GRANT, name, namespace=namespace, **spec)

    def retarget(self, name: str = "weu", **spec: Any) -> None:
        self.respec(Kind.TARGET, name, **spec)

    def mark(
        self,
        kind: Kind,
        name: str,
        *,
        namespace: str = "",
        labels: Mapping[str, str | None] | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> None:
        """Set labels and annotations; None takes one off."""

        def change(raw: Raw) -> None:
            meta: Any = raw["metadata"]
            for field, values in (("labels", labels), ("annotations", annotations)):
                meta[field].update(values or {})
                meta[field] = {k: v for k, v in meta[field].items() if v is not None}

        self.api.edit(kind, name, namespace=namespace, change=change)

    def ungrant(self, name: str = "laptop", *, namespace: str = "team-a") -> None:
        self.api.delete(Kind.GRANT, name, namespace=namespace)

    def untarget(self, name: str = "weu") -> None:
        self.api.delete(Kind.TARGET, name)

    def target_gone(self, name: str = "weu") -> bool:
        return not self.api.exists(Kind.TARGET, name)

    # time

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def at(self, **later: float) -> str:
        """A time from now, as a spec wants it."""
        return format_timestamp((self.clock.now() + timedelta(**later)).replace(microsecond=0))

    async def advance(self, seconds: float = 0.0, **more: float) -> None:
        await asyncio.sleep(seconds + timedelta(**more).total_seconds())

    async def rest(self, *, calm: float = 90.0, within: float = 7200.0) -> None:
        """Advance until nothing was written for `calm` seconds and Azure works on nothing."""
        end, before, quiet, step = self.now + within, self.written(), 0.0, calm / 18
        while quiet < calm:
            assert self.now < end, f"not at rest after {within} s: {self.story()}"
            await asyncio.sleep(step)
            after = self.written()
            quiet = quiet + step if after == before and not self.azure.working() else 0.0
            before = after

    async def until(self, condition: Callable[[], bool], *, within: float = 3600.0) -> float:
        """Advance until the condition holds; returns how many seconds that took."""
        began = self.now
        while not condition():
            assert self.now - began < within, f"still not after {within} s: {self.story()}"
            await asyncio.sleep(0.5)
        return self.now - began

    async def until_set(self, event: asyncio.Event, *, within: float) -> None:
        """Advance until an event is set, at most `within` seconds."""
        waiting = asyncio.ensure_future(event.wait())
        await asyncio.wait({waiting}, timeout=within)
        waiting.cancel()

    # what came of it

    def written(self) -> tuple[int, int, int, int]:
        """Writes so far: to objects, to ledgers, of activations, PUTs (refused ones too)."""
        return (
            len(self.objects.writes),
            len(self.ledgers.saves),
            len(self.activations.recorded),
            len(self.azure.requests("put")),
        )

    def asked(self) -> Counter[Method]:
        """Calls of each method of the Kubernetes ports so far, failed ones too."""
        asked: Counter[Method] = Counter()
        for port in KUBE_PORTS:
            for method, count in self.faults(port).asked.items():
                asked[port, method] = count
        return asked

    def faults(self, port: str) -> Faults:
        """What goes wrong at one of the Kubernetes ports."""
        found: Faults = getattr(self, port).faults
        return found

    def puts(self, name: str = "weu") -> list[Request]:
        return [r for r in self.azure.requests("put", key_of(name)) if r.result == "ok"]

    def tried(self, name: str = "weu") -> list[Request]:
        return self.azure.requests("put", key_of(name))

    def gets(self, name: str = "weu") -> list[Request]:
        return self.azure.requests("get", key_of(name))

    def list_of(self, name: str = "weu") -> set[str] | None:
        ranges = self.azure.cluster(key_of(name)).ranges
        return None if ranges is None else set(ranges)

    def ledger(self, name: str = "weu") -> Ledger:
        found = self.ledgers.peek(key_of(name))
        assert found is not None, f"{name} has no ledger"
        return found

    def owned(self, name: str = "weu") -> set[str]:
        """Entries that the ledger counts as ours now."""
        entries = self.ledger(name).entries.values()
        return {entry.range for entry in entries if entry.state is not EntryState.WITHDRAWN}

    def raw(self, name: str = "laptop", *, namespace: str = "team-a") -> Raw | None:
        return self.api.find(Kind.GRANT, name, namespace=namespace)

    def status(self, name: str = "laptop", *, namespace: str = "team-a") -> dict[str, Any]:
        raw = self.raw(name, namespace=namespace)
        assert raw is not None, f"{namespace}/{name} is gone"
        found: Any = raw.get("status", {})
        return dict(found)

    def target_status(self, name: str = "weu") -> dict[str, Any]:
        raw = self.api.find(Kind.TARGET, name)
        assert raw is not None, f"target {name} is gone"
        found: Any = raw.get("status", {})
        return dict(found)

    def state(self, name: str = "laptop", *, namespace: str = "team-a") -> str:
        summary: Any = self.status(name, namespace=namespace).get("summary", {})
        return str(summary.get("state", ""))

    def in_azure(self, name: str = "laptop", *, namespace: str = "team-a") -> str:
        summary: Any = self.status(name, namespace=namespace).get("summary", {})
        return str(summary.get("inAzure", ""))

    def target_state(self, name: str = "weu") -> str:
        summary: Any = self.target_status(name).get("summary", {})
        return str(summary.get("state", ""))

    def gone(self, name: str = "laptop", *, namespace: str = "team-a") -> bool:
        return not self.api.exists(Kind.GRANT, name, namespace=namespace)

    def code(self, name: str = "weu") -> str:
        """The acknowledgement code that the target's message prints."""
        message = condition(self.target_status(name), "Ready")["message"]
        found = [word.strip(".`\"'") for word in message.replace("=", " ").split()]
        codes = [word for word in found if len(word) == 10 and set(word) <= set("0123456789abcdef")]
        assert codes, f"no code in: {message}"
        return str(codes[0])

    def story(self) -> str:
        """The last things that happened, for a failing test."""
        lines = [f"now {self.now:.1f} {self.clock.now()}"]
        lines += [f"  {r.at:.2f} {r.method} {r.result} {r.sent}" for r in self.azure.journal[-12:]]
        lines += [f"  {w.at:.2f} {w.method} {w.kind} {w.name}" for w in self.objects.writes[-12:]]
        lines += [f"  {at:.2f} ledger {len(item.entries)}" for at, item in self.ledgers.saves[-5:]]
        lines += [f"  {name}: {self.target_state(name)}" for name in self.api.names(Kind.TARGET)]
        return "\n".join(lines)

    def expect(self, invariant: str, *, because: str) -> None:
        """The scenario makes the oracle's rule about this invariant not apply; say why."""
        self.waived[invariant] = because

    def check(self, *, judged: bool = True) -> None:
        """What holds in every scenario, whatever else it is about."""
        assert not self.crashes.found, self.crashes.found[0]
        if judged:
            history = self.recorder.finish()
            found = judge(history, bounds=self.bounds)
            found = [violation for violation in found if violation.invariant not in self.waived]
            assert not found, told(found, history)
            assert not (wrong := misheard(history)), wrong[0]
        assert not self.azure.violations, self.azure.violations
        for request in self.azure.requests("put"):
            assert request.sent, "a PUT sent an empty list"
        for key in {request.key for request in self.azure.journal}:
            times = [r.at for r in self.azure.requests("get", key)]
            pairs = zip(times, times[REQUESTS_A_MINUTE:], strict=False)
            assert all(later - first >= 60.0 for first, later in pairs), f"a hot loop on {key}"


def condition(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found = [item for item in status.get("conditions", ()) if item["type"] == kind]
    assert found, f"no condition {kind} in {status}"
    return dict(found[0])
