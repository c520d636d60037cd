"""A good spec with one field made wrong, and values that are wrong wherever they stand."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from aks_access.api.names import Kind
from tests.unit.api.specs import GRANT, RANGE_SET, TARGET

RANGES: list[tuple[str, str, str]] = [
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
DURATIONS: list[tuple[str, str, str]] = [
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
TIMES: list[tuple[str, str, str]] = [
    ("naive", "2026-11-22T18:00:00", "is not an RFC 3339 time with a zone"),
    ("no seconds", "2026-11-22T18:00Z", "is not an RFC 3339 time with a zone"),
    ("date", "2026-11-22", "is not an RFC 3339 time with a zone"),
    ("hour 24", "2026-11-22T24:00:00Z", "is not an RFC 3339 time with a zone"),
    ("leap second", "2026-11-22T23:59:60Z", "is not an RFC 3339 time with a zone"),
    ("absurd offset", "2026-11-22T18:00:00+99:00", "is not an RFC 3339 time with a zone"),
    ("words", "tomorrow", "is not an RFC 3339 time with a zone"),
    ("far past", "0001-01-01T00:00:00Z", "is not an RFC 3339 time with a zone"),
]


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


def bad(
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
    """`base`, else a good spec of the kind, with this value at this path.

    Refusals name the path `at`, else this one; the API server says `server`, else the same.
    """
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
