"""How bad each reason of a target is: what it says first is its state.

Among them are those that no plan finds, because only the engine sees them.
"""

from typing import Final

from aks_access.api.reasons import TargetReason

_WORST_FIRST: Final = (
    TargetReason.REVOCATION_OVERDUE,
    TargetReason.INVALID_SPEC,
    TargetReason.DUPLICATE_TARGET,
    TargetReason.LEDGER_LOST,
    TargetReason.MASS_REMOVAL_HELD,
    TargetReason.CLUSTER_NOT_FOUND,
    TargetReason.READ_FORBIDDEN,
    TargetReason.UNSUPPORTED_CLUSTER,
    TargetReason.CLUSTER_STOPPED,
    TargetReason.CLUSTER_FAILED,
    TargetReason.WRITE_FORBIDDEN,
    TargetReason.CLUSTER_LOCKED,
    TargetReason.WRITE_REFUSED,
    TargetReason.CONFLICTING_OWNER,
    TargetReason.LEDGER_FULL,
    TargetReason.CLOCK_IN_DOUBT,
    TargetReason.CLUSTER_UNRESTRICTED,
    TargetReason.NODE_EGRESS_UNKNOWN,
    TargetReason.NOT_REVOCABLE,
    TargetReason.RANGE_SET_NOT_RESOLVED,
    TargetReason.CAPACITY_EXCEEDED,
    TargetReason.AZURE_UNAVAILABLE,
    TargetReason.THROTTLED,
    TargetReason.CLUSTER_BUSY,
    TargetReason.REVOCATION_PENDING,
    TargetReason.PROGRESSING,
    TargetReason.SUSPENDED,
    TargetReason.OBSERVING,
    TargetReason.BROAD_ENTRY,
    TargetReason.IN_SYNC,
)
SEVERITY: Final = {reason: rank for rank, reason in enumerate(_WORST_FIRST)}
"""The lower, the worse."""
