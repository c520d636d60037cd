"""Which of several targets holds a cluster, and what the others' grants are told."""

from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan.holders import barrier, blocked, claimants, incumbent
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey, Problem, Target
from aks_access.plan.outcome import Finding, Rule
from tests.unit.plan.build import AZ_FLAGS, HOUR, NOW, ledger, target

OLD = target(uid="t1", name="old", created=NOW - 3 * HOUR)
NEW = target(uid="t2", name="new", created=NOW - HOUR)
BAD = (Problem(path="spec.policy", value="{}", message="is wrong"),)


def holder(*claimants: Target, stored: Ledger | None = None) -> str:
    found = incumbent(list(claimants), stored)
    return found.name if found is not None else ""


def test_i6_the_ledgers_target_holds_the_cluster_however_old_another_is() -> None:
    assert holder(OLD, NEW, stored=ledger(target_uid="t2", target_name="new")) == "new"
    assert holder(OLD, NEW, stored=ledger(target_uid="t1", target_name="old")) == "old"


def test_a_target_of_the_ledgers_name_holds_it_where_its_uid_is_gone() -> None:
    assert holder(OLD, NEW, stored=ledger(target_uid="t0", target_name="new")) == "new"


def test_the_uid_says_more_than_the_name() -> None:
    assert holder(OLD, NEW, stored=ledger(target_uid="t2", target_name="old")) == "new"


def test_without_the_ledgers_target_the_oldest_holds_the_cluster() -> None:
    assert holder(OLD, NEW) == "old"
    assert holder(OLD, NEW, stored=ledger(target_uid="t0", target_name="gone")) == "old"


def test_one_that_cannot_be_used_comes_last_unless_it_holds_the_ledger() -> None:
    broken = target(uid="t0", name="broken", created=NOW - 9 * HOUR, problems=BAD)
    assert holder(broken, NEW) == "new"
    assert holder(broken) == "broken"
    assert holder(broken, NEW, stored=ledger(target_uid="t0", target_name="broken")) == "broken"


def test_the_target_that_remembers_the_latest_ledger_holds_the_cluster() -> None:
    first = target(uid="t3", name="first", created=NEW.created, ledger_sequence=0)
    later = target(uid="t4", name="later", created=NOW, ledger_sequence=1)
    latest = target(uid="t5", name="latest", created=NOW, ledger_sequence=7, problems=BAD)
    assert holder(OLD, first) == "first"
    assert holder(OLD, first, later) == "later"
    assert holder(OLD, first, latest, later) == "latest"


def test_nobody_holds_a_cluster_that_no_target_names() -> None:
    assert holder(stored=ledger()) == ""


def test_those_who_name_the_cluster_claim_it_the_oldest_first() -> None:
    twin = target(uid="t0", name="twin", created=OLD.created)
    other = target(uid="t3", name="other", key=ClusterKey("another"))
    found = claimants([NEW, OLD, other, twin], key=OLD.key)
    assert [each.name for each in found] == ["twin", "old", "new"]


def test_a_target_judges_no_grant_where_it_is_unusable_or_another_holds_its_cluster() -> None:
    broken = target(uid="t2", name="new", problems=BAD)
    duplicate = Finding(TargetReason.DUPLICATE_TARGET, {"holder": "old"}, blocks=True)
    unusable = Finding(TargetReason.INVALID_SPEC, {}, blocks=True)
    assert barrier(OLD, holder=OLD) is None
    assert barrier(OLD, holder=None) is None
    assert barrier(NEW, holder=OLD) == duplicate
    assert barrier(broken, holder=OLD) == unusable
    assert barrier(broken, holder=broken) == unusable


def test_a_grant_is_told_what_its_target_says() -> None:
    found = barrier(NEW, holder=OLD)
    assert found is not None
    refusal = blocked(NEW, by=found)
    assert (refusal.reason, refusal.rule, refusal.field) == (
        GrantReason.TARGET_BLOCKED,
        Rule.SPEC,
        "",
    )
    assert (refusal.value, refusal.limit) == (
        "DuplicateTarget",
        "old stands for this cluster already. Delete this target, or that one first.",
    )


def test_what_a_targets_sentence_needs_is_the_targets_own() -> None:
    private = Finding(TargetReason.UNSUPPORTED_CLUSTER, {}, blocks=True)
    assert AZ_FLAGS in blocked(NEW, by=private).limit
    broken = target(uid="t2", name="new", problems=BAD)
    unusable = Finding(TargetReason.INVALID_SPEC, {}, blocks=True)
    assert blocked(broken, by=unusable).limit == "spec.policy: is wrong."


def test_a_target_made_anew_is_another_one_than_that_of_its_name() -> None:
    found = barrier(target(uid="t9", name="old"), holder=OLD)
    assert found == Finding(TargetReason.DUPLICATE_TARGET, {"holder": "old"}, blocks=True)
