"""The store's facts, and objects in a list, as what to write to or to ask for."""

from collections.abc import Mapping

from aks_access.engine.ports import ClusterRef, Kind, ObjectRef
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import Grant, Namespace, RangeSet, Target

Facts = Grant | Target | RangeSet | Namespace


def grant_ref(grant: Grant) -> ObjectRef:
    """The grant, that very one."""
    return ObjectRef(
        kind=Kind.GRANT,
        namespace=grant.namespace,
        name=grant.name,
        uid=grant.uid,
        resource_version=grant.resource_version,
    )


def target_ref(target: Target) -> ObjectRef:
    """The target, that very one."""
    return _cluster_scoped(Kind.TARGET, target)


def range_set_ref(found: RangeSet) -> ObjectRef:
    """The range set, that very one."""
    return _cluster_scoped(Kind.RANGE_SET, found)


def _cluster_scoped(kind: Kind, facts: Target | RangeSet) -> ObjectRef:
    return ObjectRef(
        kind=kind, name=facts.name, uid=facts.uid, resource_version=facts.resource_version
    )


def known_ref(*, kind: Kind, uid: str, version: int, facts: Facts) -> ObjectRef:
    """The object as the store knows it."""
    return ObjectRef(
        kind=kind,
        name=facts.name,
        uid=uid,
        namespace=facts.namespace if isinstance(facts, Grant) else "",
        resource_version=str(version),
    )


def listed_ref(kind: Kind, raw: Mapping[str, object]) -> ObjectRef:
    """An object as a list has it, of which only its name and uid are believed."""
    meta = raw.get("metadata")
    found = meta if isinstance(meta, Mapping) else {}
    uid, name, namespace = (str(found.get(key, "")) for key in ("uid", "name", "namespace"))
    return ObjectRef(kind=kind, name=name, uid=uid, namespace=namespace)


def cluster_ref(*, target: Target | None, stored: Ledger | None) -> ClusterRef:
    """The cluster to ask: the target's, or the ledger's where no usable target says it."""
    if stored is not None and (target is None or target.problems):
        return ClusterRef(resource_id=stored.resource_id, identity=stored.identity)
    assert target is not None
    return ClusterRef(resource_id=target.resource_id, identity=target.identity)
