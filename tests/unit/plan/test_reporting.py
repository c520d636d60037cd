"""What a plan says beside the list: the ledger's entries, what is held, what still admits whom."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from aks_access.api.modes import Mode
from aks_access.plan.ledger import (
    Conflict,
    EntryState,
    Ledger,
    LedgerEntry,
    Reversal,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.model import Grant, GrantUid
from aks_access.plan.outcome import Plan
from aks_access.plan.pace import Bucket, Pace, Turn
from tests.unit.plan.build import (
    HOUR,
    NOW,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    range_set,
    ranges,
    target,
)

OTHER, OURS = "30.0.0.0/24", "20.0.0.1/32"
A, B = GrantUid("a"), GrantUid("b")
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
BOUND = 15 * MINUTE
FLIGHT = WriteInFlight(desired=(OTHER,), added=(), removed=(), started=NOW)
LIVE = grant("a", OURS)
OVER = grant("a", OURS, expires_at=NOW - HOUR)
INTENDED, WITHDRAWN = EntryState.INTENDED, EntryState.WITHDRAWN


def after(
    known: LedgerEntry, *grants: Grant, entries: tuple[str, ...] = (OTHER, OURS), **fields: object
) -> LedgerEntry | None:
    """The entry as the plan leaves it."""
    books = ledger(known, in_flight=fields.pop("in_flight", None))
    plan = planned(*grants, view=cluster(*entries), with_ledger=books, **fields)  # type: ignore[arg-type]
    return plan.entries.get(known.range)


def test_an_entry_that_is_wanted_is_for_its_owners_of_today() -> None:
    known = entry(OURS, "gone", unsettled=True, due=NOW, released=("gone",), sets=("o",))
    expected = LedgerEntry(OURS, EntryState.OWNED, ("a",), NOW - HOUR, unsettled=True)
    assert after(known, LIVE) == expected
    kept = replace(expected, unsettled=False)
    assert after(kept, LIVE) is kept
    intended = entry(OURS, "a", state=INTENDED)
    assert after(intended, LIVE, entries=(OTHER,)) is intended


def test_an_entry_that_comes_through_sets_remembers_them() -> None:
    found = after(entry(OURS, "a"), grant("a", range_sets=("o",)), sets=[range_set("o", OURS)])
    assert found == entry(OURS, "a", sets=("o",))


def test_i3_a_withdrawn_entry_that_is_asked_for_and_stands_is_ours_from_now_on() -> None:
    known = entry(OURS, state=WITHDRAWN)
    assert after(known, LIVE) == LedgerEntry(OURS, EntryState.OWNED, ("a",), NOW)
    assert after(known, LIVE, entries=(OTHER,)) == known, "it is not there yet"


@pytest.mark.parametrize(
    ("age", "entries", "kept"),
    [
        (timedelta(days=90), (OTHER,), False),
        (timedelta(days=90) - SECOND, (OTHER,), True),
        (timedelta(days=91), (OTHER, OURS), True),
    ],
)
def test_i3_what_was_withdrawn_is_remembered_for_90_days_or_while_it_stands(
    age: timedelta, entries: tuple[str, ...], kept: bool
) -> None:
    known = entry(OURS, state=WITHDRAWN, since=NOW - age)
    assert after(known, entries=entries) == (known if kept else None)


def test_i3_what_nobody_wants_and_is_surely_gone_is_withdrawn() -> None:
    known = entry(OURS, "x")
    gone = LedgerEntry(OURS, WITHDRAWN, (), NOW)
    assert after(known, entries=(OTHER,)) == gone
    assert after(known, entries=(OTHER,), in_flight=FLIGHT) == known, "it may come yet"


@pytest.mark.parametrize(
    ("on", "found"),
    [
        (target(baseline=ranges("40.0.0.1")), {"40.0.0.1/32": entry("40.0.0.1", "baseline")}),
        (target(baseline=ranges("40.0.0.2")), {}),
        (target(mode=Mode.OBSERVE, baseline=ranges("40.0.0.1")), {}),
    ],
)
def test_i2_an_entry_that_equals_one_of_the_baseline_is_the_baselines(
    on: object, found: dict[str, LedgerEntry]
) -> None:
    plan = planned(
        view=cluster(OTHER, "40.0.0.1"),
        on=on,  # type: ignore[arg-type]
        with_ledger=ledger(),
        management_egress=ranges(OTHER),
    )
    assert plan.entries == {name: replace(item, since=NOW) for name, item in found.items()}


def test_i12_of_a_cleared_list_what_goes_back_counts_as_never_gone_and_the_rest_as_gone() -> None:
    ended, standing, absent = entry("20.0.0.2", "y"), entry(OURS, "x"), entry("20.0.0.3", "x")
    back = entry("20.0.0.4", state=WITHDRAWN)
    granted, late = grant("a", "20.0.0.4"), grant("b", "20.0.0.5")
    books = ledger(
        standing,
        ended,
        absent,
        back,
        entry("20.0.0.5", "b"),
        verified=(OTHER, OURS, "20.0.0.2/32", "20.0.0.4/32"),
    )
    plan = planned(
        granted,
        late,
        view=cluster(is_open=True),
        with_ledger=books,
        deleted=frozenset({"y"}),
        unconfirmed=frozenset({"x"}),
    )
    assert plan.restores
    assert plan.entries[OURS] == standing, "held, and so it goes back"
    gone = {"20.0.0.2/32", "20.0.0.3/32"}
    assert {name for name, item in plan.entries.items() if item.state is WITHDRAWN} == gone
    assert plan.entries["20.0.0.4/32"] == LedgerEntry(
        "20.0.0.4/32", EntryState.OWNED, ("a",), NOW
    ), "asked for, and goes back"
    assert plan.held == {"x": (OURS,), "a": ("20.0.0.4/32",)}, "20.0.0.5 never stood"


DELETED = grant("a", OURS, deleting=NOW - BOUND)


def test_i9_an_overdue_debt_is_let_go_by_deleted_grants_alone() -> None:
    known = entry(OURS, "a", "b", "x", released=("old",))
    others = (DELETED, grant("b", OURS, revoked=True))
    debt = after(known, *others, deleted=frozenset({"x"}))
    assert debt == replace(known, due=NOW, owners=("a", "b", "x"))
    late = replace(known, due=NOW - BOUND)
    assert after(late, *others, deleted=frozenset({"x"})) == replace(
        late, owners=("b", "x"), released=("old", "a")
    )
    early = replace(known, due=NOW - BOUND + SECOND)
    assert after(early, *others, deleted=frozenset({"x"})) == early
    assert after(late, *others, deleted=frozenset({"x"}), lost="gone") == late
    living = after(late, grant("b", OURS, revoked=True), deleted=frozenset({"x", "a"}))
    assert living == late


def test_i9_a_removal_that_something_else_holds_is_due_if_it_ends_access() -> None:
    held = {"unconfirmed": frozenset({"a"})}
    over = after(entry(OURS, "a"), OVER, **held)
    assert over is not None
    assert over.due == NOW - HOUR
    edited = after(entry(OURS, "a"), grant("a", "20.0.0.9"), **held)
    assert edited is not None
    assert edited.due is None


def holding(books: Ledger, *entries: str) -> dict[GrantUid, tuple[str, ...]]:
    return dict(planned(view=cluster(OTHER, *entries), with_ledger=books).held)


def test_i9_what_stands_or_may_come_is_held_for_its_grants() -> None:
    second = "20.0.0.2/32"
    owned = ledger(entry(second, "a", "egress"), entry(OURS, "a", "b"))
    assert holding(owned, OURS, second) == {A: (OURS, second), B: (OURS,)}
    assert holding(owned, OURS) == {A: (OURS,), B: (OURS,)}
    flying = replace(owned, in_flight=FLIGHT)
    assert holding(flying) == {A: (OURS, second), B: (OURS,)}
    intended = ledger(entry(OURS, "a", state=INTENDED), in_flight=FLIGHT)
    assert holding(intended) == {A: (OURS,)}
    assert holding(ledger(entry(OURS, "a", state=WITHDRAWN)), OURS) == {}


@pytest.mark.parametrize(
    ("known", "entries", "in_flight", "present"),
    [
        (entry(OURS, "a"), (OURS, "20.0.0.2/32"), None, True),
        (None, (OURS, "20.0.0.2/32"), None, True),
        (entry(OURS, "a"), (OURS,), None, False),
        (entry(OURS, "a", state=INTENDED), (OURS, "20.0.0.2/32"), None, False),
        (entry(OURS, "a"), (OURS, "20.0.0.2/32"), replace(FLIGHT, added=(OURS,)), False),
        (entry(OURS, "a"), (OURS, "20.0.0.2/32"), FLIGHT, True),
    ],
)
def test_i6_a_grant_is_present_when_every_range_was_read_back(
    known: LedgerEntry | None,
    entries: tuple[str, ...],
    in_flight: WriteInFlight | None,
    present: bool,
) -> None:
    books = ledger(*(() if known is None else (known,)), in_flight=in_flight)
    item = grant("a", OURS, "20.0.0.2")
    plan = planned(item, view=cluster(OTHER, *entries), with_ledger=books)
    assert plan.verdicts[A].present is present


def covered(plan: Plan) -> tuple[tuple[str, str], ...]:
    return plan.verdicts[A].covered


@pytest.mark.parametrize("fields", [{"expires_at": NOW}, {"revoked": True}])
def test_i3_what_still_admits_a_closed_grant_is_named_the_narrowest_first(
    fields: dict[str, object],
) -> None:
    item = grant("a", OURS, "21.0.0.1", "22.0.0.1", "23.0.0.1", "24.0.0.1", "25.0.0.1", **fields)
    plan = planned(
        item,
        grant("b", "22.0.0.0/24"),
        grant("c", "22.0.0.0/24"),
        view=cluster(
            "20.0.0.0/8",
            "20.0.0.0/24",
            "21.0.0.0/24",
            "22.0.0.0/24",
            "23.0.0.0/24",
            "24.0.0.0/24",
            "AzureCloud",
        ),
        on=target(baseline=ranges("21.0.0.0/24")),
        with_ledger=ledger(entry("22.0.0.0/24", "c", "b"), entry("23.0.0.0/24", "y", due=NOW)),
        unconfirmed=frozenset({"y"}),
        management_egress=ranges("24.0.0.0/24"),
    )
    assert covered(plan) == (
        (OURS, "20.0.0.0/24 (foreign)"),
        ("21.0.0.1/32", "21.0.0.0/24 (baseline)"),
        ("22.0.0.1/32", "22.0.0.0/24 (team-a/b, team-a/c)"),
        ("23.0.0.1/32", "23.0.0.0/24 (ours)"),
        ("24.0.0.1/32", "24.0.0.0/24 (management cluster)"),
    )


def test_what_goes_with_the_grant_or_is_its_own_covers_nothing() -> None:
    books = ledger(entry(OURS, "a"), entry("20.0.0.0/24", "x"))
    view = cluster(OTHER, OURS, "20.0.0.0/24")
    assert covered(planned(OVER, view=view, with_ledger=books, deleted=frozenset({"x"}))) == ()
    own = ledger(entry(OURS, released=("a",)))
    held = planned(OVER, view=cluster(OTHER, OURS), with_ledger=own, unconfirmed=frozenset({"a"}))
    assert covered(held) == ()
    for entries in ((OURS,), ("20.0.0.0/24",)):
        assert covered(planned(LIVE, view=cluster(*entries))) == (), "it is not closed"


def test_a_wide_range_is_admitted_by_a_wider_entry_and_by_no_narrower_one() -> None:
    wide = grant("a", "20.0.0.0/24", revoked=True)
    plan = planned(wide, view=cluster("20.0.0.0/25", "20.0.0.0/8"), with_ledger=ledger())
    assert covered(plan) == (("20.0.0.0/24", "20.0.0.0/8 (foreign)"),)


def test_an_entry_is_named_as_azure_spells_it() -> None:
    plan = planned(OVER, view=cluster("20.0.0.1"), with_ledger=ledger())
    assert covered(plan) == ((OURS, "20.0.0.1 (foreign)"),)


@pytest.mark.parametrize(
    ("due", "on", "overdue"),
    [
        (NOW - BOUND, target(), True),
        (NOW - BOUND + SECOND, target(), False),
        (NOW, target(suspend=True), True),
        (NOW, target(mode=Mode.OBSERVE), True),
    ],
)
def test_i9_a_removal_is_overdue_at_the_bound_and_at_once_where_nothing_is_written(
    due: datetime, on: object, overdue: bool
) -> None:
    books = ledger(entry("20.0.0.2", "x", due=due), entry(OURS, "x", due=due))
    plan = planned(
        view=cluster(OTHER, OURS, "20.0.0.2"),
        on=on,  # type: ignore[arg-type]
        with_ledger=books,
        deleted=frozenset({"x"}),
    )
    assert plan.overdue == (((OURS, due), ("20.0.0.2/32", due)) if overdue else ())


COUNTED = grant("a", OURS, duration=HOUR, expires_at=None)
WAITING = {"pace": Pace(namespace=Bucket(1, 6 * MINUTE)), "on": target()}


@pytest.mark.parametrize(
    ("grants", "books", "fields", "following"),
    [
        ((), ledger(), {}, None),
        ((LIVE,), ledger(), {}, NOW + 4 * HOUR),
        ((grant("a", OURS, not_before=NOW + HOUR),), ledger(), {}, NOW + HOUR),
        ((grant("a", OURS, not_before=NOW),), ledger(), {}, NOW + 4 * HOUR),
        ((COUNTED,), ledger(), {}, None),
        ((replace(COUNTED, started=NOW),), ledger(), {}, NOW + HOUR),
        ((OVER,), ledger(), {}, None),
        ((replace(LIVE, deleting=NOW, not_before=NOW + HOUR),), ledger(), {}, None),
        ((OVER, grant("b", "20.0.0.2", expires_at=NOW + HOUR)), ledger(), {}, NOW + HOUR),
        ((LIVE, grant("b", "20.0.0.2", expires_at=NOW + HOUR)), ledger(), {}, NOW + HOUR),
        ((LIVE,), ledger(turns=(Turn(NOW, ("team-a",)),)), WAITING, NOW + 6 * MINUTE),
        ((), ledger(entry(OURS, "x", due=NOW - MINUTE)), {}, NOW + 14 * MINUTE),
        ((), ledger(entry(OURS, "x", due=NOW - BOUND)), {}, None),
        (
            (),
            ledger(search=Search(phase=SearchPhase.STANDING, message=""), probes=(NOW - MINUTE,)),
            {},
            NOW + 19 * MINUTE,
        ),
        (
            (),
            ledger(conflict=Conflict(since=NOW), reversals=(Reversal(NOW - MINUTE, (), (OURS,)),)),
            {},
            NOW + 74 * MINUTE,
        ),
        (
            (),
            ledger(conflict=Conflict(since=NOW), reversals=(Reversal(NOW - MINUTE, (OURS,)),)),
            {},
            NOW + 59 * MINUTE,
        ),
    ],
)
def test_i11_the_next_transition_is_the_first_moment_that_changes_the_plan(
    grants: tuple[Grant, ...],
    books: Ledger,
    fields: dict[str, object],
    following: datetime | None,
) -> None:
    entries = (OTHER, *books.entries)
    plan = planned(
        *grants,
        view=cluster(*entries),
        with_ledger=books,
        deleted=frozenset({"x"}),
        **fields,  # type: ignore[arg-type]
    )
    assert plan.next_transition == following
