"""Invariant I1 at its last door: no list that opens a cluster gets past the guard."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.api.ranges import IPv4Range, special_network
from aks_access.errors import UnsafeWrite
from aks_access.plan.guard import WIDEST_UNION, refuse_unsafe_list, returnable
from aks_access.plan.listing import canonical

LIVE = ["20.1.0.0/24", "AzureCloud", "0.0.0.0/1", "10.0.0.0/8", "no range at all"]


def check(desired: Any, *, current: list[str] | None = LIVE, limit: int = 200) -> None:
    refuse_unsafe_list(current=current, desired=desired, entry_limit=limit)


@pytest.mark.parametrize(
    ("desired", "says"),
    [
        (None, "no list"),
        ("20.1.0.0/24", "no list"),
        ({"20.1.0.0/24"}, "no list"),
        ([], "empty"),
        ((), "empty"),
        ([""], "no range"),
        (["  "], "no range"),
        (["20.1.0.0/24", None], "null"),
        (["0.0.0.0/0"], "every address"),
        (["20.1.0.0/24", "0.0.0.0/0"], "every address"),
        (["128.0.0.0/3"], "wider than /8"),
        (["20.0.0.0/7"], "wider than /8"),
        (["10.1.0.0/16"], "private"),
        (["127.0.0.1"], "loopback"),
        (["20.1.0.1/24"], "host bits"),
        (["2001:db8::/32"], "IPv6"),
        (["Internet"], "not an IPv4"),
        (["AzureDevOps"], "not an IPv4"),
        (["20.1.0.0/24", "20.1.0.0/24"], "twice"),
        (["20.5.5.5", "20.5.5.5/32"], "twice"),
        (["0.0.0.0/32", "20.1.0.0/24"], "stand alone"),
        (["20.1.0.0/24", "0.0.0.0"], "stand alone"),
    ],
)
def test_i1_refuses(desired: Any, says: str) -> None:
    with pytest.raises(UnsafeWrite, match=says):
        check(desired)


@pytest.mark.parametrize(
    ("desired", "says"),
    [
        ("20.1.0.0/24", "20.1.0.0/24 is no list of ranges; nothing is written."),
        (
            [],
            "The list is empty, which Azure takes as open to the whole internet; nothing is "
            "written.",
        ),
        (["  "], "The list has an entry '  ', which is no range."),
        (
            ["20.5.5.5", "20.5.5.5/32"],
            "The list names 20.5.5.5/32 twice, as 20.5.5.5 and 20.5.5.5/32.",
        ),
        (
            ["0.0.0.0/32", "20.1.0.0/24"],
            "The list has 0.0.0.0/32, which means nobody, beside other entries; it may only stand "
            "alone.",
        ),
        (
            [f"20.0.{n}.0/24" for n in range(201)],
            "The list has 201 entries, and the cluster takes 200; fewer ranges, or wider ones, "
            "have to do.",
        ),
        (
            [f"{first}.0.0.0/8" for first in range(11, 76)],
            "The added entries hold 1090519040 addresses together, more than 1073741824, the "
            "limit; list the clients' own networks instead.",
        ),
    ],
)
def test_a_refusal_names_what_is_wrong_with_the_list(desired: Any, says: str) -> None:
    with pytest.raises(UnsafeWrite) as refused:
        check(desired)
    assert str(refused.value) == says


@pytest.mark.parametrize(
    "desired",
    [
        LIVE,
        LIVE[:1],
        ["AzureCloud"],
        ["0.0.0.0/1"],
        ["no range at all", "20.2.0.0/16"],
        ["0.0.0.0/32"],
        ["20.0.0.0/8"],
        ["20.5.5.5"],
    ],
)
def test_what_stands_there_passes_as_it_is(desired: list[str]) -> None:
    check(desired)


@pytest.mark.parametrize("blank", ["", " "])
def test_i4_a_blank_entry_that_stands_there_holds_no_removal_up(blank: str) -> None:
    live = [blank, "20.1.0.0/24", "20.2.0.0/24"]
    check(live[:2], current=live)
    with pytest.raises(UnsafeWrite, match="no range"):
        check(live, current=live[1:])
    with pytest.raises(UnsafeWrite) as refused:
        check(live[:1], current=live)
    assert str(refused.value) == "The list holds nothing but blanks; nothing is written."


def test_an_entry_that_stands_there_is_known_in_either_spelling() -> None:
    check(["10.0.0.1/32"], current=["10.0.0.1"])


def test_an_open_cluster_that_somebody_cleared_gets_its_odd_entries_back() -> None:
    check(["AzureCloud", "10.0.0.0/8", "32.0.0.0/4", "20.1.0.0/24"], current=None)


@pytest.mark.parametrize(
    ("cleared", "back"),
    [
        (("20.0.0.1", "20.1.0.0/24", "AzureCloud"),) * 2,
        (("20.1.0.7/24", "10.0.0.0/8"),) * 2,
        (("0.0.0.0/32",),) * 2,
        (("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"),) * 2,
        (("0.0.0.0/0", "9.9.9.9/0", "20.0.0.1"), ("20.0.0.1",)),
        (("Internet", "internet", "Storage.WestEurope"), ("Storage.WestEurope",)),
        (
            ("::/0", "20.0.0.1/33", "20.1.0.0/255.255.255.0", "", "no range", "20.0.0.1"),
            ("20.0.0.1",),
        ),
    ],
)
def test_i12_of_a_cleared_list_all_goes_back_but_what_is_everybody_or_nobody_knows_what(
    cleared: tuple[str, ...], back: tuple[str, ...]
) -> None:
    assert returnable(cleared) == back
    check(list(back), current=None)


@pytest.mark.parametrize(
    ("cleared", "back"),
    [
        (
            ("AzureCloud", "0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1", "20.0.0.1"),
            ("AzureCloud", "0.0.0.0/2", "64.0.0.0/2", "20.0.0.1"),
        ),
        (("20.0.0.1", "0.0.0.5/1", "128.0.0.0/1"), ("20.0.0.1", "128.0.0.0/1")),
        (
            ("0.0.0.0/2", "0.0.0.0/1", "192.0.0.0/2", "128.0.0.0/1"),
            ("0.0.0.0/2", "192.0.0.0/2", "128.0.0.0/1"),
        ),
    ],
)
def test_i1_of_a_cleared_list_that_was_all_addresses_the_widest_stay_out(
    cleared: tuple[str, ...], back: tuple[str, ...]
) -> None:
    assert returnable(cleared) == back
    check(list(back), current=None)


@pytest.mark.parametrize(
    "desired",
    [
        ["0.0.0.0/0"],
        ["Internet"],
        ["*"],
        ["::/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        [],
    ],
)
def test_i1_an_open_cluster_is_not_declared_open(desired: list[str]) -> None:
    with pytest.raises(UnsafeWrite):
        check(desired, current=None)


@pytest.mark.parametrize(
    "wide", [["0.0.0.0/1"], [f"{first}.0.0.0/6" for first in range(16, 96, 4)]]
)
def test_i12_a_cleared_list_goes_back_however_wide_it_was(wide: list[str]) -> None:
    check([*wide, "20.5.5.5"], current=None)


def test_i1_many_wide_entries_are_as_open_as_one() -> None:
    eights = [f"{first}.0.0.0/8" for first in range(11, 100)]
    assert len(eights) * (1 << 24) > WIDEST_UNION
    with pytest.raises(UnsafeWrite, match="the limit"):
        check(eights)
    check(eights[:64])


def test_i1_all_addresses_but_one_are_too_many_and_the_quarter_is_not() -> None:
    quarter = [f"{first}.0.0.0/8" for first in range(11, 75)]
    check(quarter)
    with pytest.raises(UnsafeWrite, match="hold 1073741825 addresses"):
        check([*quarter, "100.0.0.0/32"])
    check([*quarter, "74.255.255.255/32"])
    check([*quarter, "11.0.0.0/32"])


def test_i1_a_restored_list_may_be_as_wide_as_it_was_but_not_every_address() -> None:
    check(["0.0.0.0/1"], current=None)
    check(["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"], current=None)
    with pytest.raises(UnsafeWrite, match="hold 4294967296 addresses"):
        check(["128.0.0.0/1", "0.0.0.0/1"], current=None)
    with pytest.raises(UnsafeWrite, match="hold 4294967296 addresses"):
        check(["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"], current=None)
    with pytest.raises(UnsafeWrite, match="every address"):
        check(["0.0.0.0/0"], current=None)


def test_i1_one_address_less_than_all_is_a_list() -> None:
    most = [str(net) for net in ip_network("0.0.0.0/0").address_exclude(ip_network("128.0.0.1/32"))]
    check(most, current=None)
    with pytest.raises(UnsafeWrite, match="hold 4294967296 addresses"):
        check([*most, "128.0.0.1/32"], current=None)


def test_overlapping_entries_count_once() -> None:
    nested = [f"{first}.0.0.0/{prefix}" for first in range(11, 75) for prefix in (8, 9, 10)]
    check(nested)


def test_the_limit_stops_additions_and_never_a_removal() -> None:
    live = [f"20.0.{n}.0/24" for n in range(5)]
    check([*live[:2], "20.9.0.0/24"], current=live, limit=3)
    with pytest.raises(UnsafeWrite, match="takes 3"):
        check([*live[:3], "20.9.0.0/24"], current=live, limit=3)
    check(live[:4], current=live, limit=3)


ranges = st.builds(
    lambda address, prefix: IPv4Range(address >> (32 - prefix) << (32 - prefix), prefix),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, 32),
)
entries = st.one_of(
    ranges.map(str),
    st.sampled_from(["0.0.0.0/0", "0.0.0.0/32", "AzureCloud", "Internet", "", "20.0.0.1/24"]),
    st.text(max_size=8),
)


@given(
    current=st.none() | st.lists(entries, min_size=1, max_size=6),
    desired=st.lists(entries, max_size=8),
)
def test_i1_whatever_passes_opens_nothing(current: list[str] | None, desired: list[str]) -> None:
    try:
        refuse_unsafe_list(current=current, desired=desired, entry_limit=200)
    except UnsafeWrite:
        return
    assert any(map(str.strip, desired))
    known = {canonical(entry) for entry in current or ()}
    assert all(entry.strip() for entry in desired if entry not in known)
    added = [entry for entry in desired if canonical(entry) not in known]
    assert "0.0.0.0/0" not in map(canonical, added)
    assert desired == [entry for entry in desired if canonical(entry) == "0.0.0.0/32"] or (
        "0.0.0.0/32" not in map(canonical, desired)
    )
    if current is not None and list(map(canonical, desired)) != ["0.0.0.0/32"]:
        for entry in added:
            value = IPv4Range.parse(entry)
            assert value.prefix >= 8
            assert special_network(value) is None


@given(current=st.lists(entries, min_size=1, max_size=8, unique_by=canonical))
def test_i4_every_part_of_the_list_that_stands_there_may_stay(current: list[str]) -> None:
    kept = [entry for entry in current if canonical(entry) != "0.0.0.0/32"]
    for count in range(1, len(kept) + 1):
        if any(map(str.strip, kept[:count])):
            refuse_unsafe_list(current=current, desired=kept[:count], entry_limit=1)
