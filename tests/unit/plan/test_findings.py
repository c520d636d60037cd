"""What a target's status must say of a plan: reason, details and what holds additions back."""

from datetime import timedelta

import pytest

from aks_access.api.modes import DeletionPolicy, EgressMode, Mode
from aks_access.api.reasons import TargetReason as R
from aks_access.plan.adoption import Adoption, lost_code
from aks_access.plan.ledger import Conflict, Reversal, Search, SearchPhase
from aks_access.plan.model import Problem, Target
from aks_access.plan.outcome import Finding, Plan
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.world import Removals
from tests.unit.plan.build import (
    HOUR,
    ID,
    NOW,
    PERMISSIVE,
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

OTHER = "30.0.0.0/24"
MINUTE = timedelta(minutes=1)
OVERDUE = ledger(entry("20.0.0.1", "x", due=NOW - HOUR), entry("20.0.0.2", "x", due=NOW - 2 * HOUR))
LIVE = cluster(OTHER, "20.0.0.1/32", "20.0.0.2/32")


def of(plan: Plan, reason: R) -> Finding:
    (found,) = (item for item in plan.findings if item.reason is reason)
    return found


def reasons(plan: Plan) -> list[R]:
    return [item.reason for item in plan.findings]


def test_nothing_is_said_where_all_is_well() -> None:
    assert planned(grant("a", "20.0.0.1"), view=cluster(OTHER)).findings == ()


@pytest.mark.parametrize(
    ("on", "view", "why"),
    [
        (target(), LIVE, ""),
        (target(mode=Mode.OBSERVE), LIVE, "mode Observe"),
        (target(suspend=True), LIVE, "suspended"),
        (target(), cluster(*LIVE.ranges or (), power_state="Stopped"), "cluster Stopped"),
        (
            target(),
            cluster(*LIVE.ranges or (), provisioning_state="Upgrading"),
            "cluster Upgrading",
        ),
    ],
)
def test_i9_an_overdue_removal_is_told_with_the_oldest_and_what_keeps_it(
    on: object, view: object, why: str
) -> None:
    plan = planned(view=view, on=on, with_ledger=OVERDUE)  # type: ignore[arg-type]
    assert of(plan, R.REVOCATION_OVERDUE) == Finding(
        R.REVOCATION_OVERDUE,
        {"entry": "20.0.0.2/32", "due": "2026-11-22T10:00Z", "why": why, "count": "2"},
    )
    assert plan.findings[0].reason is R.REVOCATION_OVERDUE, "the worst first"


def test_i1_a_removal_that_would_empty_the_list_is_told_as_that() -> None:
    plan = planned(
        view=cluster("20.0.0.1/32", outbound_type="userDefinedRouting"),
        with_ledger=ledger(entry("20.0.0.1", "x", due=NOW - HOUR)),
        deleted=frozenset({"x"}),
    )
    why = of(plan, R.REVOCATION_OVERDUE).details["why"]
    assert why == "an empty list would open the cluster"
    assert of(plan, R.NOT_REVOCABLE) == Finding(R.NOT_REVOCABLE, {"outbound": "userDefinedRouting"})


@pytest.mark.parametrize("newer", [False, True])
def test_i8_a_lost_ledger_names_the_problem_and_the_code_that_accepts_it(newer: bool) -> None:
    books = ledger(lost="it is gone")
    plan = make_plan(
        world=world(target=target()),
        view=cluster(OTHER),
        adoption=Adoption(books, "it is gone", newer),
    )
    code = "" if newer else lost_code(books)
    assert of(plan, R.LEDGER_LOST) == Finding(
        R.LEDGER_LOST, {"problem": "it is gone", "code": code}, blocks=True
    )
    assert plan.acknowledgement == code


def test_i8_a_held_removal_names_how_many_their_causes_and_the_code() -> None:
    entries = [entry(f"20.0.0.{n}", "baseline" if n else "x") for n in range(7)]
    plan = planned(
        view=cluster(OTHER, *(item.range for item in entries)), with_ledger=ledger(*entries)
    )
    assert of(plan, R.MASS_REMOVAL_HELD) == Finding(
        R.MASS_REMOVAL_HELD,
        {"count": "7", "causes": "Baseline, Vanished", "code": plan.acknowledgement},
    )
    assert plan.acknowledgement


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        (
            {"private": True},
            Finding(R.UNSUPPORTED_CLUSTER, {"kind": "private cluster", "cluster": ID}, blocks=True),
        ),
        (
            {"load_balancer_sku": "Basic"},
            Finding(
                R.UNSUPPORTED_CLUSTER, {"kind": "Basic load balancer", "cluster": ID}, blocks=True
            ),
        ),
        (
            {"power_state": "Stopped"},
            Finding(R.CLUSTER_STOPPED, {"power": "Stopped"}, blocks=True),
        ),
        ({"provisioning_state": "Upgrading"}, Finding(R.CLUSTER_BUSY, {"state": "Upgrading"})),
        (
            {"provisioning_state": "Canceled"},
            Finding(R.CLUSTER_FAILED, {"state": "Canceled"}, blocks=True),
        ),
    ],
)
def test_what_the_cluster_itself_says(fields: dict[str, object], finding: Finding) -> None:
    assert planned(view=cluster(OTHER, **fields)).findings == (finding,)


