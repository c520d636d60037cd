"""Who wants which entry: the platform, everybody else, and the admitted grants."""

from dataclasses import replace

import pytest

from aks_access.api.modes import EgressMode, Mode
from aks_access.plan.composition import (
    Platform,
    Wanted,
    fitting,
    foreign,
    keeps_foreign,
    platform,
    wanted,
)
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry, Search, SearchPhase
from aks_access.plan.listing import Listing, same_entries
from aks_access.plan.model import GrantUid, Problem, Target, cluster_key
from aks_access.plan.outcome import AccessState, Origin, Verdict
from tests.unit.plan.build import (
    ID,
    KEY,
    cluster,
    entry,
    grant,
    ledger,
    range_set,
    ranges,
    target,
    world,
)

HELD = ledger(
    entry("40.0.0.1", "egress"),
    entry("40.0.0.2", "baseline"),
    entry("40.0.0.3", "egress", state=EntryState.WITHDRAWN),
    entry("40.0.0.4", "a"),
)
STATIC = {"egress_mode": EgressMode.STATIC, "egress": ranges("41.0.0.2", "41.0.0.1")}
BROKEN = (Problem("spec.mode", "x", "is unknown"),)
KEPT_EGRESS, KEPT_BASELINE = {"40.0.0.1/32": Origin.EGRESS}, {"40.0.0.2/32": Origin.BASELINE}
OWN_EGRESS = {"41.0.0.1/32": Origin.EGRESS, "41.0.0.2/32": Origin.EGRESS}
UDR = cluster("30.0.0.0/24", outbound_type="userDefinedRouting")


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (None, Platform({**KEPT_EGRESS, **KEPT_BASELINE}, frozenset(KEPT_BASELINE))),
        (target(**STATIC), Platform(OWN_EGRESS)),
        (target(), Platform(KEPT_EGRESS, egress_known=False)),
        (
            target(**STATIC, problems=BROKEN),
            Platform({**KEPT_EGRESS, **OWN_EGRESS, **KEPT_BASELINE}, frozenset(KEPT_BASELINE)),
        ),
        (
            target(**STATIC, baseline=ranges("42.0.0.1", "41.0.0.1")),
            Platform(
                {**OWN_EGRESS, "42.0.0.1/32": Origin.BASELINE},
                frozenset({"41.0.0.1/32", "42.0.0.1/32"}),
            ),
        ),
        (
            target(**STATIC, baseline_sets=("gone", "office", "gone")),
            Platform(
                {**OWN_EGRESS, "43.0.0.1/32": Origin.BASELINE, **KEPT_BASELINE},
                frozenset({"43.0.0.1/32", *KEPT_BASELINE}),
                unresolved=("gone",),
            ),
        ),
    ],
)
def test_i12_the_platforms_entries_and_what_is_kept_while_they_cannot_be_told(
    on: Target | None, expected: Platform
) -> None:
    facts = world(target=on, sets=[range_set("office", "43.0.0.1")])
    assert platform(world=facts, view=UDR, ledger=HELD) == expected


def test_i12_the_management_clusters_egress_is_part_of_every_list() -> None:
    facts = world(target=target(**STATIC), management_egress=ranges("44.0.0.1", "41.0.0.1"))
    assert platform(world=facts, view=UDR, ledger=ledger()).entries == {
        **OWN_EGRESS,
        "44.0.0.1/32": Origin.MANAGEMENT,
    }


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (5, "bcade"),
        (4, "bcad"),
        (3, "bca"),
        (2, "bc"),
        (0, ""),
        (-1, ""),
    ],
)
def test_i12_egress_comes_before_the_baseline_and_what_stands_before_what_is_new(
    limit: int, kept: str
) -> None:
    origins = {
        "a": Origin.BASELINE,
        "b": Origin.EGRESS,
        "c": Origin.MANAGEMENT,
        "d": Origin.BASELINE,
        "e": Origin.BASELINE,
    }
    found = fitting(
        platform=Platform(origins), limit=limit, occupied=frozenset(), present=Listing.of(("a",))
    )
    assert found.entries == {name: origins[name] for name in origins if name in kept}
    assert found.omitted == tuple(e for e in found.omitted if e not in kept)
    assert len(found.omitted) == 5 - len(kept)


def test_i2_foreign_is_what_neither_the_platform_nor_the_ledger_explains() -> None:
    base = Listing.of(("AzureCloud", "30.0.0.1", "0.0.0.0", "40.0.0.3", "42.0.0.1", "29.0.0.0/24"))
    place = Platform({"42.0.0.1/32": Origin.BASELINE})
    assert foreign(base=base, platform=place, ledger=HELD) == (
        "AzureCloud",
        "30.0.0.1/32",
        "29.0.0.0/24",
    )


@pytest.mark.parametrize(
    ("mode", "egress_known", "lost", "keeps"),
    [
        (Mode.MERGE, True, False, True),
        (Mode.OBSERVE, True, False, True),
        (Mode.EXCLUSIVE, True, False, False),
        (Mode.EXCLUSIVE, False, False, True),
        (Mode.EXCLUSIVE, True, True, True),
    ],
)
def test_i2_exclusive_drops_foreign_entries_only_where_all_is_known(
    mode: Mode, egress_known: bool, lost: bool, keeps: bool
) -> None:
    assert keeps_foreign(mode=mode, egress_known=egress_known, lost=lost) is keeps


