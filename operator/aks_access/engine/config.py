"""What the engine can be told: intervals in seconds, bounds, and the platform's constants."""

from dataclasses import dataclass, field
from datetime import timedelta

from aks_access.api.names import ARGO_DEFAULT_INSTANCE_LABEL
from aks_access.api.ranges import IPv4Range
from aks_access.plan.pace import Pace


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Settings of the engine.

    Attributes:
        first_poll, poll: seconds after an accepted PUT until the cluster is looked at, and between
            further looks.
        drift: seconds between two looks at a cluster where nothing happens.
        slow_retry: seconds between tries of a write that needs a person first (403, a lock, …).
        due_retry: the most seconds between two tries while a removal is due.
        hold_limit: seconds that a write waits for the finalizers of the grants it lets in.
        missing_confirm: seconds between the two 404s that prove a cluster gone.
        put_timeout: seconds a PUT may take.
        revocation_bound: after which a removal that was not read back is overdue.
        retention: how long an expired, untracked grant stays.
        settle, settle_limit: seconds of quiet after the last hint of an addition, and after the
            first one at most.
        pace: how often grants may add to a cluster's list.
        management_egress: ranges of the management cluster, part of every managed list.
        workers: keys worked on side by side, per reconciler.
    """

    first_poll: float = 45.0
    poll: float = 15.0
    drift: float = 600.0
    slow_retry: float = 600.0
    due_retry: float = 60.0
    hold_limit: float = 5.0
    missing_confirm: float = 60.0
    put_timeout: float = 20.0
    revocation_bound: timedelta = timedelta(minutes=15)
    retention: timedelta = timedelta(hours=24)
    settle: float = 1.0
    settle_limit: float = 5.0
    pace: Pace = field(default_factory=Pace)
    management_egress: tuple[IPv4Range, ...] = ()
    argo_instance_label: str = ARGO_DEFAULT_INSTANCE_LABEL
    workers: int = 64