SUSPECTED = Search(
    phase=SearchPhase.STANDING,
    message="20.0.0.1 is bad, and 30.0.0.0/24.",
    suspects={"a": "1-a", "b": "1-b"},
    stood=("40.0.0.0/24",),
)


@pytest.mark.parametrize(
    ("phase", "view", "probes", "entries", "foreign", "following"),
    [
        (SearchPhase.STANDING, LIVE, (), "30.0.0.0/24, 20.0.0.1/32", "yes", ""),
        (SearchPhase.STANDING, cluster("20.0.0.1"), (), "20.0.0.1/32", "", ""),
        (SearchPhase.HALVING, LIVE, (), "30.0.0.0/24, 20.0.0.1/32", "yes", ""),
        (SearchPhase.OWN, LIVE, (NOW - MINUTE,), "40.0.0.0/24", "yes", "2026-11-22T12:19Z"),
    ],
)
def test_i4_a_refused_list_names_entries_suspects_and_the_next_try(
    phase: SearchPhase, view: object, probes: object, entries: str, foreign: str, following: str
) -> None:
    search = Search(
        phase=phase,
        message=SUSPECTED.message,
        suspects=SUSPECTED.suspects,
        stood=SUSPECTED.stood,
    )
    books = ledger(entry("20.0.0.1", "x"), search=search, probes=probes)
    plan = planned(view=view, with_ledger=books)  # type: ignore[arg-type]
    assert of(plan, R.WRITE_REFUSED) == Finding(
        R.WRITE_REFUSED,
        {
            "phase": phase.value,
            "said": SUSPECTED.message,
            "entries": entries,
            "foreign": foreign,
            "grants": "2",
            "next": following,
        },
        blocks=True,
    )


FIGHT = ledger(
    entry("20.0.0.1", "a"),
    reversals=tuple(
        Reversal(at=NOW - minutes * MINUTE, added=("20.0.0.1/32",)) for minutes in (30, 20, 10)
    ),
    conflict=Conflict(since=NOW - HOUR),
)


def test_i13_a_conflict_names_the_entries_and_when_they_are_added_again() -> None:
    item = grant("a", "20.0.0.1")
    out = planned(item, view=cluster(OTHER), with_ledger=FIGHT)
    assert of(out, R.CONFLICTING_OWNER) == Finding(
        R.CONFLICTING_OWNER, {"entries": "20.0.0.1/32", "again": "2026-11-22T12:50Z"}
    )
    back = planned(item, view=cluster(OTHER, "20.0.0.1/32"), with_ledger=FIGHT)
    assert of(back, R.CONFLICTING_OWNER) == Finding(
        R.CONFLICTING_OWNER, {"entries": "20.0.0.1/32", "again": ""}
    )


@pytest.mark.parametrize("idle", [{"mode": Mode.OBSERVE}, {"suspend": True}])
def test_where_nothing_is_written_neither_refusals_nor_fights_are_told(
    idle: dict[str, object],
) -> None:
    books = ledger(search=SUSPECTED, conflict=FIGHT.conflict, reversals=FIGHT.reversals)
    plan = planned(view=cluster(OTHER), on=target(**idle), with_ledger=books)
    assert reasons(plan) == [R.SUSPENDED if "suspend" in idle else R.OBSERVING]


