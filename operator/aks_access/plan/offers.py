"""What is said to a grant that names or selects no target: that, and which ones it could name."""

from collections.abc import Iterable, Mapping

from aks_access.api.reasons import GrantReason
from aks_access.plan.access import namespace_allowed
from aks_access.plan.model import Grant, Namespace, Target
from aks_access.plan.outcome import Refusal, Rule

MOST = 5
"""How many targets a sentence offers."""


def not_found(grant: Grant) -> Refusal:
    """The refusal of a grant that matches no target."""
    by_selector = grant.selector is not None
    return Refusal(
        reason=GrantReason.TARGET_NOT_FOUND,
        rule=Rule.SPEC,
        field="spec.targetSelector" if by_selector else "spec.targetRef.name",
        value=grant.target_name or "",
    )


def open_to(
    namespace: str, *, targets: Iterable[Target], namespaces: Mapping[str, Namespace]
) -> list[str]:
    """The targets that take grants of a namespace: the first few names, sorted."""
    names = (
        target.name
        for target in targets
        if not target.problems
        and namespace_allowed(namespace=namespace, policy=target.policy, namespaces=namespaces)
    )
    return sorted(names)[:MOST]
