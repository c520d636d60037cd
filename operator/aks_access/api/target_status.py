"""`ApiAccessTarget.status`: what stands in Azure, why, until when, and what would change."""

from pydantic import Field, StrictBool

from aks_access.api.base import LenientModel
from aks_access.api.fields import Count, StatusTime
from aks_access.api.status import ObjectStatus, Text

ENTRIES_LIMIT = 200
ENTRY_GRANTS_LIMIT = 5
PLAN_LIMIT = 50


class LiveEntry(LenientModel):
    """One entry of the cluster's list as read from Azure."""

    range: Text = Field(
        description="The entry as written in Azure: a CIDR, or a service tag.",
        examples=["81.2.69.142/32"],
    )
    origin: Text = Field(
        description=(
            "Why it is there: Baseline, Grant, Egress (the cluster's own nodes), Management (the "
            "management cluster), Foreign (somebody else's), Unattributed (after a lost ledger), "
            "Revoking (it has to go, and stands until read back) or Sentinel (0.0.0.0/32: nobody)."
        ),
        examples=["Grant"],
    )
    grants: tuple[Text, ...] = Field(
        default=(),
        description="The grants that hold it, as namespace/name; at most 5.",
        examples=[["team-a/dev-laptop"]],
    )
    grants_omitted: Count = Field(
        default=0, description="How many further grants hold it.", examples=[0]
    )
    until: StatusTime | None = Field(
        default=None,
        description="When the last of its grants ends (UTC); absent: no end known.",
        examples=["2026-11-22T18:00:00Z"],
    )


class ClusterFacts(LenientModel):
    """What Azure says about the cluster."""

    provisioning_state: Text | None = Field(
        default=None,
        description="State of its last operation; writes wait until it is a final one.",
        examples=["Succeeded"],
    )
    power_state: Text | None = Field(
        default=None, description="Running or Stopped.", examples=["Running"]
    )
    fqdn: Text | None = Field(
        default=None,
        description="Public name of its API server.",
        examples=["prod-weu-1a2b3c4d.hcp.westeurope.azmk8s.io"],
    )
    resource_uid: Text | None = Field(
        default=None,
        description="Azure's uid of it: another one means a new cluster under the old id.",
        examples=["65a1b2c3d4e5f60001a2b3c4"],
    )
    private: StrictBool | None = Field(
        default=None,
        description="Whether it is a private cluster, to which authorized ranges do not apply.",
        examples=[False],
    )
    vnet_integration: StrictBool | None = Field(
        default=None,
        description="Whether API server VNet integration is on (2,000 entries instead of 200).",
        examples=[False],
    )
    outbound_type: Text | None = Field(
        default=None, description="How its nodes reach the internet.", examples=["loadBalancer"]
    )
    disable_run_command: StrictBool | None = Field(
        default=None,
        description=(
            "Whether `az aks command invoke` is off; it passes by the authorized ranges while on."
        ),
        examples=[True],
    )
    restricted: StrictBool | None = Field(
        default=None,
        description="Whether a list is set at all; false: everybody can reach the API server.",
        examples=[True],
    )
    ineffective_entries: tuple[Text, ...] = Field(
        default=(),
        description="Entries so wide that they make the rest of the list pointless; at most 20.",
        examples=[["AzureCloud"]],
    )


class TargetSummary(LenientModel):
    """Ready-made values for the columns of `kubectl get`."""

    state: Text = Field(
        default="",
        description="STATE: the reason of the Ready condition.",
        examples=["InSync"],
    )
    entries: Text = Field(
        default="",
        description="ENTRIES: entries used of those possible, or open for an unrestricted cluster.",
        examples=["14/200"],
    )
    grants: Count = Field(
        default=0, description="GRANTS: live grants on this target.", examples=[6]
    )
    foreign: Count = Field(
        default=0, description="FOREIGN: entries that somebody else added.", examples=[3]
    )
    difference: Text = Field(
        default="",
        description="DIFF: entries to add and to remove; 0 when the list is as planned.",
        examples=["+1 -7"],
    )
    next_transition: Text = Field(
        default="",
        description="NEXT: when a grant next starts or ends, UTC, to the minute; empty: never.",
        examples=["2026-11-22T18:00Z"],
    )


class PlanPreview(LenientModel):
    """What the next write would change; in Observe what Merge would."""

    add: tuple[Text, ...] = Field(
        default=(), description="Entries to add; at most 50.", examples=[["81.2.69.142/32"]]
    )
    add_omitted: Count = Field(
        default=0, description="How many further entries would be added.", examples=[0]
    )
    remove: tuple[Text, ...] = Field(
        default=(), description="Entries to remove; at most 50.", examples=[["20.50.1.7/32"]]
    )
    remove_omitted: Count = Field(
        default=0, description="How many further entries would be removed.", examples=[0]
    )


class TargetStatus(ObjectStatus):
    """What stands in Azure and why; written by the operator alone."""

    summary: TargetSummary | None = Field(
        default=None, description="Ready-made values for the columns of `kubectl get`."
    )
    cluster: ClusterFacts | None = Field(
        default=None, description="What Azure says about the cluster, as last read."
    )
    entries: tuple[LiveEntry, ...] = Field(
        default=(),
        description=(
            "The entries of the cluster's list, each with why it is there and until when; at most "
            "200."
        ),
    )
    entries_omitted: Count = Field(
        default=0, description="How many further entries are not listed.", examples=[0]
    )
    entries_used: Count | None = Field(
        default=None, description="How many entries the cluster's list has.", examples=[14]
    )
    entries_limit: Count | None = Field(
        default=None, description="How many entries Azure allows there.", examples=[200]
    )
    plan: PlanPreview | None = Field(
        default=None,
        description="What the next write would change; absent when nothing would.",
    )
    ledger_sequence: Count | None = Field(
        default=None,
        description=(
            "Sequence number of the ledger last written for this cluster; a ledger with a lower "
            "one is an old copy, and not believed."
        ),
        examples=[42],
    )
