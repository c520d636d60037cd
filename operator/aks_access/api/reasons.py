"""The words of conditions: their types, and every reason this project gives.

Apart from the models, because planning and commands that look need the words alone.
"""

from enum import StrEnum


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
