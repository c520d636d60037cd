"""The oracle on hand-made histories: what has to happen in time, and what has to stay away."""

from collections.abc import Callable

import pytest

from tests.history import Cluster, Result, Sign
from tests.unit.oracle_kit import (
    BARE,
    CODE,
    FOREIGN,
    FULL,
    KEY,
    LAPTOP,
    OFFICE,
    Tale,
    crowd,
    programmed,
    target,
)

MANY = crowd(8)


def test_i3_an_entry_without_a_cause_after_the_bound() -> None:
    tale = programmed(spec={"expiresAt": "2026-11-22T10:30:00Z"})
    tale.at = 1810.0
    tale.look()
    assert tale.judged() == []
    tale.after(300.0).look()
    assert tale.broken() == {"I3"}


def _killed(tale: Tale) -> None:
    tale.mark(Sign.KILLED)


def _failing(tale: Tale) -> None:
    tale.mark(Sign.FAULT_BEGINS)


def _upgrading(tale: Tale) -> None:
    tale.history.add(Cluster(at=tale.at, cluster=KEY, ranges=FULL, provisioning="Upgrading"))


def _suspended(tale: Tale) -> None:
    tale.target(suspend=True)


@pytest.mark.parametrize("excuse", [_killed, _failing, _upgrading, _suspended])
def test_i3_waits_while_something_stands_in_the_way(excuse: Callable[[Tale], None]) -> None:
    tale = programmed()
    excuse(tale)
    tale.grant(revoked=True)
    tale.after(7200.0).look()
    assert tale.judged() == []


def test_i3_at_rest_nothing_stands_without_a_cause() -> None:
    tale = programmed()
    tale.grant(revoked=True)
    tale.after(20.0).mark(Sign.REST)
    assert tale.broken() == {"I3"}


def test_i4_a_removal_waits_behind_a_list_that_azure_refuses() -> None:
    tale = programmed()
    tale.grant(revoked=True)
    tale.grant("g2", "81.2.69.7")
    tale.ledger(OFFICE, LAPTOP, "81.2.69.7/32")
    tale.put(*BARE, "81.2.69.7/32", applied=False, result=Result.INVALID)
    tale.after(60.0).put(*BARE, "81.2.69.7/32", applied=False, result=Result.INVALID)
    assert tale.broken() == {"I4"}
    tale.after(400.0).look()
    assert [v.sentence for v in tale.judged()][-1].endswith("behind a list that AKS refuses")


def test_i4_a_removal_alone_goes_first() -> None:
    tale = programmed()
    tale.grant(revoked=True)
    tale.grant("g2", "81.2.69.7")
    tale.ledger(OFFICE, LAPTOP, "81.2.69.7/32")
    tale.put(*BARE, "81.2.69.7/32", applied=False, result=Result.INVALID)
    tale.after(5.0).put(*BARE)
    tale.after(62.0).look()
    assert tale.judged() == []


def test_i4_an_addition_takes_one_of_the_last_writes() -> None:
    tale = programmed()
    for number in range(20):
        tale.grant(f"x{number}", f"81.2.70.{number}")
        tale.ledger(*[f"81.2.70.{n}/32" for n in range(number + 1)])
        tale.after(2.0).put(*(tale.list or ()), f"81.2.70.{number}/32", ends=None)
    assert tale.broken() == {"I4"}


def test_i8_a_live_grant_loses_its_entry() -> None:
    tale = programmed()
    tale.put(*BARE)
    assert tale.broken() == {"I8"}


def _mass() -> Tale:
    tale = Tale()
    tale.target()
    tale.range_set(*MANY)
    tale.grant(ipRanges=[], rangeSetRefs=[{"name": "home"}])
    tale.ledger(OFFICE, *MANY)
    tale.put(*BARE, *MANY)
    tale.after(62.0).look()
    return tale


def test_i8_a_mass_removal_without_an_acknowledgement() -> None:
    tale = _mass()
    tale.range_set(MANY[0])
    tale.after(5.0).put(*BARE, MANY[0])
    assert tale.broken() == {"I8"}


def test_i8_a_mass_removal_with_the_code_that_was_shown() -> None:
    tale = _mass()
    tale.range_set(MANY[0])
    shown = {**target(), "status": {"conditions": [{"message": f"acknowledge={CODE}"}]}}
    tale.target(shown)
    marked = {**shown, "metadata": {**shown["metadata"]}}
    marked["metadata"]["annotations"] = {"aksaccess.dev/acknowledge": CODE}
    tale.target(marked)
    tale.after(5.0).put(*BARE, MANY[0])
    assert tale.judged() == []
    tale = _mass()
    tale.range_set(MANY[0])
    tale.target(marked)
    tale.history.lines.remove(tale.history.lines[-1])
    wrong = {**target(), "metadata": {**marked["metadata"]}}
    tale.target(wrong)
    tale.after(5.0).put(*BARE, MANY[0])
    assert tale.broken() == {"I8"}


