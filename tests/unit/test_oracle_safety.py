"""The oracle on hand-made histories: what no PUT may ever do (I1, I2, I3, I5, I6, I7, I10, I12)."""

from typing import Any

import pytest

from tests.history import Sign
from tests.unit.oracle_kit import BARE, FOREIGN, FULL, KEY, LAPTOP, OFFICE, Tale, programmed


def test_a_good_history_breaks_nothing() -> None:
    tale = programmed(spec={"expiresAt": "2026-11-22T10:30:00Z"})
    tale.at = 1801.0
    tale.put(*BARE)
    tale.after(90.0).look()
    tale.mark(Sign.REST)
    tale.after(3600.0).look()
    assert tale.judged() == []


@pytest.mark.parametrize("sent", [(), None])
def test_i1_an_empty_or_missing_list(sent: Any) -> None:
    tale = programmed()
    tale.put(*BARE, sent=sent)
    assert tale.broken() == {"I1"}


@pytest.mark.parametrize("wide", ["0.0.0.0/0", "81.2.0.0/16", "81.2.68.0/23"])
def test_i1_more_than_the_policy_allows_a_grant(wide: str) -> None:
    tale = programmed()
    tale.grant("g2", wide)
    tale.ledger(OFFICE, LAPTOP, wide)
    tale.put(*FULL, wide)
    assert "I1" in tale.broken()


def test_i1_the_sentinel_beside_others_or_where_it_cuts_off_nodes() -> None:
    tale = programmed()
    tale.put(*FULL, "0.0.0.0/32")
    assert tale.broken() == {"I1"}
    tale = Tale(outbound="userAssignedNATGateway", ranges=(LAPTOP,))
    tale.target(baseline=None, mode="Exclusive")
    tale.put("0.0.0.0/32")
    assert tale.broken() == {"I1"}


def test_i2_a_property_changed() -> None:
    tale = programmed()
    tale.grant("g2", "81.2.69.7")
    tale.ledger(OFFICE, LAPTOP, "81.2.69.7/32")
    tale.put(*FULL, "81.2.69.7/32", damage=("properties.storageProfile",))
    assert tale.broken() == {"I2"}


def test_i2_a_foreign_entry_lost_or_spelled_anew() -> None:
    tale = programmed()
    tale.put(OFFICE, LAPTOP)
    assert tale.broken() == {"I2"}
    for standing, sent in (("198.41.0.4", FOREIGN), ("AzureCloud", OFFICE)):
        tale = Tale(ranges=(standing,))
        tale.target()
        tale.ledger(OFFICE)
        tale.put(*{sent, OFFICE})
        assert tale.broken() == {"I2"}


def test_i2_exclusive_may_take_foreign_entries_out() -> None:
    tale = programmed()
    tale.target(mode="Exclusive")
    tale.put(OFFICE, LAPTOP)
    assert tale.judged() == []


def test_i3_an_entry_that_nobody_asks_for() -> None:
    tale = programmed()
    tale.ledger(OFFICE, LAPTOP, "81.2.69.7/32")
    tale.put(*FULL, "81.2.69.7/32")
    assert tale.broken() == {"I3"}


def test_i5_an_entry_that_no_ledger_names_before_the_put() -> None:
    tale = programmed()
    tale.grant("g2", "81.2.69.7")
    tale.put(*FULL, "81.2.69.7/32")
    tale.ledger(OFFICE, LAPTOP, "81.2.69.7/32")
    assert tale.broken() == {"I5"}


def test_i5_a_ledger_deleted_while_entries_of_ours_stand() -> None:
    tale = programmed()
    tale.forget(operator=True)
    assert tale.broken() == {"I5"}


def test_i6_a_put_without_if_match() -> None:
    tale = programmed()
    tale.grant(gone=True)
    tale.put(*BARE, if_match=False)
    assert tale.broken() == {"I6"}


def test_i6_a_put_while_its_own_operation_runs() -> None:
    tale = programmed()
    tale.grant(gone=True)
    tale.put(*BARE)
    tale.grant("g2", "81.2.69.7")
    tale.after(10.0).ledger("81.2.69.7/32")
    tale.put(*BARE, "81.2.69.7/32")
    assert tale.broken() == {"I6"}


def test_i6_a_put_by_a_process_whose_lease_may_end_before() -> None:
    tale = programmed()
    tale.grant(gone=True)
    tale.put(*BARE, lease=4.0, needed=20.0)
    assert tale.broken() == {"I6"}


def test_i7_a_put_that_creates() -> None:
    tale = programmed()
    tale.grant(gone=True)
    tale.put(*BARE, existed=False, created=True)
    assert tale.broken() == {"I7"}


def test_i10_an_expired_grant_is_let_in_again() -> None:
    tale = programmed(spec={"expiresAt": "2026-11-22T10:30:00Z"})
    tale.at = 1801.0
    tale.put(*BARE)
    tale.after(90.0).ledger(LAPTOP)
    tale.put(*FULL)
    assert tale.broken() == {"I10"}


def test_i10_a_clock_that_steps_back_reopens_what_it_closed() -> None:
    tale = programmed(spec={"expiresAt": "2026-11-22T10:30:00Z"})
    tale.at = 1801.0
    tale.put(*BARE)
    tale.after(90.0).mark(Sign.CLOCK, value=-600.0)
    tale.ledger(LAPTOP)
    tale.put(*FULL)
    assert tale.broken() == {"I10"}


def test_i12_an_open_cluster_closed_without_opt_in() -> None:
    tale = Tale(ranges=None)
    tale.target()
    tale.ledger(OFFICE)
    tale.put(OFFICE)
    assert tale.broken() == {"I12"}
    tale = Tale(ranges=None)
    tale.target(restrictUnrestricted=True)
    tale.ledger(OFFICE)
    tale.put(OFFICE)
    assert tale.judged() == []


def test_i12_the_baseline_or_the_nodes_egress_taken_away() -> None:
    tale = programmed()
    tale.put(FOREIGN, LAPTOP)
    assert tale.broken() == {"I12"}
    tale = Tale(ranges=(FOREIGN, "20.50.1.7/32"), outbound="userDefinedRouting")
    tale.target(
        mode="Exclusive", nodeEgress={"mode": "Static", "ipRanges": ["20.50.1.7"]}, baseline=None
    )
    tale.put(FOREIGN)
    assert tale.broken() == {"I12"}


@pytest.mark.parametrize("spec", [{"mode": "Observe"}, {"suspend": True}])
def test_i12_a_list_that_is_not_ours_to_write(spec: dict[str, Any]) -> None:
    tale = Tale()
    tale.target(**spec)
    tale.ledger(OFFICE)
    tale.put(*BARE)
    assert tale.broken() == {"I12"}


def test_what_the_operator_could_not_know_yet_excuses_it() -> None:
    tale = Tale()
    tale.target()
    tale.grant()
    tale.after(1.0).ledger(OFFICE, LAPTOP)
    tale.grant(gone=True)
    tale.after(0.5).put(*FULL)
    assert tale.judged() == []
    assert KEY in {violation.line.cluster for violation in _late(tale)}  # type: ignore[attr-defined]


def _late(tale: Tale) -> list[Any]:
    """The same write once more, long after the deletion."""
    tale.after(61.0).put(*BARE)
    tale.after(62.0).ledger(OFFICE, LAPTOP)
    tale.put(*FULL)
    found = tale.judged()
    assert {violation.invariant for violation in found} == {"I3"}
    return found
