"""The pieces that sentences are made of."""

from datetime import datetime, timedelta, timezone

import pytest

from aks_access.plan.wording import (
    AZURE_TEXT_LIMIT,
    ask,
    az_flags,
    azure_text,
    cluster_name,
    instant,
    listed,
    sentence,
    way_out,
)
from tests.unit.plan.build import AZ_FLAGS, ID, NOW


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (NOW, "2026-11-22T12:00Z"),
        (NOW + timedelta(seconds=7), "2026-11-22T12:00:07Z"),
        (datetime(2026, 1, 2, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T23:30Z"),
    ],
)
def test_an_instant_is_utc_with_seconds_only_where_there_are_any(when: datetime, said: str) -> None:
    assert instant(when) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, ""),
        (1, "0"),
        (5, "0, 1, 2, 3, 4"),
        (6, "0, 1, 2, 3, 4 and 1 more"),
        (7, "0, 1, 2, 3, 4 and 2 more"),
    ],
)
def test_a_list_names_five_and_counts_the_others(count: int, said: str) -> None:
    assert listed([str(n) for n in range(count)]) == said


def test_whom_to_ask() -> None:
    assert way_out("Narrow it", contact="") == "Narrow it."
    assert way_out("Narrow it", contact="#platform") == "Narrow it, or ask #platform."
    assert ask("") == "Ask the platform team."
    assert ask("#platform") == "Ask #platform."


@pytest.mark.parametrize("end", [".", "!", "?", "…"])
def test_a_sentence_is_closed_once(end: str) -> None:
    assert sentence(f"It failed{end}") == f"It failed{end}"
    assert sentence("It failed") == "It failed."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It\nfailed\x00 twice", "It failed twice"),
        ("Failed. Request ID: 12345678-aaaa-bbbb. Try again.", "Failed. Try again."),
        ("Failed. correlation-id='12345678abcd' Bye", "Failed. Bye"),
        ("Failed. TIMESTAMP: 2026-11-22T12:00:00Z", "Failed."),
        ("x" * AZURE_TEXT_LIMIT, "x" * AZURE_TEXT_LIMIT),
        ("x" * (AZURE_TEXT_LIMIT + 1), "x" * (AZURE_TEXT_LIMIT - 1) + "…"),
        (f"{'x' * (AZURE_TEXT_LIMIT - 2)} yy", "x" * (AZURE_TEXT_LIMIT - 2) + "…"),
    ],
)
def test_azures_text_is_one_bounded_line_without_what_changes_each_time(
    text: str, said: str
) -> None:
    assert azure_text(text) == said


def test_a_command_names_the_cluster_where_its_id_can_be_read() -> None:
    assert az_flags(ID) == AZ_FLAGS
    assert az_flags("no id") == "--subscription <subscription> -g <group> -n <cluster>"
    assert (cluster_name(ID), cluster_name("no id")) == ("c1", "no id")


def test_a_command_of_a_group_with_parentheses_can_be_pasted() -> None:
    assert az_flags(ID.replace("/rg/", "/rg(1)/")).endswith(" -g 'rg(1)' -n c1")


def test_a_group_whose_name_begins_like_an_option_is_none() -> None:
    assert az_flags(ID.replace("/rg/", "/-rg/")).endswith(" --resource-group=-rg -n c1")
