"""What the statuses of all kinds share: generation, conditions, history, the reconcile echo."""

from typing import Annotated

from pydantic import Field, StrictStr, WithJsonSchema

from aks_access.api.base import LenientModel
from aks_access.api.conditions import Condition
from aks_access.api.fields import Count, StatusTime

HISTORY_LIMIT = 10

Text = Annotated[StrictStr, WithJsonSchema({"type": "string"})]


class Transition(LenientModel):
    """One change of state."""

    time: StatusTime = Field(
        description="When the state was entered (UTC).", examples=["2026-11-22T10:02:00Z"]
    )
    reason: Text = Field(
        description="The state entered: the reason of Ready from then on.", examples=["Active"]
    )
    message: Text = Field(
        default="",
        description="What happened, for people.",
        examples=["81.2.69.142/32 let in on prod-weu."],
    )


class ObjectStatus(LenientModel):
    """The part that every kind's status has."""

    observed_generation: Count | None = Field(
        default=None,
        description=(
            "The `metadata.generation` that this status speaks of; lower than the object's own "
            "while the operator has not yet seen the last edit."
        ),
        examples=[3],
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        description=(
            "What is the case, `Ready` first. `Reconciling` and `Stalled` are there only while "
            "True and never both. Wait for `Programmed` (in Azure, read back), not for `Ready`: "
            "an expired grant is Ready too."
        ),
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    )
    history: tuple[Transition, ...] = Field(
        default=(),
        description="The last ten changes of state, oldest first.",
    )
    last_handled_reconcile_at: Text | None = Field(
        default=None,
        description=(
            "Value of the annotation `reconcile.aksaccess.dev/requestedAt` that was last acted "
            "upon; equal to it once a requested reconciliation is done."
        ),
        examples=["2026-11-22T10:02:00Z"],
    )
