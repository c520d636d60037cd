"""I8: what a list tells of a time in which nobody led."""

from datetime import timedelta
from typing import Any

import pytest

from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import EntryState, Ledger, WriteInFlight
from aks_access.plan.model import GrantUid
from aks_access.plan.unattended import out_of_step
from tests.unit.plan.build import NOW, cluster, entry, ledger, ranges, target

SINCE = NOW - timedelta(hours=6)
OURS, GRANTS, BASELINE = "20.0.0.1/32", "20.0.0.2/32", "40.0.0.0/24"
BOOKS = ledger(entry(OURS, "egress"), entry(GRANTS, "a"), verified=("30.0.0.1", OURS, GRANTS))
FULL = ("30.0.0.1/32", OURS, GRANTS)


def said(stored: Ledger, view: ClusterView, live: tuple[str, ...] = ("a",)) -> str:
    return out_of_step(
        stored=stored,
        target=target(baseline=ranges(BASELINE)),
        view=view,
        live=frozenset(map(GrantUid, live)),
        since=SINCE,
    )


@pytest.mark.parametrize(
    "entries", [FULL, (*FULL, BASELINE), ("30.0.0.1", *FULL[1:]), FULL[1:], (*FULL, "0.0.0.0/32")]
)
def test_i8_a_list_that_the_ledger_explains_is_in_step(entries: tuple[str, ...]) -> None:
    assert said(BOOKS, cluster(*entries)) == ""


def test_i8_a_cleared_list_is_not_judged() -> None:
    assert said(BOOKS, cluster(is_open=True)) == ""


def test_i8_what_came_and_what_went_is_named_with_the_time_since_when() -> None:
    end = " (somebody else edited the list, or the management cluster is from a backup)"
    since = "nobody led since 2026-11-22T06:00Z, and meanwhile "
    came = said(BOOKS, cluster(*FULL, "60.0.0.1", "50.0.0.1"))
    assert came == f"{since}50.0.0.1/32, 60.0.0.1/32 came{end}"
    went = said(BOOKS, cluster(FULL[0]))
    assert went == f"{since}20.0.0.1/32, 20.0.0.2/32 went{end}"
    both = said(BOOKS, cluster(*FULL[:2], "50.0.0.1"))
    assert both == f"{since}20.0.0.2/32 went and 50.0.0.1/32 came{end}"


@pytest.mark.parametrize(
    ("owners", "fields", "in_step"),
    [
        (("a",), {}, False),
        (("ghost", "a"), {}, False),
        (("ghost", "baseline"), {}, False),
        (("ghost",), {}, True),
        ((), {}, True),
        (("a",), {"due": NOW}, True),
        (("a",), {"state": EntryState.INTENDED}, True),
        (("a",), {"state": EntryState.WITHDRAWN}, True),
    ],
)
def test_i8_only_what_is_surely_wanted_is_missed(
    owners: tuple[str, ...], fields: dict[str, Any], in_step: bool
) -> None:
    books = ledger(entry(GRANTS, *owners, **fields), verified=(GRANTS, "30.0.0.1"))
    assert (said(books, cluster("30.0.0.1")) == "") is in_step


def test_i8_an_entry_that_was_missing_before_did_not_go_meanwhile() -> None:
    unseen = ledger(entry(GRANTS, "a"), verified=("30.0.0.1/32",))
    assert said(unseen, cluster("30.0.0.1")) == ""
    never_read = ledger(entry(GRANTS, "a"), verified=None)
    assert said(never_read, cluster()).endswith("backup)")


def test_i8_what_our_own_last_write_did_is_explained() -> None:
    def writing(*, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> Ledger:
        flight = WriteInFlight(desired=FULL, added=added, removed=removed, started=NOW)
        return ledger(*BOOKS.entries.values(), verified=BOOKS.verified, in_flight=flight)

    assert said(writing(added=("50.0.0.1/32",)), cluster(*FULL, "50.0.0.1")) == ""
    assert said(writing(removed=(GRANTS,)), cluster(*FULL[:2])) == ""
    assert said(writing(removed=(OURS,)), cluster(*FULL[:2])) != ""
