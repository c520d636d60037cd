"""What the scenario tests share: a world of its own for each test, on its worker's station.

A `World` gives a test names that no other test has, makes its clusters and objects, and counts what
the operator did to these alone: PUTs from the emulator's journal, Kubernetes writes from the API
server's audit log.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Unpack

import yaml

from aks_access.api.names import API_VERSION
from aks_access.engine.ports import Kind
from aks_access.kube.resources import RESOURCES
from sandbox.arm.control import ArmControl
from sandbox.arm.control_clusters import Options, Shape
from sandbox.arm.journal import JournalEntry
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.audit import AuditEvent, read_audit_log, written
from sandbox.controlplane.client import ApiError
from sandbox.operator import CLIENT_ID, OperatorProcess
from sandbox.processes import wait_until
from tests.integration.reading import history_of
from tests.integration.station import Station
from tests.integration.things import DEADLINE, Cluster, Mark, Object
from tests.oracle import judge, told

SUBSCRIPTION = "5ca1ab1e-0000-4000-8000-0000000000aa"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
APPLY_PATCH = "application/apply-patch+yaml"
RIGHTS = "rights"

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_FORBIDDEN_FLAGS = frozenset({"unrestricted", "everyone", "created"})


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
    writers: set[str] = field(default_factory=lambda: {CLIENT_ID})
    """Client ids that write this test's clusters."""
    others: set[str] = field(default_factory=set)
    """Client ids of people and tools beside the operator: nobody judges what they write."""
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
        audit = written(self.plane.audit_log)
        return Mark(journal=self.arm.last_sequence(), audit=audit, at=datetime.now(UTC))

    def writes(self, since: Mark | None = None) -> list[AuditEvent]:
        """The operator's Kubernetes writes to this test's objects (never the Lease, no Events)."""
        return [e for e in self._operator_writes(since) if e.resource != "events"]

    def _operator_writes(self, since: Mark | None) -> Iterator[AuditEvent]:
        names = {o.name for o in self.objects if not o.namespace}
        ledgers = {c.ledger_name for c in self.clusters}
        activations = {f"aks-access-activations-{name}" for name in self.namespaces}
        mark = since or self.begun
        for event in read_audit_log(self.plane.audit_log, offset=mark.audit):
            if event.user != OPERATOR or event.verb not in _WRITES or event.resource == "leases":
                continue
            if event.timestamp < mark.at:
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
        lost = [
            e for e in self.arm.damage() if e.cluster in keys and e.client_id not in self.others
        ]
        assert not lost, f"writes that changed more than the list: {lost}"
        for entry in (e for c in self.clusters for e in c.puts()):
            if entry.fault and entry.body is None:
                continue  # answered or reset by a fault rule before it was read
            sent = sent_ranges(entry)
            assert sent, f"a PUT without ranges: {entry}"
            flags = _FORBIDDEN_FLAGS & set(entry.flags)
            assert self.allow_flags or not flags, f"a PUT that {flags}: {entry}"
            assert entry.client_id in self.writers, f"a PUT by somebody else: {entry}"
        self._ask_oracle()
        self._check_rights()
        crashes = [
            line
            for line in self.operator.log_lines()
            if "Traceback" in str(line) and self._mine(str(line))
        ]
        assert not crashes, f"the operator stumbled: {crashes[:3]}"

    def expect(self, invariant: str, *, because: str) -> None:
        """The scenario makes the oracle's rule about this invariant (or `RIGHTS`: that the API
        server refuses nothing for want of rights) not apply; say why.
        """
        self.waived[invariant] = because

    def _check_rights(self) -> None:
        """What the operator asked of the API server it may ask (see test_rights.py)."""
        refused = [
            f"{event.verb} {event.uri}"
            for event in read_audit_log(self.plane.audit_log, offset=self.begun.audit)
            if event.user == OPERATOR and event.decision == "forbid"
        ]
        assert RIGHTS in self.waived or not refused, f"the chart does not allow {refused}"

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
