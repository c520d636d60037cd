"""What people read on a target, word for word: these sentences are an interface."""

from collections.abc import Mapping

import pytest

from aks_access.api.reasons import TargetReason as R
from aks_access.plan.model import Problem
from tests.unit.plan.build import AZ_FLAGS, target
from tests.unit.plan.said import say


@pytest.mark.parametrize(
    ("reason", "details", "said"),
    [
        (R.IN_SYNC, {}, "The list in Azure is as it should be."),
        (
            R.OBSERVING,
            {},
            "Mode Observe: nothing is written. DIFF is what Merge would do; set mode to Merge to "
            "let it happen.",
        ),
        (
            R.SUSPENDED,
            {},
            "Suspended: nothing is added or taken away until spec.suspend is lifted.",
        ),
        (R.REVOCATION_PENDING, {}, "Entries that must go stand until read back. Nothing to do."),
        (
            R.DUPLICATE_TARGET,
            {"holder": "aat/other"},
            "aat/other stands for this cluster already. Delete this target, or that one first.",
        ),
        (
            R.DUPLICATE_TARGET,
            {},
            "unknown stands for this cluster already. Delete this target, or that one first.",
        ),
        (
            R.CLUSTER_STOPPED,
            {"power": "Stopped"},
            "The cluster is Stopped, and AKS takes no write then. Start it; its entries are put "
            "right afterwards.",
        ),
        (
            R.CLUSTER_FAILED,
            {"state": "Canceled"},
            "The cluster's last operation, not ours, ended Canceled, and a write would repeat it: "
            "only revocations are written. Repair the cluster.",
        ),
        (
            R.NOT_REVOCABLE,
            {"outbound": "none"},
            "Outbound type none, and nothing else is in the list: a list without entries would "
            "open the cluster. Add a baseline entry, or nodeEgress.",
        ),
        (
            R.LEDGER_FULL,
            {},
            "The ledger of this cluster is full: nothing is added, removals go on. Use fewer or "
            "wider ranges and fewer grants per range.",
        ),
        (
            R.CLOCK_IN_DOUBT,
            {},
            "The operator's clock and those of the API server or ARM differ by more than 30 s: "
            "nothing is added, removals go on. Mend the time of its node.",
        ),
        (R.THROTTLED, {}, "Azure throttles writes; tried again as it asks. Nothing to do."),
        (R.CLUSTER_LOCKED, {"b": "2", "a": "1"}, "prod: ClusterLocked: a 1, b 2."),
        (R.CLUSTER_LOCKED, {}, "prod: ClusterLocked."),
    ],
)
def test_a_finding_is_told_with_its_facts(reason: R, details: Mapping[str, str], said: str) -> None:
    assert say(reason, details) == said


