"""How a list of conditions changes."""

from datetime import UTC, datetime, timedelta

from aks_access.api.conditions import Condition, find_condition, remove_condition, set_condition
from aks_access.api.reasons import ConditionStatus, ConditionType, GrantReason

NOW = datetime(2026, 11, 22, 10, 2, 3, 456789, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def _set(
    previous: tuple[Condition, ...],
    kind: ConditionType,
    status: ConditionStatus,
    *,
    reason: str = GrantReason.ACTIVE,
    message: str = "",
    generation: int = 1,
    now: datetime = NOW,
) -> tuple[Condition, ...]:
    return set_condition(
        previous,
        type=kind,
        status=status,
        reason=reason,
        message=message,
        observed_generation=generation,
        now=now,
    )


def test_a_new_condition_carries_now_in_whole_seconds() -> None:
    (ready,) = _set((), ConditionType.READY, ConditionStatus.TRUE)
    assert ready.to_json() == {
        "type": "Ready",
        "status": "True",
        "reason": "Active",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-22T10:02:03Z",
    }


def test_only_another_status_moves_the_transition_time() -> None:
    before = _set((), ConditionType.READY, ConditionStatus.FALSE)
    same = _set(
        before,
        ConditionType.READY,
        ConditionStatus.FALSE,
        reason="Progressing",
        message="m",
        generation=2,
        now=LATER,
    )
    assert same[0].last_transition_time == before[0].last_transition_time
    assert (same[0].reason, same[0].message, same[0].observed_generation) == ("Progressing", "m", 2)
    flipped = _set(same, ConditionType.READY, ConditionStatus.TRUE, now=LATER)
    assert flipped[0].last_transition_time == LATER.replace(microsecond=0)


def test_an_unchanged_state_is_an_unchanged_list() -> None:
    first = _set((), ConditionType.PROGRAMMED, ConditionStatus.TRUE)
    first = _set(first, ConditionType.READY, ConditionStatus.TRUE)
    second = _set(first, ConditionType.PROGRAMMED, ConditionStatus.TRUE, now=LATER)
    assert second == first
    assert [condition.type for condition in second] == ["Ready", "Programmed"]


def test_unknown_types_are_kept_last() -> None:
    foreign = Condition(
        type="Foreign",
        status=ConditionStatus.TRUE,
        reason="X",
        message="",
        last_transition_time=NOW,
    )
    found = _set((foreign,), ConditionType.STALLED, ConditionStatus.TRUE)
    assert [condition.type for condition in found] == ["Stalled", "Foreign"]


def test_removing() -> None:
    both = _set((), ConditionType.READY, ConditionStatus.FALSE)
    both = _set(both, ConditionType.STALLED, ConditionStatus.TRUE)
    left = remove_condition(both, type=ConditionType.STALLED)
    assert find_condition(left, ConditionType.STALLED) is None
    assert find_condition(left, ConditionType.READY) == both[0]


def test_a_long_message_is_cut_not_refused() -> None:
    (ready,) = _set((), ConditionType.READY, ConditionStatus.FALSE, message="x" * 100_000)
    assert len(ready.message) == 4096