OPTED_IN = {"restrict_unrestricted": True}


@pytest.mark.parametrize(
    ("fields", "outbound", "finding"),
    [
        ({}, "loadBalancer", Finding(R.CLUSTER_UNRESTRICTED, {"opted_in": "", "ready": ""})),
        (
            {"baseline": ranges("40.0.0.0/24")},
            "loadBalancer",
            Finding(R.CLUSTER_UNRESTRICTED, {"opted_in": "", "ready": ""}),
        ),
        (
            OPTED_IN,
            "loadBalancer",
            Finding(R.CLUSTER_UNRESTRICTED, {"opted_in": "yes", "ready": ""}),
        ),
        (
            {**OPTED_IN, "egress_mode": EgressMode.STATIC, "egress": ranges("40.0.0.1")},
            "loadBalancer",
            Finding(R.CLUSTER_UNRESTRICTED, {"opted_in": "yes", "ready": ""}),
        ),
        (
            {**OPTED_IN, "baseline": ranges("40.0.0.0/24")},
            "userDefinedRouting",
            Finding(R.NODE_EGRESS_UNKNOWN, {"outbound": "userDefinedRouting"}),
        ),
        (
            {"baseline": ranges("40.0.0.0/24")},
            "userDefinedRouting",
            Finding(R.CLUSTER_UNRESTRICTED, {"opted_in": "", "ready": ""}),
        ),
    ],
)
def test_i12_an_open_cluster_says_what_closing_it_needs(
    fields: dict[str, object], outbound: str, finding: Finding
) -> None:
    plan = planned(view=cluster(is_open=True, outbound_type=outbound), on=target(**fields))
    assert plan.findings == (Finding(finding.reason, finding.details, blocks=True),)


def test_i12_an_open_cluster_that_waits_for_something_else_says_that_it_is_ready() -> None:
    on = target(**OPTED_IN, baseline=ranges("40.0.0.0/24"))
    plan = planned(view=cluster(is_open=True), on=on, additions=False)
    assert plan.findings == (
        Finding(R.CLUSTER_UNRESTRICTED, {"opted_in": "yes", "ready": "yes"}, blocks=True),
    )
    managed = planned(
        view=cluster(is_open=True),
        on=target(**OPTED_IN),
        additions=False,
        management_egress=ranges("41.0.0.1"),
    )
    assert of(managed, R.CLUSTER_UNRESTRICTED).details["ready"] == "yes"


def test_i12_an_open_cluster_is_not_reported_where_it_is_only_looked_at_or_private() -> None:
    observed = planned(view=cluster(is_open=True), on=target(mode=Mode.OBSERVE))
    assert reasons(observed) == [R.OBSERVING]
    private = planned(view=cluster(is_open=True, private=True))
    assert reasons(private) == [R.UNSUPPORTED_CLUSTER]


ROUTED = cluster(is_open=True, outbound_type="userDefinedRouting")


@pytest.mark.parametrize(
    ("on", "fields", "stood", "keeps"),
    [
        (None, {}, OTHER, "target"),
        (target(suspend=True), {}, OTHER, "suspend"),
        (target(problems=(Problem("spec.mode", "x", "is wrong"),)), {}, OTHER, "spec"),
        (target(), {"removals": Removals.CLOCK}, OTHER, "view"),
        (target(deleting=NOW, deletion_policy=DeletionPolicy.DETACH), {}, OTHER, "leaving"),
        (target(), {}, "0.0.0.0/0", "nothing"),
    ],
)
def test_i12_a_cleared_list_that_does_not_go_back_says_what_keeps_it(
    on: Target | None, fields: dict[str, object], stood: str, keeps: str
) -> None:
    plan = make_plan(
        world=world(target=on, **fields),  # type: ignore[arg-type]
        view=ROUTED,
        adoption=Adoption(ledger(verified=(stood,))),
    )
    assert plan.desired is None
    assert of(plan, R.CLUSTER_UNRESTRICTED) == Finding(
        R.CLUSTER_UNRESTRICTED,
        {"cleared": keeps, "outbound": "userDefinedRouting"},
        blocks=True,
    )


