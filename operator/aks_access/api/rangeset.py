"""`IPRangeSet`: named ranges, listed or read from an Azure resource."""

from collections.abc import Iterator

from pydantic import ConfigDict, Field, StrictStr

from aks_access.api import cel
from aks_access.api.base import ApiModel, LenientModel, RuledModel, Violation
from aks_access.api.fields import Count, PlatformRange, RangeSourceId
from aks_access.api.meta import ObjectMeta
from aks_access.api.status import ObjectStatus, Text

MAX_SET_RANGES = 2000

_SOURCE_HINT = "list ranges in ipRanges, or name an Azure resource in fromAzure"
_EMPTY_MESSAGE = (
    "ipRanges is empty, which would take the ranges from every grant and baseline that uses this "
    "set; list at least one range, or delete the set once nothing refers to it"
)


class AzureSource(ApiModel):
    """An Azure resource whose public addresses are the ranges."""

    resource_id: RangeSourceId = Field(
        description=(
            "ARM id of a public IP address, public IP prefix, NAT gateway, Azure Firewall or IP "
            "group. The operator's identity needs read access to it, and to the public IPs behind."
        ),
        examples=[
            "/subscriptions/5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e/resourceGroups/net"
            "/providers/Microsoft.Network/natGateways/build-agents"
        ],
    )


class RangeSetSpec(RuledModel):
    """Where the ranges come from."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel.exactly_one("ipRanges", "fromAzure", hint=_SOURCE_HINT),
                cel.rule(
                    "!has(self.ipRanges) || size(self.ipRanges) > 0",
                    _EMPTY_MESSAGE,
                    field="ipRanges",
                ),
            ]
        }
    )

    ip_ranges: tuple[PlatformRange, ...] | None = Field(
        default=None,
        max_length=MAX_SET_RANGES,
        description=(
            "IPv4 networks in CIDR notation without host bits, or single addresses; at most 2,000, "
            "public only, none wider than /8. Exactly one of ipRanges and fromAzure is needed."
        ),
        examples=[["51.140.0.0/24", "81.2.69.142"]],
    )
    from_azure: AzureSource | None = Field(
        default=None,
        description=(
            "An Azure resource whose public IPv4 addresses are the ranges. Not resolved by this "
            "version: such a set is NotImplemented and lets nobody in. Exactly one of ipRanges and "
            "fromAzure is needed."
        ),
    )
    description: StrictStr = Field(
        default="",
        max_length=1024,
        description="What the ranges are, for people.",
        examples=["Egress of the offices in Europe"],
    )

    def violations(self) -> Iterator[Violation]:
        """The rules over several fields; the same as the CEL rules above."""
        if (self.ip_ranges is None) == (self.from_azure is None):
            found = "neither" if self.ip_ranges is None else "both"
            text = f"{found} of ipRanges and fromAzure: exactly one is needed; {_SOURCE_HINT}"
            yield Violation(("ipRanges",), found, text)
        if self.ip_ranges is not None and not self.ip_ranges:
            yield Violation(("ipRanges",), [], _EMPTY_MESSAGE)


class RangeSetSummary(LenientModel):
    """Ready-made text for the columns of `kubectl get`."""

    state: Text = Field(
        default="",
        description="STATE: the reason of the Ready condition.",
        examples=["Resolved"],
    )
    ranges: Text = Field(
        default="",
        description="RANGES: how many ranges the set holds.",
        examples=["12"],
    )


class RangeSetStatus(ObjectStatus):
    """What the set stands for; written by the operator alone."""

    summary: RangeSetSummary | None = Field(
        default=None, description="Ready-made text for the columns of `kubectl get`."
    )
    resolved_ranges: tuple[PlatformRange, ...] = Field(
        default=(),
        description=(
            "The ranges in use, in canonical CIDR notation. Of fromAzure: the last that could be "
            "read."
        ),
        examples=[["51.140.0.0/24", "81.2.69.142/32"]],
        json_schema_extra={"items": {"type": "string"}},
    )
    resolved_count: Count = Field(
        default=0, description="How many ranges resolvedRanges has.", examples=[12]
    )
    resolved_from: Text | None = Field(
        default=None,
        description="ARM id that resolvedRanges were read from; absent for ranges listed in spec.",
        examples=[
            "/subscriptions/5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e/resourceGroups/net"
            "/providers/Microsoft.Network/natGateways/build-agents"
        ],
    )


class IPRangeSet(ApiModel):
    """Named IPv4 ranges that grants and baselines refer to.

    Listed here, or read from an Azure resource (a NAT gateway, a firewall, a public IP) and
    followed when it changes. One edit changes every cluster that uses the set.
    """

    metadata: ObjectMeta
    spec: RangeSetSpec = Field(description="Where the ranges come from.")
    status: RangeSetStatus | None = Field(
        default=None, description="What the set stands for; written by the operator alone."
    )
