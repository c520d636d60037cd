"""I2, I3: what is ours goes when nobody wants it; what is not stays as it was written."""

from dataclasses import replace
from datetime import timedelta

from aks_access.api.modes import DeletionPolicy, EgressMode, Mode
from aks_access.plan.adoption import Adoption
from aks_access.plan.ledger import EntryState
from aks_access.plan.model import Cause, Grant, Namespace
from aks_access.plan.outcome import Origin, Plan
from aks_access.plan.planner import plan as make_plan
from tests.unit.plan.build import (
    HOUR,
    NOW,
    PERMISSIVE,
    cluster,
    cycle,
    entry,
    grant,
    labelled,
    ledger,
    planned,
    range_set,
    ranges,
    target,
    world,
)


def causes(plan: Plan) -> dict[str, Cause]:
    return {change.entry: change.cause for change in plan.removals}


def test_i2_foreign_entries_survive_spelling_tags_and_junk_included() -> None:
    foreign = ("AzureCloud", "30.0.0.7", "0.0.0.0/0", "31.0.0.5/24", "::/0")
    plan = planned(grant("a", "20.0.0.1"), view=cluster(*foreign))
    assert plan.desired == (*foreign, "20.0.0.1/32")


def test_i2_exclusive_takes_foreign_entries_out_and_names_the_cause() -> None:
    on = target(mode=Mode.EXCLUSIVE, baseline=ranges("40.0.0.0/24"))
    plan = planned(view=cluster("30.0.0.0/24", "AzureCloud", "40.0.0.0/24"), on=on)
    assert plan.desired == ("40.0.0.0/24",)
    assert set(causes(plan).values()) == {Cause.EXCLUSIVE}


def test_i2_exclusive_keeps_foreign_entries_while_the_egress_is_unknown() -> None:
    on = target(mode=Mode.EXCLUSIVE, baseline=ranges("40.0.0.0/24"))
    view = cluster("30.0.0.0/24", "40.0.0.0/24", outbound_type="userDefinedRouting")
    plan = planned(view=view, on=on)
    assert plan.desired == ("30.0.0.0/24", "40.0.0.0/24")
    assert [change.entry for change in plan.held_removals] == ["30.0.0.0/24"]


def test_i2_observe_writes_nothing_and_shows_both_differences() -> None:
    on = target(mode=Mode.OBSERVE, baseline=ranges("40.0.0.0/24"))
    plan = planned(grant("a", "20.0.0.1"), view=cluster("30.0.0.0/24"), on=on)
    assert plan.desired is None
    assert not plan.write
    assert {change.entry for change in plan.additions} == {"20.0.0.1/32", "40.0.0.0/24"}
    assert plan.exclusive_removals == ("30.0.0.0/24",)
    assert not plan.entries


def test_i2_an_entry_that_was_foreign_before_a_grant_asked_stays_foreign() -> None:
    view = cluster("20.0.0.1/32", "30.0.0.0/24")
    item = grant("a", "20.0.0.1", expires_at=NOW + HOUR)
    plan, books, view = cycle(of=world(item, target=target()), view=view, ledger=ledger())
    assert not plan.write
    assert plan.verdicts[item.uid].present
    later = planned(item, view=view, with_ledger=books, now=NOW + 2 * HOUR)
    assert not later.write
    assert later.verdicts[item.uid].covered == (("20.0.0.1/32", "20.0.0.1/32 (foreign)"),)


def test_i2_a_foreign_entry_that_equals_a_baseline_entry_is_the_baselines() -> None:
    on = target(baseline=ranges("30.0.0.0/24", "40.0.0.0/24"))
    view = cluster("30.0.0.0/24", "40.0.0.0/24", "50.0.0.0/24")
    plan, books, view = cycle(of=world(target=on), view=view, ledger=ledger())
    assert not plan.write
    assert books.entries["30.0.0.0/24"].owners == ("baseline",)
    less = planned(view=view, on=replace(on, baseline=ranges("40.0.0.0/24")), with_ledger=books)
    assert causes(less) == {"30.0.0.0/24": Cause.BASELINE}
    assert less.desired == ("40.0.0.0/24", "50.0.0.0/24")


def test_i2_a_foreign_entry_that_equals_an_egress_entry_stays_foreign() -> None:
    on = target(egress_mode=EgressMode.STATIC, egress=ranges("30.0.0.1"))
    view = cluster("30.0.0.1/32", "50.0.0.0/24")
    _, books, view = cycle(of=world(target=on), view=view, ledger=ledger())
    less = planned(view=view, on=replace(on, egress=ranges("50.0.0.9")), with_ledger=books)
    assert less.desired == ("30.0.0.1/32", "50.0.0.0/24", "50.0.0.9/32")


