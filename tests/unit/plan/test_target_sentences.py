"""What people read on a target, word for word: these sentences are an interface."""

from collections.abc import Mapping, Sequence

import pytest

from aks_access.api.reasons import TargetReason as R
from aks_access.kube.events import NOTE_LIMIT
from aks_access.plan.model import Problem, Target
from aks_access.plan.outcome import Finding
from aks_access.plan.target_sentences import finding_sentence, orphan_sentence
from aks_access.plan.wording import azure_text
from tests.unit.plan.build import AZ_FLAGS, ID, target

ON = target()


def say(reason: R, details: Mapping[str, str], on: Target | None = ON) -> str:
    return finding_sentence(finding=Finding(reason, details), target=on, cluster=ID)


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
            R.CLUSTER_UNRESTRICTED,
            {},
            "Anyone can reach prod; it was never restricted, and is left alone. Put every "
            "client's egress in baseline, then set restrictUnrestricted.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"cleared": "suspend", "outbound": "loadBalancer"},
            "Anyone can reach prod. Somebody cleared its list, and it goes back when spec.suspend "
            "is taken out.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"cleared": "nothing", "outbound": "userDefinedRouting"},
            "Anyone can reach prod. Somebody cleared its list, and nothing is left to put back, "
            "and 0.0.0.0/32 alone could cut off nodes with outbound type userDefinedRouting: put "
            "every client's egress in baseline.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"cleared": "nothing"},
            "Anyone can reach prod. Somebody cleared its list, and nothing is left to put back, "
            "and 0.0.0.0/32 alone could cut off nodes with outbound type unknown: put every "
            "client's egress in baseline.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"opted_in": "yes", "ready": ""},
            "Anyone can reach prod. restrictUnrestricted is set, and closing it needs something "
            "to let in: put every client's egress in baseline.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"opted_in": "yes", "ready": "yes"},
            "Anyone can reach prod. restrictUnrestricted is set; it is closed as soon as what "
            "else is reported here allows.",
        ),
        (
            R.LEDGER_LOST,
            {},
            "The ledger cannot be used: entries of known grants count as ours, the others are "
            "kept, nothing is added. Restore the ledger, or accept this: `kubectl annotate "
            "--overwrite aat prod aksaccess.dev/acknowledge=<code>`.",
        ),
        (
            R.LEDGER_LOST,
            {"problem": "the ledger is gone", "code": "a1b2"},
            "The ledger is gone: entries of known grants count as ours, the others are kept, "
            "nothing is added. Restore the ledger, or accept this: `kubectl annotate --overwrite "
            "aat prod aksaccess.dev/acknowledge=a1b2`.",
        ),
        (
            R.LEDGER_LOST,
            {"problem": "a newer operator wrote it", "code": ""},
            "A newer operator wrote it. Until then what is known to end is taken away, and "
            "nothing is added.",
        ),
        (
            R.MASS_REMOVAL_HELD,
            {},
            "Many removals at once (unknown) wait for a person: if they are a mistake, bring back "
            "what vanished; if they are meant: `kubectl annotate --overwrite aat prod "
            "aksaccess.dev/acknowledge=<code>`.",
        ),
        (
            R.MASS_REMOVAL_HELD,
            {"count": "8", "causes": "Vanished", "code": "a1b2"},
            "8 removals at once (Vanished) wait for a person: if they are a mistake, bring back "
            "what vanished; if they are meant: `kubectl annotate --overwrite aat prod "
            "aksaccess.dev/acknowledge=a1b2`.",
        ),
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
        (
            R.CAPACITY_EXCEEDED,
            {},
            "Not every grant fits into the 200 entries that AKS takes. Merge ranges, or end "
            "grants; VNet integration raises the limit to 2,000.",
        ),
        (
            R.CAPACITY_EXCEEDED,
            {"limit": "2000", "next": "team-a/x, 2026-11-22T18:00Z"},
            "Not every grant fits into the 2000 entries that AKS takes. Next to free: team-a/x, "
            "2026-11-22T18:00Z. Merge ranges, or end grants.",
        ),
        (
            R.CAPACITY_EXCEEDED,
            {"limit": "200", "platform": "40.0.0.0/24 and 7 more", "grants": ""},
            "Left out, because the 200 entries that AKS takes are used up: 40.0.0.0/24 and 7 more "
            "of baseline or egress. Merge ranges, or shorten spec.baseline; VNet integration "
            "raises the limit to 2,000.",
        ),
        (
            R.CAPACITY_EXCEEDED,
            {"limit": "2000", "platform": "40.0.0.0/24", "grants": "yes", "next": "a/x, then"},
            "Left out, because the 2000 entries that AKS takes are used up: 40.0.0.0/24 of "
            "baseline or egress. Not every grant fits into the 2000 entries that AKS takes. Next "
            "to free: a/x, then. Merge ranges, or shorten spec.baseline and end grants.",
        ),
        (R.CLUSTER_BUSY, {}, "Cluster is busy; the write waits. Nothing to do."),
        (R.PROGRESSING, {}, "The list is being written and read back."),
        (R.PROGRESSING, {"what": "Waits for its turn"}, "Waits for its turn."),
        (
            R.CONFLICTING_OWNER,
            {},
            "Something else keeps undoing our writes: entries are added again once an hour only; "
            "removals stay prompt. Find it (an az script, Terraform's authorized_ip_ranges, "
            "another operator), leave each entry to one of the two, then annotate aat/prod with "
            "reconcile.aksaccess.dev/requestedAt.",
        ),
        (
            R.CONFLICTING_OWNER,
            {"entries": "20.0.0.1/32", "again": "2026-11-22T13:00Z"},
            "Something else keeps undoing our writes (20.0.0.1/32): entries are added again once "
            "an hour only, next at 2026-11-22T13:00Z; removals stay prompt. Find it (an az "
            "script, Terraform's authorized_ip_ranges, another operator), leave each entry to one "
            "of the two, then annotate aat/prod with reconcile.aksaccess.dev/requestedAt.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "standing"},
            "Azure refuses the list of prod even without additions: it gave no reason. An entry "
            "that stands there already is to blame: correct or remove that one in Azure. Until "
            "then nothing is added.",
        ),
        (
            R.WRITE_REFUSED,
            {
                "phase": "standing",
                "said": "Bad range",
                "entries": "20.0.0.1/32",
                "next": "2026-11-22T13:00Z",
            },
            "Azure refuses the list of prod even without additions: Bad range. It names "
            "20.0.0.1/32: correct or remove that one in Azure. Until then nothing is added. Next "
            "try at 2026-11-22T13:00Z.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "standing", "said": "Bad.", "entries": "20.0.0.1/32", "foreign": "yes"},
            "Azure refuses the list of prod even without additions: Bad. It names 20.0.0.1/32, "
            "which is not ours: correct or remove that one in Azure. Until then nothing is added.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "own", "said": "Bad range", "entries": "20.0.0.1/32"},
            "Azure refuses 20.0.0.1/32 of baseline or egress: Bad range. Mend spec.baseline or "
            "spec.nodeEgress of aat/prod; until then nothing is added.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "own", "entries": "20.0.0.1/32", "next": "2026-11-22T13:00Z"},
            "Azure refuses 20.0.0.1/32 of baseline or egress: it gave no reason. Mend "
            "spec.baseline or spec.nodeEgress of aat/prod; until then nothing is added. Next try "
            "at 2026-11-22T13:00Z.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "own"},
            "Azure refuses an entry of baseline or egress: it gave no reason. Mend spec.baseline "
            "or spec.nodeEgress of aat/prod; until then nothing is added.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "halving", "said": "Bad range", "grants": "4"},
            "Azure refused a list with additions: Bad range. Which of 4 grants is to blame is "
            "being found out, the others follow. Nothing to do.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "platform", "said": "Bad range", "grants": "0"},
            "Azure refused a list with additions of baseline or egress: Bad range. Whether these "
            "are to blame is being found out. Nothing to do.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "platform", "grants": "0", "next": "2026-11-22T13:00Z"},
            "Azure refused a list with additions of baseline or egress: it gave no reason. Whether "
            "these are to blame is being found out. Next try at 2026-11-22T13:00Z.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "control", "next": "2026-11-22T13:00Z"},
            "Azure refused a list with additions: it gave no reason. Which of several grants is "
            "to blame is being found out, the others follow. Next try at 2026-11-22T13:00Z.",
        ),
        (
            R.BROAD_ENTRY,
            {},
            "So wide that the list protects little: An entry, not ours: stays until "
            "it is taken out in Azure, or mode is Exclusive.",
        ),
        (
            R.BROAD_ENTRY,
            {"entries": "AzureCloud", "platform": ""},
            "So wide that the list protects little: AzureCloud, not ours: stays "
            "until it is taken out in Azure, or mode is Exclusive.",
        ),
        (
            R.BROAD_ENTRY,
            {"entries": "", "platform": "20.0.0.0/8"},
            "So wide that the list protects little: 20.0.0.0/8: narrow it in "
            "baseline or nodeEgress.",
        ),
        (
            R.BROAD_ENTRY,
            {"entries": "AzureCloud", "platform": "20.0.0.0/8"},
            "So wide that the list protects little: AzureCloud, not ours: stays "
            "until it is taken out in Azure, or mode is Exclusive. 20.0.0.0/8: narrow it in "
            "baseline or nodeEgress.",
        ),
        (
            R.BROAD_ENTRY,
            {"entries": "", "platform": "", "going": "30.0.0.0/8"},
            "So wide that the list protects little: 30.0.0.0/8, wanted by nobody any more: goes "
            "once what else is reported here is settled.",
        ),
    ],
)
def test_a_finding_names_the_way_out(reason: R, details: Mapping[str, str], said: str) -> None:
    assert say(reason, details) == said


