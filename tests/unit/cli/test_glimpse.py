"""Which of many grants matter is told without parsing them, whatever else stands in them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.cli.hub.listed import listed
from aks_access.cli.reports.glimpse import Glimpse
from tests.unit.cli import scene

odd = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["x", "81.2.69.1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "ipRanges", "rangeSetRefs", "targets"]), inner)
    ),
    max_leaves=5,
)


def told(glimpse: Glimpse) -> tuple[object, ...]:
    states = [(each.name, each.reason, each.in_azure) for each in glimpse.states]
    return glimpse.path, glimpse.ranges, glimpse.range_sets, states, glimpse.raw


def grants() -> list[dict[str, Any]]:
    return [each for each in scene.objects() if each["kind"] == "ApiAccessGrant"]


def text(items: list[Any], **metadata: str) -> bytes:
    return json.dumps({"metadata": metadata, "kind": "List", "items": items}).encode()


def test_a_grant_is_the_same_from_json_and_parsed() -> None:
    for raw in grants():
        found = Glimpse.of(json.dumps(raw).encode())
        assert told(found) == told(Glimpse.of(raw))
        metadata = raw["metadata"]
        assert found.path == f"{metadata['namespace']}/{metadata['name']}"
        assert found.ranges == raw["spec"].get("ipRanges", [])
        assert found.range_sets == [each["name"] for each in raw["spec"].get("rangeSetRefs", [])]
        assert {each.name: each.in_azure for each in found.states} == {
            each["name"]: each["inAzure"] for each in raw["status"].get("targets", [])
        }


@given(metadata=odd, spec=odd, status=odd)
def test_what_cannot_be_read_is_left_out(metadata: Any, spec: Any, status: Any) -> None:
    raw = {"metadata": metadata, "spec": spec, "status": status}
    found = Glimpse.of(json.dumps(raw).encode())
    assert told(found) == told(Glimpse.of(raw))
    asked = spec.get("ipRanges") if isinstance(spec, dict) else None
    kept = [each for each in asked if isinstance(each, str)] if isinstance(asked, list) else []
    assert found.ranges == kept


@given(items=st.lists(odd, max_size=3))
def test_a_list_is_cut_into_what_it_holds(items: list[Any]) -> None:
    found = listed(text(items))
    assert [json.loads(bytes(each)) for each in found.items] == items
    assert found.whole


def test_a_page_says_that_there_are_more() -> None:
    assert not listed(text([], **{"continue": "next"})).whole


@pytest.mark.parametrize(
    "broken",
    [b"", b"[]", b'{"kind":"Status"}', b'{"items":[{},}]}', b'{"items":3}', text([{}])[:-1]],
)
def test_what_is_no_list(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        listed(broken)
