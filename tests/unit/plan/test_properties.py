"""What holds of every plan, whatever the world looks like."""

import os
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aks_access.api.modes import Mode
from aks_access.plan.adoption import Adoption
from aks_access.plan.ledger import EntryState, LedgerEntry
from aks_access.plan.listing import canonical
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import AccessState, Plan
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.world import Removals
from tests.facts import canonical as spelled
from tests.facts import intervals
from tests.reference import expected, verdicts
from tests.unit.plan.build import HOUR, NOW, cluster, cycle, grant, ledger, target, world, written
from tests.unit.plan.junk import junk_cases
from tests.unit.plan.strategies import NAMES, Case, Twin, calm_cases, cases, grants, twins

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
EXAMPLES = int(os.environ.get("AKS_ACCESS_EXAMPLES", "50"))
thorough = settings(
    max_examples=EXAMPLES,
    # A law that speaks of some cases only picks them with assume(), and a loaded machine is slow.
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
SENTINEL = "0.0.0.0/32"


def plan_of(case: Case) -> Plan:
    return make_plan(world=case.world, view=case.view, adoption=Adoption(case.ledger))


def addresses(entries: Iterable[str]) -> set[int]:
    """Which of the sixteen addresses of the small world the entries let in, by number."""
    start = int(ip_address("20.0.0.0"))
    spans = intervals(map(spelled, entries))
    return {n for n in range(16) if any(first <= start + n <= last for first, last in spans)}


def admitted_ranges(plan: Plan) -> set[str]:
    return {
        str(item)
        for verdict in plan.verdicts.values()
        if verdict.admitted
        for item in verdict.ranges
    }


def decided(plan: Plan) -> tuple[object, ...]:
    """What a plan comes to, whatever the order in which the list has its entries."""
    return (
        None if plan.desired is None else sorted(set(map(canonical, plan.desired))),
        plan.write,
        set(plan.additions),
        set(plan.removals),
        set(plan.exclusive_removals),
        set(plan.held_removals),
        set(plan.overdue),
        plan.verdicts,
        plan.entries,
        {uid: set(entries) for uid, entries in plan.held.items()},
        [finding.reason for finding in plan.findings],
        plan.acknowledgement,
        plan.next_transition,
        plan.entries_used,
    )


@thorough
@given(twins() | twins(full=True))
def test_i3_the_list_is_that_of_the_naive_reference(twin: Twin) -> None:
    plan, wanted, live = plan_of(twin.case), expected(twin.naive), twin.case.view.ranges
    stands = plan.desired if plan.desired is not None else live
    if wanted is None or stands is None:
        assert stands is wanted
        return
    assert set(map(spelled, stands)) == wanted
    assert addresses(stands) == addresses(wanted)
    assert plan.write == (set(map(spelled, live or ())) != wanted)


@thorough
@given(twins() | twins(full=True))
def test_i3_the_verdicts_are_those_of_the_naive_reference(twin: Twin) -> None:
    admitted = {uid for uid, verdict in plan_of(twin.case).verdicts.items() if verdict.admitted}
    assert admitted == {uid for uid, why in verdicts(twin.naive).items() if not why}


@thorough
@given(cases(), st.randoms(use_true_random=False))
def test_i3_the_order_of_the_grants_does_not_matter(case: Case, shuffle: random.Random) -> None:
    items = list(case.world.grants.items())
    shuffle.shuffle(items)
    entries = list(case.ledger.entries.items())
    shuffle.shuffle(entries)
    other = Case(
        world=replace(case.world, grants=dict(items)),
        view=case.view,
        ledger=replace(case.ledger, entries=dict(entries)),
    )
    assert plan_of(case) == plan_of(other)


@thorough
@given(cases(), st.randoms(use_true_random=False))
def test_i3_the_order_of_the_list_does_not_matter(case: Case, shuffle: random.Random) -> None:
    entries = list(case.view.ranges or ())
    shuffle.shuffle(entries)
    view = replace(case.view, ranges=None if case.view.ranges is None else tuple(entries))
    assert decided(plan_of(case)) == decided(plan_of(replace(case, view=view)))


@thorough
@given(cases())
def test_i11_a_written_plan_asks_for_no_second_write(case: Case) -> None:
    plan = plan_of(case)
    if not plan.write:
        return
    after, view = written(plan=plan, ledger=case.ledger, view=case.view)
    again = make_plan(world=case.world, view=view, adoption=Adoption(after))
    assert not again.write, (plan.desired, again.desired)
    rested = replace(after, entries=dict(again.entries))
    third = make_plan(world=case.world, view=view, adoption=Adoption(rested))
    assert third.entries == again.entries


@thorough
@given(cases())
def test_i1_a_list_is_never_empty_nor_mixed_with_the_sentinel(case: Case) -> None:
    plan = plan_of(case)
    if plan.desired is not None:
        assert plan.desired
        assert SENTINEL not in plan.desired or plan.desired == (SENTINEL,)


@thorough
@given(cases())
def test_i1_what_is_added_is_platform_or_an_accepted_grants_range(case: Case) -> None:
    plan = plan_of(case)
    base = set(map(canonical, case.view.ranges or ()))
    if plan.restores:
        base |= set(map(canonical, case.ledger.verified or ()))
    platform = {str(item) for item in (*case.target.baseline, *case.world.management_egress)}
    platform |= {"20.0.0.4/31"} if "office" in case.target.baseline_sets else set()
    platform |= {
        name
        for name, item in case.ledger.entries.items()
        if {"baseline", "egress"} & {*item.owners}
    }
    new = set(map(canonical, plan.desired or ())) - base - {SENTINEL}
    assert new <= platform | admitted_ranges(plan)
    for verdict in plan.verdicts.values():
        if verdict.admitted:
            assert verdict.state is AccessState.LIVE
            assert all(
                item.prefix >= case.target.policy.min_prefix_length for item in verdict.ranges
            )


@thorough
@given(cases())
def test_i2_foreign_entries_stay_as_they_were_written_in_merge(case: Case) -> None:
    on = replace(case.target, mode=Mode.MERGE)
    plan = plan_of(replace(case, world=replace(case.world, target=on)))
    if plan.desired is None or case.view.ranges is None:
        return
    seen: set[str] = set()
    for text in case.view.ranges:
        name = canonical(text)
        if name in case.ledger.entries or text == SENTINEL or name in seen:
            continue
        seen.add(name)
        assert text in plan.desired


@thorough
@given(calm_cases())
def test_i3_only_a_live_grant_lets_in_what_the_ledger_says_is_ours(case: Case) -> None:
    plan = plan_of(case)
    baseline = {str(item) for item in case.target.baseline}
    for name in set(map(canonical, plan.desired or ())) & set(case.ledger.entries):
        assert name in baseline | admitted_ranges(plan)


@thorough
@given(cases())
def test_i4_what_stops_additions_stops_no_removal(case: Case) -> None:
    free = plan_of(Case(replace(case.world, additions=True), case.view, case.ledger))
    blocked = plan_of(Case(replace(case.world, additions=False), case.view, case.ledger))
    if free.desired is None or blocked.desired is None or case.view.ranges is None:
        return
    gone = set(map(canonical, case.view.ranges)) - set(map(canonical, free.desired))
    still = gone & set(map(canonical, blocked.desired))
    assert still <= {change.entry for change in blocked.held_removals} | {SENTINEL}


@thorough
@given(cases())
def test_i5_before_a_write_the_ledger_owns_every_entry_it_adds(case: Case) -> None:
    plan = plan_of(case)
    if not plan.write:
        return
    assert plan.desired is not None
    base = set(map(canonical, case.ledger.verified or ())) if plan.restores else set()
    added = {
        canonical(text)
        for text in plan.desired
        if canonical(text) not in set(map(canonical, case.view.ranges or ())) | base | {SENTINEL}
    }
    assert added <= {change.entry for change in plan.additions}


@thorough
@given(cases(), st.sampled_from([Removals.NONE, Removals.CLOCK, Removals.ACTS]))
def test_i8_a_partial_view_removes_less_and_adds_nothing(case: Case, known: Removals) -> None:
    plan = plan_of(Case(replace(case.world, removals=known), case.view, case.ledger))
    before = set(map(canonical, case.view.ranges or ()))
    if plan.desired is None:
        return
    assert known is not Removals.NONE
    whole = plan_of(case)
    gone = {change.entry for change in plan.removals}
    if whole.desired is not None:
        every = {change.entry for change in (*whole.removals, *whole.held_removals)}
        assert gone <= every
    allowed = {"Expired"} if known is Removals.CLOCK else {"Expired", "Revoked", "Deleted"}
    assert {change.cause for change in plan.removals} <= allowed
    if not gone:
        assert set(map(canonical, plan.desired)) <= before


@thorough
@given(calm_cases(), st.sampled_from(NAMES))
def test_i3_removing_a_grant_takes_nothing_from_the_others(case: Case, name: str) -> None:
    gone = GrantUid(name)
    assume(gone in case.world.grants)
    before = plan_of(case)
    left = {uid: item for uid, item in case.world.grants.items() if uid != gone}
    world_after = replace(case.world, grants=left, deleted=case.world.deleted | frozenset({gone}))
    after = plan_of(Case(world_after, case.view, case.ledger))
    for uid in left:
        if uid in before.verdicts and before.verdicts[uid].admitted:
            assert after.verdicts[uid].admitted
            entries = set(map(str, after.verdicts[uid].ranges))
            assert entries <= set(map(canonical, after.desired or ()))


@thorough
@given(calm_cases(), grants("z"))
def test_i4_a_refused_grant_changes_nobody(case: Case, newcomer: object) -> None:
    item = replace(newcomer, duration=None)  # type: ignore[type-var]
    more = replace(case.world, grants={**case.world.grants, item.uid: item})  # type: ignore[attr-defined, dict-item]
    with_it, without = plan_of(Case(more, case.view, case.ledger)), plan_of(case)
    verdict = with_it.verdicts.get(GrantUid("z"))
    assume(verdict is None or not verdict.admitted)
    assert with_it.desired == without.desired
    assert with_it.additions == without.additions
    assert with_it.removals == without.removals


@thorough
@given(calm_cases())
def test_i11_nothing_changes_before_the_next_transition(case: Case) -> None:
    plan, books, view = cycle(of=case.world, view=case.view, ledger=case.ledger)
    plan = make_plan(world=case.world, view=view, adoption=Adoption(books))
    assert not plan.write
    horizon = plan.next_transition or NOW + 1000 * HOUR
    assert horizon > NOW
    for moment in (NOW + (horizon - NOW) / 2, horizon - timedelta(seconds=1)):
        later = make_plan(
            world=replace(case.world, now=moment), view=view, adoption=Adoption(books)
        )
        assert later.desired == plan.desired
        assert not later.write
        assert {u: v.state for u, v in later.verdicts.items()} == {
            u: v.state for u, v in plan.verdicts.items()
        }


@thorough
@given(calm_cases(), st.integers(0, 5))
def test_i10_with_time_alone_access_only_ends_or_starts_as_scheduled(
    case: Case, hours: int
) -> None:
    plan, books, view = cycle(of=case.world, view=case.view, ledger=case.ledger)
    later = replace(case.world, now=NOW + hours * HOUR)
    after, books, view = cycle(of=later, view=view, ledger=books, now=later.now)
    for uid, verdict in after.verdicts.items():
        if verdict.admitted and not plan.verdicts[uid].admitted:
            assert verdict.grant.not_before is not None
            assert NOW < verdict.grant.not_before <= later.now
    assert set(map(canonical, view.ranges or ())) - set(map(canonical, plan.desired or ())) <= (
        admitted_ranges(after) | {SENTINEL}
    )


@thorough
@given(
    st.lists(st.text(max_size=20), min_size=1, max_size=8),
    st.dictionaries(
        st.text(max_size=12),
        st.sampled_from(list(EntryState)),
        max_size=4,
    ),
)
def test_i1_planning_is_total_on_junk(texts: list[str], junk: dict[str, EntryState]) -> None:
    entries = {
        text: LedgerEntry(range=text, state=state, owners=("ghost", ""), since=NOW)
        for text, state in junk.items()
    }
    plan = make_plan(
        world=world(grant("a", "20.0.0.1"), target=target()),
        view=cluster(*texts),
        adoption=Adoption(replace(ledger(), entries=entries)),
    )
    assert plan.desired
    assert "20.0.0.1/32" in plan.desired


@thorough
@given(junk_cases(), st.sampled_from(["", "", "rolled back"]))
def test_i1_planning_is_total_whatever_is_junk(case: Case, lost: str) -> None:
    plan = make_plan(world=case.world, view=case.view, adoption=Adoption(case.ledger, lost))
    assert plan.desired is None or plan.desired
    assert plan.desired is not None or not plan.write
    if plan.desired is not None and SENTINEL in plan.desired:
        assert plan.desired == (SENTINEL,)
    if lost:
        assert not plan.additions or plan.restores


def test_the_small_world_has_sixteen_addresses() -> None:
    assert len(addresses({"20.0.0.0/28"})) == 16
    assert addresses({"20.0.0.3", "20.0.0.2/31", "AzureCloud"}) == {2, 3}
