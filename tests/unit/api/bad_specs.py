"""Every way to make a range set's spec wrong, and all wrong specs together."""

from collections.abc import Iterator

from aks_access.api.names import Kind
from tests.unit.api.bad_grants import bad_grants
from tests.unit.api.bad_targets import bad_targets
from tests.unit.api.specs import AZURE_SET, CLUSTER_ID
from tests.unit.api.wrong import Bad, bad


def bad_range_sets() -> Iterator[Bad]:
    yield bad(
        "no source",
        Kind.RANGE_SET,
        "ipRanges",
        None,
        "list ranges in ipRanges",
        server="neither ipRanges nor fromAzure is set",
    )
    yield bad(
        "two sources",
        Kind.RANGE_SET,
        "fromAzure",
        AZURE_SET["fromAzure"],
        "list ranges in ipRanges",
        at="ipRanges",
        server="both ipRanges and fromAzure are set",
    )
    yield bad("empty set", Kind.RANGE_SET, "ipRanges", [], "ipRanges is empty")
    yield bad(
        "wide set", Kind.RANGE_SET, "ipRanges", ["20.0.0.0/7"], "is wider than /8", at="ipRanges[0]"
    )
    yield bad(
        "private set",
        Kind.RANGE_SET,
        "ipRanges",
        ["192.168.0.0/24"],
        "overlaps 192.168.0.0/16",
        at="ipRanges[0]",
    )
    yield bad(
        "2001 ranges",
        Kind.RANGE_SET,
        "ipRanges",
        ["20.50.1.7"] * 2001,
        "more than 2000 items",
        server="must have at most 2000 items",
    )
    yield bad(
        "source type",
        Kind.RANGE_SET,
        "fromAzure",
        {"resourceId": CLUSTER_ID},
        "is not the ARM id of a resource to read ranges from",
        at="fromAzure.resourceId",
        base={"description": "x"},
    )


BAD: list[Bad] = [*bad_grants(), *bad_targets(), *bad_range_sets()]
