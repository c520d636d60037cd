"""What the scenario tests share: one station per worker, and a world of its own for each test.

A station is a control plane, the ARM emulator and a running operator. A `World` gives a test
names that no other test has, acts on the station as people do (apply, edit, delete, the portal),
waits on conditions with a deadline, and counts what the operator did to this test's objects alone:
PUTs from the emulator's journal, Kubernetes writes from the API server's audit log.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import yaml

from aks_access.api.names import API_VERSION, REQUESTED_AT_ANNOTATION
from aks_access.engine.ports import Kind
from aks_access.kube.resources import RESOURCES
from sandbox.arm.control import ArmControl
from sandbox.arm.control_clusters import ClusterView, Options, Shape
from sandbox.arm.journal import Area, JournalEntry
from sandbox.arm.process import ArmProcess
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.audit import AuditEvent
from sandbox.controlplane.client import ApiError
from sandbox.operator import CLIENT_ID, OperatorProcess
from sandbox.processes import wait_until
from tests.integration.reading import history_of
from tests.oracle import judge, told

SUBSCRIPTION = "5ca1ab1e-0000-4000-8000-0000000000aa"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
DEADLINE = 20.0
"""Seconds until a wait fails."""

PACE: Mapping[str, str] = {
    "first_poll": "200ms",
    "poll_interval": "200ms",
    "drift_interval": "2s",
    "settle_window": "300ms",
    "settle_limit": "1500ms",
    "revocation_bound": "60s",
}
"""Beside the sandbox's own pace."""

STEADY: Mapping[str, str] = {
    "lease_duration": "30s",
    "renew_deadline": "20s",
    "retry_period": "1s",
    "put_timeout": "8s",
}
"""A Lease that a busy machine does not lose, for operators that nobody kills."""

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_FORBIDDEN_FLAGS = frozenset({"unrestricted", "everyone", "created"})


class Station:
    """A control plane with the chart, an emulator, and at most one operator at a time."""

    def __init__(self, *, plane: ControlPlane, arm: ArmProcess, **settings: str) -> None:
        self.plane = plane
        self.arm = arm
        self._settings = {**PACE, **settings}
        self._running: OperatorProcess | None = None
        self._with: dict[str, str] = {}

    @property
    def operator(self) -> OperatorProcess:
        """The operator that was started last, even if it has ended since."""
        assert self._running is not None, "no operator was started on this station"
        return self._running

    @property
    def started(self) -> bool:
        """Whether an operator runs."""
        return self._running is not None and self._running.poll() is None

    def start(self, **settings: str) -> OperatorProcess:
        """Start an operator and wait until it leads; one that runs is ended first."""
        self.stop()
        self._with = settings
        every: dict[str, Any] = {**self._settings, **settings}
        self._running = OperatorProcess(plane=self.plane, arm=self.arm, **every)
        self._running.wait_ready()
        self._running.wait_leading()
        return self._running

    def ensure(self, **settings: str) -> OperatorProcess:
        """An operator with just these settings: the one that runs, if it has them."""
        if self.started and self._with == settings:
            return self.operator
        return self.start(**settings)

    def stop(self) -> None:
        """End the operator with SIGTERM, if one runs."""
        if self._running is not None:
            self._running.close()


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in both logs: what happened after it is counted."""

    journal: int
    audit: int


@dataclass(slots=True)
class Cluster:
    """A managed cluster of one test in the emulator."""

    world: "World"
    id: str

    @property
    def key(self) -> str:
        """The ARM id in lower case."""
        return self.id.lower()

    @property
    def ledger_name(self) -> str:
        """Name of its ledger ConfigMap."""
        return f"aks-access-ledger-{hashlib.sha256(self.key.encode()).hexdigest()[:16]}"

    def view(self) -> ClusterView:
        """All that the emulator holds."""
        return self.world.arm.cluster(self.id)

    @property
    def ranges(self) -> list[str] | None:
        """The authorized ranges, as stored; None = open to everybody."""
        return self.view().ranges

    def edit(self, **change: Any) -> ClusterView:
        """Somebody else's edit: `ranges=[…]`, or `add=[…]`, `remove=[…]`; at once."""
        return self.world.arm.edit_ranges(self.id, **change)

    def journal(self, since: Mark | None = None) -> list[JournalEntry]:
        """Every request about this cluster, and every edit by somebody else."""
        first = (since or self.world.begun).journal
        entries = self.world.arm.journal(since=first)
        return [e for e in entries if self.key in (e.cluster, e.path.lower())]

    def puts(self, since: Mark | None = None) -> list[JournalEntry]:
        """The operator's PUTs, refused ones too."""
        return [e for e in self.journal(since) if e.area == Area.ARM and e.method == "PUT"]

    def gets(self, since: Mark | None = None) -> list[JournalEntry]:
        """The operator's GETs of the cluster itself."""
        return [
            e
            for e in self.journal(since)
            if e.area == Area.ARM and e.method == "GET" and e.path.lower() == self.key
        ]

    def wait_ranges(self, *expected: str, seconds: float = DEADLINE) -> None:
        """Return once exactly these entries are in the list and the API server enforces them."""

        def equal() -> bool:
            view = self.view()
            return sorted(view.ranges or ()) == sorted(expected) == sorted(view.applied or ())

        self.world.eventually(
            equal, what=f"{self.id} to have {sorted(expected)}", about=self, seconds=seconds
        )

    def wait_looks(self, count: int = 2, *, since: Mark | None = None) -> None:
        """Return after `count` more reads: what had to happen by itself has happened."""
        mark = since or self.world.mark()
        self.world.eventually(
            lambda: len(self.gets(mark)) >= count, what=f"{count} more reads of {self.id}"
        )

    def ledger(self) -> dict[str, Any] | None:
        """The ledger ConfigMap; None while there is none."""
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{self.ledger_name}"
        return self.world.get(path)


