"""Good specs, and every way to make one wrong; used against `parse` and against the API server."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Bad:
    """A wrong spec: its one wrong field, and what each refusal must say."""

    name: str
    kind: Kind
    spec: dict[str, Any]
    path: str
    says: str
    server_says: str

    @property
    def object_name(self) -> str:
        return "bad-" + "".join(c if c.isalnum() else "-" for c in self.name.lower()).strip("-")


def manifest(kind: Kind, name: str, spec: object) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": "default"} if kind is Kind.GRANT else {})
    return {"apiVersion": API_VERSION, "kind": str(kind), "metadata": metadata, "spec": spec}


def _with(spec: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with the value at the dotted path; None removes it."""
    copy = deepcopy(spec)
    *parents, last = path.split(".")
    node = copy
    for parent in parents:
        node = node.setdefault(parent, {})
    if value is None:
        del node[last]
    else:
        node[last] = value
    return copy


def _bad(
    name: str,
    kind: Kind,
    path: str,
    value: object,
    says: str,
    *,
    at: str = "",
    server: str = "",
    base: dict[str, Any] | None = None,
) -> Bad:
    bases = {Kind.GRANT: GRANT, Kind.TARGET: TARGET, Kind.RANGE_SET: RANGE_SET}
    where = f"spec.{at or path}"
    return Bad(
        name=name,
        kind=kind,
        spec=_with(base or bases[kind], path, value),
        path=where,
        says=says,
        server_says=server or says,
    )


_RANGES: list[tuple[str, str, str]] = [
    ("host bits", "20.50.1.7/24", "20.50.1.7/24 has host bits set; use 20.50.1.0/24"),
    ("IPv6 network", "2001:db8::/32", "is IPv6, and AKS takes IPv4 ranges only"),
    ("IPv6 address", "2603:1020::7", "is IPv6"),
    ("mapped IPv6", "::ffff:20.50.1.7", "is IPv6"),
    ("private 10", "10.1.0.0/24", "overlaps 10.0.0.0/8 (private, RFC 1918)"),
    ("private 172", "172.31.255.255", "overlaps 172.16.0.0/12 (private"),
    ("private 192", "192.168.1.1/32", "overlaps 192.168.0.0/16 (private"),
    ("around TEST-NET-1", "192.0.0.0/16", "overlaps 192.0.0.0/24 (IETF protocol assignments"),
    ("CGNAT", "100.64.0.0/16", "overlaps 100.64.0.0/10 (shared by carrier-grade NAT"),
    ("loopback", "127.0.0.1", "overlaps 127.0.0.0/8 (loopback"),
    ("link local", "169.254.169.254", "overlaps 169.254.0.0/16 (link-local"),
    ("documentation 1", "192.0.2.0/24", "overlaps 192.0.2.0/24 (documentation (TEST-NET-1)"),
    ("documentation 2", "198.51.100.7", "overlaps 198.51.100.0/24 (documentation"),
    ("documentation 3", "203.0.113.0/25", "overlaps 203.0.113.0/24 (documentation"),
    ("benchmarking", "198.19.0.0/16", "overlaps 198.18.0.0/15 (benchmarking"),
    ("6to4 relay", "192.88.99.1", "overlaps 192.88.99.0/24 (former 6to4 relay anycast"),
    ("multicast", "224.0.0.1", "overlaps 224.0.0.0/4 (multicast"),
    ("reserved", "240.0.0.0/16", "overlaps 240.0.0.0/4 (reserved"),
    ("broadcast", "255.255.255.255", "overlaps 255.255.255.255/32 (limited broadcast"),
    ("this network", "0.0.0.0/32", "overlaps 0.0.0.0/8 (this network"),
    ("everything", "0.0.0.0/0", "0.0.0.0/0 is every address"),
    ("service tag", "AzureCloud", "AzureCloud is not an IPv4 address or network"),
    ("empty text", "", "is not an IPv4 address or network"),
    ("leading zero", "020.50.1.7", "leading zero"),
    ("range of two", "20.50.1.1-20.50.1.9", "is not an IPv4 address or network"),
    ("blank", " 20.50.1.7", "is not an IPv4 address or network"),
    ("netmask", "20.50.1.0/255.255.255.0", "is not an IPv4 address or network"),
]
_DURATIONS: list[tuple[str, str, str]] = [
    ("negative", "-4h", "-4h is not a duration"),
    ("unit missing", "30", "30 is not a duration"),
    ("wrong order", "30m4h", "30m4h is not a duration"),
    ("days", "7d", "7d is not a duration"),
    ("blank", "4h 30m", "4h 30m is not a duration"),
    ("empty", "", "is not a duration"),
    ("zero", "0h0m", "0h0m is no time at all"),
    ("over a year", "8760h1s", "8760h1s is longer than 8760h"),
    ("absurd", "99999999999999999999h", "is longer than 8760h"),
]
_TIMES: list[tuple[str, str, str]] = [
    ("naive", "2026-11-22T18:00:00", "is not an RFC 3339 time with a zone"),
    ("no seconds", "2026-11-22T18:00Z", "is not an RFC 3339 time with a zone"),
    ("date", "2026-11-22", "is not an RFC 3339 time with a zone"),
    ("hour 24", "2026-11-22T24:00:00Z", "is not an RFC 3339 time with a zone"),
    ("leap second", "2026-11-22T23:59:60Z", "is not an RFC 3339 time with a zone"),
    ("absurd offset", "2026-11-22T18:00:00+99:00", "is not an RFC 3339 time with a zone"),
    ("words", "tomorrow", "is not an RFC 3339 time with a zone"),
    ("far past", "0001-01-01T00:00:00Z", "is not an RFC 3339 time with a zone"),
]