@pytest.mark.parametrize(
    ("reason", "details", "said"),
    [
        (
            R.REVOCATION_OVERDUE,
            {},
            "an entry still open, due earlier. Fix aat/prod; by hand: "
            "`aks-access plan prod --as-az`.",
        ),
        (
            R.REVOCATION_OVERDUE,
            {"entry": "20.0.0.1/32", "due": "2026-11-22T09:00Z", "count": "1", "why": "suspended"},
            "20.0.0.1/32 still open, due 2026-11-22T09:00Z (suspended). Fix aat/prod; by hand: "
            "`aks-access plan prod --as-az`.",
        ),
        (
            R.REVOCATION_OVERDUE,
            {
                "entry": "20.0.0.1/32",
                "due": "2026-11-22T09:00Z",
                "count": "3",
                "kept": "No writes left",
            },
            "20.0.0.1/32 and 2 more still open, due 2026-11-22T09:00Z. No writes left. By hand: "
            "`aks-access plan prod --as-az`.",
        ),
        (
            R.REVOCATION_OVERDUE,
            {"count": "2"},
            "an entry and 1 more still open, due earlier. Fix aat/prod; by hand: "
            "`aks-access plan prod --as-az`.",
        ),
        (
            R.REVOCATION_OVERDUE,
            {"count": "many"},
            "an entry still open, due earlier. Fix aat/prod; by hand: "
            "`aks-access plan prod --as-az`.",
        ),
        (R.INVALID_SPEC, {}, "The spec cannot be used; what has ended is still taken away."),
        (
            R.INVALID_SPEC,
            {"field": "spec.mode", "path": "x", "message": "is unknown", "value": "y"},
            "spec.mode: is unknown.",
        ),
        (R.INVALID_SPEC, {"path": "spec.mode", "value": "y"}, "spec.mode: y."),
        (R.INVALID_SPEC, {"field": "spec.mode"}, "spec.mode: invalid."),
        (R.INVALID_SPEC, {"value": "y"}, "spec: y."),
        (
            R.INVALID_SPEC,
            {"path": "spec.mode", "leaving": "Revoke"},
            "spec.mode: invalid. It is being deleted: what the operator put into the list is taken "
            "out first.",
        ),
        (
            R.INVALID_SPEC,
            {"path": "spec.mode", "leaving": "unknown"},
            "spec.mode: invalid. It is being deleted, and nothing says what becomes of its "
            "entries: set spec.deletionPolicy to Revoke or Detach.",
        ),
        (R.INVALID_SPEC, {"message": "is unknown"}, "spec: is unknown."),
        (R.INVALID_SPEC, {"path": "spec.mode"}, "spec.mode: invalid."),
        (
            R.UNSUPPORTED_CLUSTER,
            {"kind": "Basic load balancer"},
            "Basic load balancer: ranges do not apply. Move the cluster to a Standard one, or "
            "delete this target.",
        ),
        (
            R.UNSUPPORTED_CLUSTER,
            {},
            f"Private cluster: ranges do not apply. Use `az aks command invoke {AZ_FLAGS} "
            '--command "…"` or Bastion; delete this target.',
        ),
        (
            R.NODE_EGRESS_UNKNOWN,
            {"outbound": "userDefinedRouting"},
            "userDefinedRouting: a write could cut the nodes off. Set nodeEgress to the public "
            "IPs by which they leave (firewall or NAT gateway).",
        ),
        (
            R.NODE_EGRESS_UNKNOWN,
            {},
            "Unknown outbound type: a write could cut the nodes off. Set nodeEgress to the public "
            "IPs by which they leave (firewall or NAT gateway).",
        ),
        (
            R.RANGE_SET_NOT_RESOLVED,
            {"sets": "office, vpn"},
            "baseline.rangeSetRefs: office, vpn does not resolve; its last ranges stay. See "
            "`kubectl get iprs`, and mend it or take the reference out.",
        ),
        (
            R.RANGE_SET_NOT_RESOLVED,
            {},
            "baseline.rangeSetRefs: a set does not resolve; its last ranges stay. See `kubectl "
            "get iprs`, and mend it or take the reference out.",
        ),
        (R.CLUSTER_BUSY, {}, "Cluster is busy; the write waits. Nothing to do."),
        (R.PROGRESSING, {}, "The list is being written and read back."),
        (R.PROGRESSING, {"what": "Waits for its turn"}, "Waits for its turn."),
    ],
)
def test_a_finding_names_the_way_out(reason: R, details: Mapping[str, str], said: str) -> None:
    assert say(reason, details) == said


def test_the_first_wrong_field_is_told_and_the_others_are_counted() -> None:
    first, other = Problem("spec.mode", "x", "is unknown"), Problem("spec.policy", "y", "is wrong")
    one, three = target(problems=(first,)), target(problems=(first, other, other))
    assert say(R.INVALID_SPEC, {}, one) == "spec.mode: is unknown."
    assert say(R.INVALID_SPEC, {}, three) == "spec.mode: is unknown. 2 more fields are wrong."
