"""I4 revocation first, I6 one writer, I7 never create, I8 no revocation by a partial view."""

from dataclasses import replace

from aks_access.api.modes import EgressMode, Mode
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan.adoption import Adoption
from aks_access.plan.ledger import EntryState, RefusedGrant, WriteInFlight
from aks_access.plan.model import Cause, GrantUid, Namespace, Problem
from aks_access.plan.outcome import AccessState, Plan
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.world import Removals
from tests.unit.plan.build import (
    HOUR,
    NOW,
    adopted,
    asks,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    range_set,
    ranges,
    target,
    world,
)

MANY = tuple(f"20.0.0.{number}" for number in range(1, 9))


def reasons(plan: Plan) -> list[TargetReason]:
    return [finding.reason for finding in plan.findings]


def test_i4_what_azure_refused_is_left_out_until_its_grant_changes() -> None:
    item = grant("a", "20.0.0.1")
    books = replace(ledger(), refused={item.uid: RefusedGrant(asks=asks(item), message="no")})
    plan = planned(item, grant("b", "20.0.0.2"), view=cluster("30.0.0.0/24"), with_ledger=books)
    assert plan.verdicts[item.uid].refusals[0].reason is GrantReason.RANGE_REFUSED
    assert plan.desired == ("30.0.0.0/24", "20.0.0.2/32")
    edited = planned(replace(item, generation=2), view=cluster("30.0.0.0/24"), with_ledger=books)
    assert edited.desired == ("30.0.0.0/24", "20.0.0.1/32")