def _grants() -> Iterator[Bad]:
    for name, value, says in _RANGES:
        yield _bad(
            f"grant range {name}",
            Kind.GRANT,
            "ipRanges",
            ["20.50.1.7", value],
            says,
            at="ipRanges[1]",
            server={"leading zero": "is not an IPv4 address"}.get(name, ""),
        )
    for field in ("duration", "retainAfterExpiry"):
        base = {key: value for key, value in GRANT.items() if key != "expiresAt"}
        for name, value, says in _DURATIONS:
            yield _bad(f"{field} {name}", Kind.GRANT, field, value, says, base=base)
    for field in ("expiresAt", "notBefore"):
        base = {key: value for key, value in GRANT.items() if key != "expiresAt"}
        for name, value, says in _TIMES:
            yield _bad(f"{field} {name}", Kind.GRANT, field, value, says, base=base)
    yield _bad(
        "no such day",
        Kind.GRANT,
        "expiresAt",
        "2026-02-30T00:00:00Z",
        "2026-02-30",
        server="there is no such date",
    )
    yield _bad(
        "wider than 16",
        Kind.GRANT,
        "ipRanges",
        ["20.0.0.0/15"],
        "20.0.0.0/15 is wider than /16",
        at="ipRanges[0]",
    )
    yield _bad(
        "300 ranges",
        Kind.GRANT,
        "ipRanges",
        ["20.50.1.7"] * 300,
        "more than 200 items",
        server="must have at most 200 items",
    )
    yield _bad(
        "neither target",
        Kind.GRANT,
        "targetRef",
        None,
        "name one ApiAccessTarget",
        server="neither targetRef nor targetSelector is set",
    )
    yield _bad(
        "both targets",
        Kind.GRANT,
        "targetSelector",
        {"matchLabels": {"a": "b"}},
        "name one ApiAccessTarget",
        at="targetRef",
        server="both targetRef and targetSelector",
    )
    yield _bad("nobody", Kind.GRANT, "ipRanges", [], "the grant lets nobody in")
    yield _bad("two ends", Kind.GRANT, "duration", "4h", "expiresAt and duration are both set")
    yield _bad(
        "end before start",
        Kind.GRANT,
        "notBefore",
        "2026-11-22T19:00:00+01:00",
        "is not after notBefore",
        at="expiresAt",
    )
    yield _bad(
        "21 sets",
        Kind.GRANT,
        "rangeSetRefs",
        [{"name": "x"}] * 21,
        "more than 20 items",
        server="must have at most 20 items",
    )
    yield _bad("target name", Kind.GRANT, "targetRef.name", "Prod_WEU", "is not an object's name")
    yield _bad(
        "set name",
        Kind.GRANT,
        "rangeSetRefs",
        [{"name": "../x"}],
        "is not an object's name",
        at="rangeSetRefs[0].name",
    )
    yield _bad(
        "set without name",
        Kind.GRANT,
        "rangeSetRefs",
        [{}],
        "the field is required",
        at="rangeSetRefs[0].name",
        server="Required value",
    )
    yield _bad(
        "ranges as text",
        Kind.GRANT,
        "ipRanges",
        "20.50.1.7",
        "is not a list",
        server="must be of type array",
    )
    yield _bad(
        "range as number",
        Kind.GRANT,
        "ipRanges",
        [3],
        "3 is not text",
        at="ipRanges[0]",
        server="must be of type string",
    )
    yield _bad(
        "quoted bool",
        Kind.GRANT,
        "revoked",
        "true",
        "not true or false",
        server="must be of type boolean",
    )
    for field, length in (("reason", 1025), ("requestedBy", 257), ("ticketRef", 257)):
        yield _bad(
            f"long {field}",
            Kind.GRANT,
            field,
            "x" * length,
            f"longer than {length - 1}",
            server=f"may not be more than {length - 1}",
        )
    yield _bad(
        "unknown operator",
        Kind.GRANT,
        "targetSelector",
        {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]},
        "Gt is not one of",
        at="targetSelector.matchExpressions[0].operator",
        server="Unsupported value",
        base={"ipRanges": ["20.50.1.7"]},
    )
    for operator, values in (("In", []), ("Exists", ["a"])):
        yield _bad(
            f"operator {operator}",
            Kind.GRANT,
            "targetSelector",
            {"matchExpressions": [{"key": "a", "operator": operator, "values": values}]},
            "In and NotIn need values",
            at="targetSelector.matchExpressions[0].values",
            base={"ipRanges": ["20.50.1.7"]},
        )


