"""The two things behind `ports.Clusters`: the sim, and the ARM emulator through the real SDK.

What Azure and other people do stands here once for each, so that one conformance suite can be
played on both.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from aks_access.azure.clusters import ArmClusters, ArmOptions
from aks_access.azure.credentials import Credentials
from aks_access.engine.fakes.cluster import SimCluster
from aks_access.engine.fakes.clusters import SimClusters
from aks_access.engine.ports import Clusters, OperationState
from aks_access.plan.model import cluster_key
from aks_access.settings.azure import AzureCredential
from sandbox.arm.app import ArmEmulator
from sandbox.arm.control_clusters import Shape

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
CLUSTER = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/prod"
)
LONG = 600.0
"""Seconds an operation takes unless it is finished by hand."""


class ArmBackend(Protocol):
    """One subscription: the port on it, and what happens there without the operator."""

    clusters: Clusters

    def create(
        self, *, ranges: Iterable[str] | None, private: bool = False, vnet: bool = False
    ) -> None: ...

    def edit(self, ranges: Iterable[str] | None) -> None:
        """Somebody else sets the list; None opens the cluster."""
        ...

    def finish(self) -> None:
        """The running operation ends now."""
        ...

    def next_outcome(self, state: OperationState) -> None: ...

    def refuse(self, entry: str) -> None: ...

    def set_state(self, *, provisioning: str = "Succeeded", power: str = "Running") -> None: ...

    def empty_bucket(self, method: str) -> None:
        """No `get` or `put` is left in AKS's bucket."""
        ...

    def forget_operations(self) -> None: ...

    def edit_pool(self) -> None:
        """A pool is scaled, to another size each time."""
        ...

    def nodes(self) -> int:
        """Nodes of the first pool, as stored."""
        ...

    def set_back(self) -> bool:
        """Whether a PUT is known to have changed more than the list."""
        ...

    def delete(self) -> None: ...

    def recreate(self, ranges: Iterable[str]) -> None: ...

    def stored(self) -> set[str] | None: ...


class SimArm:
    """The fake that the operator ships."""

    def __init__(self) -> None:
        self.sim = SimClusters(latency=0.0)
        self.clusters: Clusters = self.sim
        self._numbers = itertools.count(1)

    @property
    def cluster(self) -> SimCluster:
        return self.sim.cluster(cluster_key(CLUSTER))

    def create(
        self, *, ranges: Iterable[str] | None, private: bool = False, vnet: bool = False
    ) -> None:
        made = SimCluster(
            resource_id=CLUSTER,
            resource_uid=f"uid-{next(self._numbers)}",
            private=private,
            vnet_integration=vnet,
            operation_seconds=LONG,
        )
        made.set_by_others(ranges)
        self.sim.add(made)

    def edit(self, ranges: Iterable[str] | None) -> None:
        self.cluster.set_by_others(ranges)

    def finish(self) -> None:
        for operation in self.cluster.operations:
            operation.ends = min(operation.ends, asyncio.get_running_loop().time())

    def next_outcome(self, state: OperationState) -> None:
        self.cluster.outcomes.append(state)

    def refuse(self, entry: str) -> None:
        self.cluster.unacceptable.add(entry)

    def set_state(self, *, provisioning: str = "Succeeded", power: str = "Running") -> None:
        self.cluster.provisioning_state = provisioning
        self.cluster.power_state = power

    def empty_bucket(self, method: str) -> None:
        self.sim.empty_bucket(method, cluster_key(CLUSTER))

    def forget_operations(self) -> None:
        self.sim.forget_operations()

    def edit_pool(self) -> None:
        self.cluster.pools["system"] += 1

    def nodes(self) -> int:
        return self.cluster.pools["system"]

    def set_back(self) -> bool:
        return bool(self.sim.violations)

    def delete(self) -> None:
        self.cluster.gone = True

    def recreate(self, ranges: Iterable[str]) -> None:
        self.create(ranges=ranges)

    def stored(self) -> set[str] | None:
        ranges = self.cluster.ranges
        return None if ranges is None else set(ranges)


@dataclass
class EmulatedArm:
    """The emulator over HTTPS, with the operator's adapter, the real SDK and real credentials."""

    arm: ArmEmulator
    clusters: Clusters

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator["EmulatedArm"]:
        async with ArmEmulator(operation_seconds=LONG) as arm:
            credentials = Credentials(
                kind=AzureCredential.CLIENT_SECRET,
                authority=arm.url,
                instance_discovery=False,
                ca_file=arm.ca_file,
                environment={
                    "AZURE_CLIENT_ID": "operator",
                    "AZURE_TENANT_ID": "11111111-1111-1111-1111-111111111111",
                    "AZURE_CLIENT_SECRET": "s3cret",
                },
            )
            options = ArmOptions(
                endpoint=arm.url,
                scope="https://management.azure.com/.default",
                api_version="2025-10-01",
                ca_file=arm.ca_file,
            )
            clusters = ArmClusters(options=options, credentials=credentials)
            try:
                yield cls(arm=arm, clusters=clusters)
            finally:
                await clusters.aclose()
                await credentials.aclose()

    def create(
        self, *, ranges: Iterable[str] | None, private: bool = False, vnet: bool = False
    ) -> None:
        shape: Shape = {"private": private, "vnet_integration": vnet}
        listed = None if ranges is None else list(ranges)
        self.arm.control.create_cluster(CLUSTER, ranges=listed, shape=shape)

    def edit(self, ranges: Iterable[str] | None) -> None:
        self.arm.control.edit_ranges(CLUSTER, ranges=list(ranges or ()))

    def finish(self) -> None:
        self.arm.control.finish_operation(CLUSTER)

    def next_outcome(self, state: OperationState) -> None:
        self.arm.control.next_outcome(CLUSTER, status=state.value)

    def refuse(self, entry: str) -> None:
        self.arm.control.set_options(CLUSTER, refused_ranges=[entry])

    def set_state(self, *, provisioning: str = "Succeeded", power: str = "Running") -> None:
        self.arm.control.set_state(CLUSTER, provisioning_state=provisioning, power_state=power)

    def empty_bucket(self, method: str) -> None:
        self.arm.control.set_bucket(f"aks-{method}", bucket=CLUSTER, calls=0)

    def forget_operations(self) -> None:
        self.arm.control.add_fault(
            method="GET", path="/operations/", status=404, code="NotFound", count=None
        )

    def edit_pool(self) -> None:
        pool, nodes = self._pool["name"], self.nodes() + 1
        self.arm.control.edit_pool(CLUSTER, pool=pool, values={"count": nodes})

    def nodes(self) -> int:
        return int(self._pool["count"])

    def set_back(self) -> bool:
        return bool(self.arm.control.damage())

    @property
    def _pool(self) -> dict[str, Any]:
        properties: Any = self.arm.control.cluster(CLUSTER).body["properties"]
        pool: dict[str, Any] = properties["agentPoolProfiles"][0]
        return pool

    def delete(self) -> None:
        self.arm.control.delete_cluster(CLUSTER)

    def recreate(self, ranges: Iterable[str]) -> None:
        self.arm.control.recreate_cluster(CLUSTER, ranges=list(ranges))

    def stored(self) -> set[str] | None:
        ranges = self.arm.control.cluster(CLUSTER).ranges
        return None if ranges is None else set(ranges)
