"""`ApiAccessTarget.spec.policy`: who may be granted what on a cluster."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, StrictInt, StrictStr, WithJsonSchema

from aks_access.api import cel
from aks_access.api.base import RuledModel, Violation
from aks_access.api.fields import Duration, Flag, PolicyRange
from aks_access.api.ranges import MIN_GRANT_PREFIX
from aks_access.api.selector import LabelSelector

DEFAULT_MIN_PREFIX = 24
"""What `minPrefixLength` means where it is absent."""

MAX_POLICY_RANGES = 200

_SELECTOR_MESSAGE = (
    "selector belongs to from: Selector, and only to it; add a selector like matchLabels: "
    "{kubernetes.io/metadata.name: team-a}, or choose from: All and leave selector out"
)

_NOTHING_ALLOWED_MESSAGE = (
    "allowedRanges is empty, which would refuse every grant; list the networks grants may lie in, "
    "or leave allowedRanges out to allow any"
)


def _number(minimum: int, maximum: int) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "integer", "format": "int32", "minimum": minimum, "maximum": maximum}
    )


class NamespacesFrom(StrEnum):
    """Which namespaces' grants are taken."""

    ALL = "All"
    SELECTOR = "Selector"


class AllowedNamespaces(RuledModel):
    """Namespaces whose grants the target takes, in the shape of the Gateway API."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel.rule(
                    "(self.from == 'Selector') == has(self.selector)",
                    _SELECTOR_MESSAGE,
                    field="selector",
                )
            ]
        }
    )

    from_: NamespacesFrom = Field(
        alias="from",
        description=(
            "All: every namespace. Selector: the namespaces whose labels match `selector`."
        ),
        examples=["Selector"],
    )
    selector: LabelSelector | None = Field(
        default=None,
        description=(
            "Labels of the namespaces, for from: Selector. An empty selector matches nothing. "
            "Safest is the label kubernetes.io/metadata.name, which nobody can forge."
        ),
        examples=[{"matchLabels": {"kubernetes.io/metadata.name": "team-a"}}],
    )

    def violations(self) -> Iterator[Violation]:
        """A selector if and only if `from` is Selector."""
        if (self.from_ is NamespacesFrom.SELECTOR) != (self.selector is not None):
            yield Violation(("selector",), self.from_.value, _SELECTOR_MESSAGE)


class GrantPolicy(RuledModel):
    """Who may be granted what."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel.rule(
                    "!has(self.allowedRanges) || size(self.allowedRanges) > 0",
                    _NOTHING_ALLOWED_MESSAGE,
                    field="allowedRanges",
                )
            ]
        }
    )

    allowed_namespaces: AllowedNamespaces = Field(
        description="Namespaces whose grants this target takes. Required.",
        examples=[{"from": "All"}],
    )
    max_duration: Duration | None = Field(
        default=None,
        description=(
            "Longest time from start to end of a grant's access, counted from first activation: an "
            "extension does not start over, nor does a notBefore of the past. Absent: no limit, "
            "but a permanent grant still needs allowPermanent."
        ),
        examples=["24h"],
    )
    min_prefix_length: Annotated[StrictInt, _number(MIN_GRANT_PREFIX, 32)] | None = Field(
        default=None,
        ge=MIN_GRANT_PREFIX,
        le=32,
        description=(
            "Widest range a grant may ask for, as a prefix length from 16 (65,536 addresses) to 32 "
            "(one address). Absent: 24."
        ),
        examples=[28],
    )
    allowed_ranges: tuple[PolicyRange, ...] | None = Field(
        default=None,
        max_length=MAX_POLICY_RANGES,
        description=(
            "A grant's ranges must each lie within one of these IPv4 networks; at most 200. "
            "Absent: anywhere."
        ),
        examples=[["20.50.0.0/16"]],
    )
    denied_ranges: tuple[PolicyRange, ...] = Field(
        default=(),
        max_length=MAX_POLICY_RANGES,
        description="A grant's ranges must not overlap any of these IPv4 networks; at most 200.",
        examples=[["13.64.0.0/11"]],
    )
    allow_permanent: Flag = Field(
        default=False,
        description="true takes grants without an end. Absent: refused.",
        examples=[True],
    )
    require_reason: Flag = Field(
        default=False, description="true refuses a grant without `reason`.", examples=[True]
    )
    require_ticket: Flag = Field(
        default=False, description="true refuses a grant without `ticketRef`.", examples=[True]
    )
    require_requested_by: Flag = Field(
        default=False, description="true refuses a grant without `requestedBy`.", examples=[True]
    )
    max_grants_per_namespace: Annotated[StrictInt, _number(1, 10_000)] | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description=(
            "How many live or scheduled grants one namespace may have here. Absent: no limit."
        ),
        examples=[10],
    )
    max_entries_per_namespace: Annotated[StrictInt, _number(1, 2000)] | None = Field(
        default=None,
        ge=1,
        le=2000,
        description=(
            "How many entries of the cluster's list (200, or 2,000 with API server VNet "
            "integration) the grants of one namespace may take, after range sets are expanded. "
            "Absent: no limit."
        ),
        examples=[50],
    )
    contact: StrictStr = Field(
        default="",
        max_length=256,
        description="Whom to ask, quoted in every refusal.",
        examples=["platform@contoso.com"],
    )

    def violations(self) -> Iterator[Violation]:
        """An empty allow-list is a mistake, not a policy."""
        if self.allowed_ranges is not None and not self.allowed_ranges:
            yield Violation(("allowedRanges",), [], _NOTHING_ALLOWED_MESSAGE)

    @property
    def effective_min_prefix(self) -> int:
        """`minPrefixLength`, 24 where absent."""
        return DEFAULT_MIN_PREFIX if self.min_prefix_length is None else self.min_prefix_length
