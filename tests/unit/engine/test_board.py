"""The board: who is told of what, and when the holdings are the whole truth."""

from dataclasses import replace

import pytest

from aks_access.api.reasons import GrantReason
from aks_access.engine.board import Board
from aks_access.engine.reports import GrantReport, TargetReport
from aks_access.plan.model import ClusterKey, GrantUid

KEY, OTHER = ClusterKey("/one"), ClusterKey("/two")
ONE, TWO = GrantUid("u1"), GrantUid("u2")
REPORT = GrantReport(target="weu", generation=1, reason=GrantReason.ACTIVE, message="in")
WEU = TargetReport(key=KEY, target="weu", grants={ONE: REPORT}, held={ONE: ("1.1.1.1/32",)})


class Told:
    def __init__(self) -> None:
        self.calls: list[set[GrantUid]] = []
        self.board = Board(on_change=self.calls.append)

    def take(self) -> set[GrantUid]:
        found = set().union(*self.calls) if self.calls else set()
        self.calls.clear()
        return found


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_report_tells_its_grants_once(told: Told) -> None:
    told.board.post(WEU)
    assert told.take() == {ONE}
    told.board.post(replace(WEU, planned_at=9.0))
    assert told.take() == set()
    assert told.board.planned_at("weu") == 9.0
    assert told.board.planned_at("neu") == -1.0


def test_only_grants_whose_report_changed_are_told(told: Told) -> None:
    both = replace(WEU, grants={ONE: REPORT, TWO: REPORT})
    told.board.post(both)
    told.take()
    told.board.post(replace(both, grants={ONE: REPORT, TWO: replace(REPORT, in_azure=True)}))
    assert told.take() == {TWO}
    told.board.post(replace(both, grants={ONE: REPORT}))
    assert told.take() == {TWO}


def test_what_is_held_is_known_by_cluster_and_ends_with_it(told: Told) -> None:
    told.board.post(WEU)
    told.board.post(TargetReport(key=OTHER, target="", held={ONE: ("2.2.2.2/32",)}))
    assert told.board.held(ONE) == {KEY: ("1.1.1.1/32",), OTHER: ("2.2.2.2/32",)}
    told.take()
    told.board.post(replace(WEU, held={}))
    assert told.take() == {ONE}
    told.board.drop_cluster(OTHER)
    assert told.take() == {ONE}
    assert told.board.held(ONE) == {}


def test_the_holdings_are_known_when_every_ledger_has_reported(told: Told) -> None:
    told.board.expect([KEY, OTHER])
    assert not told.board.holdings_known
    told.board.post(WEU)
    assert not told.board.holdings_known
    told.board.drop_cluster(OTHER)
    assert told.board.holdings_known


def test_a_waiting_grant_is_told_of_every_report(told: Told) -> None:
    told.board.post(WEU)
    told.take()
    told.board.wait(TWO)
    told.board.post(replace(WEU, planned_at=3.0))
    assert told.take() == {TWO}
    told.board.rest(TWO)
    told.board.post(replace(WEU, planned_at=4.0))
    assert told.take() == set()


def test_a_duplicate_does_not_speak_for_the_cluster(told: Told) -> None:
    told.board.post(WEU)
    told.board.post_duplicate(TargetReport(key=KEY, target="second", grants={TWO: REPORT}))
    assert told.board.held(ONE) == {KEY: ("1.1.1.1/32",)}
    assert told.board.report(target="second", uid=TWO) == REPORT


def test_what_is_to_be_prepared_and_what_is_overdue(told: Told) -> None:
    told.board.post(replace(WEU, prepare=frozenset({TWO}), overdue=frozenset({ONE})))
    assert told.take() == {ONE, TWO}
    assert told.board.to_prepare(TWO)
    assert not told.board.to_prepare(ONE)
    told.board.drop_target("weu")
    assert told.take() == {ONE, TWO}
    assert told.board.report(target="weu", uid=ONE) is None


def test_a_target_that_is_gone_prepares_nobody(told: Told) -> None:
    told.board.post(replace(WEU, prepare=frozenset({TWO})))
    told.board.drop_target("weu")
    assert not told.board.prepared(TWO)


def test_i9_what_a_target_that_is_gone_could_not_read_stays_unknown(told: Told) -> None:
    told.board.post(replace(WEU, held={}, known=False))
    assert told.board.unknown({"weu"})
    told.board.drop_target("weu")
    assert not told.board.unknown({"weu"}), "another target of this name is another matter"
    assert told.board.unknown({""})
    told.board.drop_cluster(KEY)
    assert not told.board.unknown({"", "weu"})


def test_a_new_leader_starts_from_nothing(told: Told) -> None:
    told.board.expect([KEY])
    told.board.post(WEU)
    told.board.clear()
    assert told.board.held(ONE) == {}
    assert told.board.holdings_known
    assert told.board.report(target="weu", uid=ONE) is None
