"""Reads a managed cluster's JSON into a `ClusterView`.

What planning rests on, the id and the list, must be what it ought to be, or the answer counts as
unreadable: a list that cannot be read must never pass for an open cluster. Everything else may be
missing or of another type, as it is where a newer API version says something new.
"""

from collections.abc import Mapping
from typing import Final

from aks_access.errors import AzureError, AzureFault
from aks_access.plan.cluster import RUNNING, SUCCEEDED, ClusterView
from aks_access.plan.model import cluster_key

Json = Mapping[str, object]
_NOTHING: Final[Json] = {}


def read_cluster(body: object, *, resource_id: str) -> ClusterView:
    """The view of the cluster that was asked for by `resource_id`.

    Raises `AzureError` (UNCERTAIN) where the body is another cluster's, or its list unreadable.
    """
    if not isinstance(body, Mapping):
        raise _unreadable("it is no JSON object")
    if not is_cluster(body, resource_id=resource_id):
        raise _unreadable("its id is another one")
    properties = body.get("properties")
    if not isinstance(properties, Mapping):
        raise _unreadable("it has no properties")
    ranges = read_ranges(properties)
    profile = _object(properties, "apiServerAccessProfile")
    network = _object(properties, "networkProfile")
    return ClusterView(
        resource_id=_text(body, "id", resource_id),
        resource_uid=_text(properties, "resourceUID") or None,
        etag=_text(body, "eTag") or _text(body, "etag") or None,
        # Absent means Succeeded: RPC async-api-reference.md, "provisioningState property".
        provisioning_state=_text(properties, "provisioningState", SUCCEEDED),
        power_state=_text(_object(properties, "powerState"), "code", RUNNING),
        ranges=ranges,
        private=profile.get("enablePrivateCluster") is True,
        vnet_integration=profile.get("enableVnetIntegration") is True,
        outbound_type=_text(network, "outboundType", "loadBalancer"),
        load_balancer_sku=_text(network, "loadBalancerSku", "standard").lower(),
        disable_run_command=_flag(profile, "disableRunCommand"),
        public_network_access=_text(properties, "publicNetworkAccess") or None,
        fqdn=_text(properties, "fqdn"),
        body=body,
    )


def is_cluster(body: Json, *, resource_id: str) -> bool:
    """Whether the body's id is this one; ARM ids compare case-insensitively."""
    found = body.get("id")
    return isinstance(found, str) and cluster_key(found) == cluster_key(resource_id)


def read_ranges(properties: Json) -> tuple[str, ...] | None:
    """The authorized ranges as written; None where the key or its profile is absent or empty.

    Raises `AzureError` (UNCERTAIN) where they are no list of strings.
    """
    profile = properties.get("apiServerAccessProfile")
    if profile is None:
        return None
    if not isinstance(profile, Mapping):
        raise _unreadable("apiServerAccessProfile is no object")
    ranges = profile.get("authorizedIPRanges")
    if ranges is None:
        return None
    if not isinstance(ranges, list) or not all(isinstance(entry, str) for entry in ranges):
        raise _unreadable("authorizedIPRanges is no list of strings")
    return tuple(ranges) or None


def _unreadable(what: str) -> AzureError:
    return AzureError(
        f"Azure's answer for the cluster cannot be read: {what}.", fault=AzureFault.UNCERTAIN
    )


def _object(parent: Json, name: str) -> Json:
    value = parent.get(name)
    return value if isinstance(value, Mapping) else _NOTHING


def _text(parent: Json, name: str, default: str = "") -> str:
    value = parent.get(name)
    return value if isinstance(value, str) and value else default


def _flag(parent: Json, name: str) -> bool | None:
    value = parent.get(name)
    return value if isinstance(value, bool) else None
