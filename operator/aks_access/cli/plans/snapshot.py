"""The objects that plans are made from, as the management cluster has them, or as files would
make them.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aks_access.api.names import Kind
from aks_access.api.timestamps import format_timestamp
from aks_access.cli.files.documents import Document
from aks_access.cli.files.known import WRITTEN, Raw, Surrounding, is_namespace, written
from aks_access.cli.files.schema import kind_of
from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.plan.model import Grant, GrantUid
from aks_access.plan.outcome import Finding
from aks_access.projection import project_grant

Paths = dict[Kind | None, set[str]]
"""Paths of objects by kind; None stands for namespaces."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects as JSON has them: grants by `namespace/name`, the others by name."""

    grants: Mapping[str, Raw] = field(default_factory=dict)
    targets: Mapping[str, Raw] = field(default_factory=dict)
    sets: Mapping[str, Raw] = field(default_factory=dict)
    namespaces: Mapping[str, Raw] = field(default_factory=dict)


@dataclass(slots=True)
class Facts(Surrounding):
    """The same as the facts that a plan is made from.

    Attributes:
        barred: targets that judge no grant, by name, and why.
    """

    grants: Mapping[GrantUid, Grant] = field(default_factory=dict)
    barred: Mapping[str, Finding] = field(default_factory=dict)


def snapshot(cluster: Cluster) -> Snapshot:
    """All objects of the management cluster. Raises AksAccessError."""
    return Snapshot(
        grants={path_of(raw): raw for raw in cluster.all(Resource.GRANTS)},
        targets={path_of(raw): raw for raw in cluster.all(Resource.TARGETS)},
        sets={path_of(raw): raw for raw in cluster.all(Resource.RANGE_SETS)},
        namespaces={path_of(raw): raw for raw in cluster.all(Resource.NAMESPACES)},
    )


def facts(objects: Snapshot, *, argo_instance_label: str) -> Facts:
    """The facts, as the operator's store has them."""
    grants = [
        project_grant(raw, argo_instance_label=argo_instance_label)
        for raw in objects.grants.values()
    ]
    found = Facts(grants={grant.uid: grant for grant in grants})
    found.take(
        targets=objects.targets.values(),
        sets=objects.sets.values(),
        namespaces=objects.namespaces.values(),
    )
    return found


def path_of(raw: Raw) -> str:
    """`namespace/name`, or the name of what has no namespace."""
    metadata = raw.get("metadata") or {}
    namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
    return f"{namespace}/{name}" if namespace else f"{name}"


def overlaid(
    objects: Snapshot,
    *,
    documents: Iterable[Document],
    namespace: str,
    now: datetime,
    skip: Set[str] = frozenset(),
) -> Snapshot:
    """The objects as they are once these are applied.

    `namespace` is that of grants without one, `skip` the paths of objects that are passed over.
    """
    grants, targets = dict(objects.grants), dict(objects.targets)
    sets, namespaces = dict(objects.sets), dict(objects.namespaces)
    places = {Kind.GRANT: grants, Kind.TARGET: targets, Kind.RANGE_SET: sets}
    for document in documents:
        kind = kind_of(document)
        if kind is not None:
            place, own = places[kind], namespace if kind is Kind.GRANT else ""
        elif is_namespace(document):
            place, own = namespaces, ""
        else:
            continue
        path = path_of(written(document, namespace=own))
        if path in skip:
            continue
        place[path] = _applied(
            written(document, namespace=own), before=place.get(path), path=path, now=now
        )
    return replace(objects, grants=grants, targets=targets, sets=sets, namespaces=namespaces)


def deleted(objects: Snapshot, *, gone: Paths, now: datetime) -> Snapshot:
    """The objects as they are once these are deleted: what has a finalizer goes when it may.

    With a namespace go the grants in it.
    """
    stamp = {"deletionTimestamp": format_timestamp(now)}

    def going(place: Mapping[str, Raw], kind: Kind) -> dict[str, Raw]:
        return {
            path: {**raw, "metadata": {**raw["metadata"], **stamp}}
            if path in gone[kind] or raw["metadata"].get("namespace") in gone[None]
            else raw
            for path, raw in place.items()
        }

    return replace(
        objects,
        grants=going(objects.grants, Kind.GRANT),
        targets=going(objects.targets, Kind.TARGET),
        sets={name: raw for name, raw in objects.sets.items() if name not in gone[Kind.RANGE_SET]},
    )


def named(documents: Iterable[Document], *, namespace: str) -> Paths:
    """Paths of the objects in files; `namespace` is that of grants which name none."""
    found: Paths = {None: set(), **{kind: set() for kind in Kind}}
    for document in documents:
        kind = kind_of(document)
        if kind is not None or is_namespace(document):
            own = namespace if kind is Kind.GRANT else ""
            found[kind].add(path_of(written(document, namespace=own)))
    return found


def _applied(new: dict[str, Any], *, before: Raw | None, path: str, now: datetime) -> Raw:
    """The object as the API server would have it: uid and status stay, a new spec counts up."""
    if before is None:
        made = {"uid": f"new:{path}", "generation": 1, "creationTimestamp": format_timestamp(now)}
        return {**new, "metadata": {**new["metadata"], **made}}
    old = before["metadata"]
    metadata = {**old, **new["metadata"]}
    for name in WRITTEN:
        if old.get(name) or new["metadata"].get(name):
            metadata[name] = {**(old.get(name) or {}), **(new["metadata"].get(name) or {})}
    if new.get("spec") != before.get("spec"):
        metadata["generation"] = old.get("generation", 1) + 1
    return {**before, **new, "metadata": metadata}
