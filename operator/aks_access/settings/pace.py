"""Settings of the pace: how often things are read, written and looked for, and how many at once."""

from dataclasses import dataclass
from datetime import timedelta

from aks_access.plan.pace import Bucket, Pace
from aks_access.settings.forms import SECONDS, integer
from aks_access.settings.group import Group, require
from aks_access.settings.setting import declare


@dataclass(frozen=True, kw_only=True)
class PaceSettings(Group):
    """How fast the operator works; durations in seconds."""

    section = "Pace of the work"

    first_poll: float = declare(
        SECONDS,
        "Time from an accepted write to the first look at its outcome; AKS takes 40 to 100 s.",
        default="45s",
    )
    poll_interval: float = declare(
        SECONDS, "Time between further looks at a write's outcome.", default="15s"
    )
    drift_interval: float = declare(
        SECONDS,
        "Every cluster is read again at least this often, to find changes made elsewhere.",
        default="10m",
    )
    relist_interval: float = declare(
        SECONDS,
        "Every kind is listed completely this often, to find what a watch has missed.",
        default="10m",
    )
    watch_idle_timeout: float = declare(
        SECONDS,
        "A watch that is silent for this long is connected anew: a load balancer may have dropped "
        "it without a word. The API server speaks about once a minute.",
        default="70s",
    )
    settle_window: float = declare(
        SECONDS,
        "Additions wait for this long a silence, so that a burst of changes becomes one write; "
        "removals never wait.",
        default="1s",
    )
    settle_limit: float = declare(
        SECONDS,
        "Longest that additions wait for silence; not below settle-window.",
        default="5s",
    )
    namespace_additions: int = declare(
        integer(lowest=1, highest=100, unit="number of writes"),
        "How many writes in a row may add to a cluster's list for the grants of one namespace; "
        "removals never wait.",
        default="10",
    )
    namespace_addition_interval: float = declare(
        SECONDS,
        "After those a namespace may add to the cluster's list once in this time.",
        default="6m",
    )
    cluster_additions: int = declare(
        integer(lowest=1, highest=100, unit="number of writes"),
        "The same for the grants of all namespaces; not below namespace-additions.",
        default="20",
    )
    cluster_addition_interval: float = declare(
        SECONDS,
        "After those a cluster's list grows for grants once in this time; not above "
        "namespace-addition-interval.",
        default="2m",
    )
    workers: int = declare(
        integer(lowest=1, highest=256, unit="number of workers"),
        "How many clusters are worked on side by side.",
        default="16",
    )
    shutdown_grace: float = declare(
        SECONDS,
        "How long SIGTERM waits for Azure's answer to a write under way; after that the next "
        "leader finds out what became of it.",
        default="8s",
    )

    def __post_init__(self) -> None:
        require(
            self.settle_limit >= self.settle_window,
            name="settle-limit",
            value=self.settle_limit,
            rule="not below settle-window",
            limit=self.settle_window,
        )
        require(
            self.cluster_addition_interval <= self.namespace_addition_interval,
            name="cluster-addition-interval",
            value=self.cluster_addition_interval,
            rule="not above namespace-addition-interval",
            limit=self.namespace_addition_interval,
        )
        require(
            self.cluster_additions >= self.namespace_additions,
            name="cluster-additions",
            value=self.cluster_additions,
            rule="not below namespace-additions",
            limit=self.namespace_additions,
            words=str,
        )
        super().__post_init__()

    @property
    def pace(self) -> Pace:
        """How often grants may add to a list."""
        return Pace(
            namespace=Bucket(
                burst=self.namespace_additions,
                every=timedelta(seconds=self.namespace_addition_interval),
            ),
            cluster=Bucket(
                burst=self.cluster_additions,
                every=timedelta(seconds=self.cluster_addition_interval),
            ),
        )
