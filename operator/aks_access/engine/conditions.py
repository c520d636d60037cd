"""What every status has: a whole list of conditions at once, and the last few states."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aks_access.api.conditions import Condition, set_condition
from aks_access.api.reasons import ConditionStatus, ConditionType
from aks_access.api.status import HISTORY_LIMIT, Transition


@dataclass(frozen=True, slots=True)
class Wanted:
    """One condition as it should stand."""

    type: ConditionType
    true: bool
    reason: str
    message: str


def history(
    *, previous: Sequence[Transition], reason: str, message: str, now: datetime
) -> tuple[Transition, ...]:
    """The last few states, with this one added where the reason is another."""
    if previous and previous[-1].reason == reason:
        return tuple(previous)
    latest = Transition(time=now.replace(microsecond=0), reason=reason, message=message)
    return (*previous, latest)[-HISTORY_LIMIT:]


def conditions(
    *,
    previous: Sequence[Condition],
    wanted: Iterable[Wanted],
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """Exactly the wanted conditions; their transition times are kept where the status stays."""
    listed = list(wanted)
    kinds = {item.type.value for item in listed}
    result: tuple[Condition, ...] = tuple(c for c in previous if c.type in kinds)
    for item in listed:
        result = set_condition(
            result,
            type=item.type,
            status=ConditionStatus.TRUE if item.true else ConditionStatus.FALSE,
            reason=str(item.reason),
            message=item.message,
            observed_generation=generation,
            now=now,
        )
    return result
