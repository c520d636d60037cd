"""Which of several targets holds a cluster."""

from aks_access.plan.holders import incumbent
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import Problem, Target
from tests.unit.plan.build import HOUR, NOW, ledger, target

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


def test_nobody_holds_a_cluster_that_no_target_names() -> None:
    assert holder(stored=ledger()) == ""
