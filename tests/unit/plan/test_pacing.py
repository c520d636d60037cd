"""What a plan holds back while tokens are missing, and what it never does."""

from dataclasses import replace
from datetime import timedelta

from aks_access.api.modes import Mode
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry, RefusedGrant
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import Plan
from aks_access.plan.pace import Bucket, Pace, Turn
from aks_access.plan.pacing import with_culprits
from aks_access.plan.settlement import intend, refuse
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
    wanted_entries,
)

PACE = Pace(namespace=Bucket(1, timedelta(minutes=6)), cluster=Bucket(9, timedelta(minutes=1)))
SPENT = (Turn(at=NOW, added=("team-a",)),)
OTHER = "20.50.0.0/24"


def paced(plan: Plan) -> set[str]:
    return {str(uid) for uid, verdict in plan.verdicts.items() if verdict.paced is not None}


def known(*entries: LedgerEntry) -> Ledger:
    return ledger(*entries, turns=SPENT, names={})


def test_a_namespace_without_a_token_waits_and_another_does_not() -> None:
    plan = planned(
        grant("a", "81.2.69.1"),
        grant("b", "81.2.69.2", namespace="team-b"),
        view=cluster(OTHER),
        with_ledger=known(),
        pace=PACE,
    )
    assert paced(plan) == {"a"}
    assert wanted_entries(plan) == {OTHER, "81.2.69.2/32"}
    assert plan.added_for == ("team-b",)
    verdict = plan.verdicts[GrantUid("a")]
    assert verdict.paced is not None
    assert (verdict.admitted, verdict.let_in) == (True, False)
    assert plan.next_transition == verdict.paced.until == NOW + timedelta(minutes=6)


def test_an_entry_that_another_namespace_may_add_rides_along_and_costs_that_one() -> None:
    plan = planned(
        grant("a", "81.2.69.1"),
        grant("b", "81.2.69.1", namespace="team-b"),
        view=cluster(OTHER),
        with_ledger=known(),
        pace=PACE,
    )
    assert paced(plan) == set()
    assert plan.added_for == ("team-b",)


def test_a_grant_that_waits_keeps_what_it_holds_and_gives_up_what_it_dropped() -> None:
    held = known(entry("81.2.69.1/32", "a"), entry("81.2.69.2/32", "a"))
    plan = planned(
        grant("a", "81.2.69.2", "81.2.69.3"),
        view=cluster(OTHER, "81.2.69.1/32", "81.2.69.2/32"),
        with_ledger=held,
        pace=PACE,
    )
    assert paced(plan) == {"a"}
    assert wanted_entries(plan) == {OTHER, "81.2.69.2/32"}
    assert [change.entry for change in plan.removals] == ["81.2.69.1/32"]
    assert plan.removed_for == ("team-a",)


def test_drift_the_platform_and_a_write_not_yet_proven_take_no_token() -> None:
    held = known(
        entry("81.2.69.1/32", "a"),
        entry("81.2.69.2/32", "a", state=EntryState.INTENDED),
    )
    plan = planned(
        grant("a", "81.2.69.1", "81.2.69.2", "51.140.8.0/24"),
        view=cluster(OTHER),
        on=target(baseline=ranges("51.140.8.0/24")),
        with_ledger=held,
        pace=PACE,
    )
    assert paced(plan) == set()
    assert len(plan.additions) == 3
    assert plan.added_for == ()


def test_what_was_withdrawn_and_is_asked_for_again_takes_one() -> None:
    held = known(entry("81.2.69.1/32", state=EntryState.WITHDRAWN))
    plan = planned(grant("a", "81.2.69.1"), view=cluster(OTHER), with_ledger=held, pace=PACE)
    assert paced(plan) == {"a"}


def test_a_removal_that_is_repeated_is_charged_once() -> None:
    before = ledger(entry("81.2.69.1/32", "a"))
    over = grant("a", "81.2.69.1", revoked=True)
    view = cluster(OTHER, "81.2.69.1/32")
    first = planned(over, view=view, with_ledger=before, pace=PACE)
    assert first.removed_for == ("team-a",)
    sent = intend(ledger=before, plan=first, now=NOW)
    unanswered = replace(sent, in_flight=None)
    again = planned(over, view=view, with_ledger=unanswered, pace=PACE)
    assert [change.entry for change in again.removals] == ["81.2.69.1/32"]
    assert again.removed_for == ()
    refused = planned(over, view=view, with_ledger=replace(unanswered, turns=()), pace=PACE)
    assert refused.removed_for == ("team-a",)


