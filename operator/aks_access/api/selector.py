"""Label selectors, with one difference to Kubernetes: an empty one matches nothing.

Here a selector decides who gets access where, and a list that lost its last line must not
suddenly mean "everything". What one selects is decided by `plan.model.Selector`, and only there.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StrictStr, StringConstraints

from aks_access.api import cel
from aks_access.api.base import RuledModel, Violation

MAX_TERMS = 20
MAX_VALUES = 50

_VALUES_MESSAGE = "operators In and NotIn need values; Exists and DoesNotExist take none"

LabelKey = Annotated[StrictStr, StringConstraints(min_length=1, max_length=317)]
LabelValue = Annotated[StrictStr, StringConstraints(max_length=63)]


class SelectorOperator(StrEnum):
    """How a label is compared with the values."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"

    @property
    def takes_values(self) -> bool:
        """Whether the operator compares with values, or only looks whether the label is there."""
        return self in (SelectorOperator.IN, SelectorOperator.NOT_IN)


class SelectorTerm(RuledModel):
    """One condition on a label."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel.rule(
                    "(self.operator in ['In', 'NotIn']) == "
                    "(has(self.values) && size(self.values) > 0)",
                    _VALUES_MESSAGE,
                    field="values",
                )
            ]
        }
    )

    key: LabelKey = Field(
        description="Key of the label.",
        examples=["environment"],
    )
    operator: SelectorOperator = Field(
        description=(
            "How the label is compared: In and NotIn with `values`, Exists and DoesNotExist "
            "without. NotIn is also true where the label is missing."
        ),
        examples=["In"],
    )
    values: tuple[LabelValue, ...] = Field(
        default=(),
        max_length=MAX_VALUES,
        description="Values for In and NotIn, at most 50.",
        examples=[["dev", "test"]],
    )

    def violations(self) -> Iterator[Violation]:
        """In and NotIn need values; the others take none."""
        if self.operator.takes_values != bool(self.values):
            yield Violation(
                ("values",),
                list(self.values),
                _VALUES_MESSAGE,
            )


class LabelSelector(RuledModel):
    """Objects by their labels. All conditions must hold; an empty selector matches nothing."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})

    match_labels: Mapping[LabelKey, LabelValue] = Field(
        default_factory=dict[str, Any],
        max_length=MAX_TERMS,
        description="Labels an object must have, with exactly these values; at most 20.",
        examples=[{"environment": "dev"}],
    )
    match_expressions: tuple[SelectorTerm, ...] = Field(
        default=(),
        max_length=MAX_TERMS,
        description="Further conditions on labels, at most 20.",
        examples=[[{"key": "region", "operator": "In", "values": ["weu", "neu"]}]],
    )
