"""Why an entry has to go, since when, and which cause speaks where several do."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from aks_access.api.reasons import GrantReason as R
from aks_access.plan.clearing import PATIENT
from aks_access.plan.ledger import EntryState, LedgerEntry
from aks_access.plan.model import (
    Cause,
    Grant,
    GrantUid,
    Namespace,
    Problem,
    Target,
    activation_key,
)
from aks_access.plan.outcome import AccessState, Change, Refusal, Rule, Verdict
from aks_access.plan.pacing import CHARGED_REMOVALS
from aks_access.plan.removal import (
    ENDED,
    GUARDED,
    fell_due,
    guarded,
    owner_cause,
    permitted,
    removal_of,
)
from aks_access.plan.world import MASS_REMOVAL_ENTRIES, Removals
from tests.unit.plan.build import HOUR, NOW, entry, grant, labelled, target, world

OURS = entry("20.0.0.1", "a")
A = GrantUid("a")
HOME = (Namespace(uid="n", name="team-a"),)


def cause(
    item: Grant | None,
    *,
    verdict: Verdict | None = None,
    of: LedgerEntry = OURS,
    on: Target | None = None,
    orphaned: bool = False,
    former_names: tuple[str, ...] = (),
    **fields: object,
) -> Cause:
    return owner_cause(
        owner="a",
        entry=of,
        world=world(
            *(() if item is None else (item,)),
            target=None if orphaned else on or target(),
            **{"namespaces": HOME, **fields},  # type: ignore[arg-type]
        ),
        verdicts={} if verdict is None else {A: verdict},
        former_names=former_names,
    )


def refused(item: Grant, *reasons: R) -> Verdict:
    refusals = tuple(Refusal(reason, Rule.SPEC) for reason in reasons)
    return Verdict(grant=item, state=AccessState.REFUSED, refusals=refusals)


LIVE = grant("a", "20.0.0.1")
COUNTED = grant("a", "20.0.0.1", duration=HOUR, expires_at=None)


def test_an_owner_that_is_no_more_was_deleted_or_vanished() -> None:
    assert cause(None) is Cause.VANISHED
    assert cause(None, deleted=frozenset({"a"})) is Cause.DELETED
    assert cause(None, of=entry("20.0.0.1", released=("a",))) is Cause.DELETED


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (grant("a", deleting=NOW, problems=(Problem("spec", "x", "no"),)), Cause.DELETED),
        (grant("a", problems=(Problem("spec", "x", "no"),), revoked=True), Cause.INVALID),
        (grant("a", "20.0.0.1", expires_at=NOW), Cause.EXPIRED),
        (grant("a", "20.0.0.1", revoked=True), Cause.REVOKED),
    ],
)
def test_i3_what_was_done_to_a_grant_speaks_whatever_the_target_says(
    item: Grant, expected: Cause
) -> None:
    assert cause(item) is expected
    assert cause(item, orphaned=True) is expected
    assert cause(item, on=target(deleting=NOW)) is expected


def test_i10_a_duration_that_is_over_has_expired() -> None:
    over = {activation_key(COUNTED): NOW - HOUR}
    assert cause(COUNTED, activations=over, orphaned=True) is Cause.EXPIRED


def test_i3_a_live_grant_loses_access_with_its_target() -> None:
    assert cause(LIVE, orphaned=True) is Cause.ORPHANED
    assert cause(LIVE, on=target(deleting=NOW)) is Cause.TARGET_DELETED


def test_i3_a_grant_that_matches_no_more_was_edited_or_deselected() -> None:
    assert cause(LIVE) is Cause.EDITED
    selecting = grant("a", target_name=None, selector=labelled("tier", "prod"))
    assert cause(selecting) is Cause.SELECTOR


def test_i8_a_grant_that_names_what_its_target_was_called_before_lost_it_and_was_not_edited() -> (
    None
):
    item = grant("a", "20.0.0.1", target_name="old")
    assert cause(item, former_names=("older", "old")) is Cause.ORPHANED
    assert cause(item, former_names=("older",)) is Cause.EDITED
    matching = Verdict(grant=LIVE, state=AccessState.LIVE)
    assert cause(LIVE, verdict=matching, former_names=("prod",)) is Cause.EDITED


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ((R.POLICY_DENIED,), Cause.POLICY),
        ((R.RANGE_SET_NOT_RESOLVED,), Cause.RANGE_SET),
        ((R.CAPACITY_EXCEEDED,), Cause.CAPACITY),
        ((R.RANGE_REFUSED,), Cause.REFUSED_BY_AZURE),
        ((R.INVALID_SPEC,), Cause.EDITED),
        ((R.RANGE_SET_NOT_RESOLVED, R.POLICY_DENIED), Cause.POLICY),
        ((R.CAPACITY_EXCEEDED, R.POLICY_DENIED), Cause.CAPACITY),
        ((R.NAMESPACE_NOT_ALLOWED,), Cause.POLICY),
    ],
)
def test_a_refusal_is_the_cause_and_a_certain_one_before_a_gap(
    reasons: tuple[R, ...], expected: Cause
) -> None:
    assert cause(LIVE, verdict=refused(LIVE, *reasons)) is expected


def test_i8_of_a_grant_that_keeps_what_it_has_only_what_it_still_asks_for_was_refused() -> None:
    asking = grant("a", "20.0.0.1", "20.0.0.2")
    verdict = replace(
        refused(asking, R.CAPACITY_EXCEEDED),
        ranges=asking.ranges,
        keeps=frozenset({"20.0.0.2/32"}),
    )
    assert cause(asking, verdict=verdict) is Cause.CAPACITY
    assert cause(asking, verdict=verdict, of=entry("20.0.0.9", "a")) is Cause.EDITED


def test_i8_a_namespace_that_is_not_known_at_all_is_a_gap_and_no_edit() -> None:
    alone = refused(LIVE, R.NAMESPACE_NOT_ALLOWED, R.NAMESPACE_NOT_ALLOWED)
    assert cause(LIVE, verdict=alone, namespaces=()) is Cause.VANISHED
    both = refused(LIVE, R.NAMESPACE_NOT_ALLOWED, R.POLICY_DENIED)
    assert cause(LIVE, verdict=both, namespaces=()) is Cause.POLICY


@pytest.mark.parametrize(
    ("sets", "named", "expected"),
    [
        (("office",), ("office", "vpn"), Cause.RANGE_SET),
        (("office",), ("vpn",), Cause.EDITED),
        ((), ("office",), Cause.EDITED),
    ],
)
def test_i8_a_set_that_shrank_is_told_from_an_edit_of_the_grant(
    sets: tuple[str, ...], named: tuple[str, ...], expected: Cause
) -> None:
    item = grant("a", "20.0.0.9", range_sets=named)
    verdict = Verdict(grant=item, state=AccessState.LIVE)
    assert cause(item, verdict=verdict, of=entry("20.0.0.1", "a", sets=sets)) is expected


WHOLE = (Refusal(R.RANGE_REFUSED, Rule.AZURE), Refusal(R.CAPACITY_EXCEEDED, Rule.CAPACITY))
SHARE = Refusal(R.POLICY_DENIED, Rule.MAX_ENTRIES)
WIDE = Refusal(R.POLICY_DENIED, Rule.MIN_PREFIX)
AZURE = Cause.REFUSED_BY_AZURE


@pytest.mark.parametrize(
    ("refusals", "sets", "asks", "found"),
    [
        (WHOLE[:1], ("office",), "20.0.0.1", Cause.RANGE_SET),
        ((*WHOLE, SHARE), ("office",), "20.0.0.1", Cause.RANGE_SET),
        ((WHOLE[0], WIDE), ("office",), "20.0.0.1", AZURE),  # its policy refuses it as well
        ((WIDE,), ("office",), "20.0.0.1", Cause.POLICY),
        ((WIDE,), ("office",), "20.0.0.2", Cause.RANGE_SET),  # the set dropped it
        (WHOLE[:1], (), "20.0.0.1", AZURE),
        (WHOLE[:1], (), "20.0.0.2", AZURE),
    ],
)
def test_i8_what_a_set_brought_is_told_from_what_else_makes_a_grant_refused(
    refusals: tuple[Refusal, ...], sets: tuple[str, ...], asks: str, found: Cause
) -> None:
    item = replace(grant("a", asks), range_sets=sets)
    verdict = Verdict(grant=item, state=AccessState.REFUSED, ranges=item.ranges, refusals=refusals)
    assert cause(item, verdict=verdict, of=replace(OURS, sets=("office",))) is found


def test_a_grant_that_starts_later_now_was_edited() -> None:
    assert cause(LIVE, verdict=Verdict(grant=LIVE, state=AccessState.SCHEDULED)) is Cause.EDITED


OWNERS: Mapping[str, Grant] = {
    "expired": grant("expired", "20.0.0.1", expires_at=NOW),
    "revoked": grant("revoked", "20.0.0.1", revoked=True),
    "edited": grant("edited", "20.0.0.9"),
}


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        (("expired", "revoked", "edited", "vanished"), Cause.VANISHED),
        (("expired", "revoked", "edited"), Cause.EDITED),
        (("expired", "revoked"), Cause.REVOKED),
        (("expired",), Cause.EXPIRED),
        (("expired", "egress"), Cause.EGRESS),
        (("edited", "baseline"), Cause.BASELINE),
        (("sentinel",), Cause.SENTINEL),
        ((), Cause.DELETED),
    ],
)
def test_i8_of_several_owners_the_least_certain_cause_speaks(
    owners: tuple[str, ...], expected: Cause
) -> None:
    facts = world(*OWNERS.values(), target=target(), namespaces=HOME)
    for order in (owners, owners[::-1]):
        change = removal_of(
            entry=entry("20.0.0.1", *order), world=facts, verdicts={}, former_names=()
        )
        assert change == Change("20.0.0.1/32", expected, order)


def test_i9_who_was_let_go_is_an_owner_of_the_debt() -> None:
    debt = entry("20.0.0.1", "edited", released=("gone",))
    facts = world(*OWNERS.values(), target=target())
    assert removal_of(entry=debt, world=facts, verdicts={}, former_names=()) == Change(
        "20.0.0.1/32", Cause.EDITED, ("edited", "gone")
    )


def test_i3_a_withdrawn_entry_goes_for_nobodys_sake() -> None:
    change = removal_of(
        entry=entry("20.0.0.1", state=EntryState.WITHDRAWN),
        world=world(target=None),
        verdicts={},
        former_names=(),
    )
    assert change == Change("20.0.0.1/32", Cause.WITHDRAWN)


def due(*grants: Grant, of: LedgerEntry = OURS, **fields: object) -> datetime:
    owners = tuple(item.uid for item in grants) or ("ghost",)
    return fell_due(
        change=Change("20.0.0.1/32", Cause.EXPIRED, owners),
        entry=of,
        world=world(*grants, target=target(), **fields),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"expires_at": NOW - 2 * HOUR}, NOW - 2 * HOUR),
        ({"expires_at": NOW + HOUR}, NOW),
        ({"expires_at": None}, NOW),
        ({"expires_at": NOW - 2 * HOUR, "revoked": True}, NOW),
        ({"expires_at": NOW - 2 * HOUR, "problems": (Problem("spec", "x", "no"),)}, NOW),
        ({"deleting": NOW - 3 * HOUR, "expires_at": NOW - 2 * HOUR}, NOW - 3 * HOUR),
        ({"expires_at": NOW - 2 * HOUR, "evaluated": (1, NOW - 3 * HOUR)}, NOW - 2 * HOUR),
        ({"expires_at": NOW - 2 * HOUR, "evaluated": (1, NOW - HOUR)}, NOW - HOUR),
        ({"expires_at": NOW - 2 * HOUR, "evaluated": (9, NOW - 3 * HOUR)}, NOW),
    ],
)
def test_i9_a_removal_fell_due_when_the_access_ended(
    fields: dict[str, object], expected: datetime
) -> None:
    assert due(grant("a", "20.0.0.1", **fields)) == expected


def test_i9_a_removal_fell_due_with_the_last_owner_and_stays_so() -> None:
    early = grant("a", "20.0.0.1", expires_at=NOW - 2 * HOUR)
    late = grant("b", "20.0.0.1", expires_at=NOW - HOUR)
    assert due(early, late) == due(late, early) == NOW - HOUR
    assert due(early, of=entry("20.0.0.1", "a", due=NOW - 5 * HOUR)) == NOW - 5 * HOUR
    assert due() == NOW
    nobody = Change("20.0.0.1/32", Cause.DELETED)
    assert fell_due(change=nobody, entry=OURS, world=world(target=target())) == NOW


def test_i10_the_end_of_a_duration_is_its_activations() -> None:
    over = {activation_key(COUNTED): NOW - 2 * HOUR}
    assert due(COUNTED, activations=over) == NOW - HOUR
    assert due(COUNTED) == NOW, "it has not begun"


@pytest.mark.parametrize("reason", list(Cause))
def test_i8_how_much_is_known_bounds_what_may_go(reason: Cause) -> None:
    change = Change("20.0.0.1/32", reason)
    acts = {Cause.EXPIRED, Cause.REVOKED, Cause.DELETED}
    assert permitted(change=change, removals=Removals.ALL) is True
    assert permitted(change=change, removals=Removals.ACTS) is (reason in acts)
    assert permitted(change=change, removals=Removals.CLOCK) is (reason is Cause.EXPIRED)
    assert permitted(change=change, removals=Removals.NONE) is False


MASS = MASS_REMOVAL_ENTRIES + 1


@pytest.mark.parametrize(
    ("count", "ours", "waits"),
    [
        (MASS, 2 * MASS - 1, True),
        (MASS, 2 * MASS, False),
        (MASS - 1, MASS - 1, False),
        (MASS, MASS, True),
    ],
)
def test_i8_many_and_most_wait_for_a_person(count: int, ours: int, waits: bool) -> None:
    names = [f"20.0.0.{n}/32" for n in range(count)]
    changes = [Change(name, Cause.VANISHED) for name in names]
    known = {name: entry(name, "x") for name in names}
    found = guarded(changes=changes, entries=known, ours=ours)
    assert found == (tuple(changes) if waits else ())
    certain = [Change(name, Cause.REVOKED) for name in names]
    assert guarded(changes=certain, entries=known, ours=ours) == ()
    begun = {name: entry(name, "x", due=NOW - timedelta(days=1)) for name in names}
    assert guarded(changes=changes, entries=begun, ours=ours) == ()
    assert guarded(changes=changes, entries={}, ours=ours) == ()


def test_every_cause_of_a_removal_is_classified() -> None:
    never = {Cause.GRANTED, Cause.DRIFT, Cause.CLEARED}
    at_once = {
        Cause.EDITED,
        Cause.POLICY,
        Cause.SELECTOR,
        Cause.WITHDRAWN,
        Cause.CAPACITY,
        Cause.REFUSED_BY_AZURE,
        Cause.TARGET_DELETED,
        Cause.SENTINEL,
    }
    told = (never, at_once, ENDED, GUARDED | PATIENT)
    assert set().union(*told) == set(Cause)
    assert sum(map(len, told)) == len(Cause), "none is two things"
    assert at_once | ENDED >= CHARGED_REMOVALS
