"""IPv4 ranges as a value, and the one table of networks nobody may be let in from.

Azure's list is IPv4 only and stores `/32` for a single address; the canonical form here is the
same, so ranges compare as values and never as strings. The table is the single source for the
operator's own checks and for the CEL rules of the CRDs.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

_SHAPE: Final = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)(?:/([0-9]+))?", re.ASCII)
_ADDRESS_BITS: Final = 32
_QUOTE_LIMIT: Final = 64
_PLAIN_NUMBER: Final = 10**18

MIN_GRANT_PREFIX: Final = 16
"""No grant may ask for a range wider than this, whatever a target's policy says."""

MIN_PLATFORM_PREFIX: Final = 8
"""No baseline, egress entry or range set may hold a range wider than this."""


class RangeError(ValueError):
    """Text that is no usable IPv4 range; the message names the value and how to mend it."""


class MalformedRangeError(RangeError):
    """Neither an IPv4 address nor an IPv4 network."""


class IPv6RangeError(RangeError):
    """An IPv6 address or network; AKS takes IPv4 only."""


class HostBitsError(RangeError):
    """A network with bits set behind its prefix."""


class SpecialPurposeError(RangeError):
    """A range that overlaps a network no client on the internet can come from."""


class TooWideError(RangeError):
    """A range wider than the limit of the field it stands in."""


def quoted(value: object) -> str:
    """A value as it may appear in a message: one printable line of at most 64 characters."""
    match value:
        case str():
            text = value
        case None | bool():
            text = {None: "null", True: "true", False: "false"}[value]
        case int() if abs(value) >= _PLAIN_NUMBER:
            text = "a very large number"
        case int() | float():
            text = str(value)
        case list() | tuple():
            text = "a list"
        case _:
            text = "an object"
    shown = text if len(text) <= _QUOTE_LIMIT else f"{text[:_QUOTE_LIMIT]}…"
    return shown if shown.isprintable() and shown.strip() == shown != "" else repr(shown)


def _dotted(address: int) -> str:
    return f"{address >> 24}.{address >> 16 & 0xFF}.{address >> 8 & 0xFF}.{address & 0xFF}"