def test_i3_each_way_of_losing_access_takes_the_entry_out() -> None:
    live = grant("a", "20.0.0.1")
    policy = replace(PERMISSIVE, all_namespaces=False, namespaces=labelled("team", "b"))
    selected = grant("a", "20.0.0.1", selector=labelled("env", "dev"), target_name=None)
    stories = {
        Cause.EXPIRED: (replace(live, expires_at=NOW), target()),
        Cause.DELETED: (replace(live, deleting=NOW), target()),
        Cause.REVOKED: (replace(live, revoked=True), target()),
        Cause.POLICY: (live, target(policy=policy)),
        Cause.SELECTOR: (selected, target(labels={"env": "prod"})),
        Cause.EDITED: (replace(live, target_name="other"), target()),
    }
    for cause, (item, on) in stories.items():
        plan = planned(
            item,
            view=cluster("20.0.0.1/32", "30.0.0.0/24"),
            on=on,
            with_ledger=ledger(entry("20.0.0.1", "a")),
            namespaces=[Namespace(uid="n1", name=item.namespace)],
        )
        assert causes(plan) == {"20.0.0.1/32": cause}
        assert plan.desired == ("30.0.0.0/24",)


def test_i3_an_equal_entry_stays_while_another_grant_needs_it() -> None:
    gone, other = grant("a", "20.0.0.1", expires_at=NOW), grant("b", "20.0.0.1")
    plan = planned(
        gone,
        other,
        view=cluster("20.0.0.1/32", "30.0.0.0/24"),
        with_ledger=ledger(entry("20.0.0.1", "a", "b")),
    )
    assert not plan.write
    assert plan.entries["20.0.0.1/32"].owners == ("b",)
    assert plan.held == {other.uid: ("20.0.0.1/32",)}
    assert plan.verdicts[gone.uid].covered == (("20.0.0.1/32", "20.0.0.1/32 (team-a/b)"),)


def test_i3_a_wider_entry_that_ends_leaves_the_narrower_one_inside() -> None:
    wide, narrow = grant("a", "20.0.0.0/24", expires_at=NOW), grant("b", "20.0.0.1")
    plan = planned(
        wide,
        narrow,
        view=cluster("20.0.0.0/24", "20.0.0.1/32"),
        with_ledger=ledger(entry("20.0.0.0/24", "a"), entry("20.0.0.1", "b")),
    )
    assert plan.desired == ("20.0.0.1/32",)


