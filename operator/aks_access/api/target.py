"""`ApiAccessTarget`: one AKS cluster, and what the platform team allows on it."""

from collections.abc import Iterator

from pydantic import ConfigDict, Field

from aks_access.api import cel
from aks_access.api.base import ApiModel, RuledModel, Violation
from aks_access.api.fields import ClusterId, Flag, Guid, PlatformRange
from aks_access.api.meta import ObjectMeta, RangeSetRef
from aks_access.api.modes import DeletionPolicy, EgressMode, Mode
from aks_access.api.policy import GrantPolicy
from aks_access.api.target_status import TargetStatus

MAX_BASELINE_RANGES = 2000
MAX_REFERENCES = 20

_EGRESS_MESSAGE = (
    "ipRanges belong to mode Static, and only to it: list the public addresses the nodes leave by, "
    "or choose Auto or NotNeeded and leave ipRanges out"
)


class Baseline(ApiModel):
    """Ranges that are always let in, whatever the grants say."""

    ip_ranges: tuple[PlatformRange, ...] = Field(
        default=(),
        max_length=MAX_BASELINE_RANGES,
        description=(
            "IPv4 networks in CIDR notation without host bits, or single addresses; at most 2,000, "
            "public only, none wider than /8."
        ),
        examples=[["51.140.0.0/24"]],
    )
    range_set_refs: tuple[RangeSetRef, ...] = Field(
        default=(),
        max_length=MAX_REFERENCES,
        description=(
            "IPRangeSets whose ranges are always let in; at most 20. A set that stops resolving "
            "keeps its last value."
        ),
        examples=[[{"name": "office"}]],
    )


class NodeEgress(RuledModel):
    """The public addresses by which the cluster's own nodes reach the API server."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel.rule(
                    "(self.mode == 'Static') == (has(self.ipRanges) && size(self.ipRanges) > 0)",
                    _EGRESS_MESSAGE,
                    field="ipRanges",
                )
            ]
        }
    )

    mode: EgressMode = Field(
        description=(
            "Auto: by the cluster's outbound type; this version knows load balancers, none and "
            "API server VNet integration, others need Static. Static: the ipRanges here, for a "
            "NAT gateway, a firewall or another device on the nodes' way out. NotNeeded: the "
            "nodes do not come through the public endpoint."
        ),
        examples=["Static"],
    )
    ip_ranges: tuple[PlatformRange, ...] = Field(
        default=(),
        max_length=100,
        description="The addresses for mode Static, needed there and nowhere else; at most 100.",
        examples=[["20.50.1.4"]],
    )

    def violations(self) -> Iterator[Violation]:
        """Ranges if and only if the mode is Static."""
        if (self.mode is EgressMode.STATIC) != bool(self.ip_ranges):
            yield Violation(("ipRanges",), [str(item) for item in self.ip_ranges], _EGRESS_MESSAGE)


class TargetIdentity(ApiModel):
    """The workload identity to use for this cluster instead of the operator's own."""

    client_id: Guid = Field(
        description=(
            "Client id of the managed identity or app registration, federated with the operator's "
            "ServiceAccount."
        ),
        examples=["5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e"],
    )
    tenant_id: Guid | None = Field(
        default=None,
        description="Entra tenant of the identity; absent: the operator's own.",
        examples=["72f988bf-86f1-41af-91ab-2d7cd011db47"],
    )


class TargetSpec(ApiModel):
    """The cluster, what the operator may do to it, and who may ask for what."""

    resource_id: ClusterId = Field(
        description=(
            "ARM id of the managed cluster. Immutable, compared case-insensitively; of two targets "
            "for one cluster the second is refused."
        ),
        examples=[
            "/subscriptions/5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e/resourceGroups/prod"
            "/providers/Microsoft.ContainerService/managedClusters/prod-weu"
        ],
    )
    mode: Mode = Field(
        description=(
            "Observe: plan only, write nothing; shows in DIFF what Merge would do. Merge: add and "
            "remove our own entries, keep those of others. Exclusive: the list is exactly node "
            "egress, baseline and grants; entries of others are removed. Required: there is no "
            "default."
        ),
        examples=["Merge"],
    )
    baseline: Baseline | None = Field(
        default=None,
        description=(
            "Ranges that are always let in, whatever the grants say: the platform team's own "
            "access, CI, the management cluster."
        ),
    )
    restrict_unrestricted: Flag = Field(
        default=False,
        description=(
            "true lets the operator close a cluster that was never restricted (everybody can reach "
            "it now): put every client's egress in the baseline first. Otherwise such a cluster is "
            "reported and left alone."
        ),
        examples=[True],
    )
    node_egress: NodeEgress | None = Field(
        default=None,
        description=(
            "How the cluster's own nodes stay let in; absent: mode Auto. The addresses of a "
            "standard load balancer are let in by Azure itself."
        ),
    )
    policy: GrantPolicy = Field(
        description=(
            "Who may be granted what. Checked all the time, not only when a grant is created: a "
            "tightened policy takes access away."
        )
    )
    identity: TargetIdentity | None = Field(
        default=None,
        description="Workload identity for this cluster; absent: the operator's own.",
    )
    suspend: Flag = Field(
        default=False,
        description=(
            "true leaves the cluster's list as it is until lifted: nothing is added, and nothing "
            "taken away either. Said loudly while a revocation is due."
        ),
        examples=[True],
    )
    deletion_policy: DeletionPolicy | None = Field(
        default=None,
        description=(
            "When this target is deleted: Revoke takes the grants' ranges out and keeps baseline "
            "and foreign entries. Detach leaves the list as it is and names each range it leaves. "
            "Absent: Revoke."
        ),
        examples=["Detach"],
    )

    @property
    def effective_deletion_policy(self) -> DeletionPolicy:
        """`deletionPolicy`, Revoke where absent."""
        return self.deletion_policy or DeletionPolicy.REVOKE

    @property
    def egress_mode(self) -> EgressMode:
        """`nodeEgress.mode`, Auto where absent."""
        return self.node_egress.mode if self.node_egress else EgressMode.AUTO


class ApiAccessTarget(ApiModel):
    """One AKS cluster whose authorized IP ranges the operator looks after.

    Belongs to the platform team: what is always let in (baseline), who may ask for access
    (policy), and how far the operator may go (mode). See STATE and DIFF in `kubectl get aat`.
    """

    metadata: ObjectMeta
    spec: TargetSpec = Field(
        description="The cluster, what the operator may do to it, and who may ask for what."
    )
    status: TargetStatus | None = Field(
        default=None,
        description="What stands in Azure and why; written by the operator alone.",
    )