def _targets() -> Iterator[Bad]:
    for name, value, says in _RANGES:
        server = {"leading zero": "is not an IPv4 address"}.get(name, "")
        yield _bad(
            f"baseline {name}",
            Kind.TARGET,
            "baseline",
            {"ipRanges": [value]},
            says,
            at="baseline.ipRanges[0]",
            server=server,
        )
    yield _bad(
        "wide baseline",
        Kind.TARGET,
        "baseline.ipRanges",
        ["20.0.0.0/7"],
        "is wider than /8",
        at="baseline.ipRanges[0]",
    )
    yield _bad(
        "private egress",
        Kind.TARGET,
        "nodeEgress",
        {"mode": "Static", "ipRanges": ["10.0.0.4"]},
        "overlaps 10.0.0.0/8",
        at="nodeEgress.ipRanges[0]",
    )
    for mode, ranges in (("Static", []), ("Auto", ["20.50.1.4"]), ("NotNeeded", ["20.50.1.4"])):
        yield _bad(
            f"egress {mode}",
            Kind.TARGET,
            "nodeEgress",
            {"mode": mode, "ipRanges": ranges},
            "ipRanges belong to mode Static",
            at="nodeEgress.ipRanges",
        )
    for name, value in (
        ("other provider", CLUSTER_ID.replace("ContainerService", "Compute")),
        ("no guid", CLUSTER_ID.replace(GUID, "prod")),
        ("trailing slash", CLUSTER_ID + "/"),
        ("child", CLUSTER_ID + "/agentPools/a"),
        ("dots", CLUSTER_ID.replace("prod_(1).x", "..")),
        ("name with dot", CLUSTER_ID + ".x"),
        ("query", CLUSTER_ID + "?a=b"),
        ("line break", CLUSTER_ID + "\n"),
        ("dotless i", CLUSTER_ID.replace("Microsoft", "M\u0131crosoft")),
        ("Kelvin sign", CLUSTER_ID.replace("prod-weu", "\u212aprod")),
        ("empty", ""),
    ):
        yield _bad(
            f"id {name}",
            Kind.TARGET,
            "resourceId",
            value,
            "is not a managed cluster's ARM id; its form is /subscriptions/<guid>/",
        )
    yield _bad(
        "no id", Kind.TARGET, "resourceId", None, "the field is required", server="Required value"
    )
    yield _bad(
        "no mode", Kind.TARGET, "mode", None, "the field is required", server="Required value"
    )
    yield _bad(
        "mode",
        Kind.TARGET,
        "mode",
        "merge",
        "merge is not one of 'Observe'",
        server='supported values: "Observe", "Merge", "Exclusive"',
    )
    yield _bad(
        "no policy", Kind.TARGET, "policy", None, "the field is required", server="Required value"
    )
    yield _bad(
        "no namespaces",
        Kind.TARGET,
        "policy.allowedNamespaces",
        None,
        "the field is required",
        server="Required value",
    )
    without: dict[str, Any] = {}
    for source, selector in (("Selector", without), ("All", {"selector": {}})):
        yield _bad(
            f"namespaces {source}",
            Kind.TARGET,
            "policy.allowedNamespaces",
            {"from": source, **selector},
            "selector belongs to from: Selector",
            at="policy.allowedNamespaces.selector",
        )
    yield _bad(
        "same namespace",
        Kind.TARGET,
        "policy.allowedNamespaces.from",
        "Same",
        "Same is not one of",
        server="Unsupported value",
    )
    for name, value, says in _DURATIONS:
        yield _bad(f"maxDuration {name}", Kind.TARGET, "policy.maxDuration", value, says)
    for field, low, high in (
        ("minPrefixLength", 15, 33),
        ("maxGrantsPerNamespace", 0, 10_001),
        ("maxEntriesPerNamespace", 0, 2001),
    ):
        yield _bad(
            f"low {field}",
            Kind.TARGET,
            f"policy.{field}",
            low,
            "out of bounds",
            server=f"should be greater than or equal to {low + 1}",
        )
        yield _bad(
            f"high {field}",
            Kind.TARGET,
            f"policy.{field}",
            high,
            "out of bounds",
            server=f"should be less than or equal to {high - 1}",
        )
    for field in ("allowedRanges", "deniedRanges"):
        yield _bad(
            f"{field} host bits",
            Kind.TARGET,
            f"policy.{field}",
            ["20.50.1.7/24"],
            "has host bits set",
            at=f"policy.{field}[0]",
        )
        yield _bad(
            f"{field} IPv6",
            Kind.TARGET,
            f"policy.{field}",
            ["2001:db8::/32"],
            "is IPv6",
            at=f"policy.{field}[0]",
        )
    yield _bad(
        "no allowed range",
        Kind.TARGET,
        "policy.allowedRanges",
        [],
        "allowedRanges is empty",
    )
    yield _bad("client id", Kind.TARGET, "identity.clientId", "operator", "is not a GUID")
    yield _bad(
        "tenant id",
        Kind.TARGET,
        "identity",
        {"clientId": GUID, "tenantId": "contoso.com"},
        "is not a GUID",
        at="identity.tenantId",
    )
    yield _bad(
        "no client id",
        Kind.TARGET,
        "identity",
        {},
        "the field is required",
        at="identity.clientId",
        server="Required value",
    )
    yield _bad(
        "deletion policy",
        Kind.TARGET,
        "deletionPolicy",
        "Orphan",
        "Orphan is not one of",
        server="Unsupported value",
    )
    yield _bad(
        "long contact",
        Kind.TARGET,
        "policy.contact",
        "x" * 257,
        "longer than 256",
        server="may not be more than 256",
    )