@pytest.mark.parametrize(
    ("reason", "details", "said"),
    [
        (
            R.REVOCATION_OVERDUE,
            {"entry": "20.0.0.1/32"},
            "20.0.0.1/32 still open, due earlier. Create a target for the cluster; by hand: `az "
            f"aks update {AZ_FLAGS} --api-server-authorized-ip-ranges` with every other entry of "
            "the list, never an empty one (it opens the cluster).",
        ),
        (
            R.MASS_REMOVAL_HELD,
            {"count": "8", "causes": "Orphaned", "code": "a1b2"},
            "8 removals at once (Orphaned) wait for a person: if they are a mistake, bring back "
            "what vanished; if they are meant: `kubectl annotate --overwrite configmap "
            "aks-access-ledger-b237f62f5bb23670 aksaccess.dev/acknowledge=a1b2`.",
        ),
        (
            R.LEDGER_LOST,
            {"problem": "the ledger is gone", "code": "a1b2"},
            "The ledger is gone: entries of known grants count as ours, the others are kept, "
            "nothing is added. Restore the ledger, or accept this: `kubectl annotate --overwrite "
            "configmap aks-access-ledger-b237f62f5bb23670 aksaccess.dev/acknowledge=a1b2`.",
        ),
        (R.CLUSTER_LOCKED, {}, f"{ID}: ClusterLocked."),
    ],
)
def test_a_ledger_without_its_target_is_named_by_its_cluster(
    reason: R, details: Mapping[str, str], said: str
) -> None:
    assert say(reason, details, None) == said