def test_a_refused_write_gives_its_tokens_back() -> None:
    before = ledger(turns=SPENT[:0])
    plan = planned(grant("a", "81.2.69.1"), view=cluster(OTHER), with_ledger=before, pace=PACE)
    intended = intend(ledger=before, plan=plan, now=NOW)
    assert intended.turns == SPENT
    assert refuse(ledger=intended).turns == ()


def test_i4_a_namespace_whose_range_azure_refuses_pays_and_nobody_else() -> None:
    plan = planned(
        grant("b", "81.2.69.2", namespace="team-b"),
        grant("a", "81.2.69.1"),
        grant("c", "81.2.69.3", namespace="team-c"),
        view=cluster(OTHER),
    )
    no = RefusedGrant(asks="1-x", message="No.")
    before = ledger(turns=SPENT, refused={"c": no, "b": no})
    found = replace(before, refused={"b": no, "a": no, "c": no, "ghost": no})
    assert with_culprits(before=before, after=found, plan=plan).turns == (
        *SPENT,
        Turn(at=NOW, added=("team-a",)),
    )
    two = with_culprits(before=ledger(), after=ledger(refused={"b": no, "a": no}), plan=plan)
    assert two.turns == (Turn(at=NOW, added=("team-a", "team-b")),)
    for same in (before, replace(before, refused={**before.refused, "ghost": no})):
        assert with_culprits(before=before, after=same, plan=plan) == same


def test_several_namespaces_are_charged_for_what_each_adds() -> None:
    plan = planned(
        grant("b", "81.2.69.2", namespace="team-b"),
        grant("a", "81.2.69.1"),
        view=cluster(OTHER),
        with_ledger=ledger(),
        pace=PACE,
    )
    assert plan.added_for == ("team-a", "team-b")


def test_what_nobody_may_add_now_is_not_held_back_by_tokens() -> None:
    item = grant("a", "81.2.69.1")
    for idle in ({"suspend": True}, {"mode": Mode.OBSERVE}):
        plan = planned(item, view=cluster(OTHER), on=target(**idle), with_ledger=known(), pace=PACE)
        assert paced(plan) == set()
    stopped = planned(item, view=cluster(OTHER), with_ledger=known(), pace=PACE, additions=False)
    assert paced(stopped) == set()


def test_a_cleared_list_that_goes_back_takes_no_token() -> None:
    held = replace(known(), verified=(OTHER, "81.2.69.1/32"))
    plan = planned(grant("a", "81.2.69.1"), view=cluster(is_open=True), with_ledger=held, pace=PACE)
    assert paced(plan) == set()
    assert wanted_entries(plan) == {OTHER, "81.2.69.1/32"}


def test_an_entry_of_others_that_a_grant_asks_for_too_takes_a_token() -> None:
    held = known(entry("81.2.69.1/32", "x"))
    plan = planned(grant("a", "81.2.69.1"), view=cluster(OTHER), with_ledger=held, pace=PACE)
    assert paced(plan) == {"a"}


def test_a_grant_that_is_gone_is_charged_by_the_name_that_the_ledger_keeps() -> None:
    held = ledger(entry("81.2.69.1/32", "ghost"), names={"ghost": "team-x/old"})
    plan = planned(
        view=cluster(OTHER, "81.2.69.1/32"), with_ledger=held, deleted=frozenset({"ghost"})
    )
    assert plan.removed_for == ("team-x",)
    nameless = planned(
        view=cluster(OTHER, "81.2.69.1/32"),
        with_ledger=replace(held, names={}),
        deleted=frozenset({"ghost"}),
    )
    assert nameless.removed_for == ()


def test_a_removal_that_was_charged_before_it_fell_due_is_charged_again() -> None:
    over = grant("a", "81.2.69.1", revoked=True)
    for turns, charged in (
        ((Turn(at=NOW - HOUR, removed=("team-a",)),), ()),
        ((Turn(at=NOW - 2 * HOUR, removed=("team-a",)),), ("team-a",)),
        ((Turn(at=NOW, removed=("team-b",)),), ("team-a",)),
    ):
        held = ledger(entry("81.2.69.1/32", "a", due=NOW - HOUR), turns=turns)
        plan = planned(over, view=cluster(OTHER, "81.2.69.1/32"), with_ledger=held, pace=PACE)
        assert plan.removed_for == charged