@dataclass(slots=True)
class Object:
    """One object of ours on the API server."""

    world: "World"
    kind: Kind
    name: str
    namespace: str = ""

    @property
    def path(self) -> str:
        """Its path on the API server."""
        return RESOURCES[self.kind].object(namespace=self.namespace, name=self.name)

    def read(self) -> dict[str, Any]:
        """The object as stored; ApiError 404 where it is gone."""
        return self.world.plane.request("GET", self.path)

    def exists(self) -> bool:
        """Whether it is there, deleted or not."""
        return self.world.get(self.path) is not None

    @property
    def status(self) -> dict[str, Any]:
        """Its status; empty before the first."""
        found: dict[str, Any] = self.read().get("status", {})
        return found

    @property
    def state(self) -> str:
        """The STATE column."""
        return str(self.status.get("summary", {}).get("state", ""))

    @property
    def finalizers(self) -> list[str]:
        """Its finalizers."""
        found: list[str] = self.read()["metadata"].get("finalizers", [])
        return found

    def condition(self, kind: str) -> dict[str, Any]:
        """The condition of this type; empty where there is none."""
        found = (c for c in self.status.get("conditions", []) if c["type"] == kind)
        return next(found, {})

    def message(self, kind: str = "Ready") -> str:
        """The message of a condition."""
        return str(self.condition(kind).get("message", ""))

    def patch(self, *, metadata: Any = None, **spec: Any) -> dict[str, Any]:
        """Edit spec fields by their JSON names (None takes one out), or metadata."""
        body: dict[str, Any] = {"spec": spec} if spec else {}
        if metadata is not None:
            body["metadata"] = metadata
        return self.world.plane.request("PATCH", self.path, body, content_type=MERGE_PATCH)

    def delete(self) -> None:
        """Ask for its deletion; does not wait."""
        self.world.plane.request("DELETE", self.path)

    def nudge(self) -> None:
        """Ask for a reconciliation now, and wait until the operator says that it did it."""
        token = self.world.unique("at")
        self.patch(metadata={"annotations": {REQUESTED_AT_ANNOTATION: token}})
        self.until(
            lambda o: o.get("status", {}).get("lastHandledReconcileAt") == token,
            what=f"to echo {token}",
        )

    def until(
        self,
        condition: Callable[[dict[str, Any]], bool],
        *,
        what: str,
        seconds: float = DEADLINE,
    ) -> dict[str, Any]:
        """Return the object once the condition holds of it."""
        seen: dict[str, Any] = {}

        def holds() -> bool:
            seen.clear()
            seen.update(self.read())
            return condition(seen)

        self.world.eventually(
            holds, what=f"{self.kind} {self.name} {what}", about=self, seconds=seconds
        )
        return seen

    def wait_state(self, *states: str, seconds: float = DEADLINE) -> dict[str, Any]:
        """Return once STATE is one of these, for the generation that was read."""
        return self.until(
            lambda o: (
                o.get("status", {}).get("summary", {}).get("state") in states
                and o["status"].get("observedGeneration") == o["metadata"]["generation"]
            ),
            what=f"to be {' or '.join(states)}",
            seconds=seconds,
        )

    def wait_condition(
        self, kind: str, *, status: str, reason: str | None = None, seconds: float = DEADLINE
    ) -> dict[str, Any]:
        """Return the condition once it is so, for the generation that was read."""

        def holds(raw: dict[str, Any]) -> bool:
            generation = raw["metadata"]["generation"]
            return any(
                c["type"] == kind
                and c["status"] == status
                and c.get("observedGeneration") == generation
                and reason in (None, c["reason"])
                for c in raw.get("status", {}).get("conditions", [])
            )

        self.until(holds, what=f"to have {kind}={status}/{reason or '*'}", seconds=seconds)
        return self.condition(kind)

    def wait_gone(self, *, seconds: float = DEADLINE) -> None:
        """Return once the API server has it no more."""
        self.world.eventually(
            lambda: not self.exists(),
            what=f"{self.kind} {self.name} to be gone",
            about=self,
            seconds=seconds,
        )

    def events(self) -> list[dict[str, Any]]:
        """The operator's Events about it, oldest first."""
        namespace = self.namespace or "default"
        found = self.world.plane.request(
            "GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        )["items"]
        mine = [
            e
            for e in found
            if e["regarding"]["kind"] == self.kind and e["regarding"]["name"] == self.name
        ]
        return sorted(mine, key=lambda e: str(e.get("eventTime", "")))

    def reasons(self) -> list[str]:
        """Reasons of its Events, oldest first."""
        return [str(e["reason"]) for e in self.events()]

    def wait_event(self, *reasons: str) -> dict[str, Any]:
        """Return the latest Event once there is one of each of these reasons, in this order."""

        def there() -> bool:
            left = iter(self.reasons())
            return all(reason in left for reason in reasons)

        self.world.eventually(there, what=f"Events {reasons} about {self.name}", about=self)
        return next(e for e in reversed(self.events()) if e["reason"] == reasons[-1])


@dataclass(slots=True)
class World:
    """One test's own part of a station."""

    station: Station
    unique: Callable[[str], str]
    clusters: list[Cluster] = field(default_factory=list)
    objects: list[Object] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    costs: dict[str, dict[str, int]] = field(default_factory=dict)
    allow_flags: bool = False
    """Set by a test in which an operator's write legitimately carries a flag."""
    waived: dict[str, str] = field(default_factory=dict)
    """Invariants that the oracle does not judge here, and why."""
    begun: Mark = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.mark()

    @property
    def plane(self) -> ControlPlane:
        """The control plane."""
        return self.station.plane

    @property
    def arm(self) -> ArmControl:
        """The emulator's control."""
        return self.station.arm.control

    @property
    def operator(self) -> OperatorProcess:
        """The operator that runs."""
        return self.station.operator

    # making things

    def namespace(self, *, labels: Mapping[str, str] | None = None) -> str:
        """A new namespace of this test."""
        name = self.unique("team")
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": dict(labels or {})},
        }
        self.plane.request("POST", "/api/v1/namespaces", body)
        self.namespaces.append(name)
        return name

    def home(self) -> str:
        """The first namespace of this test, made at the first call."""
        return self.namespaces[0] if self.namespaces else self.namespace()

    def cluster(
        self,
        ranges: Sequence[str] | None = ("51.140.8.0/24",),
        *,
        shape: Shape | None = None,
        **options: Unpack[Options],
    ) -> Cluster:
        """A managed cluster that somebody restricted to `ranges`; None = it is open."""
        name = self.unique("aks")
        resource_id = (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{name}"
            f"/providers/Microsoft.ContainerService/managedClusters/{name}"
        )
        self.arm.create_cluster(resource_id, ranges=ranges, shape=shape, **options)
        made = Cluster(world=self, id=resource_id)
        self.clusters.append(made)
        return made

    def target(
        self,
        cluster: Cluster,
        *,
        mode: str = "Merge",
        labels: Mapping[str, str] | None = None,
        policy: Mapping[str, Any] | None = None,
        **spec: Any,
    ) -> Object:
        """A target of the cluster that lets every namespace in, permanently too."""
        body = {
            "resourceId": cluster.id,
            "mode": mode,
            "policy": {
                "allowedNamespaces": {"from": "All"},
                "allowPermanent": True,
                **(policy or {}),
            },
            **spec,
        }
        name = self.unique("target")
        return self.create(Kind.TARGET, body, name=name, labels=labels)

    def grant(
        self,
        target: Object | None,
        *ranges: str,
        namespace: str = "",
        name: str = "",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> Object:
        """A grant; `target` None where the spec has a targetSelector."""
        body: dict[str, Any] = {} if target is None else {"targetRef": {"name": target.name}}
        if ranges:
            body["ipRanges"] = list(ranges)
        return self.create(
            Kind.GRANT,
            {**body, **spec},
            name=name or self.unique("grant"),
            namespace=namespace or self.home(),
            labels=labels,
            annotations=annotations,
        )

    def range_set(self, *ranges: str, **spec: Any) -> Object:
        """An IPRangeSet."""
        body = {**({"ipRanges": list(ranges)} if ranges else {}), **spec}
        return self.create(Kind.RANGE_SET, body, name=self.unique("set"))

    def create(
        self,
        kind: Kind,
        spec: Mapping[str, Any],
        *,
        name: str,
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Object:
        """POST an object of ours as an administrator."""
        made = self.object(kind, name=name, namespace=namespace)
        body = self.document(made, spec, labels=labels, annotations=annotations)
        self.plane.request("POST", RESOURCES[kind].collection(namespace=namespace), body)
        return made

    def object(self, kind: Kind, *, name: str, namespace: str = "") -> Object:
        """The handle of an object that this test owns, whether it exists or not."""
        known = Object(world=self, kind=kind, name=name, namespace=namespace)
        if known not in self.objects:
            self.objects.append(known)
        return known

    @staticmethod
    def document(
        item: Object,
        spec: Mapping[str, Any],
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The manifest of an object."""
        optional = {
            "namespace": item.namespace,
            "labels": dict(labels or {}),
            "annotations": dict(annotations or {}),
        }
        metadata = {"name": item.name} | {key: it for key, it in optional.items() if it}
        return {
            "apiVersion": API_VERSION,
            "kind": item.kind.value,
            "metadata": metadata,
            "spec": dict(spec),
        }

    def kubectl(self, *arguments: str, documents: Sequence[Any] = (), check: bool = True) -> str:
        """Real kubectl; `documents` go to its standard input as YAML. Returns stdout."""
        text = yaml.safe_dump_all(documents) if documents else None
        return self.plane.kubectl(*arguments, input=text, check=check).stdout

    def get(self, path: str) -> dict[str, Any] | None:
        """An object by its path; None where there is none."""
        try:
            return self.plane.request("GET", path)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    # waiting

    def eventually(
        self,
        condition: Callable[[], bool],
        *,
        what: str,
        about: Object | Cluster | None = None,
        seconds: float = DEADLINE,
    ) -> None:
        """Return once the condition holds; fails with what stands instead."""

        def detail() -> str:
            lines = []
            if isinstance(about, Object):
                raw = self.get(about.path) or {}
                raw.get("metadata", {}).pop("managedFields", None)
                lines.append(json.dumps(raw, indent=1) if raw else "The object is not there.")
            for cluster in self.clusters:
                puts = [(e.status, e.error, e.after) for e in cluster.puts()]
                lines.append(f"{cluster.id}: {cluster.ranges}; PUTs: {puts}")
            return "\n".join([*lines, self.operator.log_tail()])

        wait_until(condition, what=what, timeout=seconds, detail=detail)

    def at(self, seconds: float) -> str:
        """An RFC 3339 instant so many seconds from now, in whole seconds, never earlier."""
        when = datetime.now(UTC) + timedelta(seconds=seconds, microseconds=999_999)
        return when.strftime("%Y-%m-%dT%H:%M:%SZ")

    # counting

    def mark(self) -> Mark:
        """Now, in both logs."""
        log = self.plane.audit_log
        return Mark(
            journal=self.arm.last_sequence(),
            audit=log.stat().st_size if log.exists() else 0,
        )

    def writes(self, since: Mark | None = None) -> list[AuditEvent]:
        """The operator's Kubernetes writes to this test's objects (never the Lease, no Events)."""
        return [e for e in self._operator_writes(since) if e.resource != "events"]

    def _operator_writes(self, since: Mark | None) -> Iterator[AuditEvent]:
        names = {o.name for o in self.objects if not o.namespace}
        ledgers = {c.ledger_name for c in self.clusters}
        activations = {f"aks-access-activations-{name}" for name in self.namespaces}
        for event in audit_since(self.plane.audit_log, (since or self.begun).audit):
            if event.user != OPERATOR or event.verb not in _WRITES or event.resource == "leases":
                continue
            ours = event.namespace in self.namespaces or (
                event.resource == "configmaps" and event.name in ledgers | activations
            )
            if ours or (not event.namespace and event.name in names):
                yield event

    def events(self) -> list[dict[str, Any]]:
        """All Events about this test's objects."""
        return [event for item in self.objects for event in item.events()]

    @contextmanager
    def measure(self, scenario: str) -> Iterator[None]:
        """Count PUTs, Kubernetes writes and Events of the block, for the table of costs."""
        mark, began = self.mark(), datetime.now(UTC)
        yield
        self.costs[scenario] = {
            "puts": sum(len(c.puts(mark)) for c in self.clusters),
            "gets": sum(len(c.gets(mark)) for c in self.clusters),
            "writes": len(self.writes(mark)),
            "events": sum(_time_of(event) >= began for event in self.events()),
        }

    # judging and leaving

    def judge(self) -> None:
        """Nothing but the list was ever changed, and no write of the operator opened anything."""
        keys = {cluster.key for cluster in self.clusters}
        lost = [e for e in self.arm.damage() if e.cluster in keys]
        assert not lost, f"writes that changed more than the list: {lost}"
        for entry in (e for c in self.clusters for e in c.puts()):
            if entry.fault and entry.body is None:
                continue  # answered or reset by a fault rule before it was read
            sent = sent_ranges(entry)
            assert sent, f"a PUT without ranges: {entry}"
            flags = _FORBIDDEN_FLAGS & set(entry.flags)
            assert self.allow_flags or not flags, f"a PUT that {flags}: {entry}"
            assert entry.client_id == CLIENT_ID, f"a PUT by somebody else: {entry}"
        self._ask_oracle()
        crashes = [
            line
            for line in self.operator.log_lines()
            if "Traceback" in str(line) and self._mine(str(line))
        ]
        assert not crashes, f"the operator stumbled: {crashes[:3]}"

    def expect(self, invariant: str, *, because: str) -> None:
        """The scenario makes the oracle's rule about this invariant not apply; say why."""
        self.waived[invariant] = because

    def _ask_oracle(self) -> None:
        """Safety alone: the journal does not tell how operations ended, and so no needless write
        from a repeated one (I11); `costs.py` counts those."""
        history = history_of(self, operator=OPERATOR, steady=False)
        found = [v for v in judge(history) if v.invariant not in {"I11", *self.waived}]
        assert not found, told(found, history)

    def _mine(self, line: str) -> bool:
        names = [o.name for o in self.objects] + [c.key for c in self.clusters]
        return any(name in line for name in names)

    def retire(self) -> None:
        """Take this test's objects away, without waiting: the clusters are left as they are."""
        for item in self.objects:
            if item.kind is Kind.TARGET:
                self._try(partial(item.patch, deletionPolicy="Detach", suspend=False))
            self._try(item.delete)

    @staticmethod
    def _try(act: Callable[[], Any]) -> None:
        """Act on an object that may be gone, or that no edit can make valid."""
        try:
            act()
        except ApiError as error:
            if error.code not in (404, 422):
                raise


def _time_of(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["eventTime"])


def sent_ranges(entry: JournalEntry) -> list[str] | None:
    """The authorized ranges in the body of a PUT."""
    properties = (entry.body or {}).get("properties") or {}
    ranges: list[str] | None = (properties.get("apiServerAccessProfile") or {}).get(
        "authorizedIPRanges"
    )
    return ranges


def audit_since(log: Path, offset: int) -> list[AuditEvent]:
    """The complete lines of the audit log behind an offset in bytes."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(offset)
        return [AuditEvent.parse(json.loads(line)) for line in file if line.endswith(b"\n")]
