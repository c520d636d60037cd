"""What each state of a target means, and what to do about it."""

from collections.abc import Mapping
from typing import Final

from aks_access.api.reasons import TargetReason
from aks_access.api.states import NOTHING, State

TARGET_STATES: Final[Mapping[TargetReason, State]] = {
    TargetReason.IN_SYNC: State(
        "the list in Azure is as it should be",
        NOTHING,
    ),
    TargetReason.OBSERVING: State(
        "mode `Observe`; DIFF is what `Merge` would do. ENTRIES `open`: anyone can reach it, and "
        "a list that was cleared so does not go back by itself in `Merge`",
        "set `mode: Merge` when it looks right",
    ),
    TargetReason.SUSPENDED: State(
        "`spec.suspend`, and nothing is due; its deletion waits too, but for `Detach`",
        "lift it",
    ),
    TargetReason.BROAD_ENTRY: State(
        "in sync (`Ready=True`), but a service tag or a range wider than /16 stands in the list, "
        "so that it protects little",
        "take a foreign one out in Azure, or use `Exclusive`; narrow one of the baseline or "
        "`nodeEgress`",
    ),
    TargetReason.PROGRESSING: State(
        "being written and read back",
        "wait",
    ),
    TargetReason.REVOCATION_PENDING: State(
        "entries that must go stand until read back; where the operator's view of the management "
        "cluster is partial the message names what is withheld and the list that fails",
        "wait; let the operator list that kind again",
    ),
    TargetReason.REVOCATION_OVERDUE: State(
        "a removal is 15 minutes late; the message names entry, due time and cause",
        "remove the cause; by hand with what `aks-access plan TARGET --as-az` prints",
    ),
    TargetReason.CLUSTER_BUSY: State(
        "another operation runs on the cluster",
        "wait",
    ),
    TargetReason.THROTTLED: State(
        "AKS takes 20 writes per cluster and one more per minute, from everybody together",
        "wait; look for other writers",
    ),
    TargetReason.AZURE_UNAVAILABLE: State(
        "no usable answer, or no token",
        "with a token problem: federated credential, client id, tenant id",
    ),
    TargetReason.INVALID_SPEC: State(
        "the spec cannot be used; what has ended is still taken away. Deleted, the target goes "
        "as `deletionPolicy` says, or last said",
        "mend the field named; where the message says so, set `deletionPolicy`",
    ),
    TargetReason.DUPLICATE_TARGET: State(
        "another target stands for the same cluster",
        "delete one of them",
    ),
    TargetReason.RANGE_SET_NOT_RESOLVED: State(
        "a set of the baseline does not resolve; its last ranges stay",
        "`kubectl get iprs`; mend it or drop the reference",
    ),
    TargetReason.CLUSTER_NOT_FOUND: State(
        "404. Seen twice, a minute apart, it counts as gone and releases what waits for it",
        "mend the subscription, or delete the target; `resourceId` is immutable",
    ),
    TargetReason.CLUSTER_STOPPED: State(
        "AKS takes no write to a stopped cluster",
        "start it",
    ),
    TargetReason.CLUSTER_FAILED: State(
        "its last operation, not ours, failed, and a write would repeat it: only revocations are "
        "written",
        "repair the cluster",
    ),
    TargetReason.CLUSTER_LOCKED: State(
        "a ReadOnly lock",
        "remove it; `CanNotDelete` does no harm",
    ),
    TargetReason.CLUSTER_UNRESTRICTED: State(
        "it was never restricted, and closing it would cut off whoever uses it now",
        "put every client's egress into `baseline`, then set `restrictUnrestricted: true`",
    ),
    TargetReason.UNSUPPORTED_CLUSTER: State(
        "a private cluster, or one that does not take authorized ranges",
        "delete the target",
    ),
    TargetReason.READ_FORBIDDEN: State(
        "the identity may not read the cluster; the message names action and scope",
        "the `az role assignment create` of the message",
    ),
    TargetReason.WRITE_FORBIDDEN: State(
        "the identity may not write the cluster, or lacks a right on something that the cluster "
        "uses, or an Azure Policy refuses; the message names action and scope",
        "the `az role assignment create` of the message",
    ),
    TargetReason.WRITE_REFUSED: State(
        "Azure refuses the list (400), quoted. While it is found out whose entry that is, grants "
        "wait; if the list is refused even without additions, an entry that stands already is to "
        "blame, named where Azure names it",
        "as the message says: correct that entry in Azure, or `baseline` or `nodeEgress`; else "
        "nothing",
    ),
    TargetReason.CONFLICTING_OWNER: State(
        "something else undid our list three times within an hour: what it takes out is added "
        "again once an hour only (egress of nodes and management cluster at once)",
        "end the other writer",
    ),
    TargetReason.NODE_EGRESS_UNKNOWN: State(
        "the nodes leave by an address the operator does not know (any outbound type but a load "
        "balancer or none, without API server VNet integration)",
        "`nodeEgress: {mode: Static, ipRanges: […]}` with the public addresses of the firewall "
        "or NAT gateway",
    ),
    TargetReason.NOT_REVOCABLE: State(
        "the list would end up empty, and the nodes need the public endpoint",
        "add a baseline entry or `nodeEgress`",
    ),
    TargetReason.CAPACITY_EXCEEDED: State(
        "not every grant fits",
        "merge ranges, end grants, or use VNet integration",
    ),
    TargetReason.LEDGER_FULL: State(
        "the ledger does not fit into a ConfigMap: nothing is added",
        "fewer or wider ranges, fewer grants per range",
    ),
    TargetReason.LEDGER_LOST: State(
        "the ledger is gone, unreadable, older than the target remembers, or perhaps from a backup",
        "restore it, or acknowledge",
    ),
    TargetReason.MASS_REMOVAL_HELD: State(
        "many removals at once without an act on a grant",
        "bring back what vanished, or acknowledge",
    ),
    TargetReason.CLOCK_IN_DOUBT: State(
        "the operator's clock and those of API server or ARM differ by more than 30 s: nothing "
        "is added",
        "mend the time of its node",
    ),
}
"""In the order in which people read about them: from good to bad."""
