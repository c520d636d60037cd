"""`Date` headers as servers write them: one parser for whoever reads them."""

from datetime import UTC, datetime

import pytest

from aks_access.api.timestamps import parse_date

AT_SIX = datetime(2026, 11, 22, 18, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["18:00:00 GMT", "18:00:00 -0000", "19:00:00 +0100"])
def test_a_date_is_read_as_utc(zone: str) -> None:
    assert parse_date(f"Sun, 22 Nov 2026 {zone}") == AT_SIX


@pytest.mark.parametrize(
    "header",
    ["", "yesterday", "Sun, 99 Nov 2026 12:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -0100"],
)
def test_what_is_no_date_or_out_of_range_is_none(header: str) -> None:
    assert parse_date(header) is None