def admitted(name: str, *texts: str, sets: dict[str, tuple[str, ...]] | None = None) -> Verdict:
    return Verdict(
        grant=grant(name, *texts),
        state=AccessState.LIVE,
        ranges=ranges(*texts),
        via_sets={ranges(text)[0]: names for text, names in (sets or {}).items()},
        admitted=True,
    )


def want(
    *verdicts: Verdict,
    books: Ledger | None = None,
    present: tuple[str, ...] = (),
    unready: tuple[str, ...] = (),
    place: Platform | None = None,
) -> Wanted:
    return wanted(
        platform=place or Platform({}),
        verdicts={verdict.grant.uid: verdict for verdict in verdicts},
        ledger=books or ledger(),
        present=Listing.of(present),
        unready=frozenset(map(GrantUid, unready)),
    )


def test_every_owner_of_an_entry_is_named_the_platform_first() -> None:
    place = Platform({"20.0.0.1/32": Origin.MANAGEMENT, "20.0.0.2/32": Origin.BASELINE})
    refused = Verdict(
        grant=grant("c", "20.0.0.1"), state=AccessState.LIVE, ranges=ranges("20.0.0.9")
    )
    found = want(admitted("b", "20.0.0.1"), refused, admitted("a", "20.0.0.1"), place=place)
    assert found == Wanted(
        owners={"20.0.0.1/32": ("egress", "a", "b"), "20.0.0.2/32": ("baseline",)}
    )


def test_an_entry_that_came_through_sets_alone_names_them() -> None:
    found = want(
        admitted("a", "20.0.0.1", "20.0.0.2", sets={"20.0.0.1": ("o", "p"), "20.0.0.2": ("o",)}),
        admitted("b", "20.0.0.1", sets={"20.0.0.1": ("q", "o")}),
        admitted("c", "20.0.0.2"),
    )
    assert found.sets == {"20.0.0.1/32": ("o", "p", "q")}


INTENDED = EntryState.INTENDED


@pytest.mark.parametrize(
    ("known", "present", "wants"),
    [
        (None, False, False),
        (None, True, True),
        (entry("20.0.0.1", "a"), False, True),
        (entry("20.0.0.1", "b"), False, False),
        (entry("20.0.0.1", "b"), True, True),
        (entry("20.0.0.1", "a", state=INTENDED), True, True),
        (entry("20.0.0.1", "a", state=INTENDED), False, False),
        (entry("20.0.0.1", "b", state=INTENDED), True, False),
    ],
)
def test_i6_a_grant_that_is_not_ready_wants_what_stands_and_nothing_new(
    known: LedgerEntry | None, present: bool, wants: bool
) -> None:
    found = want(
        admitted("a", "20.0.0.1", "20.0.0.2"),
        books=ledger(*(() if known is None else (known,)), entry("20.0.0.2", "a")),
        present=("20.0.0.1",) if present else (),
        unready=("a",),
    )
    second = {"20.0.0.2/32": ("a",)}
    assert found.owners == ({"20.0.0.1/32": ("a",), **second} if wants else second)


def test_a_cluster_is_known_by_its_id_in_any_spelling() -> None:
    assert cluster_key(f" {ID.upper()}/ ") == KEY == ID.lower()
    assert cluster_key("/X/CLUSTER-X") == "/x/cluster-x"


def test_a_list_that_is_absent_equals_nothing_but_another_that_is() -> None:
    assert same_entries(None, None)
    assert not same_entries(None, ())
    assert not same_entries((), None)
    assert same_entries(("1.2.3.4", "b"), ("b", "1.2.3.4/32"))


def test_i12_without_a_target_the_management_clusters_egress_comes_into_no_list() -> None:
    facts = world(target=None, management_egress=ranges("44.0.0.1"))
    assert platform(world=facts, view=UDR, ledger=ledger()).entries == {}


def test_i12_an_entry_of_egress_that_the_baseline_wants_too_is_owned_by_both() -> None:
    facts = world(
        target=target(**STATIC, baseline=ranges("41.0.0.1", "42.0.0.1", "44.0.0.1")),
        management_egress=ranges("44.0.0.1"),
    )
    place = platform(world=facts, view=UDR, ledger=ledger())
    assert {entry: place.owners(entry) for entry in place.entries} == {
        "41.0.0.1/32": ("egress", "baseline"),
        "41.0.0.2/32": ("egress",),
        "42.0.0.1/32": ("baseline",),
        "44.0.0.1/32": ("egress", "baseline"),
    }


def test_i8_a_grant_that_grew_and_does_not_fit_wants_just_what_it_keeps() -> None:
    grown = replace(
        admitted("a", "20.0.0.1", "20.0.0.2", "20.0.0.3"),
        admitted=False,
        keeps=frozenset({"20.0.0.1/32", "20.0.0.3/32"}),
    )
    assert want(grown).owners == {"20.0.0.1/32": ("a",), "20.0.0.3/32": ("a",)}


@pytest.mark.parametrize("present", [False, True])
def test_i4_while_it_is_searched_whose_entry_aks_refuses_one_that_is_gone_does_not_count(
    present: bool,
) -> None:
    found = want(
        admitted("a", "20.0.0.1"),
        books=ledger(
            entry("20.0.0.1", "a"), search=Search(phase=SearchPhase.CONTROL, message="Bad range.")
        ),
        present=("20.0.0.1",) if present else (),
        unready=("a",),
    )
    assert found.owners == ({"20.0.0.1/32": ("a",)} if present else {})
