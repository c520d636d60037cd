"""I9 debts are said, I10 expired stays expired, I11 quiet, I12 no lockout, I13 kinds of drift."""

from dataclasses import replace
from datetime import timedelta

from aks_access.api.modes import EgressMode, Mode
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan.adoption import Adoption
from aks_access.plan.ledger import EntryState, WriteInFlight
from aks_access.plan.model import Cause, GrantUid, activation_key
from aks_access.plan.outcome import AccessState, Plan
from aks_access.plan.planner import plan as make_plan
from tests.unit.plan.build import (
    HOUR,
    NOW,
    cluster,
    cycle,
    entry,
    grant,
    ledger,
    planned,
    range_set,
    ranges,
    target,
    world,
)

MINUTE = timedelta(minutes=1)
UID = GrantUid("a")


def reasons(plan: Plan) -> list[TargetReason]:
    return [finding.reason for finding in plan.findings]


# --- I9 ---------------------------------------------------------------------------------------


def deleted(due: timedelta, **fields: object) -> Plan:
    item = grant("a", "20.0.0.1", deleting=NOW - due)
    return planned(
        item,
        view=cluster("20.0.0.1/32", "30.0.0.0/24", **fields),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )


def test_i9_a_grant_is_held_while_an_entry_of_it_stands() -> None:
    plan = deleted(14 * MINUTE, power_state="Stopped")
    assert plan.held == {UID: ("20.0.0.1/32",)}
    assert not plan.overdue
    assert plan.next_transition == NOW + MINUTE


def test_i9_an_overdue_debt_is_the_ledgers_and_the_grant_is_let_go() -> None:
    plan = deleted(15 * MINUTE, power_state="Stopped")
    assert plan.held == {}
    assert plan.overdue == (("20.0.0.1/32", NOW - 15 * MINUTE),)
    debt = plan.entries["20.0.0.1/32"]
    assert (debt.owners, debt.released) == ((), ("a",))
    finding = plan.findings[0]
    assert finding.reason is TargetReason.REVOCATION_OVERDUE
    assert finding.details["why"] == "cluster Stopped"


def test_i9_a_released_debt_is_still_taken_out_when_the_grant_is_gone() -> None:
    debt = entry("20.0.0.1", due=NOW - HOUR, released=("a",))
    plan = planned(view=cluster("20.0.0.1/32", "30.0.0.0/24"), with_ledger=ledger(debt))
    assert [(change.entry, change.cause) for change in plan.removals] == [
        ("20.0.0.1/32", Cause.DELETED)
    ]


def test_i9_what_is_held_counts_until_absence_is_proven() -> None:
    flight = WriteInFlight(
        desired=("30.0.0.0/24",), added=(), removed=("20.0.0.1/32",), started=NOW
    )
    books = ledger(entry("20.0.0.1", "a", due=NOW), in_flight=flight)
    item = grant("a", "20.0.0.1", deleting=NOW)
    updating = planned(
        item,
        view=cluster("30.0.0.0/24", provisioning_state="Updating"),
        with_ledger=books,
    )
    assert updating.held == {UID: ("20.0.0.1/32",)}
    settled = planned(item, view=cluster("30.0.0.0/24"), with_ledger=replace(books, in_flight=None))
    assert settled.held == {}


def test_i9_an_intended_entry_is_held_until_it_is_settled() -> None:
    plan = planned(
        grant("a", "20.0.0.1", deleting=NOW),
        view=cluster("30.0.0.0/24", provisioning_state="Updating"),
        with_ledger=ledger(entry("20.0.0.1", "a", state=EntryState.INTENDED)),
    )
    assert plan.held == {UID: ("20.0.0.1/32",)}


def test_i9_in_observe_or_suspended_a_removal_is_overdue_at_once() -> None:
    for on in (target(mode=Mode.OBSERVE), target(suspend=True)):
        plan = planned(
            grant("a", "20.0.0.1", expires_at=NOW),
            view=cluster("20.0.0.1/32", "30.0.0.0/24"),
            on=on,
            with_ledger=ledger(entry("20.0.0.1", "a")),
        )
        assert not plan.write
        assert plan.overdue == (("20.0.0.1/32", NOW),)
        assert reasons(plan)[0] is TargetReason.REVOCATION_OVERDUE