def test_i3_a_wider_entry_does_not_keep_ours_and_is_named() -> None:
    item = grant("a", "20.0.0.1", expires_at=NOW)
    plan = planned(
        item,
        view=cluster("20.0.0.0/24", "20.0.0.1/32"),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.desired == ("20.0.0.0/24",)
    assert plan.verdicts[item.uid].covered == (("20.0.0.1/32", "20.0.0.0/24 (foreign)"),)


def test_i3_a_withdrawn_entry_that_a_stranger_brings_back_is_removed_again() -> None:
    plan = planned(
        view=cluster("20.0.0.1/32", "30.0.0.0/24"),
        with_ledger=ledger(entry("20.0.0.1", state=EntryState.WITHDRAWN)),
    )
    assert causes(plan) == {"20.0.0.1/32": Cause.WITHDRAWN}


def test_i3_a_withdrawn_entry_is_forgotten_after_90_days_but_not_while_it_stands() -> None:
    old = NOW - timedelta(days=91)
    books = ledger(
        entry("20.0.0.1", state=EntryState.WITHDRAWN, since=old),
        entry("20.0.0.2", state=EntryState.WITHDRAWN, since=old),
        entry("20.0.0.3", state=EntryState.WITHDRAWN),
    )
    plan = planned(view=cluster("20.0.0.1/32", "30.0.0.0/24"), with_ledger=books)
    assert set(plan.entries) == {"20.0.0.1/32", "20.0.0.3/32"}


def test_i3_a_withdrawn_entry_that_a_live_grant_asks_for_is_ours_again() -> None:
    plan = planned(
        grant("a", "20.0.0.1"),
        view=cluster("20.0.0.1/32"),
        with_ledger=ledger(entry("20.0.0.1", state=EntryState.WITHDRAWN)),
    )
    assert not plan.write
    assert plan.entries["20.0.0.1/32"].state is EntryState.OWNED
    assert plan.entries["20.0.0.1/32"].owners == ("a",)


def test_i3_an_entry_removed_by_hand_clears_the_debt_also_in_observe() -> None:
    books = ledger(entry("20.0.0.1", "a", due=NOW - HOUR), entry("20.0.0.2", "a", due=NOW - HOUR))
    plan = planned(
        grant("a", "20.0.0.1", "20.0.0.2", expires_at=NOW - HOUR),
        view=cluster("20.0.0.2/32", "30.0.0.0/24"),
        on=target(mode=Mode.OBSERVE),
        with_ledger=books,
    )
    assert plan.entries["20.0.0.1/32"].state is EntryState.WITHDRAWN
    assert plan.overdue == (("20.0.0.2/32", NOW - HOUR),)
    assert plan.held == {grant("a").uid: ("20.0.0.2/32",)}


def test_i3_target_deletion_keeps_baseline_and_foreign_entries() -> None:
    on = target(deleting=NOW, baseline=ranges("40.0.0.0/24"))
    plan = planned(
        grant("a", "20.0.0.1"),
        view=cluster("20.0.0.1/32", "30.0.0.0/24", "40.0.0.0/24"),
        on=on,
        with_ledger=ledger(entry("20.0.0.1", "a"), entry("40.0.0.0/24", "baseline")),
    )
    assert plan.desired == ("30.0.0.0/24", "40.0.0.0/24")
    assert causes(plan) == {"20.0.0.1/32": Cause.TARGET_DELETED}


def test_i3_a_deleted_target_that_detaches_is_left_alone() -> None:
    on = target(deleting=NOW, deletion_policy=DeletionPolicy.DETACH)
    plan = planned(
        grant("a", "20.0.0.1", expires_at=NOW),
        view=cluster("20.0.0.1/32"),
        on=on,
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.desired is None


def test_i3_the_ledger_of_a_vanished_target_keeps_revoking() -> None:
    plan = planned_orphan(grant("a", "20.0.0.1"), entries=1)
    assert causes(plan) == {"20.0.0.1/32": Cause.ORPHANED}
    assert plan.desired == ("30.0.0.0/24",)


def planned_orphan(*grants: Grant, entries: int, acknowledge: str = "") -> Plan:
    names = [f"20.0.0.{number}/32" for number in range(1, entries + 1)]
    books = ledger(*(entry(name, "a") for name in names))
    return make_plan(
        world=world(*grants, target=None, acknowledge=acknowledge),
        view=cluster(*names, "30.0.0.0/24"),
        adoption=Adoption(books),
    )


def test_i8_a_vanished_target_with_many_entries_waits_for_an_acknowledgement() -> None:
    names = [f"20.0.0.{number}" for number in range(1, 8)]
    plan = planned_orphan(grant("a", *names), entries=7)
    assert not plan.write
    code = plan.acknowledgement
    told = planned_orphan(grant("a", *names), entries=7, acknowledge=code)
    assert told.desired == ("30.0.0.0/24",)


def test_origins_and_ends_are_reported_for_every_live_entry() -> None:
    on = target(baseline=ranges("40.0.0.0/24"))
    plan = planned(
        grant("a", "20.0.0.1", expires_at=NOW + HOUR),
        grant("b", "20.0.0.1", expires_at=NOW + 2 * HOUR),
        grant("c", "20.0.0.2", expires_at=NOW - HOUR),
        view=cluster("40.0.0.0/24", "30.0.0.0/24", "20.0.0.1/32", "20.0.0.2/32"),
        on=on,
        with_ledger=ledger(entry("20.0.0.1", "a", "b"), entry("20.0.0.2", "c")),
    )
    told = {item.entry: (item.origin, item.until) for item in plan.report}
    assert told == {
        "40.0.0.0/24": (Origin.BASELINE, None),
        "30.0.0.0/24": (Origin.FOREIGN, None),
        "20.0.0.1/32": (Origin.GRANT, NOW + 2 * HOUR),
        "20.0.0.2/32": (Origin.REVOKING, None),
    }


def test_a_range_of_a_set_goes_with_the_set_and_is_told_from_an_edit() -> None:
    office = range_set("office", "20.0.0.1")
    held = ledger(entry("20.0.0.1", "a", sets=("office",)), entry("20.0.0.2", "a"))
    view = cluster("20.0.0.1/32", "20.0.0.2/32", "30.0.0.0/24")
    through = grant("a", "20.0.0.2", range_sets=("office",))
    shrunk = planned(through, view=view, with_ledger=held, sets=[range_set("office", "20.0.0.3")])
    assert causes(shrunk) == {"20.0.0.1/32": Cause.RANGE_SET}
    edited = planned(grant("a", "20.0.0.2"), view=view, with_ledger=held, sets=[office])
    assert causes(edited) == {"20.0.0.1/32": Cause.EDITED}
