"""Linked access checks: rights that a write of a cluster needs on what the cluster names.

Azure asks for them at every write, whatever the write changes (documentation: rights in Azure).
What AKS made itself in the node resource group is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_ASSIGN: Final = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
_PREFIX: Final = "Microsoft.Network/publicIPPrefixes/join/action"
_SUBNET: Final = "Microsoft.Network/virtualNetworks/subnets/join/action"
_GATEWAY: Final = "Microsoft.Network/applicationGateways"

LINKED: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("identityProfile.*.resourceId", (_ASSIGN,)),
    (
        "addonProfiles.omsagent.config.logAnalyticsWorkspaceResourceID",
        ("Microsoft.OperationalInsights/workspaces/sharedkeys/read",),
    ),
    (
        "addonProfiles.ingressApplicationGateway.config.applicationGatewayId",
        (f"{_GATEWAY}/read", f"{_GATEWAY}/write"),
    ),
    ("agentPoolProfiles.*.vnetSubnetID", (_SUBNET,)),
    ("agentPoolProfiles.*.podSubnetID", (_SUBNET,)),
    ("apiServerAccessProfile.subnetId", (_SUBNET,)),
    (
        "agentPoolProfiles.*.proximityPlacementGroupID",
        ("Microsoft.Compute/proximityPlacementGroups/write",),
    ),
    ("agentPoolProfiles.*.nodePublicIPPrefixID", (_PREFIX,)),
    (
        "networkProfile.loadBalancerProfile.outboundIPs.publicIPs.*.id",
        ("Microsoft.Network/publicIPAddresses/join/action",),
    ),
    ("networkProfile.loadBalancerProfile.outboundIPPrefixes.publicIPPrefixes.*.id", (_PREFIX,)),
    ("diskEncryptionSetID", ("Microsoft.Compute/diskEncryptionSets/read",)),
)
"""Path below `properties` (`*`: every member) to the actions needed on the resource it names."""


def linked_actions(body: object) -> Iterator[tuple[str, str]]:
    """Each action that a write of this cluster needs elsewhere, and the resource's id, once."""
    properties = _member(body, "properties")
    node_group = f"/resourcegroups/{str(_member(properties, 'nodeResourceGroup') or '').lower()}/"
    found: dict[tuple[str, str], None] = {}
    identities = _member(_member(body, "identity"), "userAssignedIdentities")
    for resource_id in identities if isinstance(identities, Mapping) else ():
        found[_ASSIGN, str(resource_id)] = None
    for path, actions in LINKED:
        for resource_id in _at(properties, path.split(".")):
            if node_group not in resource_id.lower():
                found.update(dict.fromkeys((action, resource_id) for action in actions))
    yield from found


def _at(value: object, path: list[str]) -> Iterator[str]:
    if not path:
        if isinstance(value, str) and value.startswith("/subscriptions/"):
            yield value
        return
    first, *rest = path
    if first != "*":
        yield from _at(_member(value, first), rest)
        return
    inner = value.values() if isinstance(value, Mapping) else value
    for each in inner if not isinstance(value, str) and isinstance(inner, Iterable) else ():
        yield from _at(each, rest)


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None
