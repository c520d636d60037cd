"""Linked access checks: rights that a write needs on other resources, because its body names them.

ARM makes them on every PUT, whether or not anything about the resource changes: seen for a Log
Analytics workspace with the very command that sets authorized ranges (Azure/azure-cli#22232), said
by AKS's maintainers of a user-assigned control plane identity (Azure/AKS#4980), and documented for
the others ("AKS service permissions": identity creating and operating the cluster). Identities that
AKS made itself, in the node resource group, are left out.
"""

from collections.abc import Iterator
from typing import Final

from sandbox.arm.ids import key
from sandbox.arm.messages import JsonObject

ASSIGN_IDENTITY: Final = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
JOIN_PREFIX: Final = "Microsoft.Network/publicIPPrefixes/join/action"
JOIN_SUBNET: Final = "Microsoft.Network/virtualNetworks/subnets/join/action"

PROPERTIES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("identityProfile.*.resourceId", (ASSIGN_IDENTITY,)),
    (
        "addonProfiles.omsagent.config.logAnalyticsWorkspaceResourceID",
        ("Microsoft.OperationalInsights/workspaces/sharedkeys/read",),
    ),
    (
        "addonProfiles.ingressApplicationGateway.config.applicationGatewayId",
        (
            "Microsoft.Network/applicationGateways/read",
            "Microsoft.Network/applicationGateways/write",
        ),
    ),
    ("agentPoolProfiles.*.vnetSubnetID", (JOIN_SUBNET,)),
    ("agentPoolProfiles.*.podSubnetID", (JOIN_SUBNET,)),
    ("apiServerAccessProfile.subnetId", (JOIN_SUBNET,)),
    (
        "agentPoolProfiles.*.proximityPlacementGroupID",
        ("Microsoft.Compute/proximityPlacementGroups/write",),
    ),
    ("agentPoolProfiles.*.nodePublicIPPrefixID", (JOIN_PREFIX,)),
    (
        "networkProfile.loadBalancerProfile.outboundIPs.publicIPs.*.id",
        ("Microsoft.Network/publicIPAddresses/join/action",),
    ),
    ("networkProfile.loadBalancerProfile.outboundIPPrefixes.publicIPPrefixes.*.id", (JOIN_PREFIX,)),
    ("diskEncryptionSetID", ("Microsoft.Compute/diskEncryptionSets/read",)),
)
"""Path below `properties` (`*`: every member) to the actions that are needed on what it names."""


def links(body: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield action and resource id of each check that a PUT of this cluster makes."""
    properties = _member(body, "properties")
    node_group = str(_member(properties, "nodeResourceGroup") or "").lower()
    for resource_id in _members(_member(_member(body, "identity"), "userAssignedIdentities")):
        yield ASSIGN_IDENTITY, resource_id
    for path, actions in PROPERTIES:
        for resource_id in _at(properties, path.split(".")):
            if f"/resourcegroups/{node_group}/" not in f"{key(resource_id)}/":
                yield from ((action, resource_id) for action in actions)


def _at(value: object, path: list[str]) -> Iterator[str]:
    if not path:
        if isinstance(value, str) and value:
            yield value
        return
    first, *rest = path
    if first != "*":
        yield from _at(_member(value, first), rest)
        return
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _at(each, rest)


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _members(value: object) -> list[str]:
    return list(value) if isinstance(value, dict) else []
