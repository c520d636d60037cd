"""Good specs; used against `parse` and against the API server, as the bad ones are."""

from typing import Any

from aks_access.api.names import API_VERSION, Kind

GUID = "5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e"
GROUP_ID = f"/subscriptions/{GUID}/resourceGroups/prod_(1).x"
CLUSTER_ID = f"{GROUP_ID}/providers/Microsoft.ContainerService/managedClusters/prod-weu"
NAT_ID = f"{GROUP_ID}/providers/Microsoft.Network/natGateways/build-agents"

GRANT: dict[str, Any] = {
    "targetRef": {"name": "prod-weu"},
    "ipRanges": ["81.2.69.142", "20.50.1.0/28"],
    "expiresAt": "2026-11-22T18:00:00Z",
}
FULL_GRANT: dict[str, Any] = {
    "targetSelector": {
        "matchLabels": {"environment": "dev"},
        "matchExpressions": [
            {"key": "region", "operator": "In", "values": ["weu", "neu"]},
            {"key": "decommissioned", "operator": "DoesNotExist"},
        ],
    },
    "ipRanges": ["20.50.0.0/16", "81.2.69.142/32", "81.2.69.142"],
    "rangeSetRefs": [{"name": "office"}],
    "notBefore": "2026-11-22T08:00:00+01:00",
    "duration": "4h30m",
    "revoked": True,
    "reason": "INC-77: debug the ingress",
    "requestedBy": "dev@contoso.com",
    "ticketRef": "INC-77",
    "retainAfterExpiry": "72h",
}
TARGET: dict[str, Any] = {
    "resourceId": CLUSTER_ID,
    "mode": "Merge",
    "policy": {"allowedNamespaces": {"from": "All"}},
}
FULL_TARGET: dict[str, Any] = {
    "resourceId": CLUSTER_ID.replace("resourceGroups", "RESOURCEGROUPS"),
    "mode": "Exclusive",
    "baseline": {"ipRanges": ["20.0.0.0/8", "51.140.0.0/24"], "rangeSetRefs": [{"name": "office"}]},
    "restrictUnrestricted": True,
    "nodeEgress": {"mode": "Static", "ipRanges": ["20.50.1.4"]},
    "policy": {
        "allowedNamespaces": {
            "from": "Selector",
            "selector": {"matchLabels": {"kubernetes.io/metadata.name": "team-a"}},
        },
        "maxDuration": "24h",
        "minPrefixLength": 16,
        "allowedRanges": ["0.0.0.0/0", "10.0.0.0/8"],
        "deniedRanges": ["13.64.0.0/11"],
        "allowPermanent": True,
        "requireReason": True,
        "requireTicket": True,
        "requireRequestedBy": True,
        "maxGrantsPerNamespace": 10,
        "maxEntriesPerNamespace": 50,
        "contact": "platform@contoso.com",
    },
    "identity": {"clientId": GUID, "tenantId": GUID.upper()},
    "suspend": True,
    "deletionPolicy": "Detach",
}
RANGE_SET: dict[str, Any] = {"ipRanges": ["51.140.0.0/24"], "description": "Offices"}
AZURE_SET: dict[str, Any] = {"fromAzure": {"resourceId": NAT_ID}}

GOOD: list[tuple[str, Kind, dict[str, Any]]] = [
    ("grant", Kind.GRANT, GRANT),
    ("full-grant", Kind.GRANT, FULL_GRANT),
    ("permanent-grant", Kind.GRANT, {k: GRANT[k] for k in ("targetRef", "ipRanges")}),
    ("past-grant", Kind.GRANT, GRANT | {"expiresAt": "2001-01-01T00:00:00Z"}),
    (
        "empty-selector",
        Kind.GRANT,
        {"targetSelector": {}, "ipRanges": ["20.50.1.7"], "duration": "1s"},
    ),
    ("sets-only-grant", Kind.GRANT, GRANT | {"ipRanges": [], "rangeSetRefs": [{"name": "a.b"}]}),
    ("offset-grant", Kind.GRANT, GRANT | {"expiresAt": "2026-11-22T18:00:00.5-08:00"}),
    ("year-grant", Kind.GRANT, {"targetRef": {"name": "x"}, "rangeSetRefs": [{"name": "o"}]}
        | {"duration": "8760h"}),
    ("public-neighbours", Kind.GRANT, GRANT | {"ipRanges": [
        "11.0.0.0/16", "100.128.0.0", "172.32.0.0/16", "192.31.196.0/24", "192.0.1.0/24",
        "223.255.255.255", "192.167.255.255", "1.0.0.0/24",
    ]}),
    ("target", Kind.TARGET, TARGET),
    ("full-target", Kind.TARGET, FULL_TARGET),
    ("egress-auto", Kind.TARGET, TARGET | {"nodeEgress": {"mode": "Auto"}}),
    ("range-set", Kind.RANGE_SET, RANGE_SET),
    ("azure-set", Kind.RANGE_SET, AZURE_SET),
]  # fmt: skip


def manifest(kind: Kind, name: str, spec: object) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": "default"} if kind is Kind.GRANT else {})
    return {"apiVersion": API_VERSION, "kind": str(kind), "metadata": metadata, "spec": spec}
