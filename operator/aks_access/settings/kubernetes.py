"""Settings of the way to the management cluster, and of the operator's place in it."""
# ruff: noqa: RUF009 - `declare` returns dataclasses.field(...), which is made for this place

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aks_access.api.names import OPERATOR_NAMESPACE
from aks_access.settings.forms import DNS_LABEL, EXISTING_FILE, TEXT
from aks_access.settings.group import Group
from aks_access.settings.setting import declare, declare_optional

NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def _namespace(_environment: Mapping[str, str]) -> str:
    try:
        return NAMESPACE_FILE.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


@dataclass(frozen=True, kw_only=True)
class KubernetesSettings(Group):
    """How the management cluster is reached."""

    section = "Kubernetes"

    namespace: str = declare(
        DNS_LABEL,
        "Namespace of the Lease and the ledgers: the operator's own.",
        default=OPERATOR_NAMESPACE,
        default_words=f"the ServiceAccount's, else {OPERATOR_NAMESPACE}",
        surroundings=_namespace,
    )
    kubeconfig: Path | None = declare_optional(
        EXISTING_FILE,
        "How to reach the management cluster; a pod needs neither this nor context.",
        default_words="the pod's ServiceAccount, else $KUBECONFIG, else ~/.kube/config",
    )
    context: str | None = declare_optional(
        TEXT, "Context in the kubeconfig.", default_words="its current-context"
    )
