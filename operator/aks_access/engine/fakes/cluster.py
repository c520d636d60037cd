"""One simulated AKS cluster: its list, its states, its operations, and AKS's rules for a PUT."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aks_access.engine.ports import OperationState
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.cluster import RUNNING, SUCCEEDED, TERMINAL_STATES, ClusterView
from aks_access.plan.listing import SENTINEL, canonical


@dataclass(slots=True)
class Operation:
    """One long-running operation; it ends at loop time `ends` as `outcome`."""

    ends: float
    outcome: OperationState = OperationState.SUCCEEDED
    state: OperationState = OperationState.RUNNING


@dataclass(slots=True)
class SimCluster:
    """See the module. What a test sets directly is what Azure does by itself.

    Attributes:
        ranges: the list; None = not restricted.
        pools: nodes of each agent pool. Scaling one does not move the eTag, and a PUT sets them
            all to what it carries, as in Azure.
        operation_seconds: how long a list change takes.
        outcomes: how the next operations end; Succeeded when it is used up.
        unacceptable: ranges that AKS answers with 400.
        gone: 404.
    """

    resource_id: str
    resource_uid: str = "cluster-1"
    ranges: tuple[str, ...] | None = ()
    provisioning_state: str = SUCCEEDED
    power_state: str = RUNNING
    private: bool = False
    vnet_integration: bool = False
    outbound_type: str = "loadBalancer"
    load_balancer_sku: str = "standard"
    pools: dict[str, int] = field(default_factory=lambda: {"system": 3})
    operation_seconds: float = 60.0
    outcomes: list[OperationState] = field(default_factory=list)
    unacceptable: set[str] = field(default_factory=set)
    gone: bool = False
    operations: list[Operation] = field(default_factory=list)
    _tag: int = 1

    def view(self) -> ClusterView:
        """The cluster as a GET shows it."""
        self.settle()
        return ClusterView(
            resource_id=self.resource_id,
            resource_uid=self.resource_uid,
            etag=self.etag,
            provisioning_state=self.provisioning_state,
            power_state=self.power_state,
            ranges=self.ranges,
            private=self.private,
            vnet_integration=self.vnet_integration,
            outbound_type=self.outbound_type,
            load_balancer_sku=self.load_balancer_sku,
            body=_body(self.pools),
        )

    @property
    def etag(self) -> str:
        """The eTag; every change of the cluster moves it."""
        return f"etag-{self._tag}"

    def set_by_others(self, ranges: Iterable[str] | None) -> None:
        """Somebody else changes the list (portal, az, Terraform); None clears it."""
        self.settle()
        self.ranges = None if ranges is None else tuple(map(canonical, ranges))
        self._tag += 1

    def busy(self, seconds: float, *, state: str = "Upgrading", failed: bool = False) -> None:
        """Somebody else's operation runs for a while."""
        self.settle()
        outcome = OperationState.FAILED if failed else OperationState.SUCCEEDED
        self._begin(seconds=seconds, state=state, outcome=outcome)

    def touch(self) -> None:
        """Something unrelated changes: the eTag moves."""
        self._tag += 1

    def accept(
        self, *, etag: str | None, ranges: Sequence[str], pools: dict[str, int]
    ) -> Operation:
        """Take a PUT, or raise what AKS answers."""
        self.settle()
        self._refuse(etag=etag, ranges=ranges)
        outcome = self.outcomes.pop(0) if self.outcomes else OperationState.SUCCEEDED
        operation = self._begin(seconds=self.operation_seconds, state="Updating", outcome=outcome)
        self.ranges = tuple(map(canonical, ranges))
        self.pools.update(pools)
        return operation

    def settle(self) -> None:
        """End the operations whose time has come."""
        now = asyncio.get_running_loop().time()
        for operation in self.operations:
            if operation.state is OperationState.RUNNING and operation.ends <= now:
                operation.state = operation.outcome
                self.provisioning_state = operation.outcome.value
                self._tag += 1

    def _begin(self, *, seconds: float, state: str, outcome: OperationState) -> Operation:
        now = asyncio.get_running_loop().time()
        operation = Operation(ends=now + seconds, outcome=outcome)
        self.operations.append(operation)
        self.provisioning_state = state
        self._tag += 1
        return operation

    def _refuse(self, *, etag: str | None, ranges: Sequence[str]) -> None:
        if self.provisioning_state not in TERMINAL_STATES:
            raise azure_error(AzureFault.BUSY, 409, "OperationNotAllowed")
        if self.power_state != RUNNING:
            raise azure_error(AzureFault.STOPPED, 409, "OperationNotAllowed")
        if etag is not None and etag != self.etag:
            raise azure_error(AzureFault.CHANGED, 412, "PreConditionFailed")
        known = [canonical(item) for item in ranges]
        limit = 2000 if self.vnet_integration else 200
        bad = next((item for item in known if item in self.unacceptable), None)
        if self.private:
            raise azure_error(AzureFault.INVALID, 400, "OnlySupportedOnPublicCluster")
        if len(set(known)) > limit:
            raise azure_error(AzureFault.INVALID, 400, f"greater than the allowed value {limit}")
        if bad is not None or (SENTINEL in known and len(known) > 1):
            raise azure_error(AzureFault.INVALID, 400, f"InvalidParameter {bad or SENTINEL}")


def pools_in(body: object) -> dict[str, int]:
    """The nodes of each agent pool in a cluster's document."""
    properties = body.get("properties") if isinstance(body, dict) else None
    pools = properties.get("agentPoolProfiles") if isinstance(properties, dict) else None
    return {pool["name"]: pool["count"] for pool in pools or ()}


def _body(pools: Mapping[str, int]) -> dict[str, object]:
    profiles = [{"name": name, "count": count} for name, count in pools.items()]
    return {"properties": {"agentPoolProfiles": profiles}}


def azure_error(
    fault: AzureFault, status: int | None, code: str, *, retry_after: float | None = None
) -> AzureError:
    """An answer of ARM or AKS; `status` None = no answer."""
    return AzureError(
        f"({code}) as simulated", fault=fault, status=status, code=code, retry_after=retry_after
    )
