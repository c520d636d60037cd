"""Every way to make a target's spec wrong."""

from collections.abc import Iterator
from typing import Any

from aks_access.api.names import Kind
from tests.unit.api.specs import CLUSTER_ID, GUID
from tests.unit.api.wrong import DURATIONS, RANGES, Bad, bad


def bad_targets() -> Iterator[Bad]:
    for name, value, says in RANGES:
        server = {"leading zero": "is not an IPv4 address"}.get(name, "")
        yield bad(
            f"baseline {name}",
            Kind.TARGET,
            "baseline",
            {"ipRanges": [value]},
            says,
            at="baseline.ipRanges[0]",
            server=server,
        )
    yield bad(
        "wide baseline",
        Kind.TARGET,
        "baseline.ipRanges",
        ["20.0.0.0/7"],
        "is wider than /8",
        at="baseline.ipRanges[0]",
    )
    yield bad(
        "private egress",
        Kind.TARGET,
        "nodeEgress",
        {"mode": "Static", "ipRanges": ["10.0.0.4"]},
        "overlaps 10.0.0.0/8",
        at="nodeEgress.ipRanges[0]",
    )
    for mode, ranges in (("Static", []), ("Auto", ["20.50.1.4"]), ("NotNeeded", ["20.50.1.4"])):
        yield bad(
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
        yield bad(
            f"id {name}",
            Kind.TARGET,
            "resourceId",
            value,
            "is not a managed cluster's ARM id; its form is /subscriptions/<guid>/",
        )
    yield bad(
        "no id", Kind.TARGET, "resourceId", None, "the field is required", server="Required value"
    )
    yield bad(
        "no mode", Kind.TARGET, "mode", None, "the field is required", server="Required value"
    )
    yield bad(
        "mode",
        Kind.TARGET,
        "mode",
        "merge",
        "merge is not one of 'Observe'",
        server='supported values: "Observe", "Merge", "Exclusive"',
    )
    yield bad(
        "no policy", Kind.TARGET, "policy", None, "the field is required", server="Required value"
    )
    yield bad(
        "no namespaces",
        Kind.TARGET,
        "policy.allowedNamespaces",
        None,
        "the field is required",
        server="Required value",
    )
    without: dict[str, Any] = {}
    for source, selector in (("Selector", without), ("All", {"selector": {}})):
        yield bad(
            f"namespaces {source}",
            Kind.TARGET,
            "policy.allowedNamespaces",
            {"from": source, **selector},
            "selector belongs to from: Selector",
            at="policy.allowedNamespaces.selector",
        )
    yield bad(
        "same namespace",
        Kind.TARGET,
        "policy.allowedNamespaces.from",
        "Same",
        "Same is not one of",
        server="Unsupported value",
    )
    for name, value, says in DURATIONS:
        yield bad(f"maxDuration {name}", Kind.TARGET, "policy.maxDuration", value, says)
    for field, low, high in (
        ("minPrefixLength", 15, 33),
        ("maxGrantsPerNamespace", 0, 10_001),
        ("maxEntriesPerNamespace", 0, 2001),
    ):
        yield bad(
            f"low {field}",
            Kind.TARGET,
            f"policy.{field}",
            low,
            "out of bounds",
            server=f"should be greater than or equal to {low + 1}",
        )
        yield bad(
            f"high {field}",
            Kind.TARGET,
            f"policy.{field}",
            high,
            "out of bounds",
            server=f"should be less than or equal to {high - 1}",
        )
    for field in ("allowedRanges", "deniedRanges"):
        yield bad(
            f"{field} host bits",
            Kind.TARGET,
            f"policy.{field}",
            ["20.50.1.7/24"],
            "has host bits set",
            at=f"policy.{field}[0]",
        )
        yield bad(
            f"{field} IPv6",
            Kind.TARGET,
            f"policy.{field}",
            ["2001:db8::/32"],
            "is IPv6",
            at=f"policy.{field}[0]",
        )
    yield bad(
        "no allowed range",
        Kind.TARGET,
        "policy.allowedRanges",
        [],
        "allowedRanges is empty",
    )
    yield bad("client id", Kind.TARGET, "identity.clientId", "operator", "is not a GUID")
    yield bad(
        "tenant id",
        Kind.TARGET,
        "identity",
        {"clientId": GUID, "tenantId": "contoso.com"},
        "is not a GUID",
        at="identity.tenantId",
    )
    yield bad(
        "no client id",
        Kind.TARGET,
        "identity",
        {},
        "the field is required",
        at="identity.clientId",
        server="Required value",
    )
    yield bad(
        "deletion policy",
        Kind.TARGET,
        "deletionPolicy",
        "Orphan",
        "Orphan is not one of",
        server="Unsupported value",
    )
    yield bad(
        "long contact",
        Kind.TARGET,
        "policy.contact",
        "x" * 257,
        "longer than 256",
        server="may not be more than 256",
    )
