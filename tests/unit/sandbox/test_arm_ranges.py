"""What the emulator takes as authorized ranges, and how it stores it."""

import pytest

from sandbox.arm.messages import ArmError
from sandbox.arm.ranges import LIST_PATH, Order, RangeRules, ordered, stored

PLAIN = RangeRules()


def test_single_address_is_stored_as_slash_32() -> None:
    assert stored(["20.1.2.3", "20.2.0.0/16"], rules=PLAIN) == ["20.1.2.3/32", "20.2.0.0/16"]


def test_empty_list_is_taken_even_on_a_private_cluster() -> None:
    assert stored([], rules=RangeRules(private=True)) == []


@pytest.mark.parametrize(
    "value",
    [
        "20.1.0.1/24",
        "2001:db8::/32",
        "::1",
        "",
        "20.1.2",
        "20.1.2.3/33",
        "20.1.2.3/255.0.0.0",
        "20.1.2.3-20.1.2.9",
        " 20.1.2.3",
        "020.1.2.3",
        "AzureCloud",
        "20.1.2.3/",
    ],
)
def test_bad_entry_is_refused_by_name(value: str) -> None:
    with pytest.raises(ArmError) as refused:
        stored(["20.9.9.9/32", value], rules=PLAIN)
    assert (refused.value.status, refused.value.code) == (400, "InvalidParameter")
    assert refused.value.target == LIST_PATH
    assert f"'{value}'" in refused.value.message


@pytest.mark.parametrize("value", ["20.1.2.3/32", {}, 5, [5], [None], [["20.1.2.3"]]])
def test_not_a_list_of_strings_is_refused(value: object) -> None:
    with pytest.raises(ArmError) as refused:
        stored(value, rules=PLAIN)
    assert refused.value.status == 400


def test_deny_sentinel_stands_alone() -> None:
    assert stored(["0.0.0.0"], rules=PLAIN) == ["0.0.0.0/32"]
    with pytest.raises(ArmError, match=r"0\.0\.0\.0/32 is not allowed with other IP ranges"):
        stored(["0.0.0.0/32", "20.1.2.3/32"], rules=PLAIN)


def test_everyone_is_taken() -> None:
    assert stored(["0.0.0.0/0"], rules=PLAIN) == ["0.0.0.0/0"]


@pytest.mark.parametrize(("vnet_integration", "limit"), [(False, 200), (True, 2000)])
def test_limit(vnet_integration: bool, limit: int) -> None:
    rules = RangeRules(vnet_integration=vnet_integration)
    values = [f"20.{i // 256}.{i % 256}.1/32" for i in range(limit)]
    assert len(stored(values, rules=rules)) == limit
    with pytest.raises(ArmError, match=f"greater than the allowed value {limit}"):
        stored([*values, "21.0.0.0/8"], rules=rules)


def test_private_cluster_refuses_a_list() -> None:
    with pytest.raises(ArmError, match="private clusters") as refused:
        stored(["20.1.2.3"], rules=RangeRules(private=True))
    assert refused.value.status == 400


def test_one_service_tag_where_the_feature_is_on() -> None:
    rules = RangeRules(service_tags=True)
    assert stored(["AzureCloud", "20.20.20.20"], rules=rules) == ["AzureCloud", "20.20.20.20/32"]
    with pytest.raises(ArmError, match="one service tag"):
        stored(["AzureCloud", "Storage.WestEurope"], rules=rules)


def test_refused_range_does_not_tell_which_one() -> None:
    rules = RangeRules(refused={"20.1.2.3/32"})
    assert stored(["20.1.2.4"], rules=rules) == ["20.1.2.4/32"]
    with pytest.raises(ArmError) as refused:
        stored(["20.1.2.4", "20.1.2.3"], rules=rules)
    assert LIST_PATH in refused.value.message
    assert "20.1.2.3" not in refused.value.message


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.AS_SENT, ["3", "1", "2"]),
        (Order.SORTED, ["1", "2", "3"]),
        (Order.REVERSED, ["2", "1", "3"]),
    ],
)
def test_order(order: Order, expected: list[str]) -> None:
    assert ordered(["3", "1", "2"], order=order) == expected
