"""Everything the emulator knows: clusters, groups, other resources, rules and counters."""

import dataclasses
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sandbox.arm.access import Access
from sandbox.arm.buckets import Buckets
from sandbox.arm.clock import Clock, SystemClock
from sandbox.arm.clusters import Cluster, ClusterOptions
from sandbox.arm.faults import Faults
from sandbox.arm.identity import Directory
from sandbox.arm.ids import ClusterId, key
from sandbox.arm.journal import Area, Journal, JournalEntry
from sandbox.arm.messages import JsonObject
from sandbox.arm.operations import Kind, Operation
from sandbox.arm.ranges import EVERYONE
from sandbox.arm.tokens import Tokens

API_VERSIONS = tuple(
    f"{year}-{month:02}-01"
    for year, months in (
        (2023, range(1, 12)),
        (2024, (1, 2, 5, 7, 8, 9, 10)),
        (2025, range(1, 11)),
        (2026, range(1, 9)),
    )
    for month in months
)
"""Stable api-versions: 2026-08-01 and 2025-10-01 are known; the others fill the gaps."""
FIRST_VERSION_WITH_ETAG = "2024-09-01"


@dataclass(slots=True, kw_only=True)
class WorldOptions:
    """How the emulator as a whole behaves; set through the control API."""

    api_versions: tuple[str, ...] = API_VERSIONS
    date_offset: float = 0.0
    """Seconds by which the `Date` header runs ahead."""
    operation_retry_after: int | None = 1
    """`Retry-After` of a running operation, whole seconds; None = no header."""
    missing_from_provider: bool = False
    """A missing cluster answers AKS's bare `NotFound` instead of ARM's `ResourceNotFound`."""
    page_size: int = 100
    """Clusters on one page of a LIST."""


def random_ids(seed: int | None = None) -> Callable[[], str]:
    """Return a source of guids, reproducible when `seed` is given."""
    source = random.Random(seed) if seed is not None else random.SystemRandom()
    return lambda: str(uuid.UUID(int=source.getrandbits(128), version=4))


@dataclass(slots=True, kw_only=True)
class World:
    """The emulator's state; every reader lets due operations take effect first (`settle`)."""

    clock: Clock = field(default_factory=SystemClock)
    new_id: Callable[[], str] = field(default_factory=random_ids)
    url: str = "https://localhost"
    """Own base URL, without a slash at its end."""
    options: WorldOptions = field(default_factory=WorldOptions)
    defaults: ClusterOptions = field(default_factory=ClusterOptions)
    """Options of clusters made from here on."""
    clusters: dict[str, Cluster] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    """Resource groups: key → id as written."""
    tenants: dict[str, str] = field(default_factory=dict)
    """Subscriptions (lower case) whose tenant matters → tenant id."""
    resources: dict[str, JsonObject] = field(default_factory=dict)
    """Any other ARM resource: key → body."""
    operations: dict[str, Operation] = field(default_factory=dict)
    buckets: Buckets = field(default_factory=Buckets)
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    access: Access = field(default_factory=Access)
    tokens: Tokens = field(default_factory=Tokens)
    directory: Directory = field(init=False)
    _first_defaults: ClusterOptions = field(init=False)

    def __post_init__(self) -> None:
        self.directory = Directory(tokens=self.tokens)
        self._first_defaults = self.default_options()

    def reset(self) -> None:
        """Go back to the state after the start; tokens issued so far stay valid."""
        for kept in (self.clusters, self.groups, self.tenants, self.resources, self.operations):
            kept.clear()
        self.options = WorldOptions()
        self.defaults = dataclasses.replace(self._first_defaults)
        self.buckets = Buckets()
        self.faults.clear()
        self.journal.clear()
        self.access = Access()
        self.tokens.lifetime = Tokens().lifetime
        self.directory = Directory(tokens=self.tokens)

    def settle(self, cluster: Cluster) -> bool:
        """Let a due operation take effect; return whether the cluster is still there."""
        cluster.settle(now=self.clock.monotonic())
        if cluster.deleted:
            self.clusters.pop(cluster.id.key, None)
        return not cluster.deleted

    def cluster(self, cluster_key: str) -> Cluster | None:
        """Return a cluster that exists at this moment."""
        found = self.clusters.get(cluster_key)
        return found if found is not None and self.settle(found) else None

    def existing(self) -> Iterator[Cluster]:
        """Yield the clusters that exist at this moment, in the order of their making."""
        return (cluster for cluster in list(self.clusters.values()) if self.settle(cluster))

    def add(self, cluster: Cluster) -> None:
        """Keep a cluster, and make its group and subscription known."""
        self.clusters[cluster.id.key] = cluster
        self.add_group(cluster.id)

    def default_options(self) -> ClusterOptions:
        """Return a copy of the options that a new cluster gets."""
        return dataclasses.replace(self.defaults)

    def begin(
        self, cluster: Cluster, kind: Kind, *, list_before: list[str] | None = None
    ) -> Operation:
        """Start an operation on a cluster and make its status known."""
        operation = cluster.begin(
            kind=kind,
            wall=self.clock.wall(),
            now=self.clock.monotonic(),
            list_before=list_before,
        )
        self.operations[operation.operation_id] = operation
        return operation

    def add_group(self, cluster_id: ClusterId) -> None:
        """Make a cluster's resource group known."""
        self.groups.setdefault(cluster_id.group_key, cluster_id.group_path)

    def subscriptions(self) -> set[str]:
        """Return the subscriptions in use, lower case."""
        keys = (*self.groups, *self.resources)
        return {*self.tenants, *(part.split("/")[2] for part in keys if part.count("/") > 1)}

    def resource(self, resource_id: str) -> JsonObject | None:
        """Return another ARM resource's body."""
        return self.resources.get(key(resource_id))

    def entry(self, *, area: Area, method: str, path: str) -> JournalEntry:
        """Return a numbered journal entry that is not yet in the journal."""
        return JournalEntry(
            sequence=self.journal.next_sequence(),
            area=area,
            method=method,
            path=path,
            time=self.clock.wall(),
            monotonic=self.clock.monotonic(),
        )


def record_lists(entry: JournalEntry, *, cluster: Cluster, before: list[str] | None) -> None:
    """Note in `entry` what became of the cluster's list, and what is alarming about it."""
    after = cluster.ranges
    entry.cluster = cluster.id.key
    entry.before, entry.after = before, after
    if before is not None and after is None:
        entry.flags.append("unrestricted")
    if after is not None and EVERYONE in after:
        entry.flags.append("everyone")