@pytest.mark.parametrize(
    ("entries", "why", "said"),
    [
        (
            ["20.0.0.1/32", "20.0.0.2/32"],
            "403 from ARM",
            "20.0.0.1/32, 20.0.0.2/32 stand open on c1, whose target prod is gone: 403 from "
            "ARM. Remove the cause, or create a target for the cluster again; by hand: `az aks "
            f"update {AZ_FLAGS} --api-server-authorized-ip-ranges` with every other entry of the "
            "list, never an empty one.",
        ),
        (
            [],
            "",
            "What it holds stands open on c1, whose target prod is gone: the removal was not "
            "confirmed. Remove the cause, or create a target for the cluster again; by hand: `az "
            f"aks update {AZ_FLAGS} --api-server-authorized-ip-ranges` with every other entry of "
            "the list, never an empty one.",
        ),
    ],
)
def test_access_without_a_target_is_told_with_what_keeps_it(
    entries: Sequence[str], why: str, said: str
) -> None:
    assert orphan_sentence(entries=entries, target="prod", cluster=ID, why=why) == said


def test_access_without_a_target_is_told_in_an_events_room_with_the_longest_names() -> None:
    group, name = "g" * 90, "c" * 63
    cluster = ID.replace("/rg/", f"/{group}/").removesuffix("c1") + name
    said = orphan_sentence(
        entries=[f"120.200.100.{number}/32" for number in range(100, 300)],
        target="t" * 63,
        cluster=cluster,
        why=azure_text("x" * 9000),
    )
    assert len(said.encode()) <= NOTE_LIMIT
    assert f"-g {group} -n {name} --api-server" in said
    assert said.endswith("never an empty one.")


def test_the_first_wrong_field_is_told_and_the_others_are_counted() -> None:
    first, other = Problem("spec.mode", "x", "is unknown"), Problem("spec.policy", "y", "is wrong")
    one, three = target(problems=(first,)), target(problems=(first, other, other))
    assert say(R.INVALID_SPEC, {}, one) == "spec.mode: is unknown."
    assert say(R.INVALID_SPEC, {}, three) == "spec.mode: is unknown. 2 more fields are wrong."
