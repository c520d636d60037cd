"""The Lease object itself: reading, creating and updating the one that this operator shares.

Apart from the election, so that the election can be tried in virtual time on a fake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aks_access.errors import KubeNotFound
from aks_access.kube.answers import meta_text
from aks_access.kube.connection import Connection
from aks_access.kube.resources import LEASES


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What a Lease says (`coordination.k8s.io/v1`, LeaseSpec).

    Attributes:
        holder: `holderIdentity`, "" = free.
        duration: `leaseDurationSeconds`.
        acquired, renewed: RFC 3339 with microseconds, by the holder's clock; who may lead is never
            decided from them.
        transitions: how often the holder changed.
        version, uid: resourceVersion and uid, "" of a record not yet written.
    """

    holder: str
    duration: int
    acquired: str
    renewed: str
    transitions: int = 0
    version: str = ""
    uid: str = ""


class Leases(Protocol):
    """One Lease. Raises `KubeError` and its children."""

    async def get(self) -> LeaseRecord | None:
        """Read it; None where there is none."""
        ...

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        """Create it. Raises `KubeConflict` where it exists."""
        ...

    async def update(self, record: LeaseRecord) -> LeaseRecord:
        """Write over `record.version`; `KubeConflict` where it changed or is gone."""
        ...


class KubeLeases:
    """`Leases` on a real API server."""

    def __init__(self, *, connection: Connection, namespace: str, name: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._name = name
        self.path = LEASES.object(namespace=namespace, name=name)

    async def get(self) -> LeaseRecord | None:
        """Read it; None where there is none."""
        try:
            return _record(await self._connection.get(self.path))
        except KubeNotFound:
            return None

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        """Create it. Raises `KubeConflict` where it exists."""
        path = LEASES.collection(namespace=self._namespace)
        return _record(await self._connection.post(path, body=self._body(record)))

    async def update(self, record: LeaseRecord) -> LeaseRecord:
        """Write over `record.version`; `KubeConflict` where it changed or is gone."""
        return _record(await self._connection.put(self.path, body=self._body(record)))

    def _body(self, record: LeaseRecord) -> dict[str, object]:
        metadata = {"name": self._name, "namespace": self._namespace}
        if record.version:
            metadata["resourceVersion"] = record.version
            metadata["uid"] = record.uid  # without it, an update makes a deleted Lease anew
        return {
            "apiVersion": LEASES.api_version,
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": record.holder,
                "leaseDurationSeconds": record.duration,
                "acquireTime": record.acquired or None,
                "renewTime": record.renewed or None,
                "leaseTransitions": record.transitions,
            },
        }


def _record(raw: Mapping[str, object]) -> LeaseRecord:
    found = raw.get("spec")
    spec = found if isinstance(found, Mapping) else {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        duration=spec.get("leaseDurationSeconds") or 0,
        acquired=spec.get("acquireTime") or "",
        renewed=spec.get("renewTime") or "",
        transitions=spec.get("leaseTransitions") or 0,
        version=meta_text(raw, "resourceVersion"),
        uid=meta_text(raw, "uid"),
    )
