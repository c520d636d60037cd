"""Who fits, and which rule of the policy refuses what."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from aks_access.api.modes import Mode
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan.admission import admit, limit_grants, next_to_free
from aks_access.plan.model import Cause, Grant, GrantUid, Namespace, Policy, Selector
from aks_access.plan.outcome import AccessState, Plan, Refusal, Rule, Verdict
from tests.unit.plan.build import (
    HOUR,
    NOW,
    PERMISSIVE,
    cluster,
    entry,
    grant,
    labelled,
    ledger,
    planned,
    range_set,
    ranges,
    target,
)


def admitted(plan: Plan) -> set[str]:
    return {uid for uid, verdict in plan.verdicts.items() if verdict.admitted}


def addresses(count: int, first: int = 20) -> tuple[str, ...]:
    return tuple(f"{first}.0.{n // 250}.{n % 250 + 1}" for n in range(count))


def test_capacity_is_all_or_nothing_oldest_first() -> None:
    foreign = addresses(198, first=30)
    old = grant("old", "20.0.0.1", created=NOW - 9 * HOUR)
    wide = grant("wide", "20.0.0.2", "20.0.0.3", created=NOW - 8 * HOUR)
    young = grant("young", "20.0.0.4", created=NOW - HOUR)
    plan = planned(young, wide, old, view=cluster(*foreign))
    assert admitted(plan) == {"old", "young"}
    assert plan.entries_used == 200
    refusal = plan.verdicts[wide.uid].refusals[0]
    assert refusal.reason is GrantReason.CAPACITY_EXCEEDED
    assert refusal.value == "199/200 used, 2 more needed"
    assert refusal.hint.startswith("team-a/old, 2026-11-22T16:00Z")
    assert TargetReason.CAPACITY_EXCEEDED in [finding.reason for finding in plan.findings]


def test_capacity_never_pushes_out_who_is_programmed() -> None:
    foreign = addresses(199, first=30)
    inside = grant("inside", "20.0.0.1", created=NOW)
    older = grant("older", "20.0.0.2", created=NOW - 9 * HOUR)
    plan = planned(
        inside,
        older,
        view=cluster(*foreign, "20.0.0.1/32"),
        with_ledger=ledger(entry("20.0.0.1", "inside")),
    )
    assert admitted(plan) == {"inside"}
    assert not plan.write


def test_i8_a_grant_that_grows_beyond_a_full_list_keeps_what_stands() -> None:
    foreign = addresses(189, first=30)
    home = addresses(10)
    item = grant("a", range_sets=("home",), created=NOW)
    older = grant("older", "20.9.0.1", created=NOW - 9 * HOUR)
    view = cluster(*foreign, *home, "20.9.0.2")
    books = ledger(*(entry(text, "a", sets=("home",)) for text in home), entry("20.9.0.2", "b"))
    other = grant("b", "20.9.0.2", created=NOW)
    grown = range_set("home", *home, "20.8.0.1")
    plan = planned(item, older, other, view=view, with_ledger=books, sets=[grown])
    assert admitted(plan) == {"b"}
    found = plan.verdicts[item.uid]
    assert found.refusals[0].reason is GrantReason.CAPACITY_EXCEEDED
    assert found.refusals[0].value == "200/200 used, 1 more needed"
    assert found.keeps == {f"{text}/32" for text in home}
    assert not plan.write
    assert (plan.removals, plan.held_removals) == ((), ())
    shrunk = range_set("home", *home[:-1], "20.8.0.1", "20.8.0.2")
    plan = planned(item, other, view=view, with_ledger=books, sets=[shrunk])
    assert [(c.entry, c.cause) for c in plan.removals] == [(f"{home[-1]}/32", Cause.RANGE_SET)]
    assert plan.additions == ()
    wider = cluster(*view.ranges or (), vnet_integration=True)
    plan = planned(item, other, view=wider, with_ledger=books, sets=[grown])
    assert admitted(plan) == {"a", "b"}
    assert plan.verdicts[item.uid].keeps == frozenset()


def test_i8_growth_beyond_a_namespaces_share_takes_nothing_but_a_smaller_share_does() -> None:
    item = grant("a", range_sets=("home",))
    view, books = cluster("30.0.0.0/24", "20.0.0.1/32"), ledger(entry("20.0.0.1", "a"))
    home = range_set("home", "20.0.0.1", "20.0.0.2")
    policy = replace(PERMISSIVE, max_entries_per_namespace=1)
    plan = planned(item, view=view, on=target(policy=policy), with_ledger=books, sets=[home])
    assert plan.verdicts[item.uid].refusals[0].rule is Rule.MAX_ENTRIES
    assert plan.verdicts[item.uid].keeps == {"20.0.0.1/32"}
    assert not plan.write
    two = range_set("home", "20.0.0.1", "20.0.0.2", "20.0.0.3")
    both = ledger(entry("20.0.0.1", "a"), entry("20.0.0.2", "a"))
    full = cluster("30.0.0.0/24", "20.0.0.1/32", "20.0.0.2/32")
    plan = planned(item, view=full, on=target(policy=policy), with_ledger=both, sets=[two])
    assert plan.verdicts[item.uid].keeps == frozenset()
    assert [c.entry for c in plan.removals] == ["20.0.0.1/32", "20.0.0.2/32"]


def test_i8_a_grant_that_grew_keeps_its_place_among_its_namespaces_grants() -> None:
    on = target(policy=replace(PERMISSIVE, max_grants_per_namespace=1))
    older = grant("older", "20.9.0.1", created=NOW - 9 * HOUR)
    item = grant("a", "20.0.0.1", "20.0.0.2")
    view, books = cluster("30.0.0.0/24", "20.0.0.1/32"), ledger(entry("20.0.0.1", "a"))
    assert admitted(planned(item, older, view=view, on=on, with_ledger=books)) == {"a"}


def test_capacity_counts_an_equal_entry_once() -> None:
    foreign = addresses(199, first=30)
    first, second = grant("a", "20.0.0.1"), grant("b", "20.0.0.1", "30.0.0.1")
    assert admitted(planned(first, second, view=cluster(*foreign))) == {"a", "b"}


def test_capacity_is_2000_with_vnet_integration() -> None:
    items = [grant(f"g{n:04}", text) for n, text in enumerate(addresses(2001))]
    plan = planned(*items, view=cluster("0.0.0.0/32", vnet_integration=True))
    assert len(admitted(plan)) == 2000
    assert plan.entry_limit == 2000
    assert len(planned(*items, view=cluster("0.0.0.0/32")).desired or ()) == 200


def test_capacity_a_baseline_that_is_too_long_never_makes_a_list_that_azure_refuses() -> None:
    on = target(baseline=ranges(*addresses(300, first=40)))
    plan = planned(
        grant("a", "20.0.0.1"),
        view=cluster("30.0.0.0/24"),
        on=on,
        management_egress=ranges("50.0.0.1"),
    )
    assert len(plan.desired or ()) == 200
    assert {"30.0.0.0/24", "50.0.0.1/32"} <= set(plan.desired or ())
    assert admitted(plan) == set()
    assert TargetReason.CAPACITY_EXCEEDED in [finding.reason for finding in plan.findings]


def test_grants_per_namespace_count_live_and_scheduled_programmed_first() -> None:
    on = target(policy=replace(PERMISSIVE, max_grants_per_namespace=2))
    old = grant("old", "20.0.0.1", created=NOW - 9 * HOUR)
    later = grant("later", "20.0.0.2", not_before=NOW + HOUR, created=NOW - 8 * HOUR)
    inside = grant("inside", "20.0.0.3", created=NOW)
    over = grant("over", "20.0.0.4", expires_at=NOW, created=NOW - 10 * HOUR)
    other = grant("other", "20.0.0.5", namespace="team-b")
    plan = planned(
        old,
        later,
        inside,
        over,
        other,
        view=cluster("20.0.0.3/32"),
        on=on,
        with_ledger=ledger(entry("20.0.0.3", "inside")),
    )
    assert admitted(plan) == {"old", "inside", "other"}
    refusal = plan.verdicts[later.uid].refusals[0]
    assert (refusal.rule, refusal.value, refusal.limit) == (Rule.MAX_GRANTS, "team-a", "2")
    assert plan.verdicts[over.uid].state is AccessState.EXPIRED


def test_entries_per_namespace_count_after_sets_are_expanded() -> None:
    on = target(policy=replace(PERMISSIVE, max_entries_per_namespace=2))
    office = range_set("office", "20.0.1.1", "20.0.1.2")
    first = grant("a", range_sets=("office",), created=NOW - 9 * HOUR)
    second = grant("b", "20.0.0.1")
    same = grant("c", "20.0.1.1")
    plan = planned(first, second, same, view=cluster("30.0.0.0/24"), on=on, sets=[office])
    assert admitted(plan) == {"a", "c"}
    refusal = plan.verdicts[second.uid].refusals[0]
    assert (refusal.rule, refusal.value, refusal.limit) == (Rule.MAX_ENTRIES, "3", "2")


def test_a_refused_grant_takes_nobodys_room() -> None:
    on = target(policy=replace(PERMISSIVE, max_grants_per_namespace=1, require_reason=True))
    bad = grant("bad", "20.0.0.1", created=NOW - 9 * HOUR)
    good = grant("good", "20.0.0.2", reason="INC-1")
    assert admitted(planned(bad, good, view=cluster("30.0.0.0/24"), on=on)) == {"good"}


ITEM = grant("a", "20.0.0.0/24", expires_at=NOW + 24 * HOUR)
RULES: list[tuple[Policy, Grant, Rule, str, str]] = [
    (
        replace(PERMISSIVE, max_duration=23 * HOUR),
        ITEM,
        Rule.MAX_DURATION,
        "2026-11-23T12:00Z",
        "23h",
    ),
    (
        replace(PERMISSIVE, max_duration=HOUR),
        replace(ITEM, expires_at=None, duration=2 * HOUR),
        Rule.MAX_DURATION,
        "2h",
        "1h",
    ),
    (
        replace(PERMISSIVE, allow_permanent=False),
        replace(ITEM, expires_at=None),
        Rule.PERMANENT,
        "",
        "",
    ),
    (replace(PERMISSIVE, min_prefix_length=25), ITEM, Rule.MIN_PREFIX, "20.0.0.0/24", "/25"),
    (
        replace(PERMISSIVE, allowed_ranges=ranges("20.0.0.0/25", "21.0.0.0/16")),
        ITEM,
        Rule.ALLOWED_RANGES,
        "20.0.0.0/24",
        "20.0.0.0/25, 21.0.0.0/16",
    ),
    (
        replace(PERMISSIVE, denied_ranges=ranges("20.0.0.7")),
        ITEM,
        Rule.DENIED_RANGES,
        "20.0.0.0/24",
        "20.0.0.7/32",
    ),
    (replace(PERMISSIVE, require_reason=True), ITEM, Rule.REASON, "", ""),
    (replace(PERMISSIVE, require_reason=True), replace(ITEM, reason="  "), Rule.REASON, "", ""),
    (replace(PERMISSIVE, require_ticket=True), ITEM, Rule.TICKET, "", ""),
    (replace(PERMISSIVE, require_requested_by=True), ITEM, Rule.REQUESTED_BY, "", ""),
]


@pytest.mark.parametrize(("policy", "item", "rule", "value", "limit"), RULES)
def test_each_rule_of_the_policy_names_value_and_limit(
    policy: Policy, item: Grant, rule: Rule, value: str, limit: str
) -> None:
    plan = planned(item, view=cluster("30.0.0.0/24"), on=target(policy=policy))
    (refusal,) = plan.verdicts[item.uid].refusals
    assert refusal.reason is GrantReason.POLICY_DENIED
    assert (refusal.rule, refusal.value, refusal.limit) == (rule, value, limit)
    assert refusal.field.startswith("spec.")
    fine = planned(item, view=cluster("30.0.0.0/24"))
    assert admitted(fine) == {"a"}


def test_a_range_that_came_through_a_set_is_refused_by_that_field() -> None:
    on = target(policy=replace(PERMISSIVE, min_prefix_length=28))
    item = grant("a", "20.0.0.1", range_sets=("office",))
    plan = planned(
        item, view=cluster("30.0.0.0/24"), on=on, sets=[range_set("office", "20.0.1.0/24")]
    )
    assert [refusal.field for refusal in plan.verdicts[item.uid].refusals] == ["spec.rangeSetRefs"]


def test_a_grant_without_any_range_is_refused() -> None:
    bare, empty = grant("a"), grant("b", range_sets=("office",))
    plan = planned(bare, empty, view=cluster("30.0.0.0/24"), sets=[range_set("office")])
    assert plan.verdicts[bare.uid].refusals[0].reason is GrantReason.INVALID_SPEC
    assert plan.verdicts[empty.uid].refusals[0].reason is GrantReason.RANGE_SET_NOT_RESOLVED


@pytest.mark.parametrize(
    "unusable", [{"from_azure": "/x"}, {"deleting": NOW}], ids=["fromAzure", "deleting"]
)
def test_a_set_that_does_not_resolve_refuses_the_whole_grant(unusable: dict[str, object]) -> None:
    item = grant("a", "20.0.0.1", range_sets=("office",))
    plan = planned(
        item,
        view=cluster("30.0.0.0/24"),
        sets=[range_set("office", "20.0.1.1", **unusable)],
    )
    refusal = plan.verdicts[item.uid].refusals[0]
    assert (refusal.reason, refusal.value) == (GrantReason.RANGE_SET_NOT_RESOLVED, "office")


def test_namespaces_are_selected_by_label_and_the_name_cannot_be_forged() -> None:
    by_name = replace(
        PERMISSIVE,
        all_namespaces=False,
        namespaces=labelled("kubernetes.io/metadata.name", "team-b"),
    )
    forged = Namespace(uid="n", name="team-a", labels={"kubernetes.io/metadata.name": "team-b"})
    items = (grant("a", "20.0.0.1"), grant("b", "20.0.0.2", namespace="team-b"))
    plan = planned(
        *items, view=cluster("30.0.0.0/24"), on=target(policy=by_name), namespaces=[forged]
    )
    assert admitted(plan) == {"b"}
    assert plan.verdicts[GrantUid("a")].refusals[0].reason is GrantReason.NAMESPACE_NOT_ALLOWED
    by_label = replace(by_name, namespaces=labelled("team", "a"))
    known = Namespace(uid="n", name="team-a", labels={"team": "a"})
    labelled_plan = planned(
        *items, view=cluster("30.0.0.0/24"), on=target(policy=by_label), namespaces=[known]
    )
    assert admitted(labelled_plan) == {"a"}


def test_an_empty_selector_matches_no_target_and_no_namespace() -> None:
    item = grant("a", "20.0.0.1", selector=Selector(), target_name=None)
    assert planned(item, view=cluster("30.0.0.0/24"), on=target(labels={"a": "b"})).verdicts == {}
    closed = replace(PERMISSIVE, all_namespaces=False)
    plan = planned(grant("a", "20.0.0.1"), view=cluster("30.0.0.0/24"), on=target(policy=closed))
    assert admitted(plan) == set()


def test_observe_knows_no_capacity() -> None:
    items = [grant(f"g{n:04}", text) for n, text in enumerate(addresses(250))]
    plan = planned(*items, view=cluster("30.0.0.0/24"), on=target(mode=Mode.OBSERVE))
    assert len(admitted(plan)) == 250


def verdict(name: str, *texts: str, state: AccessState = AccessState.LIVE, **of: object) -> Verdict:
    fields = {"namespace": "team-a", "created": NOW - HOUR, **of}
    item = grant(name, *texts, **fields)  # type: ignore[arg-type]
    return Verdict(grant=item, state=state, ranges=item.ranges, ends=item.expires_at)


def admitting(
    *verdicts: Verdict,
    fixed: frozenset[str] = frozenset(),
    limit: int = 9,
    share: int | None = None,
    programmed: frozenset[GrantUid] = frozenset(),
    held: Mapping[GrantUid, frozenset[str]] = MappingProxyType({}),
) -> dict[GrantUid, Verdict]:
    return admit(
        verdicts={each.grant.uid: each for each in verdicts},
        fixed=fixed,
        limit=limit,
        max_entries_per_namespace=share,
        programmed=programmed,
        held=held,
    )


A, B = GrantUid("a"), GrantUid("b")


def test_a_grant_beyond_its_namespaces_share_is_told_share_and_need() -> None:
    found = admitting(
        verdict("a", "20.0.0.1"), verdict("b", "20.0.0.2", "20.0.0.3", created=NOW), share=2
    )
    assert found[A].admitted
    refused = found[B]
    assert (refused.state, refused.admitted) == (AccessState.REFUSED, False)
    assert refused.refusals == (
        Refusal(GrantReason.POLICY_DENIED, Rule.MAX_ENTRIES, "spec.ipRanges", "3", "2"),
    ), "what the share refuses has no hint: nobody's end frees room in it"


def test_each_namespace_has_a_share_of_its_own() -> None:
    found = admitting(
        verdict("a", "20.0.0.1"), verdict("b", "20.0.0.2", namespace="team-b"), share=1
    )
    assert [each.admitted for each in found.values()] == [True, True]


def test_a_list_that_is_full_is_told_use_need_limit_and_who_frees_room() -> None:
    found = admitting(
        verdict("a", "20.0.0.1"),
        verdict("b", "20.0.0.1", "20.0.0.2", created=NOW),
        fixed=frozenset({"30.0.0.0/24"}),
        limit=2,
    )
    assert found[A].admitted
    assert found[B].refusals == (
        Refusal(
            GrantReason.CAPACITY_EXCEEDED,
            Rule.CAPACITY,
            "spec.ipRanges",
            "2/2 used, 1 more needed",
            "2",
            "team-a/a, 2026-11-22T16:00Z",
        ),
    )


def test_the_next_to_free_is_the_first_admitted_grant_to_end() -> None:
    early = replace(verdict("early"), admitted=True, ends=NOW + HOUR)
    late = replace(verdict("late"), admitted=True, ends=NOW + 2 * HOUR)
    others = [
        replace(early, admitted=False, ends=NOW),
        replace(early, needs_activation=True, ends=NOW),
        replace(early, ends=None),
    ]
    assert next_to_free([late, early, *others]) == "team-a/early, 2026-11-22T13:00Z"
    assert next_to_free(others) == ""


def test_a_grant_beyond_the_namespaces_number_is_told_namespace_and_number() -> None:
    verdicts = [
        verdict("a"),
        verdict("b", state=AccessState.SCHEDULED, created=NOW),
        verdict("c", state=AccessState.EXPIRED, created=NOW),
        verdict("d", namespace="team-b"),
    ]
    found = limit_grants(
        verdicts=verdicts, policy=Policy(max_grants_per_namespace=1), programmed=frozenset()
    )
    assert found[B] == replace(
        verdicts[1],
        state=AccessState.REFUSED,
        refusals=(
            Refusal(
                GrantReason.POLICY_DENIED, Rule.MAX_GRANTS, "metadata.namespace", "team-a", "1"
            ),
        ),
    )
    assert [found[GrantUid(name)] for name in "acd"] == [verdicts[0], *verdicts[2:]]


def test_i8_who_holds_all_that_he_asks_for_goes_before_a_younger_one_that_grew() -> None:
    found = admitting(
        verdict("a", "20.0.0.1"),
        verdict("b", "20.0.0.2", "20.0.0.3", created=NOW),
        limit=1,
        programmed=frozenset({A}),
        held={B: frozenset({"20.0.0.2/32"})},
    )
    assert found[A].admitted
    assert (found[B].admitted, found[B].keeps) == (False, frozenset())
