"""`ports.Clusters` on simulated clusters: throttling, faults, and a journal of every request.

What must never happen is refused and stands in `violations`: a list that opens a cluster, a write
in its last operation's time, a PUT that would create, one that carries the pools of an older read.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aks_access.engine.fakes.cluster import Operation, SimCluster, azure_error, pools_in
from aks_access.engine.fakes.faults import Faults
from aks_access.engine.ports import ClusterRef, OperationState, WriteAccepted
from aks_access.errors import AzureError, AzureFault, UnsafeWrite
from aks_access.plan.cluster import ClusterView
from aks_access.plan.guard import refuse_unsafe_list
from aks_access.plan.listing import canonical
from aks_access.plan.model import ClusterKey, cluster_key

PUT_BUCKET = 20.0
PUT_REFILL = 60.0
GET_BUCKET = 60.0
GET_REFILL = 1.0
WHOLE = "0.0.0.0/0"
HALVES = frozenset({"0.0.0.0/1", "128.0.0.0/1"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        at: loop time at which it was worked on.
        method: `get`, `put` or `operation`.
        result: `ok`, or the `AzureFault`.
        before, sent: around a PUT, the list that stood and the list that was sent.
        spelled: the list as it was sent, each entry in its own spelling.
        conditional: a PUT carries an eTag.
        pools: the nodes of each agent pool that a PUT carries.
        operation: what an accepted PUT began.
    """

    at: float
    method: str
    key: ClusterKey
    result: str
    before: tuple[str, ...] | None = None
    sent: tuple[str, ...] | None = None
    spelled: tuple[str, ...] | None = None
    conditional: bool = True
    pools: Mapping[str, int] | None = None
    operation: Operation | None = None


class _Bucket:
    """AKS's token bucket."""

    def __init__(self, *, size: float, refill: float) -> None:
        self._size, self._refill = size, refill
        self._level, self._at = size, 0.0

    def empty(self) -> None:
        """Somebody else takes all there is."""
        self._level, self._at = 0.0, asyncio.get_running_loop().time()

    def take(self) -> float:
        """Take a token; 0, or the seconds until there is one."""
        now = asyncio.get_running_loop().time()
        self._level = min(self._size, self._level + (now - self._at) / self._refill)
        self._at = now
        if self._level < 1.0:
            return (1.0 - self._level) * self._refill
        self._level -= 1.0
        return 0.0


