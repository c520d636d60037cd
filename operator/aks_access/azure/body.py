"""Makes the body of a write: the cluster as it was read, with another list and nothing else.

Goes through the SDK's model, which keeps properties it does not know and leaves out those that it
knows to be read-only when it is sent. The view's own body stays as it is.
"""

import copy
from collections.abc import Mapping, Sequence

from azure.mgmt.containerservice.models import ManagedCluster

from aks_access.azure.view import is_cluster, read_ranges
from aks_access.errors import AzureError, UnsafeWrite
from aks_access.plan.cluster import ClusterView
from aks_access.plan.guard import refuse_unsafe_list


def with_ranges(*, view: ClusterView, resource_id: str, ranges: Sequence[str]) -> ManagedCluster:
    """The body that sets the list `ranges` on the cluster `resource_id`, read as `view`.

    Raises `UnsafeWrite` for a list that invariant I1 forbids, and for a view of another cluster.
    """
    body = view.body
    properties = body.get("properties") if isinstance(body, Mapping) else None
    if not isinstance(properties, Mapping):
        raise UnsafeWrite("The cluster's body was not read, so nothing can be written over it.")
    try:
        current = read_ranges(properties)
    except AzureError as error:
        raise UnsafeWrite(f"{error.message} Nothing is written over it.") from error
    refuse_unsafe_list(current=current, desired=ranges, entry_limit=view.entry_limit)
    assert isinstance(body, Mapping)
    if not is_cluster(body, resource_id=resource_id):
        raise UnsafeWrite(
            f"The body is not that of {resource_id}; writing it would give this cluster another "
            "one's properties."
        )
    written = copy.deepcopy(dict(body))
    profile = written["properties"].get("apiServerAccessProfile")
    written["properties"]["apiServerAccessProfile"] = {
        **(profile or {}),
        "authorizedIPRanges": list(ranges),
    }
    return ManagedCluster(written)
