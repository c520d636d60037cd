"""Decisions that change access, as the audit trail tells them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aks_access.plan.model import Cause


class Outcome(StrEnum):
    """What is known of the write that a decision was sent with."""

    ACCEPTED = "accepted"
    UNCERTAIN = "uncertain"  # no usable answer, or its operation failed: may have been applied
    CONFIRMED = "confirmed"  # not told as accepted before, and read back


class Unplanned(StrEnum):
    """Causes that no plan at hand gives."""

    CLUSTER_GONE = "ClusterGone"
    UNKNOWN = "Unknown"  # the process that planned it is gone, or told the cause already


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """One decision that changes access: the audit's unit.

    Attributes:
        action: `Granted`, `Restored`, `Revoked`, `Extended` (stands already, ends later), or
            `Released` (not ours any more).
        cause: why.
        cluster: ARM id; "" for `Extended`, which no write belongs to.
        target: name of the ApiAccessTarget; of several, for `Extended`, separated by commas.
        ranges: the ranges that come or go.
        grants: `namespace/name` of the grants concerned.
        requested_by, reason, ticket: audit text of the grant, if one.
        until: end of the access, None = no end.
        before, after: the cluster's list around the write, on the first decision of a write;
            None on the others.
        outcome: None = nothing is written.
    """

    action: str
    cause: Cause | Unplanned
    cluster: str
    target: str
    ranges: tuple[str, ...]
    grants: tuple[str, ...]
    until: datetime | None
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None
    requested_by: str = ""
    reason: str = ""
    ticket: str = ""
    outcome: Outcome | None = None
