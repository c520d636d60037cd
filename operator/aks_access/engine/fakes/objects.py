"""`ports.Objects` on the simulated API server; every write that the engine makes is recorded."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aks_access.engine.fakes.faults import Faults
from aks_access.engine.fakes.kube import (
    Raw,
    SimApiServer,
    deleting,
    finalizers_of,
    json_copy,
    metadata_of,
)
from aks_access.engine.ports import Kind, ObjectRef
from aks_access.errors import KubeConflict, KubeNotFound


@dataclass(frozen=True, slots=True)
class ObjectWrite:
    """One write: loop time, method and object."""

    at: float
    method: str
    kind: Kind
    name: str


class SimObjects:
    """The engine's client.

    Attributes:
        writes: every write that reached the server, oldest first.
        latency: seconds between call and answer; the work is done half way.
    """

    def __init__(self, *, server: SimApiServer, latency: float = 0.01) -> None:
        self._server = server
        self.latency = latency
        self.faults = Faults()
        self.writes: list[ObjectWrite] = []

    async def get(self, *, kind: Kind, namespace: str, name: str) -> Mapping[str, object] | None:
        """Read one object."""
        await self._sent("get", name)
        found = self._server.find(kind, name, namespace=namespace)
        await self._answered("get", name)
        return found

    async def add_finalizer(self, *, ref: ObjectRef, finalizer: str) -> Mapping[str, object]:
        """Add a finalizer if absent."""
        await self._sent("add_finalizer", ref.name)
        raw = self._read(ref)
        if ref.resource_version and metadata_of(raw)["resourceVersion"] != ref.resource_version:
            raise KubeConflict(f"{ref.name} changed", status=422)
        if finalizer not in finalizers_of(raw):
            if deleting(raw):
                raise KubeConflict(f"{ref.name} is being deleted", status=422)
            self._record("add_finalizer", ref)

            def add(found: Raw) -> None:
                metadata_of(found)["finalizers"] = [*finalizers_of(found), finalizer]

            raw = self._server.edit(ref.kind, ref.name, namespace=ref.namespace, change=add)
        await self._answered("add_finalizer", ref.name)
        return raw

    async def remove_finalizer(self, *, ref: ObjectRef, finalizer: str) -> None:
        """Remove a finalizer; an object that is gone, or lacks it, is no error."""
        await self._sent("remove_finalizer", ref.name)
        try:
            raw = self._read(ref)
        except (KubeNotFound, KubeConflict):
            return
        if finalizer in finalizers_of(raw):
            self._record("remove_finalizer", ref)

            def remove(found: Raw) -> None:
                kept = [item for item in finalizers_of(found) if item != finalizer]
                metadata_of(found)["finalizers"] = kept

            self._server.edit(ref.kind, ref.name, namespace=ref.namespace, change=remove)
        await self._answered("remove_finalizer", ref.name)

    async def patch_status(
        self, *, ref: ObjectRef, status: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Replace the status."""
        await self._sent("patch_status", ref.name)
        self._read(ref)
        self._record("patch_status", ref)

        def put(found: Raw) -> None:
            found["status"] = json_copy(dict(status))

        raw = self._server.edit(ref.kind, ref.name, namespace=ref.namespace, change=put)
        await self._answered("patch_status", ref.name)
        return raw

    async def delete(self, *, ref: ObjectRef) -> Mapping[str, object] | None:
        """Delete under preconditions; gone already is no error."""
        await self._sent("delete", ref.name)
        try:
            raw = self._read(ref)
        except (KubeNotFound, KubeConflict):
            return None
        if ref.resource_version and metadata_of(raw)["resourceVersion"] != ref.resource_version:
            raise KubeConflict(f"{ref.name} changed", status=409)
        self._record("delete", ref)
        self._server.delete(ref.kind, ref.name, namespace=ref.namespace)
        await self._answered("delete", ref.name)
        return self._server.find(ref.kind, ref.name, namespace=ref.namespace)

    def _read(self, ref: ObjectRef) -> Raw:
        raw = self._server.find(ref.kind, ref.name, namespace=ref.namespace)
        if raw is None:
            raise KubeNotFound(f"{ref.kind} {ref.name} is gone", status=404)
        if metadata_of(raw)["uid"] != ref.uid:
            raise KubeConflict(f"{ref.kind} {ref.name} is another object by now", status=422)
        return raw

    def _record(self, method: str, ref: ObjectRef) -> None:
        at = asyncio.get_running_loop().time()
        self.writes.append(ObjectWrite(at=at, method=method, kind=ref.kind, name=ref.name))

    async def _sent(self, method: str, name: str) -> None:
        await asyncio.sleep(self.latency / 2)
        self.faults.take(method, name, applied=False)

    async def _answered(self, method: str, name: str) -> None:
        await asyncio.sleep(self.latency / 2)
        self.faults.take(method, name, applied=True)
