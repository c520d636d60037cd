"""A list that is parsed while it arrives holds what it holds."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aks_access.cli import streamed

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
objects = st.lists(st.dictionaries(st.text(), values), max_size=4)


def text_of(items: list[Any], *, spaced: bool = False) -> str:
    made = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"continue": ""}}
    return json.dumps(made, separators=None if spaced else (",", ":"), ensure_ascii=False)


@pytest.fixture(params=[1, 30], scope="module")
def chunk(request: pytest.FixtureRequest) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "_CHUNK", request.param)
        yield request.param


@settings(max_examples=40)
@given(items=objects, spaced=st.booleans())
def test_it_is_what_the_whole_holds(chunk: int, items: list[Any], spaced: bool) -> None:
    assert streamed.items(io.StringIO(text_of(items, spaced=spaced))) == items


@settings(max_examples=40)
@given(items=objects, data=st.data())
def test_a_part_is_no_list(chunk: int, items: list[Any], data: st.DataObject) -> None:
    text = text_of(items)
    stream = io.StringIO(text[: data.draw(st.integers(0, len(text) - 1))])
    with pytest.raises(ValueError):  # noqa: PT011
        streamed.items(stream)
    assert stream.read() == "", "who writes it can end"


@pytest.mark.parametrize("text", ["", "[]", '{"kind":"Status"}', '{"items":[{},}]}', '{"items":3}'])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        streamed.items(io.StringIO(text))
