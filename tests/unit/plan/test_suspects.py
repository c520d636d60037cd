"""I4: who is suspected of ranges that AKS refuses, who is as guilty as the culprit, who follows."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from aks_access.plan.ledger import Ledger, RefusedGrant, Search, SearchPhase
from aks_access.plan.model import Grant, GrantUid
from aks_access.plan.outcome import AccessState
from aks_access.plan.pace import Bucket, Paced
from tests.unit.plan.build import HOUR, NOW, grant, ledger
from tests.unit.plan.searches import (
    ASKS,
    BASE,
    GRANTS,
    IN,
    LIST,
    advance,
    of,
    plan_of,
    refuse,
    searching,
)


def elsewhere(uid: str, namespace: str = "team-b") -> Grant:
    return replace(GRANTS[uid], namespace=namespace)


def asking(uid: str, *ranges: str) -> dict[str, object]:
    """Fields of a verdict: the grant, which asks for these ranges."""
    item = replace(grant(uid, *ranges, created=GRANTS[uid].created), uid=GrantUid(uid))
    return {"grant": item, "ranges": item.ranges}


@pytest.mark.parametrize(
    "books", [ledger(), searching(SearchPhase.CONTROL), searching(SearchPhase.STANDING)]
)
def test_i4_the_first_refusal_suspects_every_grant_that_was_added(books: Ledger) -> None:
    after = refuse(books, plan_of("b", "a", platform=(BASE,)))
    found = Search(phase=SearchPhase.CONTROL, message="No.", suspects=of("ab"), stood=(BASE,))
    assert after.search == found
    assert after.search is not None
    assert list(after.search.suspects) == ["a", "b"], "the oldest first"
    assert after.probes == (NOW,)


def test_i4_grants_of_one_moment_are_ordered_by_uid() -> None:
    plan = plan_of("e", "d")
    same = {
        uid: replace(verdict, grant=replace(verdict.grant, created=NOW))
        for uid, verdict in plan.verdicts.items()
    }
    after = refuse(ledger(), replace(plan, verdicts=same))
    assert after.search is not None
    assert list(after.search.suspects) == ["d", "e"]


def test_i4_the_last_suspect_is_the_culprit_and_whoever_waits_follows() -> None:
    books = searching(SearchPhase.HALVING, suspects=of("ab"), trying=("a",))
    books = replace(books, refused={"z": RefusedGrant("1-z", "Earlier.")})
    after = refuse(books, plan_of("a", d=IN, e={"state": AccessState.EXPIRED}))
    assert after.refused == {
        "z": RefusedGrant("1-z", "Earlier."),
        "a": RefusedGrant(ASKS["a"], "No."),
    }
    assert after.search == Search(
        phase=SearchPhase.HALVING, message="No.", suspects=of("bc"), trying=("b", "c")
    )
    assert after.search is not None
    assert list(after.search.suspects) == ["b", "c"], "the oldest first"
    alone = searching(SearchPhase.HALVING, suspects=of("a"), trying=("a",))
    done = refuse(alone, plan_of("a", b=IN, c=IN, d=IN, e=IN))
    assert (done.search, done.refused) == (None, {"a": RefusedGrant(ASKS["a"], "No.")})


@pytest.mark.parametrize(
    ("culprit", "other", "stands", "guilty"),
    [
        (("20.9.9.9",), ("20.9.9.9",), (), True),
        (("20.9.9.9",), ("20.9.9.9", "20.0.0.77"), (), True),
        (("20.9.9.9", "30.0.0.5"), ("20.9.9.9",), ("30.0.0.5",), True),  # it adds 20.9.9.9 alone
        (("20.9.9.9", "20.9.9.8"), ("20.9.9.9",), (), False),  # 20.9.9.8 may be to blame
        (("20.9.9.9",), ("20.9.9.8",), (), False),
        (("20.9.9.9",), ("20.9.9.0/24",), (), False),  # another entry, though a wider one
    ],
)
def test_i4_who_asks_for_all_that_was_refused_is_refused_with_the_culprit(
    culprit: tuple[str, ...], other: tuple[str, ...], stands: tuple[str, ...], guilty: bool
) -> None:
    changed = {"a": asking("a", *culprit), "c": asking("c", *other), "d": IN}
    plan = plan_of("a", b=IN, e=IN, **changed)
    asks = {uid: verdict.asks for uid, verdict in plan.verdicts.items()}
    books = searching(SearchPhase.HALVING, suspects={"a": asks[GrantUid("a")]}, trying=("a",))
    after = refuse(books, plan, before=(*LIST, *stands))
    known = {uid: RefusedGrant(asks[GrantUid(uid)], "No.") for uid in ("ac" if guilty else "a")}
    assert after.refused == known
    assert (after.search is None) is guilty


def test_i4_where_the_culprit_adds_nothing_any_more_nobody_is_refused_with_it() -> None:
    books = searching(SearchPhase.HALVING, suspects=of("a"), trying=("a",))
    after = refuse(books, plan_of("a"), before=(*LIST, "20.0.0.1"))
    assert after.refused == {"a": RefusedGrant(ASKS["a"], "No.")}


def test_i4_a_culprit_that_is_deduced_takes_its_like_with_it() -> None:
    """What it asks for and stands in the list is not what was refused."""
    plan = plan_of(
        a=IN,
        b=asking("b", "20.0.0.2", *LIST),
        c=asking("c", "20.0.0.2", "20.0.0.77"),
        d=asking("d", *LIST),
        e=IN,
    )
    asks = {uid: verdict.asks for uid, verdict in plan.verdicts.items()}
    known = {uid: RefusedGrant(asks[GrantUid(uid)], "Bad range.") for uid in "bc"}
    suspects = {**of("a"), "b": asks[GrantUid("b")]}
    halving = searching(SearchPhase.HALVING, suspects=suspects, trying=("a",))
    alone = searching(SearchPhase.PLATFORM, suspects={"b": asks[GrantUid("b")]})
    for books in (halving, alone):
        after = advance(books, plan, ranges=(*LIST, "20.0.0.1"))
        assert after.refused == known
        assert after.search == Search(
            phase=SearchPhase.HALVING,
            message="Bad range.",
            suspects={"d": asks[GrantUid("d")]},
            trying=("d",),
        )


@pytest.mark.parametrize(
    ("earlier", "first"),
    [("", "cde"), ("e", "cde"), ("b", "cde"), ("be", "cd"), ("bcde", "bcde")],
)
def test_i4_after_a_culprit_its_namespace_comes_last_and_once_more_all_of_refused_ones(
    earlier: str, first: str
) -> None:
    """`a` is the culprit, and `b` of its namespace; `e` of another one that `d` is not of."""
    changed: dict[str, dict[str, object]] = {
        "c": {"grant": elsewhere("c")},
        "d": {"grant": elsewhere("d")},
        "e": {"grant": elsewhere("e", "team-c")},
    }
    plan = plan_of("a", **changed)
    books = searching(SearchPhase.HALVING, suspects=of("a"), trying=("a",))
    known = {uid: RefusedGrant("7-x", "Earlier.") for uid in earlier}
    after = refuse(replace(books, refused=known), plan).search
    assert after == Search(
        phase=SearchPhase.HALVING, message="No.", suspects=of(first), trying=tuple(first)
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"grant": replace(GRANTS["b"], generation=9)},
        {"ranges": (*GRANTS["b"].ranges, *GRANTS["c"].ranges)},
        {"state": AccessState.EXPIRED},
        {"admitted": False},
        {"paced": Paced(until=NOW + HOUR, namespace="team-a", bucket=Bucket(1, HOUR))},
    ],
)
def test_i4_a_suspect_that_is_another_one_now_is_suspected_no_more(
    changed: Mapping[str, object],
) -> None:
    books = searching(SearchPhase.HALVING, suspects=of("ab"), trying=("b",))
    assert advance(books, plan_of(b=changed)).search == Search(
        phase=SearchPhase.HALVING, message="Bad range.", suspects=of("a"), trying=("a",)
    )
    alone = searching(SearchPhase.HALVING, suspects=of("b"), trying=("b",))
    assert advance(alone, plan_of(b=changed)).search is None
    gone = searching(SearchPhase.HALVING, suspects={"ghost": "1-g"}, trying=("ghost",))
    assert advance(gone, plan_of()).search is None
