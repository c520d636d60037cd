"""Each live entry with where it comes from, for whom it stands and until when."""

from dataclasses import replace

import pytest

from aks_access.api.modes import Mode
from aks_access.plan.adoption import Adoption
from aks_access.plan.model import Grant, GrantUid
from aks_access.plan.outcome import EntryReport, Origin
from aks_access.plan.planner import plan as make_plan
from tests.unit.plan.build import (
    HOUR,
    NOW,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    ranges,
    target,
    world,
)

A, B = GrantUid("a"), GrantUid("b")
END = NOW + 4 * HOUR


def test_the_platforms_entries_and_others_are_told_apart_and_by_what_grants_they_serve() -> None:
    plan = planned(
        grant("a", "40.0.0.1", "41.0.0.1", "30.0.0.1"),
        view=cluster("30.0.0.1", "40.0.0.1", "41.0.0.1/32", "50.0.0.0/24"),
        on=target(baseline=ranges("40.0.0.1")),
        with_ledger=ledger(),
        management_egress=ranges("41.0.0.1"),
    )
    assert plan.report == (
        EntryReport("30.0.0.1", Origin.FOREIGN, (A,)),
        EntryReport("40.0.0.1", Origin.BASELINE, (A,)),
        EntryReport("41.0.0.1/32", Origin.MANAGEMENT, (A,)),
        EntryReport("50.0.0.0/24", Origin.FOREIGN),
    )


def test_the_sentinel_is_neither_ours_nor_anybodys() -> None:
    assert planned(view=cluster("0.0.0.0")).report == (EntryReport("0.0.0.0", Origin.SENTINEL),)


def test_i8_of_a_lost_ledger_nobody_can_tell_whose_an_entry_is() -> None:
    plan = planned(view=cluster("30.0.0.1/32"), with_ledger=ledger(lost="gone"), lost="gone")
    assert plan.report == (EntryReport("30.0.0.1/32", Origin.UNATTRIBUTED),)


UNACTIVATED = replace(grant("b", "20.0.0.1"), duration=HOUR, expires_at=None)


@pytest.mark.parametrize(
    ("grants", "until"),
    [
        ((grant("a", "20.0.0.1"),), END),
        ((grant("a", "20.0.0.1"), grant("b", "20.0.0.1", expires_at=END + HOUR)), END + HOUR),
        ((grant("a", "20.0.0.1", expires_at=END + HOUR), grant("b", "20.0.0.1")), END + HOUR),
        ((grant("a", "20.0.0.1"), grant("b", "20.0.0.1", expires_at=None)), None),
        ((grant("a", "20.0.0.1", expires_at=None),), None),
        ((grant("a", "20.0.0.1"), UNACTIVATED), None),
    ],
)
def test_a_grants_entry_ends_with_the_last_that_wants_it(
    grants: tuple[Grant, ...], until: object
) -> None:
    uids = tuple(item.uid for item in grants)
    plan = planned(
        *grants, view=cluster("30.0.0.1", "20.0.0.1"), with_ledger=ledger(entry("20.0.0.1", *uids))
    )
    assert plan.report[1] == EntryReport("20.0.0.1", Origin.GRANT, uids, until)  # type: ignore[arg-type]


def test_what_has_to_go_is_told_with_who_had_it() -> None:
    gone = grant("a", "20.0.0.1", expires_at=NOW)
    books = ledger(entry("20.0.0.1", "a", "baseline"), entry("20.0.0.2", "x"))
    plan = planned(gone, view=cluster("30.0.0.1", "20.0.0.1", "20.0.0.2"), with_ledger=books)
    assert plan.report[1:] == (
        EntryReport("20.0.0.1", Origin.REVOKING, (A,)),
        EntryReport("20.0.0.2", Origin.REVOKING, (GrantUid("x"),)),
    )


def test_i3_what_a_grant_holds_until_azure_is_settled_is_told_as_its_own() -> None:
    books = ledger(entry("20.0.0.1", "a"), entry("20.0.0.2"))
    plan = planned(
        grant("a", "20.0.0.1"), view=cluster("30.0.0.1", "20.0.0.1", "20.0.0.2"), with_ledger=books
    )
    assert [item.origin for item in plan.report] == [
        Origin.FOREIGN,
        Origin.GRANT,
        Origin.REVOKING,
    ]


def test_an_entry_of_exclusive_mode_that_goes_is_foreign_until_then() -> None:
    plan = planned(
        grant("a", "20.0.0.1"),
        view=cluster("30.0.0.1", "20.0.0.1"),
        on=target(mode=Mode.EXCLUSIVE),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.report[0] == EntryReport("30.0.0.1", Origin.FOREIGN)


def test_without_its_target_what_the_ledger_holds_is_being_revoked() -> None:
    books = ledger(entry("20.0.0.1", "a"), entry("40.0.0.1", "baseline"))
    plan = make_plan(
        world=world(grant("a", "20.0.0.1"), target=None),
        view=cluster("20.0.0.1/32", "40.0.0.1/32"),
        adoption=Adoption(books),
    )
    assert plan.report == (
        EntryReport("20.0.0.1/32", Origin.REVOKING, (A,)),
        EntryReport("40.0.0.1/32", Origin.BASELINE),
    )
