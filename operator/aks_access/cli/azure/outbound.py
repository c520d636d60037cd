"""Which public addresses a cluster's nodes leave by, as far as AKS and Azure's network tell."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from aks_access.errors import AzureError
from aks_access.plan.listing import canonical, parsed

if TYPE_CHECKING:
    from aks_access.azure.reads import ArmReads

_NETWORK_VERSION: Final = "2024-05-01"


async def node_egress(reads: "ArmReads", body: object) -> tuple[str, ...]:
    """The public addresses that AKS knows its nodes leave by, where these may be read."""
    found: list[str] = []
    for resource_id in _outbound(body):
        try:
            answer = await reads.get(resource_id, api_version=_NETWORK_VERSION)
        except AzureError:
            continue  # the right to read it is none that the operator needs
        properties = answer.get("properties")
        known = properties if isinstance(properties, Mapping) else {}
        address = known.get("ipAddress") or known.get("ipPrefix")
        if isinstance(address, str) and parsed(address) is not None:
            found.append(canonical(address))
    return tuple(dict.fromkeys(found))


def _outbound(body: object) -> Iterator[str]:
    network = member(member(body, "properties"), "networkProfile")
    for profile in ("loadBalancerProfile", "natGatewayProfile"):
        listed = member(member(network, profile), "effectiveOutboundIPs")
        for each in listed if isinstance(listed, list) else ():
            resource_id = member(each, "id")
            if isinstance(resource_id, str) and resource_id.startswith("/subscriptions/"):
                yield resource_id


def member(value: object, name: str) -> object:
    """A field of what may be no object; None where there is none."""
    return value.get(name) if isinstance(value, Mapping) else None
