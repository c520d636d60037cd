"""Every way to make a grant's spec wrong."""

from collections.abc import Iterator

from aks_access.api.names import Kind
from tests.unit.api.specs import GRANT
from tests.unit.api.wrong import DURATIONS, RANGES, TIMES, Bad, bad


def bad_grants() -> Iterator[Bad]:
    for name, value, says in RANGES:
        yield bad(
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
        for name, value, says in DURATIONS:
            yield bad(f"{field} {name}", Kind.GRANT, field, value, says, base=base)
    for field in ("expiresAt", "notBefore"):
        base = {key: value for key, value in GRANT.items() if key != "expiresAt"}
        for name, value, says in TIMES:
            yield bad(f"{field} {name}", Kind.GRANT, field, value, says, base=base)
    yield bad(
        "no such day",
        Kind.GRANT,
        "expiresAt",
        "2026-02-30T00:00:00Z",
        "2026-02-30",
        server="there is no such date",
    )
    yield bad(
        "wider than 16",
        Kind.GRANT,
        "ipRanges",
        ["20.0.0.0/15"],
        "20.0.0.0/15 is wider than /16",
        at="ipRanges[0]",
    )
    yield bad(
        "300 ranges",
        Kind.GRANT,
        "ipRanges",
        ["20.50.1.7"] * 300,
        "more than 200 items",
        server="must have at most 200 items",
    )
    yield bad(
        "neither target",
        Kind.GRANT,
        "targetRef",
        None,
        "name one ApiAccessTarget",
        server="neither targetRef nor targetSelector is set",
    )
    yield bad(
        "both targets",
        Kind.GRANT,
        "targetSelector",
        {"matchLabels": {"a": "b"}},
        "name one ApiAccessTarget",
        at="targetRef",
        server="both targetRef and targetSelector",
    )
    yield bad("nobody", Kind.GRANT, "ipRanges", [], "the grant lets nobody in")
    yield bad("two ends", Kind.GRANT, "duration", "4h", "expiresAt and duration are both set")
    yield bad(
        "end before start",
        Kind.GRANT,
        "notBefore",
        "2026-11-22T19:00:00+01:00",
        "is not after notBefore",
        at="expiresAt",
    )
    yield bad(
        "21 sets",
        Kind.GRANT,
        "rangeSetRefs",
        [{"name": "x"}] * 21,
        "more than 20 items",
        server="must have at most 20 items",
    )
    yield bad("target name", Kind.GRANT, "targetRef.name", "Prod_WEU", "is not an object's name")
    yield bad(
        "set name",
        Kind.GRANT,
        "rangeSetRefs",
        [{"name": "../x"}],
        "is not an object's name",
        at="rangeSetRefs[0].name",
    )
    yield bad(
        "set without name",
        Kind.GRANT,
        "rangeSetRefs",
        [{}],
        "the field is required",
        at="rangeSetRefs[0].name",
        server="Required value",
    )
    yield bad(
        "ranges as text",
        Kind.GRANT,
        "ipRanges",
        "20.50.1.7",
        "is not a list",
        server="must be of type array",
    )
    yield bad(
        "range as number",
        Kind.GRANT,
        "ipRanges",
        [3],
        "3 is not text",
        at="ipRanges[0]",
        server="must be of type string",
    )
    yield bad(
        "quoted bool",
        Kind.GRANT,
        "revoked",
        "true",
        "not true or false",
        server="must be of type boolean",
    )
    for field, length in (("reason", 1025), ("requestedBy", 257), ("ticketRef", 257)):
        yield bad(
            f"long {field}",
            Kind.GRANT,
            field,
            "x" * length,
            f"longer than {length - 1}",
            server=f"may not be more than {length - 1}",
        )
    yield bad(
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
        yield bad(
            f"operator {operator}",
            Kind.GRANT,
            "targetSelector",
            {"matchExpressions": [{"key": "a", "operator": operator, "values": values}]},
            "In and NotIn need values",
            at="targetSelector.matchExpressions[0].values",
            base={"ipRanges": ["20.50.1.7"]},
        )
