"""Which of several targets holds a cluster, and what keeps a target from judging its grants.

A target that another one displaces, or whose spec cannot be used, blocks every grant for it.
"""

from collections.abc import Iterable, Sequence

from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey, Target
from aks_access.plan.outcome import Finding, Refusal, Rule
from aks_access.plan.target_sentences import finding_sentence


def claimants(targets: Iterable[Target], *, key: ClusterKey) -> list[Target]:
    """Every target that names the cluster, the oldest first."""
    found = (target for target in targets if target.key == key)
    return sorted(found, key=lambda target: (target.created, target.uid))


def incumbent(claimants: Sequence[Target], stored: Ledger | None) -> Target | None:
    """Which of several targets holds the cluster: its ledger's, else the oldest, then by uid.

    A restore may give every target another uid and time of creation; its name stays. One that
    remembers a ledger held it, whatever became of that ledger and of the target's spec: with any
    other the loss would look like a first sight.
    """
    if stored is not None:
        by_uid = [target for target in claimants if target.uid == stored.target_uid]
        by_name = [target for target in claimants if target.name == stored.target_name]
        if by_uid or by_name:
            return (by_uid or by_name)[0]
    held = [target for target in claimants if target.ledger_sequence is not None]
    if held:
        return max(held, key=lambda target: target.ledger_sequence or 0)
    usable = [target for target in claimants if not target.problems] or claimants
    return usable[0] if usable else None


def barrier(target: Target, *, holder: Target | None) -> Finding | None:
    """What keeps a target without a ledger from judging any grant; None = nothing does.

    `holder` is who holds its cluster.
    """
    if target.problems:
        return Finding(TargetReason.INVALID_SPEC, blocks=True)
    if holder is not None and holder.uid != target.uid:
        return Finding(TargetReason.DUPLICATE_TARGET, {"holder": holder.name}, blocks=True)
    return None


def blocked(target: Target, *, by: Finding) -> Refusal:
    """What a grant for the target is told because of that."""
    return Refusal(
        reason=GrantReason.TARGET_BLOCKED,
        rule=Rule.SPEC,
        value=by.reason,
        limit=finding_sentence(finding=by, target=target, cluster=target.resource_id),
    )