def test_i9_the_object_is_gone_and_no_ledger_holds_the_debt() -> None:
    tale = programmed()
    tale.ledger(OFFICE)
    tale.grant(gone=True, operator=True)
    assert tale.broken() == {"I9"}


def test_i9_a_finalizer_released_while_its_entry_is_owned_and_stands() -> None:
    tale = programmed()
    tale.grant(gone=True, operator=True)
    assert tale.broken() == {"I9"}


def test_i9_gone_by_force_with_the_ledger_still_naming_it() -> None:
    tale = programmed()
    tale.grant(gone=True)
    tale.after(3.0).put(*BARE)
    assert tale.judged() == []


def test_i11_a_write_in_a_quiet_window() -> None:
    tale = programmed()
    tale.mark(Sign.QUIET_BEGINS)
    tale.after(60.0).ledger(OFFICE, LAPTOP)
    assert tale.broken() == {"I11"}


def test_i11_a_write_that_changes_nothing() -> None:
    tale = programmed()
    tale.put(*FULL)
    assert tale.broken() == {"I11"}
    tale = programmed()
    tale.after(200.0).mark(Sign.NO_CHANGE, about="ApiAccessGrant g1")
    assert tale.broken() == {"I11"}


def test_i12_a_cleared_list_is_not_restored() -> None:
    tale = programmed()
    tale.ledger(OFFICE, LAPTOP)
    tale.others(cleared=True)
    tale.after(3600.0).look()
    assert tale.broken() == {"I12"}


def test_i12_a_cleared_list_goes_back_with_its_foreign_entries() -> None:
    tale = programmed()
    tale.ledger(OFFICE, LAPTOP)
    tale.others(cleared=True)
    tale.after(60.0).put(*FULL)
    assert tale.judged() == []


def test_i13_an_entry_returns_too_often() -> None:
    tale = programmed()
    for turn in range(3):
        tale.others(*BARE)
        tale.after(70.0).put(*FULL)
        tale.after(70.0).look()
        assert tale.broken() == ({"I13"} if turn == 2 else set())


def test_i13_once_an_hour_is_allowed() -> None:
    tale = programmed()
    for _ in range(2):
        tale.others(*BARE)
        tale.after(70.0).put(*FULL)
        tale.after(70.0)
    tale.others(*BARE)
    tale.after(3700.0).put(*FULL)
    assert tale.judged() == []


def test_whose_an_entry_is_follows_from_what_happened() -> None:
    """A removed entry that comes back is ours to remove; one that others bring stays theirs."""
    tale = programmed()
    tale.grant(revoked=True)
    tale.put(*BARE)
    tale.after(90.0).others(*FULL, "198.41.7.7/32")
    tale.after(90.0).put(*BARE, "198.41.7.7/32")
    tale.after(90.0).look()
    assert tale.judged() == []
    tale.put(*BARE)
    assert tale.broken() == {"I2"}
    assert FOREIGN in BARE
    assert LAPTOP not in BARE


def test_i3_what_waits_for_a_person_comes_back_with_a_cleared_list() -> None:
    tale = _mass()
    tale.range_set(MANY[0])
    tale.target({**target(), "status": {"summary": {"state": "MassRemovalHeld"}}})
    tale.after(5.0).others(cleared=True)
    tale.after(60.0).put(*BARE, *MANY)
    tale.after(600.0).look()
    assert tale.judged() == []


def test_i3_what_ended_does_not_come_back_with_a_cleared_list() -> None:
    tale = programmed()
    tale.ledger(OFFICE, LAPTOP)
    tale.grant(revoked=True)
    tale.after(5.0).others(cleared=True)
    tale.after(5.0).put(*FULL)
    assert tale.broken() == {"I3"}


def test_i4_nobody_is_let_in_by_the_sentinel() -> None:
    tale = Tale()
    tale.target(baseline=None)
    tale.grant()
    tale.ledger(LAPTOP)
    tale.others()
    tale.put(LAPTOP)
    tale.after(62.0).grant(revoked=True)
    tale.target()
    tale.ledger(OFFICE, LAPTOP)
    tale.put(OFFICE, applied=False, result=Result.INVALID)
    tale.after(5.0).put("0.0.0.0/32")
    assert tale.broken() == set()
