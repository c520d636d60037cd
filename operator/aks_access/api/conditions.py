"""Conditions, and how a list of them changes.

`Reconciling` and `Stalled` are abnormal-true: they stand in the list only while True, and never
both, because kstatus takes whichever it meets first.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from aks_access.api.base import ApiModel
from aks_access.api.instant import Instant
from aks_access.api.reasons import ConditionStatus, ConditionType

MAX_MESSAGE_LENGTH = 4096


class Condition(ApiModel):
    """One fact about an object, in the shape of `metav1.Condition`."""

    type: str = Field(
        max_length=64,
        description=(
            "What the condition is about: Ready, Reconciling, Stalled, Accepted, ResolvedRefs or "
            "Programmed."
        ),
        examples=["Programmed"],
    )
    status: ConditionStatus = Field(description="True, False or Unknown.", examples=["True"])
    reason: str = Field(
        max_length=64,
        description="One CamelCase word for programs: why the condition has this status.",
        examples=["Active"],
    )
    message: str = Field(
        max_length=MAX_MESSAGE_LENGTH,
        description="A sentence for people, which ends with what to do next.",
        examples=["20.50.0.0/20 is wider than /24, the limit of prod-weu. Narrow it."],
    )
    observed_generation: int | None = Field(
        default=None,
        ge=0,
        description="The generation of the object that this condition speaks of.",
        examples=[3],
    )
    last_transition_time: Instant = Field(
        description="When `status` last changed (UTC); another reason or message leaves it.",
        examples=["2026-11-22T10:02:00Z"],
    )


def find_condition(conditions: Sequence[Condition], kind: str) -> Condition | None:
    """The condition of that type, or None."""
    return next((condition for condition in conditions if condition.type == kind), None)


def set_condition(
    previous: Sequence[Condition],
    *,
    type: ConditionType,
    status: ConditionStatus,
    reason: str,
    message: str,
    observed_generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """The list with this condition in it, and the others as they were.

    `lastTransitionTime` becomes `now` (UTC, whole seconds) only when the status differs from the
    previous one. The order is that of ConditionType, unknown types last, so that an unchanged
    state is an unchanged list.
    """
    before = find_condition(previous, type)
    same = before is not None and before.status == status
    changed = before.last_transition_time if before and same else now.replace(microsecond=0)
    condition = Condition(
        type=type.value,
        status=status,
        reason=str(reason),
        message=message[:MAX_MESSAGE_LENGTH],
        observed_generation=observed_generation,
        last_transition_time=changed,
    )
    return _ordered([*remove_condition(previous, type=type), condition])


def remove_condition(
    previous: Sequence[Condition], *, type: ConditionType
) -> tuple[Condition, ...]:
    """The list without that type; how `Reconciling` and `Stalled` end."""
    return tuple(condition for condition in previous if condition.type != type)


def _ordered(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    order = [str(kind) for kind in ConditionType]
    return tuple(
        sorted(conditions, key=lambda c: order.index(c.type) if c.type in order else len(order))
    )
