"""A grant's status: the worst target speaks, what is in Azure is counted, nothing ticks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aks_access.api.ranges import IPv4Range
from aks_access.api.reasons import GrantReason
from aks_access.engine.grant_status import GrantFacts, grant_status, worst
from aks_access.engine.reports import GrantReport
from aks_access.plan.model import Grant, GrantUid
from aks_access.plan.outcome import AccessState
from aks_access.projection import project_grant

NOW = datetime(2026, 11, 22, 10, 2, 3, 456789, tzinfo=UTC)
END = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
GRANT = Grant(
    uid=GrantUid("u1"),
    namespace="team-a",
    name="laptop",
    generation=3,
    resource_version="7",
    created=NOW,
    target_name="weu",
    ranges=(IPv4Range.parse("81.2.69.142"),),
    expires_at=END,
)
ACTIVE = GrantReport(
    target="weu",
    generation=3,
    reason=GrantReason.ACTIVE,
    message="in",
    state=AccessState.LIVE,
    admitted=True,
    in_azure=True,
    held=True,
    starts=NOW,
    ends=END,
    ranges=("81.2.69.142/32",),
)


def other(reason: GrantReason, target: str = "neu", **facts: Any) -> GrantReport:
    return replace(ACTIVE, target=target, reason=reason, message=reason.value, **facts)


def rendered(*reports: GrantReport, grant: Grant = GRANT, now: datetime = NOW) -> dict[str, Any]:
    facts = GrantFacts(grant=grant, reports=reports, activated=None)
    return dict(grant_status(facts=facts, now=now))


def stored(status: dict[str, Any]) -> Grant:
    """The grant as it comes back with this status."""
    raw = {
        "metadata": {"uid": "u1", "namespace": "team-a", "name": "laptop", "generation": 3},
        "spec": {
            "targetRef": {"name": "weu"},
            "ipRanges": ["81.2.69.142"],
            "expiresAt": "2026-11-22T18:00:00Z",
        },
        "status": status,
    }
    return project_grant(raw, argo_instance_label="argo")


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item["reason"]) for item in status["conditions"]}


@pytest.mark.parametrize(
    "order",
    [
        GrantReason.REVOCATION_OVERDUE,
        GrantReason.REVOCATION_PENDING,
        GrantReason.POLICY_DENIED,
        GrantReason.TARGET_BLOCKED,
        GrantReason.PROGRESSING,
        GrantReason.EXPIRED,
        GrantReason.ACTIVE,
        GrantReason.SUSPENDED,
    ],
)
def test_each_reason_is_worse_than_observed(order: GrantReason) -> None:
    assert worst([other(GrantReason.OBSERVED), other(order)]).reason is order


def test_the_order_of_the_worst() -> None:
    reasons = [
        GrantReason.REVOCATION_OVERDUE,
        GrantReason.REVOCATION_PENDING,
        GrantReason.POLICY_DENIED,
        GrantReason.PROGRESSING,
        GrantReason.ACTIVE,
        GrantReason.SUSPENDED,
        GrantReason.OBSERVED,
    ]
    left = [other(reason, target=reason.value) for reason in reversed(reasons)]
    found = []
    while left:
        found.append(worst(left).reason)
        left = [report for report in left if report.reason is not found[-1]]
    assert found == reasons


def test_an_active_grant() -> None:
    status = rendered(ACTIVE)
    assert status["observedGeneration"] == 3
    assert status["summary"] == {
        "state": "Active",
        "target": "weu",
        "inAzure": "1/1",
        "expires": "2026-11-22T18:00Z",
        "ranges": "81.2.69.142/32",
    }
    assert conditions(status) == {
        "Ready": ("True", "Active"),
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Programmed": ("True", "Programmed"),
    }
    assert status["periodStart"] == "2026-11-22T10:02:03Z"


@pytest.mark.parametrize(
    ("reason", "retries", "kind"),
    [
        (GrantReason.PROGRESSING, False, "Reconciling"),
        (GrantReason.REVOCATION_PENDING, False, "Reconciling"),
        (GrantReason.TARGET_BLOCKED, True, "Reconciling"),
        (GrantReason.TARGET_BLOCKED, False, "Stalled"),
        (GrantReason.REVOCATION_OVERDUE, False, "Stalled"),
        (GrantReason.POLICY_DENIED, False, "Stalled"),
    ],
)
def test_reconciling_and_stalled_are_never_both_there(
    reason: GrantReason, retries: bool, kind: str
) -> None:
    found = conditions(rendered(other(reason, retries=retries, in_azure=False)))
    assert {"Reconciling", "Stalled"} & set(found) == {kind}
    assert found["Ready"] == ("False", reason.value)


def test_programmed_does_not_wait_for_observed_targets_but_for_all_others() -> None:
    watched = other(GrantReason.OBSERVED, target="lab", observed=True, in_azure=False)
    assert conditions(rendered(ACTIVE, watched))["Programmed"][0] == "True"
    assert conditions(rendered(watched))["Programmed"][0] == "False"
    late = other(GrantReason.PROGRESSING, in_azure=False)
    status = rendered(ACTIVE, watched, late)
    assert conditions(status)["Programmed"][0] == "False"
    assert status["summary"]["inAzure"] == "1/3"
    assert status["summary"]["target"] == "3 targets"


def test_the_same_facts_a_day_later_are_the_same_status() -> None:
    first = rendered(ACTIVE)
    again = rendered(
        replace(ACTIVE, starts=NOW + timedelta(hours=3)),
        grant=stored(first),
        now=NOW + timedelta(days=1),
    )
    assert again == first


@pytest.mark.parametrize("observed", [True, False])
def test_a_start_that_would_tick_is_not_shown(observed: bool) -> None:
    reason = GrantReason.OBSERVED if observed else GrantReason.TARGET_BLOCKED
    report = other(reason, observed=observed, admitted=observed, in_azure=False)
    first = rendered(report)
    assert "startsAt" not in first
    later = replace(report, starts=NOW + timedelta(seconds=1))
    assert rendered(later, grant=stored(first), now=NOW + timedelta(minutes=5)) == first


def test_the_end_of_a_period_is_remembered_and_its_start_forgotten() -> None:
    before = stored(rendered(ACTIVE))
    assert before.started == NOW.replace(microsecond=0)
    ended = other(GrantReason.EXPIRED, state=AccessState.EXPIRED, admitted=False, in_azure=False)
    after = stored(rendered(ended, grant=before, now=END))
    assert after.started is None
    assert after.closed == END


SCHEDULED: dict[str, Any] = {
    "state": AccessState.SCHEDULED,
    "admitted": False,
    "in_azure": False,
    "held": False,
    "starts": END - timedelta(hours=1),
}


@pytest.mark.parametrize(
    ("facts", "forgotten"),
    [
        ({}, True),
        ({"held": True}, False),
        ({"state": None}, False),
        ({"state": AccessState.REFUSED}, True),
    ],
)
def test_i10_a_later_start_ends_the_period_once_nothing_of_it_stands(
    facts: dict[str, Any], forgotten: bool
) -> None:
    begun = stored(rendered(ACTIVE))
    moved = replace(begun, not_before=END - timedelta(hours=1))
    report = replace(other(GrantReason.SCHEDULED), **{**SCHEDULED, **facts})
    after = rendered(report, grant=moved, now=NOW + timedelta(minutes=5))
    assert ("periodStart" not in after) is forgotten
    if report.state is not None:
        assert after["startsAt"] == "2026-11-22T17:00:00Z"
    assert rendered(report, grant=moved, now=END)["periodStart"] == after.get(
        "periodStart", "2026-11-22T10:02:03Z"
    )


def test_i10_a_later_start_ends_no_period_that_another_ledger_holds_or_that_counts() -> None:
    moved = replace(stored(rendered(ACTIVE)), not_before=END - timedelta(hours=1))
    report = replace(other(GrantReason.SCHEDULED), **SCHEDULED)
    elsewhere = GrantFacts(grant=moved, reports=[report], activated=None, held=True)
    assert "periodStart" in grant_status(facts=elsewhere, now=NOW)
    counted = replace(moved, duration=timedelta(hours=8), expires_at=None)
    assert "periodStart" in rendered(report, grant=counted)


def test_a_start_of_the_past_moves_nothing_that_the_status_says() -> None:
    moved = replace(stored(rendered(ACTIVE)), not_before=NOW + timedelta(minutes=1))
    status = rendered(ACTIVE, grant=moved, now=NOW + timedelta(minutes=2))
    assert status["startsAt"] == status["periodStart"] == "2026-11-22T10:02:03Z"


def test_history_takes_only_changes_and_ten_of_them() -> None:
    grant = GRANT
    reasons = [GrantReason.ACTIVE, GrantReason.PROGRESSING] * 8
    for minute, reason in enumerate(reasons):
        for _ in range(2):
            status = rendered(other(reason), grant=grant, now=NOW + timedelta(minutes=minute))
            grant = stored(status)
    history = status["history"]
    assert [item["reason"] for item in history] == [r.value for r in reasons[-10:]]
    assert history[-1]["time"] == "2026-11-22T10:17:03Z"


def test_of_many_targets_the_twenty_worst_are_named() -> None:
    reports = [other(GrantReason.ACTIVE, target=f"t{number:02}") for number in range(30)]
    reports.append(other(GrantReason.POLICY_DENIED, target="zz", in_azure=False))
    status = rendered(*reports)
    assert len(status["targets"]) == 20
    assert status["targets"][0]["name"] == "zz"
    assert status["targetsOmitted"] == 11
    assert status["summary"]["inAzure"] == "30/31"


def test_a_grant_without_a_target_names_what_it_asks_for() -> None:
    report = GrantReport(
        target="", generation=3, reason=GrantReason.TARGET_NOT_FOUND, message="no such target"
    )
    status = rendered(report)
    assert status["summary"]["target"] == "weu"
    assert status["summary"]["inAzure"] == "0/0"
    assert conditions(status)["ResolvedRefs"] == ("False", "TargetNotFound")
    assert conditions(status)["Accepted"] == ("False", "TargetNotFound")
