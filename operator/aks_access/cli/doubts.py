"""What is missing to be sure of a refusal: labels, range sets, and who is in already."""

from collections.abc import Iterable
from typing import Final

from aks_access.api.conditions import GrantReason
from aks_access.api.ranges import IPv4Range
from aks_access.api.target_status import TargetStatus
from aks_access.cli.known import Surrounding
from aks_access.plan.listing import canonical, cidr
from aks_access.plan.model import Grant, Target
from aks_access.plan.outcome import Refusal, Verdict

_UNUSABLE: Final = (
    "{target} cannot be used, and its status does not tell whether it lets the grant in already: "
    "who is not in yet has to wait."
)


def doubt(verdict: Verdict, refusal: Refusal, *, target: Target, known: Surrounding) -> str:
    """What is missing to be sure of a refusal; "" where nothing is.

    `{target}` in it stands for the target's name.
    """
    grant = verdict.grant
    if refusal.reason is GrantReason.TARGET_BLOCKED:
        stays = inside(grant, ranges=verdict.ranges, target=target)
        return _UNUSABLE if stays is None else ""
    if refusal.reason is GrantReason.NAMESPACE_NOT_ALLOWED:
        if not grant.namespace:
            return (
                "The file names no namespace: whether {target} takes the grant was not checked; "
                "give --namespace, or the rendered objects."
            )
        if grant.namespace not in known.namespaces:
            return (
                f"Labels of namespace {grant.namespace} are not known: whether {{target}} takes "
                "its grants was not checked; give --namespaces."
            )
    if refusal.reason is GrantReason.RANGE_SET_NOT_RESOLVED and not known.sets:
        return f"IPRangeSet {refusal.value} was not checked: no range set is known; give --targets."
    return ""


def inside(grant: Grant, *, ranges: Iterable[IPv4Range], target: Target) -> bool | None:
    """Whether the grant holds all of the ranges; None = the status names not all that it has."""
    status = TargetStatus.model_validate(dict(target.status), context={"lenient": True})
    entries = {canonical(each.range): each for each in status.entries}
    found = [entries.get(cidr(each)) for each in ranges]
    if all(each is not None and grant.path in each.grants for each in found):
        return True
    hidden = (
        status.entries_omitted > 0
        if each is None
        else each.grants_omitted > 0 and grant.path not in each.grants
        for each in found
    )
    return None if any(hidden) or not grant.namespace else False
