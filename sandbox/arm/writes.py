"""What a PUT does to a stored cluster: read-only fields, merging, and lost or changed properties.

AKS ignores read-only fields that come back, replaces what a PUT names and keeps what it omits.
A client that loses or changes anything but the authorized ranges is nevertheless recorded:
`damage` compares the body with the stored cluster at any depth, unknown properties included.
"""

from collections.abc import Iterator
from typing import Any

from sandbox.arm.messages import JsonObject

# What azure-mgmt-containerservice 41.8 marks read-only on ManagedCluster (a test compares);
# `*` stands for any key, `[]` for any element of a list.
READ_ONLY = (
    "id",
    "name",
    "type",
    "eTag",
    "systemData",
    "identity.principalId",
    "identity.tenantId",
    "identity.userAssignedIdentities.*.clientId",
    "identity.userAssignedIdentities.*.principalId",
    "properties.addonProfiles.*.identity",
    "properties.agentPoolProfiles.[].currentOrchestratorVersion",
    "properties.agentPoolProfiles.[].eTag",
    "properties.agentPoolProfiles.[].localDNSProfile.state",
    "properties.agentPoolProfiles.[].provisioningState",
    "properties.agentPoolProfiles.[].status.provisioningError",
    "properties.azurePortalFQDN",
    "properties.currentKubernetesVersion",
    "properties.fqdn",
    "properties.ingressProfile.webAppRouting.identity",
    "properties.maxAgentPools",
    "properties.networkProfile.loadBalancerProfile.effectiveOutboundIPs",
    "properties.networkProfile.natGatewayProfile.effectiveOutboundIPs",
    "properties.oidcIssuerProfile.issuerURL",
    "properties.podIdentityProfile.userAssignedIdentities.[].provisioningInfo",
    "properties.podIdentityProfile.userAssignedIdentities.[].provisioningState",
    "properties.powerState",
    "properties.privateFQDN",
    "properties.privateLinkResources.[].privateLinkServiceID",
    "properties.provisioningState",
    "properties.resourceUID",
    "properties.status.provisioningError",
)
_RANGES = ("properties", "apiServerAccessProfile", "authorizedIPRanges")
_PROFILE = _RANGES[:2]
Path = tuple[str, ...]


def _tree(patterns: tuple[str, ...]) -> JsonObject:
    root: JsonObject = {}
    for pattern in patterns:
        node = root
        for part in pattern.split("."):
            node = node.setdefault(part, {})
    return root


_READ_ONLY_TREE = _tree(READ_ONLY)


def _below(node: JsonObject | None, part: str) -> JsonObject | None:
    """Return the rules below `part`: None = no rule there, {} = `part` itself is read-only."""
    if node is None:
        return None
    found: JsonObject | None = node.get("[]" if part.startswith("[") else part, node.get("*"))
    return found


def writable(body: Any, *, rules: JsonObject | None = _READ_ONLY_TREE) -> Any:
    """Return a deep copy of `body` without its read-only fields."""
    if isinstance(body, dict):
        kept = ((name, value, _below(rules, name)) for name, value in body.items())
        return {name: writable(value, rules=below) for name, value, below in kept if below != {}}
    if isinstance(body, list):
        below = _below(rules, "[]")
        return [writable(value, rules=below) for value in body]
    return body


def merged(stored: Any, sent: Any) -> Any:
    """Return `stored` with what `sent` names replaced; named list elements meet by name.

    Null is as good as absent: it leaves what is stored.
    """
    if sent is None:
        return stored
    if isinstance(stored, dict) and isinstance(sent, dict):
        result = dict(stored)
        for name, value in sent.items():
            result[name] = merged(stored[name], value) if name in stored else value
        return result
    if _named(stored) and _named(sent):
        before = {element["name"]: element for element in stored}
        after = {element["name"]: element for element in sent}
        both = [merged(value, after.get(name, {})) for name, value in before.items()]
        return both + [value for name, value in after.items() if name not in before]
    return sent


def damage(*, stored: JsonObject, sent: JsonObject) -> list[str]:
    """Return a line for each property that `sent` loses, changes or adds.

    Both bodies without read-only fields (`writable`). The authorized ranges are left out: they
    are what a client of this emulator is there to change. Null and absent count as the same.
    """
    return [
        f"{_text(path)}: {what}"
        for path, what in _differences((), stored, sent)
        if path != _RANGES and not (path == _PROFILE and _only_ranges(stored, sent))
    ]


def _differences(path: Path, stored: Any, sent: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(stored, dict) and isinstance(sent, dict):
        for name in (*stored, *(name for name in sent if name not in stored)):
            yield from _differences((*path, name), stored.get(name), sent.get(name))
    elif _named(stored) and _named(sent):
        before = {f"[{element['name']}]": element for element in stored}
        after = {f"[{element['name']}]": element for element in sent}
        for name in (*before, *(name for name in after if name not in before)):
            yield from _differences((*path, name), before.get(name), after.get(name))
    elif stored != sent or isinstance(stored, bool) != isinstance(sent, bool):
        if sent is None:
            yield path, "lost"
        elif stored is None:
            yield path, f"added {sent!r}"
        else:
            yield path, f"changed {stored!r} -> {sent!r}"


def _only_ranges(stored: JsonObject, sent: JsonObject) -> bool:
    """Whether the access profile comes or goes with nothing but the ranges in it."""
    sides = [body.get("properties", {}).get("apiServerAccessProfile") for body in (stored, sent)]
    names = {name for side in sides if isinstance(side, dict) for name in side}
    return names <= {"authorizedIPRanges"}


def _named(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(element, dict) and "name" in element for element in value)
    )


def _text(path: Path) -> str:
    return ".".join(path).replace(".[", "[")
