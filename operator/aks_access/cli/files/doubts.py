"""What is missing to be sure of a refusal: labels, range sets, and who is in already."""

from dataclasses import dataclass

from aks_access.api.reasons import GrantReason
from aks_access.api.target_status import TargetStatus
from aks_access.cli.files.known import Surrounding
from aks_access.plan.listing import canonical, cidr
from aks_access.plan.model import Target
from aks_access.plan.outcome import Refusal, Verdict


def doubt(verdict: Verdict, refusal: Refusal, *, target: Target, known: Surrounding) -> str:
    """What is missing to be sure of a refusal; "" where nothing is."""
    grant = verdict.grant
    if refusal.reason is GrantReason.TARGET_BLOCKED:
        if held(verdict, target=target).whole:
            return ""
        return (
            f"{target.name} cannot be used, and its status does not tell whether it lets the grant "
            "in already: who is not in yet has to wait."
        )
    if refusal.reason is GrantReason.NAMESPACE_NOT_ALLOWED:
        if not grant.namespace:
            return (
                f"The file names no namespace: whether {target.name} takes the grant was not "
                "checked; give --namespace, or the rendered objects."
            )
        if grant.namespace not in known.namespaces:
            return (
                f"Labels of namespace {grant.namespace} are not known: whether {target.name} "
                "takes its grants was not checked; give --namespaces."
            )
    if refusal.reason is GrantReason.RANGE_SET_NOT_RESOLVED and not known.sets:
        return f"IPRangeSet {refusal.value} was not checked: no range set is known; give --targets."
    return ""


@dataclass(frozen=True, slots=True)
class Held:
    """What of its ranges a grant has in a cluster's list; `whole` = there is nothing beside that.

    The status of a target names not all that it has where that is much.
    """

    entries: frozenset[str]
    whole: bool


def held(verdict: Verdict, *, target: Target) -> Held:
    """As the status of the target tells."""
    grant = verdict.grant
    status = TargetStatus.lenient(target.status)
    live = {canonical(each.range): each for each in status.entries}
    asked = {cidr(each) for each in verdict.ranges}
    own = frozenset(name for name in asked & live.keys() if grant.path in live[name].grants)
    hidden = (
        live[name].grants_omitted if name in live else status.entries_omitted
        for name in asked - own
    )
    return Held(own, whole=bool(grant.namespace) and not any(hidden))