@dataclass(frozen=True, slots=True, order=True)
class IPv4Range:
    """An IPv4 network; a single address is a `/32`. Ordered by network, then prefix.

    `network` is the first address as an integer, `prefix` the number of leading bits (0..32).
    """

    network: int
    prefix: int

    def __post_init__(self) -> None:
        if not 0 <= self.prefix <= _ADDRESS_BITS:
            raise ValueError(f"prefix {self.prefix} is outside 0..32")
        if not 0 <= self.network < 1 << _ADDRESS_BITS or self.network & (self.size - 1):
            raise ValueError(f"{self.network:#x} is no network of prefix {self.prefix}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `20.50.1.0/24` or `20.50.1.7` (= `/32`).

        Raises MalformedRangeError, IPv6RangeError or HostBitsError.
        """
        match = _SHAPE.fullmatch(text)
        if match is None:
            if re.fullmatch(r"[0-9a-fA-F.]*:[0-9a-fA-F:.]*(?:/[0-9]*)?", text, re.ASCII):
                raise IPv6RangeError(
                    f"{quoted(text)} is IPv6, and AKS takes IPv4 ranges only; use the client's "
                    "IPv4 address"
                )
            raise MalformedRangeError(
                f"{quoted(text)} is not an IPv4 address or network; write one like 20.50.1.7 or "
                "20.50.1.0/24"
            )
        *octets, bits = match.groups()
        return cls._from_numbers(text=text, octets=octets, bits=bits)

    @classmethod
    def _from_numbers(cls, *, text: str, octets: list[str], bits: str | None) -> Self:
        numbers = octets if bits is None else [*octets, bits]
        if any(len(number) > 1 and number[0] == "0" for number in numbers):
            raise MalformedRangeError(
                f"{quoted(text)} has a number with a leading zero; write it without"
            )
        if any(len(octet) > 3 or int(octet) > 255 for octet in octets):
            raise MalformedRangeError(
                f"{quoted(text)} has a number above 255; an IPv4 address has four from 0 to 255"
            )
        if bits is not None and (len(bits) > 2 or int(bits) > _ADDRESS_BITS):
            raise MalformedRangeError(
                f"{quoted(text)} has a prefix above 32; a single address is {'.'.join(octets)}/32"
            )
        address = 0
        for octet in octets:
            address = address << 8 | int(octet)
        prefix = _ADDRESS_BITS if bits is None else int(bits)
        network = address >> (_ADDRESS_BITS - prefix) << (_ADDRESS_BITS - prefix)
        if network != address:
            raise HostBitsError(
                f"{text} has host bits set; use {_dotted(network)}/{prefix} for the network or "
                f"{_dotted(address)}/32 for the one address"
            )
        return cls(network, prefix)

    @property
    def size(self) -> int:
        """How many addresses the range holds."""
        return 1 << (_ADDRESS_BITS - self.prefix)

    @property
    def first(self) -> int:
        """The lowest address, as an integer."""
        return self.network

    @property
    def last(self) -> int:
        """The highest address, as an integer."""
        return self.network | (self.size - 1)

    def contains(self, other: "IPv4Range") -> bool:
        """Whether every address of `other` is in this range."""
        return self.prefix <= other.prefix and self.network <= other.network <= self.last

    def overlaps(self, other: "IPv4Range") -> bool:
        """Whether the two share an address: of two networks one then contains the other."""
        return self.contains(other) or other.contains(self)

    def __str__(self) -> str:
        """Canonical CIDR, always with the prefix: `20.50.1.7/32`."""
        return f"{_dotted(self.network)}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class SpecialNetwork:
    """A network that no client of a public API server comes from, and what it is for."""

    range: IPv4Range
    name: str
    source: str


def _special(cidr: str, name: str, source: str) -> SpecialNetwork:
    return SpecialNetwork(range=IPv4Range.parse(cidr), name=name, source=source)


# The entries of the IANA IPv4 Special-Purpose Address Registry that are not globally reachable
# (AS112 and AMT are, and stay allowed), and the multicast block of the IANA IPv4 address space
# registry. Most specific first, so that a message names the narrowest entry.
SPECIAL_NETWORKS: Final[tuple[SpecialNetwork, ...]] = (
    _special("255.255.255.255/32", "limited broadcast", "RFC 8190"),
    _special("192.0.0.0/24", "IETF protocol assignments", "RFC 6890"),
    _special("192.0.2.0/24", "documentation (TEST-NET-1)", "RFC 5737"),
    _special("198.51.100.0/24", "documentation (TEST-NET-2)", "RFC 5737"),
    _special("203.0.113.0/24", "documentation (TEST-NET-3)", "RFC 5737"),
    _special("192.88.99.0/24", "former 6to4 relay anycast", "RFC 7526"),
    _special("169.254.0.0/16", "link-local", "RFC 3927"),
    _special("192.168.0.0/16", "private", "RFC 1918"),
    _special("198.18.0.0/15", "benchmarking", "RFC 2544"),
    _special("172.16.0.0/12", "private", "RFC 1918"),
    _special("100.64.0.0/10", "shared by carrier-grade NAT", "RFC 6598"),
    _special("0.0.0.0/8", "this network", "RFC 791"),
    _special("10.0.0.0/8", "private", "RFC 1918"),
    _special("127.0.0.0/8", "loopback", "RFC 1122"),
    _special("224.0.0.0/4", "multicast", "RFC 5771"),
    _special("240.0.0.0/4", "reserved", "RFC 1112"),
)


def special_network(value: IPv4Range) -> SpecialNetwork | None:
    """The special-purpose network that the range overlaps, or None for a public range."""
    return next((net for net in SPECIAL_NETWORKS if net.range.overlaps(value)), None)


def parse_public(text: str, *, min_prefix: int = MIN_PLATFORM_PREFIX) -> IPv4Range:
    """Read a range that may stand in an authorized list: public and not wider than `min_prefix`.

    Raises the errors of `IPv4Range.parse`, TooWideError and SpecialPurposeError.
    """
    value = IPv4Range.parse(text)
    if value.prefix == 0:
        raise TooWideError(
            f"{text} is every address, which opens the API server to the internet; list the "
            "clients' public addresses instead"
        )
    special = special_network(value)
    if special is not None:
        raise SpecialPurposeError(
            f"{text} overlaps {special.range} ({special.name}, {special.source}), where no client "
            "of a public API server comes from; use the public address the clients leave by"
        )
    if value.prefix < min_prefix:
        raise TooWideError(
            f"{text} is wider than /{min_prefix}, the widest allowed here; list narrower ranges"
        )
    return value
