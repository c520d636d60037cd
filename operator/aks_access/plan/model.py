"""The facts that a plan is made from: small frozen projections of the Kubernetes objects.

Projections, and not the pydantic trees, because thousands of grants stay in memory and are compared
on each event; a projection holds just what planning and status writing read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from aks_access.api.modes import DeletionPolicy, EgressMode, Mode
from aks_access.api.ranges import IPv4Range

ClusterKey = NewType("ClusterKey", str)
"""A cluster's ARM id in lower case: ARM ids compare case-insensitively."""

GrantUid = NewType("GrantUid", str)


def cluster_key(resource_id: str) -> ClusterKey:
    """The key of the cluster with this ARM id."""
    return ClusterKey(resource_id.strip().rstrip("/").lower())


class Cause(StrEnum):
    """Why an entry comes, goes or stays away."""

    GRANTED = "Granted"
    EXPIRED = "Expired"
    REVOKED = "Revoked"
    DELETED = "Deleted"
    VANISHED = "Vanished"
    EDITED = "Edited"
    INVALID = "Invalid"
    POLICY = "Policy"
    SELECTOR = "Selector"
    RANGE_SET = "RangeSet"
    BASELINE = "Baseline"
    EGRESS = "Egress"
    DRIFT = "Drift"
    WITHDRAWN = "Withdrawn"
    EXCLUSIVE = "Exclusive"
    CLEARED = "Cleared"
    CAPACITY = "Capacity"
    REFUSED_BY_AZURE = "RefusedByAzure"
    TARGET_DELETED = "TargetDeleted"
    ORPHANED = "Orphaned"
    SENTINEL = "Sentinel"


@dataclass(frozen=True, slots=True)
class Identity:
    """A workload identity: client id and tenant id; None = the operator's own."""

    client_id: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field of an object: where, what stands there, and the sentence."""

    path: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """One term of a label selector: `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector; an empty one matches nothing here."""

    requirements: tuple[LabelRequirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether every requirement holds; never for an empty selector."""
        return bool(self.requirements) and all(
            _holds(requirement, labels) for requirement in self.requirements
        )


def _holds(requirement: LabelRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Grant:
    """An ApiAccessGrant.

    Attributes:
        tracked: the GitOps tool that would create it again, as words for a message; "" if none.
        deleting: its deletionTimestamp.
        finalized: it carries our finalizer.
        problems: not empty = InvalidSpec: no access, whatever the rest says.
        started: status.startedAt, the start of the current period as first admitted.
        evaluated: (generation, time) of the first evaluation that the status remembers.
        activated: status.activatedAt, what the record of a `duration`'s first activation said.
        closed: status.closedAt, the end of the last period that was closed by the clock.
        status: the status as stored, for comparing before a write.
    """

    uid: GrantUid
    namespace: str
    name: str
    generation: int
    resource_version: str
    created: datetime
    target_name: str | None = None
    selector: Selector | None = None
    ranges: tuple[IPv4Range, ...] = ()
    range_sets: tuple[str, ...] = ()
    not_before: datetime | None = None
    expires_at: datetime | None = None
    duration: timedelta | None = None
    revoked: bool = False
    reason: str = ""
    requested_by: str = ""
    ticket: str = ""
    retention: timedelta | None = None
    tracked: str = ""
    deleting: datetime | None = None
    finalized: bool = False
    problems: tuple[Problem, ...] = ()
    requested_at: str = ""
    started: datetime | None = None
    evaluated: tuple[int, datetime] | None = None
    activated: datetime | None = None
    closed: datetime | None = None
    status: Mapping[str, object] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Policy:
    """`ApiAccessTarget.spec.policy`; None and empty mean: no such rule.

    Attributes:
        all_namespaces: `allowedNamespaces.from: All`.
        namespaces: the selector otherwise.
        min_prefix_length: the widest grant, 24 where absent.
    """

    all_namespaces: bool = False
    namespaces: Selector = field(default_factory=Selector)
    max_duration: timedelta | None = None
    min_prefix_length: int = 24
    allowed_ranges: tuple[IPv4Range, ...] = ()
    denied_ranges: tuple[IPv4Range, ...] = ()
    allow_permanent: bool = False
    require_reason: bool = False
    require_ticket: bool = False
    require_requested_by: bool = False
    max_grants_per_namespace: int | None = None
    max_entries_per_namespace: int | None = None
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """An ApiAccessTarget.

    Attributes:
        key: the cluster's key; meaningless where `problems` is not empty.
        ledger_sequence: status.ledgerSequence; None = this object has never had a ledger.
        deletion_policy: None = the spec is unusable and names none.
        acknowledge: value of the acknowledge annotation.
        status: the status as stored, for comparing before a write.
    """

    uid: str
    name: str
    generation: int
    resource_version: str
    created: datetime
    resource_id: str
    key: ClusterKey
    mode: Mode
    labels: Mapping[str, str] = field(default_factory=dict)
    baseline: tuple[IPv4Range, ...] = ()
    baseline_sets: tuple[str, ...] = ()
    restrict_unrestricted: bool = False
    egress_mode: EgressMode = EgressMode.AUTO
    egress: tuple[IPv4Range, ...] = ()
    policy: Policy = field(default_factory=Policy)
    identity: Identity | None = None
    suspend: bool = False
    deletion_policy: DeletionPolicy | None = DeletionPolicy.REVOKE
    deleting: datetime | None = None
    finalized: bool = False
    problems: tuple[Problem, ...] = ()
    requested_at: str = ""
    acknowledge: str = ""
    ledger_sequence: int | None = None
    status: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RangeSet:
    """An IPRangeSet; `from_azure` is not resolved by this version (`NotImplemented`)."""

    uid: str
    name: str
    generation: int
    resource_version: str
    ranges: tuple[IPv4Range, ...] = ()
    from_azure: str | None = None
    deleting: datetime | None = None
    problems: tuple[Problem, ...] = ()
    requested_at: str = ""
    status: Mapping[str, object] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether its ranges can be used."""
        return not self.problems and self.from_azure is None and self.deleting is None


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace of the management cluster, for the policy's selector."""

    uid: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    deleting: bool = False


def activation_key(grant: Grant) -> str:
    """What a `duration` grant's first activation is recorded under: `name:NS/NAME` or `uid:NS/UID`.

    Tracked grants by name, so that one that GitOps re-creates does not start over; others by uid,
    so that a new object of the same name starts anew.
    """
    if grant.tracked:
        return f"name:{grant.path}"
    return f"uid:{grant.namespace}/{grant.uid}"
