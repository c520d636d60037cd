"""The store's facts as objects to write to."""

from aks_access.engine.ports import Kind, ObjectRef
from aks_access.plan.model import Grant, RangeSet, Target


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
