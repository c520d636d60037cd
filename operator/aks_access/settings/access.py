"""Settings of access itself: what is overdue, what stays, and who must never be locked out."""

from dataclasses import dataclass

from aks_access.api.ranges import IPv4Range
from aks_access.settings.forms import LABEL_KEY, RANGES, SECONDS
from aks_access.settings.group import Group
from aks_access.settings.setting import declare


@dataclass(frozen=True, kw_only=True)
class AccessSettings(Group):
    """What holds for every grant and target; durations in seconds."""

    section = "Access"

    revocation_bound: float = declare(
        SECONDS,
        "A removal that Azure has not confirmed this long after it fell due is RevocationOverdue.",
        default="15m",
    )
    retention: float = declare(
        SECONDS,
        "How long an expired grant stays before it is deleted, unless it says otherwise itself "
        "or a GitOps tool tracks it.",
        default="24h",
    )
    management_egress: tuple[IPv4Range, ...] = declare(
        RANGES,
        "Public addresses the management cluster leaves by; part of every list the operator "
        "writes, so that it and the GitOps tool beside it are never locked out.",
        absent=(),
    )
    argocd_instance_label: str = declare(
        LABEL_KEY,
        "Argo CD's application.instanceLabelKey: tells which grants Argo CD would create again.",
        default="app.kubernetes.io/instance",
    )