def test_i9_downtime_past_an_expiry_counts_from_the_expiry() -> None:
    plan = planned(
        grant("a", "20.0.0.1", expires_at=NOW - 2 * HOUR),
        view=cluster("20.0.0.1/32", "30.0.0.0/24"),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.overdue == (("20.0.0.1/32", NOW - 2 * HOUR),)
    assert plan.write


# --- I10 --------------------------------------------------------------------------------------


def state_of(item: object, **fields: object) -> AccessState:
    plan = planned(item, view=cluster("30.0.0.0/24"), **fields)  # type: ignore[arg-type]
    return plan.verdicts[UID].state


def test_i10_a_clock_that_steps_back_reopens_nothing() -> None:
    item = grant("a", "20.0.0.1", expires_at=NOW, closed=NOW)
    assert state_of(item, now=NOW - HOUR) is AccessState.EXPIRED
    assert state_of(replace(item, closed=None), now=NOW - HOUR) is AccessState.LIVE


def test_i10_a_later_end_opens_a_new_period_that_is_checked_anew() -> None:
    policy = replace(target().policy, max_duration=8 * HOUR)
    item = grant(
        "a",
        "20.0.0.1",
        started=NOW - 20 * HOUR,
        closed=NOW - 12 * HOUR,
        evaluated=(1, NOW),
        expires_at=NOW + 8 * HOUR,
    )
    assert state_of(item, on=target(policy=policy)) is AccessState.LIVE
    longer = replace(item, expires_at=NOW + 9 * HOUR)
    assert state_of(longer, on=target(policy=policy)) is AccessState.REFUSED


def test_i10_an_extension_is_measured_from_the_start_and_does_not_start_over() -> None:
    policy = replace(target().policy, max_duration=8 * HOUR)
    item = grant("a", "20.0.0.1", started=NOW - 7 * HOUR, expires_at=NOW + HOUR)
    assert state_of(item, on=target(policy=policy)) is AccessState.LIVE
    extended = replace(item, expires_at=NOW + 2 * HOUR, generation=2, evaluated=(2, NOW))
    assert state_of(extended, on=target(policy=policy)) is AccessState.REFUSED


def test_i10_a_not_before_edited_into_the_past_does_not_start_the_period_over() -> None:
    policy = replace(target().policy, max_duration=8 * HOUR)
    item = grant("a", "20.0.0.1", started=NOW - 7 * HOUR, expires_at=NOW + 7 * HOUR)
    moved = replace(item, not_before=NOW - HOUR / 60, generation=2, evaluated=(2, NOW))
    plan = planned(
        moved,
        view=cluster("30.0.0.0/24", "20.0.0.1/32"),
        on=target(policy=policy),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.verdicts[UID].state is AccessState.REFUSED
    assert [change.entry for change in plan.removals] == ["20.0.0.1/32"]
    later = replace(moved, not_before=NOW + HOUR)
    assert state_of(later, on=target(policy=policy)) is AccessState.SCHEDULED


def test_i10_a_grant_refused_as_too_long_stays_so_until_it_is_edited() -> None:
    policy = replace(target().policy, max_duration=8 * HOUR)
    item = grant("a", "20.0.0.1", expires_at=NOW + 9 * HOUR, evaluated=(1, NOW))
    for later in (NOW, NOW + 5 * HOUR):
        assert state_of(item, on=target(policy=policy), now=later) is AccessState.REFUSED
    edited = replace(item, generation=2)
    assert state_of(edited, on=target(policy=policy), now=NOW + HOUR) is AccessState.LIVE


def test_i10_max_duration_counts_from_not_before() -> None:
    policy = replace(target().policy, max_duration=2 * HOUR)
    item = grant("a", "20.0.0.1", not_before=NOW + HOUR, expires_at=NOW + 3 * HOUR)
    assert state_of(item, on=target(policy=policy)) is AccessState.SCHEDULED


def test_i10_a_duration_counts_from_its_activation_whatever_is_edited_or_created_anew() -> None:
    item = grant("a", "20.0.0.1", expires_at=None, duration=HOUR, tracked="Argo CD team-a")
    plan = planned(item, view=cluster("30.0.0.0/24"))
    assert plan.verdicts[UID].needs_activation
    activations = {activation_key(item): NOW - HOUR}
    anew = replace(item, uid=GrantUid("b"), generation=4, created=NOW)
    plan = planned(anew, view=cluster("30.0.0.0/24"), activations=activations)
    assert plan.verdicts[anew.uid].state is AccessState.EXPIRED
    untracked = replace(item, tracked="")
    assert state_of(untracked, activations=activations) is AccessState.LIVE


def test_i10_a_lost_activation_starts_nothing_over() -> None:
    item = grant("a", "20.0.0.1", expires_at=None, duration=HOUR)
    assert state_of(replace(item, started=NOW - HOUR)) is AccessState.EXPIRED
    assert state_of(replace(item, closed=NOW - HOUR)) is AccessState.EXPIRED


# --- I11 --------------------------------------------------------------------------------------


def test_i11_the_end_of_a_duration_that_does_not_count_yet_is_no_transition() -> None:
    item = grant("a", "20.0.0.1", expires_at=None, duration=HOUR)
    plan = planned(item, view=cluster("30.0.0.0/24"), on=target(mode=Mode.OBSERVE))
    assert plan.next_transition is None


def test_i11_what_others_grants_do_leaves_an_active_one_present() -> None:
    flight = WriteInFlight(
        desired=("20.0.0.1/32", "20.0.0.2/32"), added=("20.0.0.2/32",), removed=(), started=NOW
    )
    plan = planned(
        grant("a", "20.0.0.1"),
        grant("b", "20.0.0.2"),
        view=cluster("20.0.0.1/32", "20.0.0.2/32", provisioning_state="Updating"),
        with_ledger=ledger(
            entry("20.0.0.1", "a"),
            entry("20.0.0.2", "b", state=EntryState.INTENDED),
            in_flight=flight,
        ),
    )
    assert plan.verdicts[UID].present
    assert not plan.verdicts[GrantUid("b")].present


def test_i11_the_same_world_later_is_the_same_plan() -> None:
    of = world(
        grant("a", "20.0.0.1", evaluated=(1, NOW)),
        grant("b", "20.0.0.2", evaluated=(1, NOW), expires_at=NOW - HOUR),
        target=target(baseline=ranges("30.0.0.0/24")),
    )
    _, books, view = cycle(of=of, view=cluster("40.0.0.0/24"), ledger=ledger())
    first, books, view = cycle(of=of, view=view, ledger=books)
    again, _, _ = cycle(of=of, view=view, ledger=books, now=NOW + HOUR)
    assert not first.write
    assert replace(first, made_at=again.made_at) == again


# --- I12 --------------------------------------------------------------------------------------


def test_i12_an_open_cluster_is_not_closed_without_opting_in() -> None:
    on = target(baseline=ranges("30.0.0.0/24"))
    plan = planned(grant("a", "20.0.0.1"), view=cluster(is_open=True), on=on)
    assert plan.desired is None
    assert TargetReason.CLUSTER_UNRESTRICTED in reasons(plan)
    assert plan.verdicts[UID].refusals[0].reason is GrantReason.CLUSTER_UNRESTRICTED
    assert {change.entry for change in plan.additions} == {"20.0.0.1/32", "30.0.0.0/24"}


def test_i12_an_open_cluster_that_opted_in_is_closed_with_its_baseline() -> None:
    on = target(baseline=ranges("30.0.0.0/24"), restrict_unrestricted=True)
    plan = planned(grant("a", "20.0.0.1"), view=cluster(is_open=True), on=on)
    assert plan.desired == ("20.0.0.1/32", "30.0.0.0/24")
    assert plan.write


def test_i12_without_baseline_or_management_egress_nothing_is_closed() -> None:
    on = target(restrict_unrestricted=True)
    plan = planned(grant("a", "20.0.0.1"), view=cluster(is_open=True), on=on)
    assert plan.desired is None
    managed = planned(view=cluster(is_open=True), on=on, management_egress=ranges("50.0.0.1"))
    assert managed.desired == ("50.0.0.1/32",)


def test_i12_unknown_egress_or_a_missing_set_closes_nothing() -> None:
    on = target(restrict_unrestricted=True, baseline=ranges("30.0.0.0/24"))
    routed = cluster(is_open=True, outbound_type="userDefinedRouting")
    plan = planned(grant("a", "20.0.0.1"), view=routed, on=on)
    assert plan.desired is None
    assert TargetReason.NODE_EGRESS_UNKNOWN in reasons(plan)
    assert plan.verdicts[UID].refusals[0].reason is GrantReason.NODE_EGRESS_UNKNOWN
    told = replace(on, egress_mode=EgressMode.STATIC, egress=ranges("50.0.0.1"))
    assert planned(view=routed, on=told).desired == ("30.0.0.0/24", "50.0.0.1/32")
    missing = replace(on, baseline_sets=("office",))
    assert planned(view=cluster(is_open=True), on=missing).desired is None
    there = planned(
        view=cluster(is_open=True), on=missing, sets=[range_set("office", "31.0.0.0/24")]
    )
    assert there.desired == ("30.0.0.0/24", "31.0.0.0/24")


def test_i12_a_cleared_list_goes_back_less_what_has_ended() -> None:
    verified = ("AzureCloud", "30.0.0.0/24", "20.0.0.1/32", "20.0.0.2/32", "20.0.0.9/32")
    books = ledger(
        entry("20.0.0.1", "a"),
        entry("20.0.0.2", "b"),
        entry("20.0.0.9", state=EntryState.WITHDRAWN),
        verified=verified,
    )
    items = (grant("a", "20.0.0.1"), grant("b", "20.0.0.2", expires_at=NOW - HOUR))
    for allowed in (True, False):
        plan = planned(*items, view=cluster(is_open=True), with_ledger=books, additions=allowed)
        assert plan.restores
        assert plan.desired == ("AzureCloud", "30.0.0.0/24", "20.0.0.1/32")
        assert plan.write
        assert {change.cause for change in plan.additions} == {Cause.CLEARED}


def test_i12_a_cleared_list_is_left_in_observe_and_while_suspended() -> None:
    books = ledger(verified=("30.0.0.0/24",))
    for on in (target(mode=Mode.OBSERVE), target(suspend=True)):
        plan = planned(view=cluster(is_open=True), on=on, with_ledger=books)
        assert not plan.restores
        assert plan.desired is None


def test_i12_a_cleared_list_goes_back_although_the_ledger_was_lost() -> None:
    books = ledger(entry("20.0.0.1", "a"), verified=("30.0.0.0/24", "20.0.0.1/32"), lost="gone")
    plan = planned(
        grant("a", "20.0.0.1"),
        grant("b", "20.0.0.2"),
        view=cluster(is_open=True),
        with_ledger=books,
        lost="gone",
    )
    assert plan.desired == ("30.0.0.0/24", "20.0.0.1/32")


def test_i12_a_cleared_sentinel_goes_back() -> None:
    plan = planned(view=cluster(is_open=True), with_ledger=ledger(verified=("0.0.0.0/32",)))
    assert plan.desired == ("0.0.0.0/32",)
    assert plan.write


def test_i12_missing_egress_justifies_a_write_and_is_shown_in_observe() -> None:
    plan = planned(view=cluster("30.0.0.0/24"), management_egress=ranges("50.0.0.1"))
    assert plan.write
    observed = planned(
        view=cluster("30.0.0.0/24"),
        on=target(mode=Mode.OBSERVE),
        management_egress=ranges("50.0.0.1"),
    )
    assert [change.entry for change in observed.additions] == ["50.0.0.1/32"]


def test_i12_a_private_or_basic_cluster_is_never_written() -> None:
    for fields, kind in (
        ({"private": True}, "private cluster"),
        ({"load_balancer_sku": "Basic"}, "Basic load balancer"),
    ):
        plan = planned(grant("a", "20.0.0.1"), view=cluster("30.0.0.0/24", **fields))
        assert plan.desired is None
        refusal = plan.verdicts[UID].refusals[0]
        assert (refusal.reason, refusal.value) == (GrantReason.UNSUPPORTED_CLUSTER, kind)


def test_i13_an_entry_of_ours_that_others_removed_goes_back_as_drift() -> None:
    plan = planned(
        grant("a", "20.0.0.1"),
        view=cluster("30.0.0.0/24"),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert [(change.entry, change.cause) for change in plan.additions] == [
        ("20.0.0.1/32", Cause.DRIFT)
    ]


def test_the_plan_is_made_without_a_target() -> None:
    plan = make_plan(
        world=world(target=None), view=cluster("30.0.0.0/24"), adoption=Adoption(ledger())
    )
    assert not plan.write