def test_i12_a_cleared_list_that_goes_back_is_written_and_not_complained_of() -> None:
    plan = planned(view=ROUTED, with_ledger=ledger(verified=("0.0.0.0/0", OTHER)))
    assert (plan.desired, plan.unreturned) == ((OTHER,), ("0.0.0.0/0",))
    assert R.CLUSTER_UNRESTRICTED not in reasons(plan)


def test_i12_removals_that_could_cut_the_nodes_off_are_told_with_the_outbound_type() -> None:
    udr = cluster(OTHER, "40.0.0.0/24", outbound_type="userDefinedRouting")
    dropped = planned(view=udr, with_ledger=ledger(entry("40.0.0.0/24", "baseline")))
    assert dropped.findings == (Finding(R.NODE_EGRESS_UNKNOWN, {"outbound": "userDefinedRouting"}),)
    assert planned(view=udr, with_ledger=ledger()).findings == ()


def test_sets_of_the_baseline_that_do_not_resolve_are_named() -> None:
    on = target(baseline_sets=("gone", "office", "lost"))
    plan = planned(view=cluster(OTHER), on=on, sets=[range_set("office", "40.0.0.0/24")])
    assert plan.findings == (Finding(R.RANGE_SET_NOT_RESOLVED, {"sets": "gone, lost"}),)


def test_a_full_list_names_the_limit_and_who_frees_room_next() -> None:
    full = cluster(*(f"30.0.{n}.0/24" for n in range(199)))
    plan = planned(
        grant("a", "20.0.0.1", created=NOW - 2 * HOUR), grant("b", "20.0.0.2"), view=full
    )
    assert plan.findings == (
        Finding(
            R.CAPACITY_EXCEEDED,
            {
                "limit": "200",
                "grants": "yes",
                "platform": "",
                "next": "team-a/a, 2026-11-22T16:00Z",
            },
        ),
    )


def test_a_baseline_that_does_not_fit_is_a_full_list_too() -> None:
    full = cluster(*(f"30.0.{n}.0/24" for n in range(200)))
    plan = planned(view=full, on=target(baseline=ranges("40.0.0.0/24")))
    left_out = {"limit": "200", "grants": "", "platform": "40.0.0.0/24", "next": ""}
    assert plan.findings == (Finding(R.CAPACITY_EXCEEDED, left_out),)


def test_i1_a_grant_that_could_not_be_revoked_is_told_on_the_target() -> None:
    view = cluster("20.0.0.9/32", outbound_type="userDefinedRouting")
    books = ledger(entry("20.0.0.9", "old"))
    plan = planned(grant("old", "20.0.0.9"), grant("a", "20.0.0.1"), view=view, with_ledger=books)
    assert plan.findings == (Finding(R.NOT_REVOCABLE, {"outbound": "userDefinedRouting"}),)


def test_broad_entries_are_told_by_whose_they_are() -> None:
    view = cluster("AzureCloud", "50.0.0.0/15", "60.0.0.0/16", "70.0.0.0/12", "80.0.0.0/9")
    on = target(baseline=ranges("70.0.0.0/12"), policy=PERMISSIVE)
    books = ledger(entry("80.0.0.0/9", "gone"))
    plan = planned(view=view, on=on, with_ledger=books, deleted=frozenset({"gone"}))
    assert plan.findings == (
        Finding(
            R.BROAD_ENTRY,
            {
                "entries": "AzureCloud, 50.0.0.0/15",
                "platform": "70.0.0.0/12",
                "going": "",
                "count": "3",
            },
        ),
    )


def test_a_broad_entry_of_the_baseline_that_is_held_is_not_told_as_somebody_elses() -> None:
    view = cluster("30.0.0.0/8", "31.0.0.0/24", outbound_type="userDefinedRouting")
    plan = planned(view=view, with_ledger=ledger(entry("30.0.0.0/8", "baseline")))
    details = {"entries": "", "platform": "", "going": "30.0.0.0/8", "count": "1"}
    assert Finding(R.BROAD_ENTRY, details) in plan.findings


def test_a_target_that_is_idle_on_purpose_says_so() -> None:
    both = planned(view=cluster(OTHER), on=target(mode=Mode.OBSERVE, suspend=True))
    assert both.findings == (Finding(R.SUSPENDED), Finding(R.OBSERVING))