class SimClusters:
    """Azure.

    Attributes:
        journal: every request, oldest first.
        violations: sentences about what must never happen.
        latency: seconds from call to answer; the work is done half way.
        faults: methods `get`, `put_ranges`, `operation`; `about` is the cluster's key.
        witness: told of every request.
    """

    def __init__(self, *, latency: float = 0.2) -> None:
        self.latency = latency
        self.faults = Faults()
        self.journal: list[Request] = []
        self.violations: list[str] = []
        self.witness: Callable[[Request], None] | None = None
        self._clusters: dict[ClusterKey, SimCluster] = {}
        self._puts: dict[ClusterKey, _Bucket] = {}
        self._gets: dict[ClusterKey, _Bucket] = {}
        self._operations: dict[str, Operation] = {}
        self._shown: dict[ClusterKey, dict[str, int]] = {}

    def add(self, cluster: SimCluster) -> SimCluster:
        """Add a cluster, or put another one in its place."""
        key = cluster_key(cluster.resource_id)
        self._clusters[key] = cluster
        self._puts.setdefault(key, _Bucket(size=PUT_BUCKET, refill=PUT_REFILL))
        self._gets.setdefault(key, _Bucket(size=GET_BUCKET, refill=GET_REFILL))
        return cluster

    def cluster(self, key: ClusterKey) -> SimCluster:
        """A cluster, its finished operations ended."""
        cluster = self._clusters[key]
        cluster.settle()
        return cluster

    def empty_bucket(self, method: str, key: ClusterKey) -> None:
        """Other writers or readers use up the cluster's `put`s or `get`s."""
        (self._puts if method == "put" else self._gets)[key].empty()

    def forget_operations(self) -> None:
        """Azure answers 404 for every operation so far, as it does after a day."""
        self._operations.clear()

    def working(self) -> bool:
        """Whether an operation is under way anywhere."""
        return any(
            operation.ends > asyncio.get_running_loop().time()
            for cluster in self._clusters.values()
            for operation in cluster.operations
        )

    def requests(self, method: str, key: ClusterKey | None = None) -> list[Request]:
        """The journal's requests of a method."""
        return [r for r in self.journal if r.method == method and key in (None, r.key)]

    def find(self, key: ClusterKey) -> SimCluster | None:
        """A cluster as it is, or None."""
        return self._clusters.get(key)

    def every(self) -> list[SimCluster]:
        """The clusters, as they are."""
        return list(self._clusters.values())

    async def get(self, *, ref: ClusterRef) -> ClusterView:
        """Read a cluster."""
        key = cluster_key(ref.resource_id)
        await asyncio.sleep(self.latency / 2)
        try:
            self.faults.take("get", key, applied=False)
            view = self._existing(key, self._gets).view()
        except AzureError as error:
            self._wrote("get", key, error.fault.value)
            raise
        self._wrote("get", key, "ok")
        await asyncio.sleep(self.latency / 2)
        self._shown[key] = pools_in(view.body)
        return view

    async def put_ranges(
        self, *, ref: ClusterRef, view: ClusterView, ranges: Sequence[str]
    ) -> WriteAccepted:
        """Write a list."""
        key = cluster_key(ref.resource_id)
        self._guard(key=key, view=view, ranges=ranges)
        self._compare(key=key, view=view)
        await asyncio.sleep(self.latency / 2)
        known = self._clusters.get(key)
        before = known.ranges if known is not None else None
        try:
            self.faults.take("put_ranges", key, applied=False)
            cluster = self._writable(key)
            operation = cluster.accept(etag=view.etag, ranges=ranges, pools=pools_in(view.body))
        except AzureError as error:
            self._put(key, error.fault.value, before=before, ranges=ranges, view=view)
            raise
        self._put(key, "ok", before=before, ranges=ranges, view=view, operation=operation)
        url = f"https://operations/{len(self.journal)}"
        self._operations[url] = operation
        await asyncio.sleep(self.latency / 2)
        self.faults.take("put_ranges", key, applied=True)
        return WriteAccepted(operation_url=url)

    async def operation(self, *, ref: ClusterRef, url: str) -> OperationState:
        """Ask for an operation."""
        key = cluster_key(ref.resource_id)
        await asyncio.sleep(self.latency / 2)
        self.faults.take("operation", key, applied=False)
        known = self._operations.get(url)
        if known is None:
            raise azure_error(AzureFault.REFUSED, 404, "NotFound")
        self._clusters[key].settle()
        self._wrote("operation", key, "ok")
        return known.state

    def _guard(self, *, key: ClusterKey, view: ClusterView, ranges: Sequence[str]) -> None:
        """What the edge refuses to send; the first check shares no code with it."""
        cluster = self._clusters.get(key)
        stood = set(cluster.ranges or ()) if cluster is not None else set()
        added = set(map(canonical, ranges)) - stood
        opening = added & HALVES if stood else added >= HALVES
        if not ranges or WHOLE in added or opening:
            sentence = f"a PUT would open {key}: {list(ranges)}"
            self.violations.append(sentence)
            raise UnsafeWrite(sentence)
        try:
            refuse_unsafe_list(current=view.ranges, desired=ranges, entry_limit=view.entry_limit)
        except UnsafeWrite as error:
            self.violations.append(f"a PUT to {key} is refused at the edge: {error}")
            raise

    def _compare(self, *, key: ClusterKey, view: ClusterView) -> None:
        """The body carries the pools as last read: what an older read says sets them back."""
        carried, shown = pools_in(view.body), self._shown.get(key)
        if carried != shown:
            self.violations.append(f"a PUT to {key} sets pools to {carried}, last read as {shown}")

    def _existing(self, key: ClusterKey, buckets: dict[ClusterKey, _Bucket]) -> SimCluster:
        cluster = self._clusters.get(key)
        if cluster is None or cluster.gone:
            raise azure_error(AzureFault.NOT_FOUND, 404, "ResourceNotFound")
        wait = buckets[key].take()
        if wait > 0.0:
            raise azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=wait)
        return cluster

    def _writable(self, key: ClusterKey) -> SimCluster:
        """As `_existing`; a PUT under a condition finds that there is nothing to meet it."""
        try:
            return self._existing(key, self._puts)
        except AzureError as error:
            if error.fault is not AzureFault.NOT_FOUND:
                raise
            raise azure_error(AzureFault.CHANGED, 412, "PreConditionFailed") from error

    def _put(
        self,
        key: ClusterKey,
        result: str,
        *,
        before: tuple[str, ...] | None,
        ranges: Sequence[str],
        view: ClusterView,
        operation: Operation | None = None,
    ) -> None:
        self._told(
            Request(
                at=asyncio.get_running_loop().time(),
                method="put",
                key=key,
                result=result,
                before=before,
                sent=tuple(map(canonical, ranges)),
                spelled=tuple(ranges),
                conditional=view.etag is not None,
                pools=pools_in(view.body),
                operation=operation,
            )
        )

    def _wrote(self, method: str, key: ClusterKey, result: str) -> None:
        at = asyncio.get_running_loop().time()
        self._told(Request(at=at, method=method, key=key, result=result))

    def _told(self, request: Request) -> None:
        self.journal.append(request)
        if self.witness is not None:
            self.witness(request)
