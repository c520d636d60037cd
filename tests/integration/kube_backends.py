"""The two things behind `ports.Objects`, `Ledgers` and `Activations`: the sim and a real one.

What administrators do stands here once for each, so that one conformance suite can be played on
both. Nothing of it is the operator's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from aks_access.api.names import ACKNOWLEDGE_ANNOTATION, ledger_name
from aks_access.engine.fakes.kube import SimApiServer
from aks_access.engine.fakes.ledgers import Codec, SimActivations, SimLedgers
from aks_access.engine.fakes.objects import SimObjects
from aks_access.engine.feed import Feed
from aks_access.engine.ports import Activations, Kind, Ledgers, ObjectRef, Objects
from aks_access.kube.activations import KubeActivations
from aks_access.kube.client import KubeObjects
from aks_access.kube.connection import Connection
from aks_access.kube.informer import Informer
from aks_access.kube.ledger import KubeLedgers
from aks_access.kube.ledger_document import decode, encode
from aks_access.kube.relist import Relist
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey
from sandbox.chart import NAMESPACE
from sandbox.controlplane import ControlPlane
from tests.integration.kube_support import (
    SPECS,
    create,
    operator_access,
    path_of,
    read,
    ref_of,
)

MERGE_PATCH = "application/merge-patch+json"
THEIRS = "example.com/theirs"

BACKENDS = ("sim", "api-server")
FAR_TOO_MANY = 20_000
"""Ledger entries; the real limit is one of bytes."""

Raw = Mapping[str, Any]
Unique = Callable[[str], str]


class KubeBackend(Protocol):
    """One API server: the ports on it, and what others do there."""

    objects: Objects
    ledgers: Ledgers
    activations: Activations
    namespace: str

    def create(self, kind: Kind, name: str) -> ObjectRef: ...

    def edit(self, ref: ObjectRef, **metadata: Any) -> ObjectRef:
        """Set labels, annotations or finalizers."""
        ...

    def respec(self, ref: ObjectRef, **spec: Any) -> ObjectRef: ...

    def delete(self, ref: ObjectRef) -> None:
        """Delete as kubectl does: whatever is on the name."""
        ...

    def read(self, ref: ObjectRef) -> Raw | None: ...

    def spoil_ledger(self, key: ClusterKey) -> None: ...

    def touch_ledger(self, key: ClusterKey) -> None: ...

    def acknowledge(self, key: ClusterKey, code: str) -> None: ...

    async def relist(self, feed: Feed) -> None: ...

    async def watch(self, feed: Feed) -> None:
        """Begin to watch every kind."""
        ...


def _decoded(key: ClusterKey, document: str) -> Ledger:
    return decode(document, key=key, version="")


class SimBackend:
    """The fakes that the operator ships."""

    def __init__(self, *, namespace: str) -> None:
        self.namespace = namespace
        self.server = SimApiServer(now=lambda: datetime.now(UTC))
        self.objects = SimObjects(server=self.server, latency=0.0)
        self.ledgers = SimLedgers(latency=0.0, codec=Codec(write=encode, read=_decoded))
        self.activations = SimActivations(latency=0.0)
        self.server.create_namespace(namespace)

    def create(self, kind: Kind, name: str) -> ObjectRef:
        where = self.namespace if kind is Kind.GRANT else ""
        return ref_of(kind, self.server.create(kind, name, namespace=where, spec=SPECS[kind]))

    def edit(self, ref: ObjectRef, **metadata: Any) -> ObjectRef:
        def change(raw: dict[str, Any]) -> None:
            raw["metadata"].update(metadata)

        return self._edited(ref, change)

    def respec(self, ref: ObjectRef, **spec: Any) -> ObjectRef:
        def change(raw: dict[str, Any]) -> None:
            raw["spec"].update(spec)

        return self._edited(ref, change)

    def _edited(self, ref: ObjectRef, change: Callable[[dict[str, Any]], None]) -> ObjectRef:
        raw = self.server.edit(ref.kind, ref.name, namespace=ref.namespace, change=change)
        return ref_of(ref.kind, raw)

    def delete(self, ref: ObjectRef) -> None:
        self.server.delete(ref.kind, ref.name, namespace=ref.namespace)

    def read(self, ref: ObjectRef) -> Raw | None:
        return self.server.find(ref.kind, ref.name, namespace=ref.namespace)

    def spoil_ledger(self, key: ClusterKey) -> None:
        self.ledgers.spoil(key)

    def touch_ledger(self, key: ClusterKey) -> None:
        self.ledgers.meddle(key)

    def acknowledge(self, key: ClusterKey, code: str) -> None:
        self.ledgers.acknowledge(key, code)

    async def relist(self, feed: Feed) -> None:
        assert await self.server.relist(feed, latency=0.0)

    async def watch(self, feed: Feed) -> None:
        self.server.watch(feed, delay=0.0)


@dataclass
class RealBackend:
    """A real API server behind the operator's own adapters, with the chart's rights."""

    plane: ControlPlane
    connection: Connection
    namespace: str
    informers: list[Informer]

    def __post_init__(self) -> None:
        self.objects: Objects = KubeObjects(connection=self.connection)
        self.ledgers: Ledgers = KubeLedgers(connection=self.connection, namespace=NAMESPACE)
        self.activations: Activations = KubeActivations(
            connection=self.connection, namespace=NAMESPACE
        )

    @classmethod
    @asynccontextmanager
    async def opened(cls, plane: ControlPlane, namespace: str) -> AsyncIterator["RealBackend"]:
        async with await Connection.open(access=operator_access(plane)) as connection:
            made = cls(plane=plane, connection=connection, namespace=namespace, informers=[])
            yield made
            for informer in made.informers:
                await informer.stop()

    def create(self, kind: Kind, name: str) -> ObjectRef:
        where = self.namespace if kind is Kind.GRANT else ""
        return create(self.plane, kind, name, namespace=where)

    def edit(self, ref: ObjectRef, **metadata: Any) -> ObjectRef:
        return self._patched(ref, {"metadata": metadata})

    def respec(self, ref: ObjectRef, **spec: Any) -> ObjectRef:
        return self._patched(ref, {"spec": spec})

    def _patched(self, ref: ObjectRef, body: dict[str, Any]) -> ObjectRef:
        answer = self.plane.request("PATCH", path_of(ref), body, content_type=MERGE_PATCH)
        return ref_of(ref.kind, answer)

    def delete(self, ref: ObjectRef) -> None:
        self.plane.request("DELETE", path_of(ref))

    def read(self, ref: ObjectRef) -> Raw | None:
        listed = self.plane.request("GET", path_of(ref).rpartition("/")[0])
        names = [raw["metadata"]["name"] for raw in listed["items"]]
        return read(self.plane, ref) if ref.name in names else None

    def spoil_ledger(self, key: ClusterKey) -> None:
        self._patch_map(key, {"data": {"ledger.json": "{"}})

    def touch_ledger(self, key: ClusterKey) -> None:
        self._patch_map(key, {"metadata": {"labels": {"touched": "yes"}}})

    def acknowledge(self, key: ClusterKey, code: str) -> None:
        self._patch_map(key, {"metadata": {"annotations": {ACKNOWLEDGE_ANNOTATION: code}}})

    def _patch_map(self, key: ClusterKey, body: dict[str, Any]) -> None:
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{ledger_name(key)}"
        self.plane.request("PATCH", path, body, content_type=MERGE_PATCH)

    async def relist(self, feed: Feed) -> None:
        relist = Relist(connection=self.connection, page_size=2)
        assert await relist.relist(feed=feed) == {}

    async def watch(self, feed: Feed) -> None:
        informer = Informer(access=operator_access(self.plane), feed=feed)
        informer.start()
        self.informers.append(informer)
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(request: pytest.FixtureRequest, *, unique: Unique) -> AsyncIterator[KubeBackend]:
    """The one of `BACKENDS` that a fixture's parameter names, for one test."""
    if request.param == "sim":
        made = SimBackend(namespace=unique("team"))
        made.ledgers.most = FAR_TOO_MANY - 1
        yield made
        return
    plane = request.getfixturevalue("control_plane")
    async with RealBackend.opened(plane, request.getfixturevalue("namespace")) as real:
        yield real