def _range_sets() -> Iterator[Bad]:
    yield _bad(
        "no source",
        Kind.RANGE_SET,
        "ipRanges",
        None,
        "list ranges in ipRanges",
        server="neither ipRanges nor fromAzure is set",
    )
    yield _bad(
        "two sources",
        Kind.RANGE_SET,
        "fromAzure",
        AZURE_SET["fromAzure"],
        "list ranges in ipRanges",
        at="ipRanges",
        server="both ipRanges and fromAzure are set",
    )
    yield _bad("empty set", Kind.RANGE_SET, "ipRanges", [], "ipRanges is empty")
    yield _bad(
        "wide set", Kind.RANGE_SET, "ipRanges", ["20.0.0.0/7"], "is wider than /8", at="ipRanges[0]"
    )
    yield _bad(
        "private set",
        Kind.RANGE_SET,
        "ipRanges",
        ["192.168.0.0/24"],
        "overlaps 192.168.0.0/16",
        at="ipRanges[0]",
    )
    yield _bad(
        "2001 ranges",
        Kind.RANGE_SET,
        "ipRanges",
        ["20.50.1.7"] * 2001,
        "more than 2000 items",
        server="must have at most 2000 items",
    )
    yield _bad(
        "source type",
        Kind.RANGE_SET,
        "fromAzure",
        {"resourceId": CLUSTER_ID},
        "is not the ARM id of a resource to read ranges from",
        at="fromAzure.resourceId",
        base={"description": "x"},
    )


BAD: list[Bad] = [*_grants(), *_targets(), *_range_sets()]
