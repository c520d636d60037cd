"""IPv4 ranges against the standard library's `ipaddress`, and the special-purpose table."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.api.ranges import (
    SPECIAL_NETWORKS,
    HostBitsError,
    IPv4Range,
    IPv6RangeError,
    MalformedRangeError,
    RangeError,
    SpecialNetwork,
    SpecialPurposeError,
    TooWideError,
    parse_public,
    quoted,
    special_network,
)

_ADDRESSES = st.integers(0, 2**32 - 1)
_PREFIXES = st.integers(0, 32)
_TEXT = st.builds(lambda a, p: f"{ipaddress.IPv4Address(a)}/{p}", _ADDRESSES, _PREFIXES)


@st.composite
def _ranges(draw: st.DrawFn) -> IPv4Range:
    prefix = draw(_PREFIXES)
    return IPv4Range(draw(_ADDRESSES) >> (32 - prefix) << (32 - prefix), prefix)


@given(_TEXT)
def test_parse_agrees_with_ipaddress(text: str) -> None:
    try:
        expected = ipaddress.IPv4Network(text)
    except ValueError:
        network = ipaddress.IPv4Network(text, strict=False)
        with pytest.raises(HostBitsError) as error:
            IPv4Range.parse(text)
        assert f"use {network}" in str(error.value)
        return
    found = IPv4Range.parse(text)
    assert str(found) == str(expected)
    assert found.first == int(expected.network_address)
    assert found.last == int(expected.broadcast_address)
    assert found.size == expected.num_addresses


@given(_ranges(), _ranges())
def test_overlap_and_containment_agree_with_ipaddress(one: IPv4Range, other: IPv4Range) -> None:
    first, second = ipaddress.IPv4Network(str(one)), ipaddress.IPv4Network(str(other))
    assert one.overlaps(other) == first.overlaps(second) == other.overlaps(one)
    assert one.contains(other) == second.subnet_of(first)
    assert (one < other) == ((one.network, one.prefix) < (other.network, other.prefix))


@given(_ranges())
def test_text_reads_back(value: IPv4Range) -> None:
    assert IPv4Range.parse(str(value)) == value


@given(st.text())
def test_any_text_is_a_range_or_a_range_error(text: str) -> None:
    try:
        found: IPv4Range | str = parse_public(text)
    except RangeError as error:
        found = str(error)
    assert str(found).isprintable()


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", MalformedRangeError, "'' is not an IPv4"),
        ("20.50.1", MalformedRangeError, "20.50.1 is not an IPv4"),
        ("20.50.1.7\n", MalformedRangeError, r"'20.50.1.7\n' is not"),
        ("٢٠.50.1.7", MalformedRangeError, "is not an IPv4"),
        ("1.2.3.256", MalformedRangeError, "above 255"),
        ("1.2.3.4/33", MalformedRangeError, "a single address is 1.2.3.4/32"),
        ("1.2.3.4/032", MalformedRangeError, "leading zero"),
        ("1.2.3.04", MalformedRangeError, "leading zero"),
        ("9" * 9000 + ".1.1.1", MalformedRangeError, "above 255"),
        ("::/0", IPv6RangeError, "IPv4 ranges only"),
        ("20.50.1.7/24", HostBitsError, "use 20.50.1.0/24 for the network or 20.50.1.7/32"),
        ("0.0.0.0/0", TooWideError, "opens the API server"),
        ("20.0.0.0/7", TooWideError, "wider than /8"),
        ("128.0.0.0/1", SpecialPurposeError, "overlaps"),
        ("10.0.0.1", SpecialPurposeError, "10.0.0.0/8 (private, RFC 1918)"),
    ],
)
def test_refusals_name_value_and_way_out(text: str, error: type[ValueError], says: str) -> None:
    with pytest.raises(error) as caught:
        parse_public(text)
    assert says in str(caught.value)


@given(_ranges().filter(lambda value: value.prefix >= 8))
def test_special_means_not_global_for_the_standard_library(value: IPv4Range) -> None:
    """Both follow IANA's registry; a /32 is enough, a network may straddle."""
    address = IPv4Range(value.first, 32)
    text = ipaddress.IPv4Address(address.network)
    relay = IPv4Range.parse("192.88.99.0/24").contains(address)
    protocol = IPv4Range.parse("192.0.0.0/24").contains(address)
    if not (relay or protocol):
        assert (special_network(address) is None) == (text.is_global and not text.is_multicast)


@pytest.mark.parametrize("net", SPECIAL_NETWORKS, ids=lambda net: str(net.range))
def test_every_special_network_is_refused_from_edge_to_edge(net: SpecialNetwork) -> None:
    for address in (net.range.first, net.range.last):
        with pytest.raises(SpecialPurposeError):
            parse_public(str(IPv4Range(address, 32)))


@pytest.mark.parametrize(("network", "prefix"), [(1, 24), (0, 33), (2**32, 32), (-1, 32)])
def test_no_range_with_host_bits_can_be_built(network: int, prefix: int) -> None:
    with pytest.raises(ValueError, match="prefix"):
        IPv4Range(network, prefix)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 70, "x" * 64 + "…"),
        (" x", "' x'"),
        ("\x1b[31m", r"'\x1b[31m'"),
        (None, "null"),
        (True, "true"),
        ([], "a list"),
        ({}, "an object"),
        (1.5, "1.5"),
    ],
)
def test_values_are_shown_in_one_printable_line(value: object, shown: str) -> None:
    assert quoted(value) == shown


def test_a_number_too_long_to_print_is_named() -> None:
    assert quoted(10**5000) == "a very large number"
