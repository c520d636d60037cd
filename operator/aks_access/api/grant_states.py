"""What each state of a grant means, and what to do about it."""

from collections.abc import Mapping
from typing import Final

from aks_access.api.reasons import GrantReason
from aks_access.api.states import NOTHING, State

GRANT_STATES: Final[Mapping[GrantReason, State]] = {
    GrantReason.ACTIVE: State(
        "let in, on every target that is not observed or suspended",
        NOTHING,
    ),
    GrantReason.SCHEDULED: State(
        "`notBefore` is still to come",
        NOTHING,
    ),
    GrantReason.OBSERVED: State(
        "its targets are in mode `Observe`: nothing is written",
        "platform: set `mode: Merge`",
    ),
    GrantReason.SUSPENDED: State(
        "its target is suspended: nothing is added or taken away",
        "platform: lift `spec.suspend`",
    ),
    GrantReason.PROGRESSING: State(
        "written to Azure, not read back yet; AKS takes one to two minutes",
        "wait",
    ),
    GrantReason.PACED: State(
        "its namespace, or all together, added to this cluster often of late (10 writes, and one "
        "more every 6 minutes; 20 and one every 2); the message names the time when it is let in",
        "wait; several grants of one apply count as one addition",
    ),
    GrantReason.EXPIRED: State(
        "ended; the message says what else still admits the address, if anything does",
        "for new access, a later `expiresAt` or a new grant",
    ),
    GrantReason.REVOKED: State(
        "`spec.revoked` is true",
        "delete it, or set it to false",
    ),
    GrantReason.REVOCATION_PENDING: State(
        "ended, and its ranges still stand in Azure",
        "wait",
    ),
    GrantReason.REVOCATION_OVERDUE: State(
        "ended, and its ranges still stand in Azure 15 minutes after they had to go",
        "platform: see the target's message",
    ),
    GrantReason.INVALID_SPEC: State(
        "the API server took it and the operator cannot, as after a change of the CRD",
        "mend the field named",
    ),
    GrantReason.TARGET_NOT_FOUND: State(
        "no such target, or no target's labels match",
        "mend the name; the message lists the targets open to this namespace",
    ),
    GrantReason.NAMESPACE_NOT_ALLOWED: State(
        "the target's `policy.allowedNamespaces` leaves this namespace out",
        "ask the contact",
    ),
    GrantReason.POLICY_DENIED: State(
        "a rule of the target's `policy`; the message names value and limit. "
        "`maxGrantsPerNamespace` and `maxEntriesPerNamespace` count what all grants of the "
        "namespace take together",
        "change the grant, end another one of the namespace, or ask the contact",
    ),
    GrantReason.RANGE_SET_NOT_RESOLVED: State(
        "an IPRangeSet it names is missing or unusable",
        "`kubectl get iprs`",
    ),
    GrantReason.CAPACITY_EXCEEDED: State(
        "AKS takes 200 entries (2,000 with API server VNet integration) and the list is full; a "
        "grant that grew keeps what it has",
        "merge ranges, end other grants",
    ),
    GrantReason.RANGE_REFUSED: State(
        "Azure refused these ranges, or a part of them that another grant asks for, with a 400, "
        "quoted in the message; remembered until the grant asks for something else",
        "change `ipRanges`, or mend the range set they come from; to have the same ranges tried "
        "again, change any field of the grant's spec",
    ),
    GrantReason.CLUSTER_UNRESTRICTED: State(
        "anyone can reach the cluster, so the grant changes nothing",
        "platform: see that state of the target",
    ),
    GrantReason.UNSUPPORTED_CLUSTER: State(
        "a private cluster: authorized ranges do not apply",
        "`az aks command invoke`, Bastion or a machine inside",
    ),
    GrantReason.NODE_EGRESS_UNKNOWN: State(
        "a write could cut off the cluster's own nodes",
        "platform: see that state of the target",
    ),
    GrantReason.NOT_REVOCABLE: State(
        "nothing else would be in the list, so its end could not be written without opening the "
        "cluster",
        "platform: add a baseline entry or `nodeEgress`",
    ),
    GrantReason.TARGET_BLOCKED: State(
        "its target cannot be worked on; the message quotes why",
        "see the target",
    ),
}
"""In the order in which people read about them: from good to bad."""