def test_i4_a_cluster_that_others_left_failed_gets_revocations_only() -> None:
    view = cluster("20.0.0.1/32", "30.0.0.0/24", provisioning_state="Failed")
    plan = planned(
        grant("a", "20.0.0.1", expires_at=NOW),
        grant("b", "20.0.0.2"),
        view=view,
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.desired == ("30.0.0.0/24",)
    assert plan.write
    assert TargetReason.CLUSTER_FAILED in reasons(plan)


def test_i4_additions_that_wait_hold_no_removal() -> None:
    plan = planned(
        grant("a", "20.0.0.1", expires_at=NOW),
        grant("b", "20.0.0.2"),
        view=cluster("20.0.0.1/32", "30.0.0.0/24"),
        with_ledger=ledger(entry("20.0.0.1", "a")),
        additions=False,
    )
    assert plan.desired == ("30.0.0.0/24",)


def test_i4_unknown_egress_holds_no_revocation_but_a_dropped_baseline() -> None:
    plan = planned(
        grant("a", "20.0.0.1", expires_at=NOW),
        view=cluster(
            "20.0.0.1/32", "30.0.0.0/24", "40.0.0.0/24", outbound_type="userDefinedRouting"
        ),
        with_ledger=ledger(entry("20.0.0.1", "a"), entry("40.0.0.0/24", "baseline")),
    )
    assert plan.desired == ("30.0.0.0/24", "40.0.0.0/24")
    assert TargetReason.NODE_EGRESS_UNKNOWN in reasons(plan)
    assert plan.entries["40.0.0.0/24"].due is None


def test_i4_a_busy_or_stopped_cluster_is_not_written() -> None:
    for view in (
        cluster("20.0.0.1/32", "30.0.0.0/24", provisioning_state="Upgrading"),
        cluster("20.0.0.1/32", "30.0.0.0/24", power_state="Stopped"),
    ):
        plan = planned(
            grant("a", "20.0.0.1", expires_at=NOW - HOUR),
            view=view,
            with_ledger=ledger(entry("20.0.0.1", "a")),
        )
        assert not plan.write
        assert reasons(plan)[0] is TargetReason.REVOCATION_OVERDUE


def test_i6_a_grant_that_is_not_ready_gets_nothing_new_and_loses_nothing() -> None:
    item = grant("a", "20.0.0.1", "20.0.0.2", finalized=False)
    plan = planned(
        item,
        view=cluster("20.0.0.1/32", "30.0.0.0/24"),
        with_ledger=ledger(entry("20.0.0.1", "a")),
        unready=frozenset({item.uid}),
    )
    assert not plan.write
    assert plan.verdicts[item.uid].admitted


def test_i6_a_failed_write_is_sent_again_although_the_list_looks_right() -> None:
    flight = WriteInFlight(desired=("30.0.0.0/24",), added=(), removed=(), started=NOW, failed=True)
    plan = planned(
        view=cluster("30.0.0.0/24", provisioning_state="Failed"),
        with_ledger=ledger(in_flight=flight),
    )
    assert plan.write


def test_i7_a_cluster_created_anew_under_the_same_id_starts_as_a_new_one() -> None:
    stored = ledger(entry("20.0.0.1", "a"), writes=(NOW,), version="7")
    found = adopted(
        stored=stored,
        on=target(ledger_sequence=3),
        view=cluster("20.0.0.1/32", resource_uid="cluster-2"),
    )
    assert not found.lost
    assert found.ledger.entries == {}
    assert found.ledger.resource_uid == "cluster-2"
    assert (found.ledger.version, found.ledger.sequence, found.ledger.writes) == ("7", 3, (NOW,))


def test_i8_a_partial_view_lets_only_what_expired_go() -> None:
    items = (
        grant("a", "20.0.0.1", expires_at=NOW),
        grant("b", "20.0.0.2", revoked=True),
        grant("c", "20.0.0.3"),
    )
    books = ledger(
        entry("20.0.0.1", "a"),
        entry("20.0.0.2", "b"),
        entry("20.0.0.3", "c"),
        entry("20.0.0.4", "unlisted"),
        entry("20.0.0.5", "a", "unlisted"),
    )
    view = cluster(*(f"20.0.0.{number}/32" for number in range(1, 6)), "30.0.0.0/24")
    closed = target(policy=replace(target().policy, all_namespaces=False))
    plan = planned(*items, view=view, on=closed, with_ledger=books, removals=Removals.CLOCK)
    assert [change.entry for change in plan.removals] == ["20.0.0.1/32"]
    assert plan.entries["20.0.0.4/32"].due is None


def test_i8_vanished_grants_wait_where_they_are_many_and_most() -> None:
    books = ledger(*(entry(text, f"g{text}") for text in MANY))
    view = cluster(*(f"{text}/32" for text in MANY), "30.0.0.0/24")
    plan = planned(view=view, with_ledger=books)
    assert not plan.write
    assert len(plan.held_removals) == len(MANY)
    assert reasons(plan) == [TargetReason.MASS_REMOVAL_HELD]
    assert not plan.overdue
    stale = planned(view=view, on=target(acknowledge="0123456789"), with_ledger=books)
    assert not stale.write
    told = planned(view=view, on=target(acknowledge=plan.acknowledgement), with_ledger=books)
    assert told.desired == ("30.0.0.0/24",)


def test_i8_an_acknowledged_removal_is_still_meant_after_its_intent_is_recorded() -> None:
    books = ledger(*(entry(text, f"g{text}") for text in MANY))
    view = cluster(*(f"{text}/32" for text in MANY), "30.0.0.0/24")
    code = planned(view=view, with_ledger=books).acknowledgement
    on = target(acknowledge=code)
    first = planned(view=view, on=on, with_ledger=books)
    recorded = replace(books, sequence=books.sequence + 1, entries=dict(first.entries))
    again = planned(view=view, on=on, with_ledger=recorded)
    assert again.desired == first.desired


def test_i8_few_vanished_grants_or_a_minority_do_not_wait() -> None:
    few = ledger(*(entry(text, f"g{text}") for text in MANY[:5]))
    view = cluster(*(f"{text}/32" for text in MANY[:5]), "30.0.0.0/24")
    assert planned(view=view, with_ledger=few).write
    stay = [grant(f"s{number}", f"21.0.0.{number}") for number in range(8)]
    books = ledger(
        *(entry(text, f"g{text}") for text in MANY),
        *(entry(f"21.0.0.{number}", f"s{number}") for number in range(8)),
    )
    view = cluster(*(f"{text}/32" for text in MANY), *(f"21.0.0.{n}/32" for n in range(8)))
    assert planned(*stay, view=view, with_ledger=books).write


def test_i8_a_deletion_that_was_seen_never_waits() -> None:
    books = ledger(*(entry(text, f"g{text}") for text in MANY))
    plan = planned(
        view=cluster(*(f"{text}/32" for text in MANY), "30.0.0.0/24"),
        with_ledger=books,
        deleted=frozenset(GrantUid(f"g{text}") for text in MANY),
    )
    assert plan.desired == ("30.0.0.0/24",)


def test_i8_a_shrinking_baseline_waits_and_an_edit_of_policy_does_not() -> None:
    view = cluster(*(f"{text}/32" for text in MANY), "30.0.0.0/24")
    books = ledger(*(entry(text, "baseline") for text in MANY))
    on = target(egress_mode=EgressMode.NOT_NEEDED)
    assert not planned(view=view, on=on, with_ledger=books).write
    kept = planned(view=view, on=replace(on, baseline_sets=("gone",)), with_ledger=books)
    assert not kept.write
    assert not kept.held_removals
    assert TargetReason.RANGE_SET_NOT_RESOLVED in reasons(kept)
    owned = ledger(*(entry(text, "a") for text in MANY))
    strict = replace(on, policy=replace(on.policy, all_namespaces=False))
    item = grant("a", *MANY)
    there = [Namespace(uid="n1", name=item.namespace)]
    assert planned(item, view=view, on=strict, with_ledger=owned, namespaces=there).write
    unknown = planned(item, view=view, on=strict, with_ledger=owned, namespaces=[])
    assert not unknown.write, "a namespace that is not known is a gap in our view, no edit"


def test_i8_grants_that_cannot_be_read_any_more_wait_like_vanished_ones() -> None:
    broken = grant("a", target_name=None, problems=(Problem("spec", "?", "cannot be read"),))
    plan = planned(
        broken,
        view=cluster(*(f"{text}/32" for text in MANY), "30.0.0.0/24"),
        with_ledger=ledger(*(entry(text, "a") for text in MANY)),
    )
    assert not plan.write
    assert {change.cause for change in plan.held_removals} == {Cause.INVALID}


def test_i8_a_set_emptied_under_many_grants_waits() -> None:
    held = ledger(*(entry(text, "a", sets=("office",)) for text in MANY))
    view = cluster(*(f"{text}/32" for text in MANY), "30.0.0.0/24")
    item = grant("a", range_sets=("office",))
    for sets in ([range_set("office", "20.0.1.1")], [range_set("office")], []):
        plan = planned(item, view=view, with_ledger=held, sets=sets, additions=False)
        assert not plan.write
        assert plan.acknowledgement


def test_i8_what_waits_takes_room() -> None:
    held = tuple(f"20.0.{n // 250}.{n % 250 + 1}" for n in range(199))
    books = ledger(*(entry(text, "gone") for text in held))
    newcomers = (grant("a", "21.0.0.1"), grant("b", "21.0.0.2", "21.0.0.3"))
    plan = planned(*newcomers, view=cluster(*(f"{t}/32" for t in held)), with_ledger=books)
    assert plan.entries_used == 200
    assert plan.verdicts[GrantUid("a")].admitted
    assert plan.verdicts[GrantUid("b")].refusals[0].reason is GrantReason.CAPACITY_EXCEEDED


def test_i8_an_unusable_target_keeps_what_stands_and_takes_what_was_ended() -> None:
    on = target(
        mode=Mode.OBSERVE,
        policy=replace(target().policy, all_namespaces=False),
        problems=(Problem("spec.mode", "x", "unknown"),),
    )
    live, over, new = (
        grant("a", "20.0.0.1"),
        grant("b", "20.0.0.2", revoked=True),
        grant("c", "20.0.0.3"),
    )
    books = ledger(
        entry("20.0.0.1", "a"),
        entry("20.0.0.2", "b"),
        entry("40.0.0.0/24", "baseline"),
        entry("50.0.0.1", "egress"),
    )
    plan = planned(
        live,
        over,
        new,
        view=cluster("20.0.0.1/32", "20.0.0.2/32", "40.0.0.0/24", "50.0.0.1/32"),
        on=on,
        with_ledger=books,
    )
    assert plan.desired == ("20.0.0.1/32", "40.0.0.0/24", "50.0.0.1/32")
    assert not plan.held_removals
    assert plan.verdicts[live.uid].admitted
    assert plan.verdicts[new.uid].refusals[0].reason is GrantReason.TARGET_BLOCKED
    found = adopted(stored=books, on=on, view=cluster("20.0.0.1/32"))
    assert found.ledger.mode == "Merge"


# --- ledger lost, first sight -----------------------------------------------------------------


def test_i8_first_sight_leaves_every_entry_foreign_even_a_grants_equal() -> None:
    view = cluster("20.0.0.1/32", "30.0.0.0/24")
    found = adopted(stored=None, on=target(), view=view, grants=[grant("a", "20.0.0.1")])
    assert not found.lost
    assert found.ledger.entries == {}
    assert found.ledger.verified == view.ranges


def lost_cases() -> list[Adoption]:
    view = cluster("20.0.0.1/32", "20.0.0.2/32", "30.0.0.0/24")
    items = [grant("a", "20.0.0.1"), grant("b", "20.0.0.2", expires_at=NOW - HOUR)]
    on = target(ledger_sequence=5)
    return [
        adopted(stored=None, on=on, view=view, grants=items),
        adopted(stored=ledger(sequence=4), on=on, view=view, grants=items),
        adopted(stored=None, unreadable="schema 9", on=on, view=view, grants=items),
        adopted(stored=None, unreadable="corrupt", on=target(), view=view, grants=items),
    ]


def test_i8_a_lost_ledger_is_guessed_from_every_known_grant() -> None:
    for found in lost_cases():
        assert found.lost
        assert set(found.ledger.entries) == {"20.0.0.1/32", "20.0.0.2/32"}
        plan = make_plan(
            world=world(
                grant("a", "20.0.0.1"),
                grant("b", "20.0.0.2", expires_at=NOW - HOUR),
                grant("c", "20.0.0.3"),
                target=target(mode=Mode.EXCLUSIVE),
            ),
            view=cluster("20.0.0.1/32", "20.0.0.2/32", "30.0.0.0/24"),
            adoption=found,
        )
        assert plan.desired == ("20.0.0.1/32", "30.0.0.0/24")
        assert not plan.additions
        assert plan.acknowledgement
        assert TargetReason.LEDGER_LOST in reasons(plan)


def test_i8_a_lost_ledger_stays_lost_over_its_own_writes_until_acknowledged() -> None:
    found = lost_cases()[0]
    view = cluster("20.0.0.1/32", "30.0.0.0/24")
    saved = replace(found.ledger, sequence=found.ledger.sequence + 1, version="1")
    on = target(ledger_sequence=5)
    again = adopted(stored=saved, on=on, view=view)
    assert again.lost == found.lost
    plan = make_plan(world=world(target=on), view=view, adoption=again)
    told = adopted(stored=saved, on=replace(on, acknowledge=plan.acknowledgement), view=view)
    assert not told.lost
    assert not told.ledger.lost
    stale = adopted(stored=saved, on=replace(on, acknowledge="feedfeedfe"), view=view)
    assert stale.lost


def test_a_detached_ledger_starts_anew() -> None:
    stored = ledger(entry("20.0.0.1", "a"), detached=True, version="9")
    found = adopted(stored=stored, on=target(), view=cluster("20.0.0.1/32"))
    assert found.ledger.entries == {}
    assert not found.ledger.detached
    assert found.ledger.version == "9"


def test_a_ledger_is_taken_over_by_the_target_of_another_name() -> None:
    stored = ledger(entry("20.0.0.1", "a"))
    found = adopted(stored=stored, on=target(name="new", uid="t2"), view=cluster("20.0.0.1/32"))
    assert set(found.ledger.entries) == {"20.0.0.1/32"}
    assert (found.ledger.target_name, found.ledger.target_uid) == ("new", "t2")


def test_a_withdrawn_or_refused_entry_never_counts_as_programmed() -> None:
    plan = planned(
        grant("a", "20.0.0.1", expires_at=NOW),
        view=cluster("30.0.0.0/24"),
        with_ledger=ledger(entry("20.0.0.1", state=EntryState.WITHDRAWN)),
    )
    assert plan.verdicts[GrantUid("a")].state is AccessState.EXPIRED
    assert plan.held == {}


def test_management_egress_and_static_egress_are_part_of_every_list() -> None:
    on = target(egress_mode=EgressMode.STATIC, egress=ranges("50.0.0.1"))
    plan = planned(view=cluster("30.0.0.0/24"), on=on, management_egress=ranges("50.0.0.2"))
    assert plan.desired == ("30.0.0.0/24", "50.0.0.1/32", "50.0.0.2/32")
    assert {change.cause for change in plan.additions} == {Cause.EGRESS}
