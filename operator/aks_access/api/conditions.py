"""Conditions: their types, every reason this project gives, and how a list of them changes.

`Reconciling` and `Stalled` are abnormal-true: they stand in the list only while True, and never
both, because kstatus takes whichever it meets first.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aks_access.api.base import ApiModel
from aks_access.api.instant import Instant

MAX_MESSAGE_LENGTH = 4096


class ConditionType(StrEnum):
    """The types of condition, in the order they are written: `Ready` first."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    ACCEPTED = "Accepted"
    RESOLVED_REFS = "ResolvedRefs"
    PROGRAMMED = "Programmed"


class ConditionStatus(StrEnum):
    """The three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class GrantReason(StrEnum):
    """Why a grant is in its state; the reason of `Ready` is the STATE column."""

    ACTIVE = "Active"
    SCHEDULED = "Scheduled"
    OBSERVED = "Observed"
    SUSPENDED = "Suspended"
    EXPIRED = "Expired"
    REVOKED = "Revoked"
    PROGRESSING = "Progressing"
    PACED = "Paced"
    REVOCATION_PENDING = "RevocationPending"
    REVOCATION_OVERDUE = "RevocationOverdue"
    INVALID_SPEC = "InvalidSpec"
    TARGET_NOT_FOUND = "TargetNotFound"
    NAMESPACE_NOT_ALLOWED = "NamespaceNotAllowed"
    POLICY_DENIED = "PolicyDenied"
    CAPACITY_EXCEEDED = "CapacityExceeded"
    RANGE_SET_NOT_RESOLVED = "RangeSetNotResolved"
    RANGE_REFUSED = "RangeRefused"
    CLUSTER_UNRESTRICTED = "ClusterUnrestricted"
    UNSUPPORTED_CLUSTER = "UnsupportedCluster"
    NODE_EGRESS_UNKNOWN = "NodeEgressUnknown"
    NOT_REVOCABLE = "NotRevocable"
    TARGET_BLOCKED = "TargetBlocked"
    ACCEPTED = "Accepted"
    RESOLVED_REFS = "ResolvedRefs"
    PROGRAMMED = "Programmed"
    NOT_PROGRAMMED = "NotProgrammed"


class TargetReason(StrEnum):
    """Why a target is in its state; the reason of `Ready` is the STATE column."""

    IN_SYNC = "InSync"
    OBSERVING = "Observing"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    REVOCATION_PENDING = "RevocationPending"
    REVOCATION_OVERDUE = "RevocationOverdue"
    CLUSTER_BUSY = "ClusterBusy"
    THROTTLED = "Throttled"
    INVALID_SPEC = "InvalidSpec"
    DUPLICATE_TARGET = "DuplicateTarget"
    RANGE_SET_NOT_RESOLVED = "RangeSetNotResolved"
    CLUSTER_NOT_FOUND = "ClusterNotFound"
    CLUSTER_STOPPED = "ClusterStopped"
    CLUSTER_FAILED = "ClusterFailed"
    CLUSTER_LOCKED = "ClusterLocked"
    CLUSTER_UNRESTRICTED = "ClusterUnrestricted"
    UNSUPPORTED_CLUSTER = "UnsupportedCluster"
    READ_FORBIDDEN = "ReadForbidden"
    WRITE_FORBIDDEN = "WriteForbidden"
    WRITE_REFUSED = "WriteRefused"
    AZURE_UNAVAILABLE = "AzureUnavailable"
    NODE_EGRESS_UNKNOWN = "NodeEgressUnknown"
    NOT_REVOCABLE = "NotRevocable"
    CAPACITY_EXCEEDED = "CapacityExceeded"
    LEDGER_FULL = "LedgerFull"
    LEDGER_LOST = "LedgerLost"
    MASS_REMOVAL_HELD = "MassRemovalHeld"
    CONFLICTING_OWNER = "ConflictingOwner"
    CLOCK_IN_DOUBT = "ClockInDoubt"
    BROAD_ENTRY = "BroadEntry"
    ACCEPTED = "Accepted"
    RESOLVED_REFS = "ResolvedRefs"
    PROGRAMMED = "Programmed"
    NOT_PROGRAMMED = "NotProgrammed"


class RangeSetReason(StrEnum):
    """Why a range set is in its state."""

    RESOLVED = "Resolved"
    INVALID_SPEC = "InvalidSpec"
    NOT_IMPLEMENTED = "NotImplemented"


class Condition(ApiModel):
    """One fact about an object, in the shape of `metav1.Condition`."""

    type: str = Field(
        max_length=64,
        description=(
            "What the condition is about: Ready, Reconciling, Stalled, Accepted, ResolvedRefs or "
            "Programmed."
        ),
        examples=["Programmed"],
    )
    status: ConditionStatus = Field(description="True, False or Unknown.", examples=["True"])
    reason: str = Field(
        max_length=64,
        description="One CamelCase word for programs: why the condition has this status.",
        examples=["Active"],
    )
    message: str = Field(
        max_length=MAX_MESSAGE_LENGTH,
        description="A sentence for people, which ends with what to do next.",
        examples=["20.50.0.0/20 is wider than /24, the limit of prod-weu. Narrow it."],
    )
    observed_generation: int | None = Field(
        default=None,
        ge=0,
        description="The generation of the object that this condition speaks of.",
        examples=[3],
    )
    last_transition_time: Instant = Field(
        description="When `status` last changed (UTC); another reason or message leaves it.",
        examples=["2026-11-22T10:02:00Z"],
    )


def find_condition(conditions: Sequence[Condition], kind: str) -> Condition | None:
    """The condition of that type, or None."""
    return next((condition for condition in conditions if condition.type == kind), None)


def set_condition(
    previous: Sequence[Condition],
    *,
    type: ConditionType,
    status: ConditionStatus,
    reason: str,
    message: str,
    observed_generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """The list with this condition in it, and the others as they were.

    `lastTransitionTime` becomes `now` (UTC, whole seconds) only when the status differs from the
    previous one. The order is that of ConditionType, unknown types last, so that an unchanged
    state is an unchanged list.
    """
    before = find_condition(previous, type)
    same = before is not None and before.status == status
    changed = before.last_transition_time if before and same else now.replace(microsecond=0)
    condition = Condition(
        type=type.value,
        status=status,
        reason=str(reason),
        message=message[:MAX_MESSAGE_LENGTH],
        observed_generation=observed_generation,
        last_transition_time=changed,
    )
    return _ordered([*remove_condition(previous, type=type), condition])


def remove_condition(
    previous: Sequence[Condition], *, type: ConditionType
) -> tuple[Condition, ...]:
    """The list without that type; how `Reconciling` and `Stalled` end."""
    return tuple(condition for condition in previous if condition.type != type)


def _ordered(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    order = [str(kind) for kind in ConditionType]
    return tuple(
        sorted(conditions, key=lambda c: order.index(c.type) if c.type in order else len(order))
    )
