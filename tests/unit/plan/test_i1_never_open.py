"""I1: no write leaves the list empty, or lets in more than the policy allows for a grant."""

from dataclasses import replace

import pytest

from aks_access.api.modes import EgressMode, Mode
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan.cluster import ClusterView
from aks_access.plan.model import Grant
from aks_access.plan.outcome import Refusal
from tests.unit.plan.build import (
    HOUR,
    NOW,
    PERMISSIVE,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    ranges,
    target,
    wanted_entries,
)

ROUTED = {"outbound_type": "userDefinedRouting"}


def ended(name: str, *texts: str) -> Grant:
    return grant(name, *texts, expires_at=NOW - HOUR)


def test_i1_last_grant_gone_leaves_the_foreign_entries() -> None:
    plan = planned(
        ended("a", "20.0.0.1"),
        view=cluster("20.0.0.1/32", "30.0.0.0/24"),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.desired == ("30.0.0.0/24",)
    assert plan.write


def test_i1_last_grant_gone_leaves_the_baseline() -> None:
    plan = planned(
        ended("a", "20.0.0.1"),
        view=cluster("20.0.0.1/32"),
        on=target(baseline=ranges("30.0.0.0/24")),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.desired == ("30.0.0.0/24",)


def test_i1_last_grant_gone_brings_the_baseline_even_while_additions_wait() -> None:
    plan = planned(
        ended("a", "20.0.0.1"),
        view=cluster("20.0.0.1/32"),
        on=target(baseline=ranges("30.0.0.0/24")),
        with_ledger=ledger(entry("20.0.0.1", "a")),
        additions=False,
    )
    assert plan.desired == ("30.0.0.0/24",)
    assert [change.entry for change in plan.additions] == ["30.0.0.0/24"]


@pytest.mark.parametrize(
    "view",
    [
        cluster("20.0.0.1/32"),
        cluster("20.0.0.1/32", outbound_type="none"),
        cluster("20.0.0.1/32", outbound_type="userDefinedRouting", vnet_integration=True),
    ],
    ids=["load balancer", "no outbound", "VNet integration"],
)
def test_i1_nothing_left_writes_the_deny_sentinel(view: ClusterView) -> None:
    plan = planned(ended("a", "20.0.0.1"), view=view, with_ledger=ledger(entry("20.0.0.1", "a")))
    assert plan.desired == ("0.0.0.0/32",)
    assert plan.write


def test_i1_without_a_sentinel_the_last_entry_stays_and_is_said() -> None:
    plan = planned(
        ended("a", "20.0.0.1", "20.0.1.0/24"),
        view=cluster("20.0.0.1/32", "20.0.1.0/24", **ROUTED),
        with_ledger=ledger(entry("20.0.0.1", "a"), entry("20.0.1.0/24", "a")),
    )
    assert plan.desired == ("20.0.0.1/32",)
    assert [change.entry for change in plan.removals] == ["20.0.1.0/24"]
    assert [change.entry for change in plan.held_removals] == ["20.0.0.1/32"]
    reasons = {finding.reason for finding in plan.findings}
    assert {TargetReason.NOT_REVOCABLE, TargetReason.REVOCATION_OVERDUE} <= reasons


def test_i1_a_grant_whose_end_could_not_be_written_is_not_let_in() -> None:
    plan = planned(grant("a", "20.0.0.1"), view=cluster("0.0.0.0/32", **ROUTED))
    refusal = plan.verdicts[grant("a").uid].refusals[0]
    assert refusal.reason is GrantReason.NOT_REVOCABLE
    assert refusal.value == "userDefinedRouting"
    assert not plan.additions
    assert not plan.write


def test_i1_exclusive_does_not_count_foreign_entries_as_something_left() -> None:
    on = target(mode=Mode.EXCLUSIVE, egress_mode=EgressMode.NOT_NEEDED, egress=())
    plan = planned(grant("a", "20.0.0.1"), view=cluster("30.0.0.0/24", **ROUTED), on=on)
    assert plan.verdicts[grant("a").uid].refusals[0].reason is GrantReason.NOT_REVOCABLE


def test_i1_a_grant_inside_stays_when_what_stood_beside_it_is_gone() -> None:
    plan = planned(
        grant("a", "20.0.0.1"),
        view=cluster("20.0.0.1/32", **ROUTED),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.verdicts[grant("a").uid].admitted
    assert plan.desired == ("20.0.0.1/32",)
    assert not plan.write


def test_i1_the_sentinel_never_stands_beside_another_entry() -> None:
    plan = planned(grant("a", "20.0.0.1"), view=cluster("0.0.0.0/32"))
    assert plan.desired == ("20.0.0.1/32",)


def test_i1_the_sentinel_is_left_alone_while_nothing_is_wanted() -> None:
    plan = planned(view=cluster("0.0.0.0/32"))
    assert not plan.write
    blocked = planned(
        view=cluster("0.0.0.0/32"), on=target(baseline=ranges("30.0.0.0/24")), additions=False
    )
    assert not blocked.write


def test_i1_a_grant_wider_than_the_policy_or_16_is_refused() -> None:
    for prefix, limit in ((24, "/24"), (16, "/16"), (0, "/16")):
        policy = replace(PERMISSIVE, min_prefix_length=prefix)
        wide = grant("a", "20.0.0.0/14")
        plan = planned(wide, view=cluster("30.0.0.0/24"), on=target(policy=policy))
        refusal: Refusal = plan.verdicts[wide.uid].refusals[0]
        assert (refusal.value, refusal.limit) == ("20.0.0.0/14", limit)
        assert not plan.additions


def test_i1_foreign_entries_that_open_the_cluster_never_block_a_revocation() -> None:
    plan = planned(
        ended("a", "20.0.0.1"),
        view=cluster("0.0.0.0/0", "20.0.0.1/32"),
        with_ledger=ledger(entry("20.0.0.1", "a")),
    )
    assert plan.desired == ("0.0.0.0/0",)
    assert plan.write


def test_i1_closing_an_open_cluster_waits_while_additions_wait() -> None:
    on = target(restrict_unrestricted=True, baseline=ranges("30.0.0.0/24"))
    plan = planned(view=cluster(is_open=True), on=on, additions=False)
    assert plan.desired is None
    assert not plan.write
    (finding,) = plan.findings
    assert finding.reason is TargetReason.CLUSTER_UNRESTRICTED
    assert finding.details["ready"]


def test_i1_an_existing_list_of_nothing_is_never_written() -> None:
    assert wanted_entries(planned(view=cluster("30.0.0.0/24"))) == {"30.0.0.0/24"}
