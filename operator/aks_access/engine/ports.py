"""The engine's seams: what it needs from Kubernetes, Azure, time and the outside.

Each Protocol has one implementation at an edge (`kube/`, `azure/`, `ops/`) and one fake in
`engine/fakes/`, so that the whole loop runs against real components and in virtual time alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from aks_access.engine.decisions import AccessDecision
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey, Identity


@dataclass(frozen=True, slots=True)
class ClusterRef:
    """Which cluster, and as whom: `identity` None means the operator's own credential."""

    resource_id: str
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class WriteAccepted:
    """AKS took a list (HTTP 200) and works on it.

    `operation_url` is signed: it stays in memory, and is never logged or stored.
    """

    operation_url: str | None


class OperationState(StrEnum):
    """State of a long-running operation; every other value of `status` counts as running."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


class Clusters(Protocol):
    """AKS through ARM. Every method raises `AzureError` and nothing else."""

    async def get(self, *, ref: ClusterRef) -> ClusterView:
        """Read the cluster (one ARM read)."""
        ...

    async def put_ranges(
        self, *, ref: ClusterRef, view: ClusterView, ranges: Sequence[str]
    ) -> WriteAccepted:
        """Write the list `ranges`, and nothing else, over the cluster as `view` read it.

        Always with `If-Match`. Raises `UnsafeWrite` before anything is sent for a list that
        invariant I1 forbids.
        """
        ...

    async def operation(self, *, ref: ClusterRef, url: str) -> OperationState:
        """Ask how the operation behind an accepted write stands."""
        ...


class Kind(StrEnum):
    """The kinds that the store holds."""

    GRANT = "ApiAccessGrant"
    TARGET = "ApiAccessTarget"
    RANGE_SET = "IPRangeSet"
    NAMESPACE = "Namespace"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One Kubernetes object, that very one: `uid` tells it from a namesake."""

    kind: Kind
    name: str
    uid: str
    namespace: str = ""
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRef:
    """A ledger's ConfigMap, for Events alone: nothing is written or stored by it."""

    name: str
    namespace: str
    uid: str


class Objects(Protocol):
    """Writes to, and single reads of, the three kinds. Raises `KubeError` and its children.

    Every write is guarded by the uid. An answer is the whole object as JSON, so that the store
    sees our own write without waiting for the watch.
    """

    async def get(self, *, kind: Kind, namespace: str, name: str) -> Mapping[str, object] | None:
        """Read one object by name; None where it is gone (404)."""
        ...

    async def add_finalizer(self, *, ref: ObjectRef, finalizer: str) -> Mapping[str, object]:
        """Add a finalizer if absent (JSON patch that tests uid and resourceVersion).

        Raises `KubeConflict` where the object changed, `KubeNotFound` where it is gone.
        """
        ...

    async def remove_finalizer(self, *, ref: ObjectRef, finalizer: str) -> None:
        """Remove our finalizer and no other; an object that is gone already is no error."""
        ...

    async def patch_status(
        self, *, ref: ObjectRef, status: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Replace the status subresource by `status` (fields that are absent are cleared)."""
        ...

    async def delete(self, *, ref: ObjectRef) -> Mapping[str, object] | None:
        """Delete under preconditions uid and resourceVersion; gone already is no error.

        Returns the object as its finalizers keep it; None = it is gone.
        """
        ...


class Ledgers(Protocol):
    """The ConfigMaps that remember what is ours. Raises `KubeError`, `LedgerError`."""

    async def load(self, *, key: ClusterKey) -> Ledger | None:
        """Read a cluster's ledger. None where there is none.

        Raises `LedgerUnreadable` if it is no use, `LedgerNewer` if a newer operator wrote it.
        """
        ...

    async def keys(self) -> Mapping[ClusterKey, str]:
        """Every cluster with a ledger, and the ConfigMap's name."""
        ...

    async def save(self, *, ledger: Ledger) -> Ledger:
        """Write the ledger, conditional on `ledger.version`; returns it with its new version.

        Raises `KubeConflict` where somebody else wrote it, `LedgerTooLarge`.
        """
        ...

    async def delete(self, *, key: ClusterKey) -> None:
        """Delete the ledger; gone already is no error.

        Raises `LedgerNewer` for one that a newer operator wrote.
        """
        ...

    async def acknowledgement(self, *, key: ClusterKey) -> str | None:
        """The acknowledge annotation of the ledger's ConfigMap."""
        ...

    async def reference(self, *, key: ClusterKey) -> LedgerRef | None:
        """The ledger's ConfigMap as Events name it; None where there is none."""
        ...


class Activations(Protocol):
    """First activations of `duration` grants, a ConfigMap per namespace. Raises `KubeError`."""

    async def load_all(self) -> Mapping[str, datetime]:
        """Every recorded activation: activation key (see `plan.model.activation_key`) to UTC."""
        ...

    async def record(
        self, *, namespace: str, entries: Mapping[str, datetime]
    ) -> Mapping[str, datetime]:
        """Add entries and return them as they stand: one recorded already keeps its first time."""
        ...

    async def forget(self, *, namespace: str, keys: Sequence[str]) -> None:
        """Drop entries."""
        ...


class EventType(StrEnum):
    """Kubernetes' two types of Event."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event about `regarding`."""

    regarding: ObjectRef | LedgerRef
    type: EventType
    reason: str
    action: str
    note: str


class Events(Protocol):
    """Where Events go; never blocks and never raises (an Event lost is counted and logged)."""

    def post(self, event: Event) -> None:
        """Queue an Event."""
        ...


class Leadership(Protocol):
    """The Lease, as the fence sees it."""

    def remaining(self) -> float:
        """Seconds for which this process surely still holds the Lease; 0 where it does not."""
        ...


class Clock(Protocol):
    """Time. The engine reads no other clock."""

    def now(self) -> datetime:
        """Wall-clock time, UTC, aware."""
        ...

    def in_doubt(self) -> bool:
        """Whether `now` differs by more than 30 s from what API server or ARM say."""
        ...


class Audit(Protocol):
    """Where decisions are recorded, one line each."""

    def record(self, decision: AccessDecision) -> None:
        """Record a decision."""
        ...


class Metrics(Protocol):
    """Figures for Prometheus; implementations bound their labels."""

    def write(self, *, target: str, result: str) -> None:
        """Count a PUT by its result (`accepted`, or the `AzureFault`)."""
        ...

    def reconciled(self, *, controller: str, seconds: float, failed: bool) -> None:
        """Count one reconciliation of `controller` (`target` or `grant`) and its duration."""
        ...

    def target_state(self, *, target: str, reason: str, figures: Mapping[str, float]) -> None:
        """Publish a target's state; see `ops/metrics.py` for the figures."""
        ...

    def target_gone(self, *, target: str) -> None:
        """Drop a target's series."""
        ...

    def targets_gone(self) -> None:
        """Drop the series of all targets, and of all orphaned ledgers."""
        ...

    def queue_depth(self, *, queue: str, depth: int) -> None:
        """Publish how many keys wait."""
        ...

    def leader(self, *, leading: bool) -> None:
        """Publish whether this process leads."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The edges that the engine runs on."""

    clusters: Clusters
    objects: Objects
    ledgers: Ledgers
    activations: Activations
    events: Events
    leadership: Leadership
    clock: Clock
    audit: Audit
    metrics: Metrics
