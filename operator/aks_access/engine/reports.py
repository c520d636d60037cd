"""What the TargetReconciler tells the GrantReconciler: one report per grant and target.

The two loops meet nowhere else but in the store and the ledgers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aks_access.api.reasons import GrantReason
from aks_access.plan.model import ClusterKey, GrantUid
from aks_access.plan.outcome import AccessState


@dataclass(frozen=True, slots=True)
class GrantReport:
    """One grant on one target, as of the target's last reconciliation.

    Attributes:
        target: name of the ApiAccessTarget.
        generation: of the grant, as judged.
        state: what the grant asks for at this moment; None = the target could not judge it.
        reason, message: of the grant on this target.
        observed: the target is in mode Observe.
        admitted: the plan lets the grant in.
        in_azure: all its ranges were read back.
        held: entries stand, or may stand, that the ledger holds for it.
        retries: where it is not let in: whether that is tried again by itself.
        starts, ends: of the period, UTC; `ends` None = permanent.
        ranges: what it asks for, range sets expanded, canonical.
    """

    target: str
    generation: int
    reason: GrantReason
    message: str
    state: AccessState | None = None
    observed: bool = False
    admitted: bool = False
    in_azure: bool = False
    held: bool = False
    retries: bool = False
    starts: datetime | None = None
    ends: datetime | None = None
    ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetReport:
    """All that one cluster's reconciliation says about grants.

    Attributes:
        target: name of the target; "" for an orphaned ledger.
        grants: report by grant uid, of every grant that matches the target.
        held: grant uid to entries that this cluster's ledger holds for it, matching or not.
        prepare: grants about to be let in, which need our finalizer (and activation) first.
        overdue: grants with an entry whose removal is overdue.
        planned_at: loop time of the snapshot that the report was made from.
        known: False where the ledger could not be read or written: `held` is not what it holds.
    """

    key: ClusterKey
    target: str
    grants: Mapping[GrantUid, GrantReport] = field(default_factory=dict)
    held: Mapping[GrantUid, tuple[str, ...]] = field(default_factory=dict)
    prepare: frozenset[GrantUid] = frozenset()
    overdue: frozenset[GrantUid] = frozenset()
    planned_at: float = 0.0
    known: bool = True
