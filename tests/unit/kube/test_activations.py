"""Activations as JSON."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.kube.activations_document import decode, encode

times = st.datetimes(datetime(2000, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))


@given(entries=st.dictionaries(st.text(max_size=30), times, max_size=10))
def test_round_trip(entries: dict[str, datetime]) -> None:
    assert decode(encode(entries)) == entries


def test_the_order_is_stable() -> None:
    time = datetime(2026, 5, 1, tzinfo=UTC)
    assert encode({"b": time, "a": time}) == (
        '{"a":"2026-05-01T00:00:00Z","b":"2026-05-01T00:00:00Z"}'
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"a": 1}', '{"a": null}', '{"a": "2026-05-01"}', '{"a": "x"}']
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)
