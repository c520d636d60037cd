"""The rights of the operator and of people on the management cluster, for `doctor`.

The operator's are the rules of the chart's ClusterRole and Role; a test compares them.
"""

from collections.abc import Iterator

from aks_access.api.names import GROUP
from aks_access.cli.hub.cluster import Right

_LOOK = ("get", "list", "watch")


def operators(*, namespace: str, lease: str) -> Iterator[Right]:
    """What the operator needs; `namespace` is its own."""
    for verb in _LOOK:
        for resource in ("apiaccessgrants", "apiaccesstargets", "iprangesets"):
            yield Right(verb=verb, resource=resource, group=GROUP)
    for resource in (
        "apiaccessgrants",
        "apiaccesstargets",
        "apiaccessgrants/status",
        "apiaccesstargets/status",
        "iprangesets/status",
    ):
        yield Right(verb="patch", resource=resource, group=GROUP)
    yield Right(verb="delete", resource="apiaccessgrants", group=GROUP)
    for verb in _LOOK:
        yield Right(verb=verb, resource="namespaces")
    yield Right(verb="create", resource="events", group="events.k8s.io")
    for verb in ("get", "list", "create", "patch", "delete"):
        yield Right(verb=verb, resource="configmaps", namespace=namespace)
    leases = {"resource": "leases", "group": "coordination.k8s.io", "namespace": namespace}
    for verb in ("get", "update"):
        yield Right(verb=verb, name=lease, **leases)
    yield Right(verb="create", **leases)


def peoples(*, namespace: str) -> Iterator[Right]:
    """What somebody needs who asks for access in a namespace."""
    for verb in ("get", "create", "patch"):
        yield Right(verb=verb, resource="apiaccessgrants", group=GROUP, namespace=namespace)
