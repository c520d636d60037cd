"""The management cluster's API server, in memory: what people do, and what the engine writes.

The part of Kubernetes that the engine can tell apart: uids, resourceVersions, generations,
finalizers with deletionTimestamp, the status subresource, preconditions, watches and lists.
"""

import asyncio
import pickle
from collections.abc import Callable, Mapping
from datetime import datetime

from aks_access.api.names import API_VERSION
from aks_access.api.timestamps import format_timestamp
from aks_access.engine.fakes.watch import Watch
from aks_access.engine.feed import Feed
from aks_access.engine.ports import Kind

Raw = dict[str, object]
Key = tuple[Kind, str, str]
"""Kind, namespace ("" = none) and name."""


class SimApiServer:
    """The objects; every method is what kubectl, a GitOps tool or a controller does.

    `now` gives the wall-clock time; `witness` is told of every change (None = the object is gone).
    Raises `KeyError` for an object that is not there.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._objects: dict[Key, Raw] = {}
        self._stored: dict[Key, bytes] = {}
        self._version = 100
        self._uids = 0
        self._watches: list[Watch] = []
        self.unlistable: dict[Kind, str] = {}
        self.witness: Callable[[Key, Raw | None], None] | None = None

    def create_namespace(self, name: str, *, labels: Mapping[str, str] | None = None) -> Raw:
        """Create a namespace."""
        marked = {"kubernetes.io/metadata.name": name, **(labels or {})}
        return self.create(Kind.NAMESPACE, name, labels=marked)

    def create(
        self,
        kind: Kind,
        name: str,
        *,
        namespace: str = "",
        spec: Mapping[str, object] | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Raw:
        """Create an object; raises `ValueError` where the name is taken."""
        key = (kind, namespace, name)
        if key in self._objects:
            raise ValueError(f"{kind} {namespace}/{name} exists")
        self._uids += 1
        metadata: Raw = {
            "name": name,
            "uid": f"uid-{self._uids:06}",
            "generation": 1,
            "creationTimestamp": format_timestamp(self._now().replace(microsecond=0)),
            "labels": dict(labels or {}),
            "annotations": dict(annotations or {}),
        }
        if namespace:
            metadata["namespace"] = namespace
        version = "v1" if kind is Kind.NAMESPACE else API_VERSION
        raw: Raw = {"apiVersion": version, "kind": str(kind), "metadata": metadata}
        if spec is not None:
            raw["spec"] = json_copy(dict(spec))
        self._objects[key] = raw
        return self._touched(key)

    def apply(
        self,
        kind: Kind,
        name: str,
        *,
        namespace: str = "",
        spec: Mapping[str, object],
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Raw:
        """Create the object, or make it as given; what is the same already changes nothing."""
        if (kind, namespace, name) not in self._objects:
            return self.create(
                kind, name, namespace=namespace, spec=spec, labels=labels, annotations=annotations
            )

        def as_given(raw: Raw) -> None:
            raw["spec"] = json_copy(dict(spec))
            meta = metadata_of(raw)
            if labels is not None:
                meta["labels"] = dict(labels)
            if annotations is not None:
                meta["annotations"] = {**texts_of(raw, "annotations"), **annotations}

        return self.edit(kind, name, namespace=namespace, change=as_given)

    def edit(
        self, kind: Kind, name: str, *, change: Callable[[Raw], None], namespace: str = ""
    ) -> Raw:
        """Change an object in place; status changes count too."""
        key = (kind, namespace, name)
        before = self._objects[key]
        after = self._copy(key)
        change(after)
        if after == before:
            return self._copy(key)
        if after.get("spec") != before.get("spec"):
            _grow(after)
        self._objects[key] = after
        if deleting(after) and not finalizers_of(after):
            return self._gone(key)
        return self._touched(key)

    def delete(self, kind: Kind, name: str, *, namespace: str = "") -> None:
        """Delete an object: at once, or when its finalizers are gone."""
        key = (kind, namespace, name)
        raw = self._objects[key]
        if not finalizers_of(raw):
            self._gone(key)
        elif not deleting(raw):
            stamp = format_timestamp(self._now().replace(microsecond=0))
            metadata_of(raw)["deletionTimestamp"] = stamp
            _grow(raw)
            self._touched(key)

    def force_delete(self, kind: Kind, name: str, *, namespace: str = "") -> None:
        """Take every finalizer off and delete the object."""
        raw = self._objects[kind, namespace, name]
        metadata_of(raw).pop("finalizers", None)
        self.delete(kind, name, namespace=namespace)

    def delete_namespace(self, name: str) -> None:
        """Mark a namespace as terminating and delete what is in it."""
        key = (Kind.NAMESPACE, "", name)
        stamp = format_timestamp(self._now().replace(microsecond=0))
        metadata_of(self._objects[key])["deletionTimestamp"] = stamp
        self._touched(key)
        for kind, namespace, inner in list(self._objects):
            if namespace == name:
                self.delete(kind, inner, namespace=namespace)
        self._finish_namespace(name)

    def find(self, kind: Kind, name: str, *, namespace: str = "") -> Raw | None:
        """A copy of an object, or None."""
        key = (kind, namespace, name)
        return self._copy(key) if key in self._objects else None

    def exists(self, kind: Kind, name: str, *, namespace: str = "") -> bool:
        """Whether an object is there."""
        return (kind, namespace, name) in self._objects

    def names(self, kind: Kind) -> list[str]:
        """Names of a kind's objects, `namespace/name` where they have one."""
        keys = sorted(key for key in self._objects if key[0] is kind)
        return [f"{ns}/{name}" if ns else name for _, ns, name in keys]

    def watch(self, feed: Feed, *, delay: float = 0.02) -> Watch:
        """Tell a feed everything that happens from now on."""
        watch = Watch(feed=feed, delay=delay)
        self._watches.append(watch)
        return watch

    async def relist(self, feed: Feed, *, latency: float = 0.05) -> bool:
        """Give a feed complete lists of every kind; False where one failed (`unlistable`)."""
        complete = True
        for kind in Kind:
            feed.listing(kind)
            await asyncio.sleep(latency / 2)
            items = [self._copy(key) for key in self._objects if key[0] is kind]
            version = str(self._version)
            await asyncio.sleep(latency / 2)
            if kind in self.unlistable:
                feed.list_failed(kind, self.unlistable[kind])
                complete = False
            else:
                feed.replaced(kind, items, version)
        return complete

    def _copy(self, key: Key) -> Raw:
        """A copy of an object as it was last stored, for who may do with it as he likes."""
        copy: Raw = pickle.loads(self._stored[key])
        return copy

    def _touched(self, key: Key) -> Raw:
        self._version += 1
        raw = self._objects[key]
        metadata_of(raw)["resourceVersion"] = str(self._version)
        self._stored[key] = pickle.dumps(raw, pickle.HIGHEST_PROTOCOL)
        for watch in self._watches:
            watch.happened(key[0], "changed", self._copy(key))
        if self.witness is not None:
            self.witness(key, self._copy(key))
        return self._copy(key)

    def _gone(self, key: Key) -> Raw:
        self._version += 1
        raw = self._objects.pop(key)
        del self._stored[key]
        metadata_of(raw)["resourceVersion"] = str(self._version)
        for watch in self._watches:
            watch.happened(key[0], "deleted", json_copy(raw))
        if self.witness is not None:
            self.witness(key, None)
        if key[1]:
            self._finish_namespace(key[1])
        return raw

    def _finish_namespace(self, name: str) -> None:
        key = (Kind.NAMESPACE, "", name)
        raw = self._objects.get(key)
        if raw is None or not deleting(raw):
            return
        if not any(namespace == name for _, namespace, _ in self._objects):
            self._gone(key)


def json_copy(raw: Raw) -> Raw:
    """A deep copy of an object that is plain JSON; `copy.deepcopy` takes five times as long."""
    copy: Raw = pickle.loads(pickle.dumps(raw, pickle.HIGHEST_PROTOCOL))
    return copy


def metadata_of(raw: Mapping[str, object]) -> Raw:
    """The object's metadata, itself."""
    found = raw["metadata"]
    assert isinstance(found, dict)
    return found


def texts_of(raw: Mapping[str, object], name: str) -> dict[str, str]:
    """Labels or annotations."""
    found = metadata_of(raw).get(name)
    return dict(found) if isinstance(found, dict) else {}


def finalizers_of(raw: Mapping[str, object]) -> list[str]:
    """The object's finalizers, a copy."""
    found = metadata_of(raw).get("finalizers")
    return list(found) if isinstance(found, list) else []


def deleting(raw: Mapping[str, object]) -> bool:
    """Whether the object waits for its finalizers."""
    return bool(metadata_of(raw).get("deletionTimestamp"))


def _grow(raw: Raw) -> None:
    meta = metadata_of(raw)
    generation = meta["generation"]
    assert isinstance(generation, int)
    meta["generation"] = generation + 1
