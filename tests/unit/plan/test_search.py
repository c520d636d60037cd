"""I4: how it is found out why AKS refuses a list, step by step."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from aks_access.plan.ledger import (
    Ledger,
    RefusedGrant,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.model import Grant, GrantUid
from aks_access.plan.outcome import Plan
from aks_access.plan.search import (
    PACE,
    QUICK_WINDOW,
    additions_wait,
    advanced,
    aside,
    landed,
    named,
    next_try,
    proven,
    uncontrolled,
)
from tests.unit.plan.build import NOW, entry, ledger
from tests.unit.plan.searches import (
    ASKS,
    BASE,
    FIVE,
    GRANTS,
    IN,
    LIST,
    MINUTE,
    OUT,
    PHASES,
    SPENT,
    advance,
    ago,
    of,
    plan_of,
    refuse,
    searching,
)

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("probes", "following"),
    [
        ((), None),
        (SPENT[1:], None),
        (SPENT, SPENT[-1] + PACE),
        ((NOW - QUICK_WINDOW, *SPENT[1:]), None),
        ((NOW - QUICK_WINDOW + SECOND, *SPENT[1:]), SPENT[-1] + PACE),
        ((*SPENT[1:], NOW), NOW + PACE),
        ((*SPENT[1:], NOW + SECOND), None),  # timed by a clock that was ahead
        (tuple(at - PACE + MINUTE for at in SPENT), None),
        (tuple(at - PACE + MINUTE + SECOND for at in SPENT), NOW + SECOND),
    ],
)
def test_i4_twelve_refusals_in_four_hours_are_quick_and_then_one_in_twenty_minutes(
    probes: tuple[datetime, ...], following: datetime | None
) -> None:
    assert next_try(ledger=ledger(probes=probes), now=NOW) == following


@pytest.mark.parametrize("phase", PHASES)
def test_i4_what_only_a_person_can_mend_is_tried_slowly_at_once(phase: SearchPhase) -> None:
    stuck = phase in (SearchPhase.STANDING, SearchPhase.OWN)
    books = searching(phase, probes=ago(5))
    assert next_try(ledger=books, now=NOW) == (NOW + 15 * MINUTE if stuck else None)
    due = searching(phase, probes=ago(20))
    assert next_try(ledger=due, now=NOW) is None


@pytest.mark.parametrize("phase", PHASES)
def test_i4_while_the_list_itself_is_in_doubt_nothing_is_added(phase: SearchPhase) -> None:
    doubted = phase in (SearchPhase.CONTROL, SearchPhase.STANDING)
    assert additions_wait(ledger=searching(phase), now=NOW) is doubted
    assert additions_wait(ledger=searching(phase, probes=SPENT), now=NOW)
    assert not additions_wait(ledger=ledger(probes=SPENT), now=NOW)


@pytest.mark.parametrize("phase", PHASES)
def test_i4_only_those_that_are_tried_are_let_in(phase: SearchPhase) -> None:
    grants = {GrantUid(name): item for name, item in GRANTS.items()}
    waiting = aside(
        ledger=searching(phase, suspects=FIVE, trying=("a", "b")), grants=grants, now=NOW
    )
    assert waiting == set("cde") if phase is SearchPhase.HALVING else waiting == set("abcde")


def test_i4_a_grant_that_was_refused_keeps_to_the_pace() -> None:
    grants: dict[GrantUid, Grant] = {GrantUid(name): GRANTS[name] for name in "abc"}
    known = {"a": RefusedGrant(asks="7-a", message=""), "b": RefusedGrant(ASKS["b"], "")}
    slow = ledger(refused=known, probes=SPENT)
    assert aside(ledger=slow, grants=grants, now=NOW) == {"a", "b"}
    assert aside(ledger=replace(slow, probes=()), grants=grants, now=NOW) == set()


def test_i4_a_refusal_without_additions_blames_what_stands() -> None:
    after = refuse(ledger(probes=ago(9)), plan_of(), before=("30.0.0.1", "AzureCloud"))
    assert after.search == Search(
        phase=SearchPhase.STANDING, message="No.", stood=("30.0.0.1/32", "AzureCloud")
    )
    assert after.probes == (*ago(9), NOW)
    again = refuse(after, plan_of(), before=None, message="Still no.")
    assert again.search == Search(phase=SearchPhase.STANDING, message="Still no.")
    assert again.probes == after.probes, "a removal that is repeated costs no try"


def test_i4_after_a_control_that_is_refused_a_try_is_spent() -> None:
    assert refuse(searching(SearchPhase.CONTROL), plan_of()).probes == (NOW,)


def test_i4_an_open_cluster_has_no_list_to_compare_with_but_a_cleared_one_has() -> None:
    def phase(plan: Plan) -> SearchPhase | None:
        found = refuse(ledger(), plan, before=None).search
        return found.phase if found is not None else None

    assert phase(plan_of("a")) is SearchPhase.PLATFORM
    assert phase(replace(plan_of("a"), restores=True)) is SearchPhase.CONTROL


def test_i4_only_the_latest_refusals_are_remembered() -> None:
    assert refuse(ledger(probes=SPENT), plan_of("a")).probes == (*SPENT[1:], NOW)


@pytest.mark.parametrize("phase", [SearchPhase.PLATFORM, SearchPhase.OWN])
def test_i4_a_refusal_of_the_platforms_own_is_told_as_that(phase: SearchPhase) -> None:
    books = searching(phase, suspects=FIVE)
    after = refuse(books, plan_of(platform=(BASE,)))
    found = Search(phase=SearchPhase.OWN, message="No.", suspects=FIVE, stood=(BASE,))
    assert after.search == found


def test_i4_the_half_that_is_refused_is_halved_and_the_others_wait() -> None:
    books = searching(SearchPhase.HALVING, suspects=FIVE, trying=("a", "b", "c"))
    after = refuse(books, plan_of("a", "b", "c"))
    assert after.search == Search(
        phase=SearchPhase.HALVING, message="No.", suspects=of("abc"), trying=("a",)
    )


def test_i4_a_half_with_the_platforms_own_beside_it_says_nothing_of_the_grants() -> None:
    books = searching(SearchPhase.HALVING, suspects=FIVE, trying=("a", "b"))
    after = refuse(books, plan_of("a", "b", platform=(BASE,)))
    assert after.search == Search(
        phase=SearchPhase.PLATFORM, message="No.", suspects=of("ab"), stood=(BASE,)
    )


def test_i4_a_list_without_additions_that_is_read_back_says_so() -> None:
    flight = WriteInFlight(desired=LIST, added=(), removed=(), started=NOW)

    def phase(books: Ledger, sent: WriteInFlight | None = flight) -> SearchPhase | None:
        search = proven(ledger=books, flight=sent).search
        return search.phase if search is not None else None

    assert phase(searching(SearchPhase.CONTROL)) is SearchPhase.PLATFORM
    assert phase(searching(SearchPhase.STANDING)) is None
    assert phase(searching(SearchPhase.HALVING)) is SearchPhase.HALVING
    assert phase(ledger()) is None
    for sent in (None, replace(flight, added=("20.0.0.1/32",))):
        assert phase(searching(SearchPhase.CONTROL), sent) is SearchPhase.CONTROL
        assert phase(searching(SearchPhase.STANDING), sent) is SearchPhase.STANDING


def test_i4_where_the_list_without_additions_is_empty_it_is_not_sent() -> None:
    books = searching(SearchPhase.CONTROL, suspects=FIVE)
    assert uncontrolled(ledger=books).search == Search(
        phase=SearchPhase.PLATFORM, message="Bad range.", suspects=FIVE
    )


def test_a_look_goes_on_with_no_search_and_no_control() -> None:
    for books in (ledger(), searching(SearchPhase.CONTROL, suspects=FIVE)):
        assert advance(books, plan_of("a")) == books


def test_i4_a_list_that_was_refused_is_tried_again_when_it_changed_or_in_time() -> None:
    books = searching(SearchPhase.STANDING, stood=("30.0.0.1/32", "b"), probes=ago(5))
    assert advance(books, plan_of(), ("b", "30.0.0.1")) == books
    assert advance(books, plan_of(), ("b",)).search is None
    assert advance(replace(books, probes=ago(20)), plan_of(), ("b", "30.0.0.1")).search is None
    empty = searching(SearchPhase.STANDING, probes=ago(5))
    assert advance(empty, plan_of(), None) == empty


def test_i4_the_grants_turn_comes_when_the_platform_adds_nothing_any_more() -> None:
    books = searching(SearchPhase.PLATFORM, suspects=FIVE)
    halving = advance(books, plan_of("a")).search
    assert halving == Search(
        phase=SearchPhase.HALVING, message="Bad range.", suspects=FIVE, trying=("a", "b")
    )
    acquitted = searching(SearchPhase.OWN, suspects=FIVE, stood=(BASE,))
    assert advance(acquitted, plan_of("a")).search == Search(
        phase=SearchPhase.HALVING, message="Bad range.", suspects=FIVE, trying=tuple("abcde")
    )
    nobody = searching(SearchPhase.PLATFORM, stood=(BASE,))
    assert advance(nobody, plan_of()).search is None
    gone = searching(SearchPhase.PLATFORM, suspects={"a": ASKS["a"], "ghost": "1-g"})
    assert advance(gone, plan_of("a")) == replace(
        gone,
        search=Search(
            phase=SearchPhase.HALVING, message="Bad range.", suspects=of("a"), trying=("a",)
        ),
    ), "who is gone may have been to blame"
    assert advance(searching(SearchPhase.PLATFORM), plan_of()).search is None


def test_i4_the_platforms_own_are_tried_again_when_they_are_others() -> None:
    plan = plan_of(platform=(BASE, "41.0.0.0/24"))
    tried = searching(SearchPhase.PLATFORM, stood=(BASE,))
    assert advance(tried, plan) == tried
    stuck = searching(SearchPhase.OWN, stood=("41.0.0.0/24", BASE))
    assert advance(stuck, plan) == stuck
    mended = searching(SearchPhase.OWN, stood=(BASE,))
    assert advance(mended, plan).search == Search(
        phase=SearchPhase.PLATFORM, message="Bad range.", stood=(BASE, "41.0.0.0/24")
    )


def test_i4_a_suspect_whose_ranges_all_stand_is_not_to_blame() -> None:
    books = searching(SearchPhase.HALVING, suspects=FIVE, trying=("a", "b"))
    after = advance(books, plan_of(a=IN, b=IN, c=IN))
    assert after.search == Search(
        phase=SearchPhase.HALVING, message="Bad range.", suspects=of("de"), trying=("d",)
    )
    passed = advance(books, plan_of(a=IN, b=IN, c=IN, d=IN, e=IN))
    assert (passed.search, passed.refused) == (None, {})


def test_i4_a_half_that_is_in_is_good_and_the_other_one_is_halved() -> None:
    books = searching(SearchPhase.HALVING, suspects=FIVE, trying=("a", "b"))
    assert advance(books, plan_of(a=IN, b=OUT)) == books
    assert advance(books, plan_of(a=IN, b=IN)).search == Search(
        phase=SearchPhase.HALVING,
        message="Bad range.",
        suspects=of("cde"),
        trying=("c",),
    )
    all_in = searching(SearchPhase.HALVING, suspects=of("a"), trying=("a",))
    assert advance(all_in, plan_of(a=IN)).search is None


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("'20.0.0.1' is bad.", ("20.0.0.1/32",)),
        ("Bad ranges: [20.0.0.1/32, (30.0.0.0/24)].", ("20.0.0.1/32", "30.0.0.0/24")),
        ('{"AzureCloud"}; is bad', ("AzureCloud",)),
        ("20.0.0.10 and 30.0.0.0 are bad", ()),
    ],
)
def test_the_entries_that_azures_sentence_names(message: str, found: tuple[str, ...]) -> None:
    entries = ("20.0.0.1/32", "30.0.0.0/24", "AzureCloud")
    assert named(message=message, entries=entries) == found


def flight_of(*added: str) -> WriteInFlight:
    return WriteInFlight(desired=LIST, added=added, removed=(), started=NOW)


@pytest.mark.parametrize(
    ("added", "left"),
    [
        (("20.0.0.1/32",), "bc"),
        (("20.0.0.1/32", "20.0.0.2/32"), "c"),
        (("20.0.0.1/32", "20.0.0.2/32", "20.0.0.3/32"), "c"),  # `c` is not tried
    ],
)
def test_i4_whose_ranges_aks_took_is_good_though_somebody_took_them_out_since(
    added: tuple[str, ...], left: str
) -> None:
    books = searching(SearchPhase.HALVING, suspects=of("abc"), trying=("a", "b"))
    owned = [entry(f"20.0.0.{n}", uid) for n, uid in enumerate("abc", start=1)]
    books = replace(books, entries={item.range: item for item in owned})
    assert landed(ledger=books, flight=flight_of(*added)).search == Search(
        phase=SearchPhase.HALVING, message="Bad range.", suspects=of(left), trying=tuple(left)
    )


def test_i4_a_write_that_landed_ends_a_search_among_nobody_else() -> None:
    books = searching(SearchPhase.HALVING, suspects=of("a"), trying=("a",))
    books = replace(books, entries={"20.0.0.1/32": entry("20.0.0.1", "a")})
    assert landed(ledger=books, flight=flight_of("20.0.0.1/32")).search is None


@pytest.mark.parametrize("phase", [None, *PHASES])
@pytest.mark.parametrize("added", ["20.0.0.1/32", "20.0.0.2/32", "20.0.0.9/32"])
def test_i4_a_write_that_landed_says_nothing_of_others(
    phase: SearchPhase | None, added: str
) -> None:
    """`a` is tried, `b` is not, and nobody's entry is 20.0.0.9."""
    if phase is SearchPhase.HALVING and added == "20.0.0.1/32":
        return
    books = ledger(entry("20.0.0.1", "a"), entry("20.0.0.2", "b"))
    if phase is not None:
        found = Search(phase=phase, message="", suspects=of("ab"), trying=("a",))
        books = replace(books, search=found)
    assert landed(ledger=books, flight=flight_of(added)) is books


def test_i4_a_suspect_that_cannot_be_let_in_is_tried_no_more() -> None:
    books = searching(SearchPhase.HALVING, suspects=of("abc"), trying=("a", "b"))
    plan = plan_of("b")
    after = advanced(ledger=books, plan=plan, ranges=LIST, now=NOW, stuck={"a"}).search
    assert after is not None
    assert (after.suspects, after.trying) == (of("bc"), ("b", "c"))
    everybody = advanced(ledger=books, plan=plan, ranges=LIST, now=NOW, stuck=set("abc"))
    assert (everybody.search, everybody.refused) == (None, {})


def test_i4_who_is_tried_and_no_suspect_stops_no_look() -> None:
    """A ledger that somebody wrote by hand: what is due would wait for ever."""
    books = searching(SearchPhase.HALVING, suspects=of("ab"), trying=("a", "nobody"))
    after = advance(books, plan_of(a=IN))
    assert after.refused == {"b": RefusedGrant(ASKS["b"], "Bad range.")}
