"""A management cluster in memory, for tests of commands."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aks_access.cli.hub.cluster import DryRun, Resource, Right
from aks_access.errors import AksAccessError, KubeConflict, KubeForbidden, KubeNotFound

_KINDS = {each.kind: each for each in Resource}
_Key = tuple[Resource, str, str]


@dataclass(slots=True)
class FakeCluster:
    """`cluster.Cluster` without a server: merges, and checks nothing but resourceVersions.

    Attributes:
        context_namespace: what `namespace` answers.
        refusal: raised by every call where it is set.
        to_come: later states of objects, which `watch` tells after the present one.
        written: what was applied or patched for good, in order.
        server, time: version and clock of the API server.
        impersonates: whether the person may speak for others.
        lacking: rights that somebody does not have: (user, "" = the person, and the right).
    """

    context_namespace: str = "default"
    refusal: AksAccessError | None = None
    to_come: Sequence[Mapping[str, Any]] = ()
    written: list[Mapping[str, Any]] = field(default_factory=list)
    server: str = "v1.36.3"
    time: datetime | None = None
    impersonates: bool = True
    lacking: Set[tuple[str, str]] = frozenset()
    _objects: dict[_Key, dict[str, Any]] = field(default_factory=dict)
    _version: int = 0

    def add(self, *objects: Mapping[str, Any]) -> None:
        """Put objects there, statuses included."""
        for each in objects:
            self._store(copy.deepcopy(dict(each)))

    def namespace(self) -> str:
        """See `Cluster`."""
        self._refuse()
        return self.context_namespace

    def all(self, resource: Resource, *, namespace: str = "") -> list[dict[str, Any]]:
        """See `Cluster`."""
        self._refuse()
        return [
            copy.deepcopy(each)
            for (of, place, _), each in sorted(
                self._objects.items(), key=lambda item: (item[0][0].name, *item[0][1:])
            )
            if of is resource and namespace in ("", place)
        ]

    def pieces(self, resource: Resource, *, namespace: str = "") -> list[bytes]:
        """See `Cluster`."""
        return [json.dumps(each).encode() for each in self.all(resource, namespace=namespace)]

    def first(self, resource: Resource, *, most: int) -> tuple[list[bytes], bool]:
        """See `Cluster`."""
        every = self.pieces(resource)
        return every[:most], len(every) <= most

    def get(self, resource: Resource, *, name: str, namespace: str = "") -> dict[str, Any] | None:
        """See `Cluster`."""
        self._refuse()
        return copy.deepcopy(self._objects.get((resource, namespace, name)))

    def some(
        self, resource: Resource, paths: Sequence[tuple[str, str]]
    ) -> tuple[list[dict[str, Any]], bool]:
        """See `Cluster`."""
        found = [self.get(resource, namespace=place, name=name) for place, name in paths]
        return [each for each in found if each is not None], False

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        dry_run: DryRun = DryRun.NONE,
        force: bool = False,
    ) -> dict[str, Any]:
        """See `Cluster`."""
        self._refuse()
        _same(manifest, self._objects.get(_key(manifest)))
        there = self._objects.get(_key(manifest), {"metadata": {"uid": f"uid-{self._version + 1}"}})
        return self._write(_merged(there, manifest), dry_run=dry_run, asked=manifest)

    def patch(
        self,
        resource: Resource,
        *,
        name: str,
        namespace: str = "",
        change: Mapping[str, Any],
        dry_run: DryRun = DryRun.NONE,
    ) -> dict[str, Any]:
        """See `Cluster`."""
        self._refuse()
        there = self._objects.get((resource, namespace, name))
        if there is None:
            raise KubeNotFound(f'{resource.plural} "{name}" not found')
        _same(change, there)
        return self._write(_merged(there, change), dry_run=dry_run, asked=change)

    def watch(
        self, resource: Resource, *, name: str, namespace: str = "", seconds: float
    ) -> Iterator[dict[str, Any]]:
        """See `Cluster`."""
        found = self.get(resource, name=name, namespace=namespace)
        if found is not None:
            yield found
        for each in self.to_come:
            if _key(each) == (resource, namespace, name):
                yield copy.deepcopy(dict(each))

    def version(self) -> str:
        """See `Cluster`."""
        self._refuse()
        return self.server

    def date(self) -> datetime | None:
        """See `Cluster`."""
        return self.time

    def may(self, right: Right, *, as_user: str = "") -> bool:
        """See `Cluster`."""
        self._refuse()
        if as_user and not self.impersonates:
            raise KubeForbidden("You may not: impersonate")
        return (as_user, str(right)) not in self.lacking

    def _write(
        self, made: dict[str, Any], *, dry_run: DryRun, asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        there = self._objects.get(_key(made), {})
        if made.get("spec") != there.get("spec"):
            before = there.get("metadata", {}).get("generation", 0)
            made["metadata"]["generation"] = before + 1
        if dry_run is DryRun.NONE:
            self._store(made)
            self.written.append(copy.deepcopy(dict(asked)))
        return copy.deepcopy(made)

    def _store(self, made: dict[str, Any]) -> None:
        self._version += 1
        made["metadata"].setdefault("uid", f"uid-{self._version}")
        made["metadata"]["resourceVersion"] = str(self._version)
        self._objects[_key(made)] = made

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal


def _key(raw: Mapping[str, Any]) -> _Key:
    metadata = raw["metadata"]
    return _KINDS[raw["kind"]], metadata.get("namespace", ""), metadata["name"]


def _same(asked: Mapping[str, Any], there: Mapping[str, Any] | None) -> None:
    """Raises KubeConflict where the object is not the one that is meant."""
    found = there["metadata"] if there is not None else {}
    for key in ("uid", "resourceVersion") if found else ("uid",):
        meant = asked.get("metadata", {}).get(key)
        if meant is not None and meant != found.get(key):
            raise KubeConflict(f"its {key} is not {meant}")


def _merged(there: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386."""
    made = copy.deepcopy(dict(there))
    for key, value in change.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping):
            before = made.get(key)
            made[key] = _merged(before if isinstance(before, Mapping) else {}, value)
        else:
            made[key] = copy.deepcopy(value)
    return made
