"""The names this project puts on, or reads from, Kubernetes objects.

Finalizers, annotations and the marks by which a GitOps tool says that an object is its own.
They are interface: a rename breaks objects that exist, so each stands here once.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aks_access.api.ranges import quoted

GROUP: Final = "aksaccess.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "api-access"


class Kind(StrEnum):
    """The kinds of the API group."""

    GRANT = "ApiAccessGrant"
    TARGET = "ApiAccessTarget"
    RANGE_SET = "IPRangeSet"


PLURALS: Final[Mapping[Kind, str]] = {
    Kind.GRANT: "apiaccessgrants",
    Kind.TARGET: "apiaccesstargets",
    Kind.RANGE_SET: "iprangesets",
}
SHORT_NAMES: Final[Mapping[Kind, str]] = {
    Kind.GRANT: "aag",
    Kind.TARGET: "aat",
    Kind.RANGE_SET: "iprs",
}

OPERATOR_NAMESPACE: Final = "aks-access-system"
"""Where the operator is unless a setting or a flag says otherwise."""

LEDGER_PREFIX: Final = "aks-access-ledger-"

GRANT_FINALIZER: Final = f"{GROUP}/revoke-access"
TARGET_FINALIZER: Final = f"{GROUP}/release-cluster"

ACKNOWLEDGE_ANNOTATION: Final = f"{GROUP}/acknowledge"
REQUESTED_AT_ANNOTATION: Final = f"reconcile.{GROUP}/requestedAt"

ARGO_TRACKING_ID_ANNOTATION: Final = "argocd.argoproj.io/tracking-id"
ARGO_INSTANCE: Final = "argocd.argoproj.io/instance"
ARGO_DEFAULT_INSTANCE_LABEL: Final = "app.kubernetes.io/instance"
FLUX_KUSTOMIZATION_LABEL: Final = "kustomize.toolkit.fluxcd.io/name"
FLUX_HELM_LABEL: Final = "helm.toolkit.fluxcd.io/name"
HELM_RELEASE_ANNOTATION: Final = "meta.helm.sh/release-name"
FLEET_BUNDLE_LABEL: Final = "fleet.cattle.io/bundle-name"
FLEET_OBJECT_SET_LABEL: Final = "objectset.rio.cattle.io/hash"
APPLY_SET_LABEL: Final = "applyset.kubernetes.io/part-of"


class Tracker(StrEnum):
    """A tool that keeps an object as its source says, and would create it again if deleted."""

    ARGO_CD = "Argo CD application"
    FLUX_KUSTOMIZATION = "Flux Kustomization"
    FLUX_HELM = "Flux HelmRelease"
    HELM = "Helm release"
    FLEET = "Fleet bundle"
    APPLY_SET = "ApplySet"


@dataclass(frozen=True, slots=True)
class Tracking:
    """Which tool tracks an object, and under which name (an app, a Kustomization, a release)."""

    tracker: Tracker
    name: str

    def __str__(self) -> str:
        return f"{self.tracker} {quoted(self.name)}"


def tracking(
    *,
    annotations: Mapping[str, str],
    labels: Mapping[str, str],
    argo_instance_label: str = ARGO_DEFAULT_INSTANCE_LABEL,
) -> Tracking | None:
    """The tool that would bring the object back after a deletion, or None.

    `argo_instance_label` is Argo CD's `application.instanceLabelKey`. The marks that only one
    tool sets come first: the instance label is also a common label of Helm charts.
    """
    tracking_id = annotations.get(ARGO_TRACKING_ID_ANNOTATION)
    argo_app = tracking_id.partition(":")[0] if tracking_id else None
    fleet = labels.get(FLEET_BUNDLE_LABEL) or labels.get(FLEET_OBJECT_SET_LABEL)
    found = (
        (Tracker.ARGO_CD, argo_app),
        (Tracker.ARGO_CD, annotations.get(ARGO_INSTANCE) or labels.get(ARGO_INSTANCE)),
        (Tracker.FLUX_KUSTOMIZATION, labels.get(FLUX_KUSTOMIZATION_LABEL)),
        (Tracker.FLUX_HELM, labels.get(FLUX_HELM_LABEL)),
        (Tracker.FLEET, fleet),
        (Tracker.HELM, annotations.get(HELM_RELEASE_ANNOTATION)),
        (Tracker.APPLY_SET, labels.get(APPLY_SET_LABEL)),
        (Tracker.ARGO_CD, labels.get(argo_instance_label)),
    )
    return next((Tracking(tracker, name) for tracker, name in found if name), None)


def ledger_name(resource_id: str) -> str:
    """Name of the ConfigMap that holds the ledger of the cluster with this ARM id."""
    return LEDGER_PREFIX + hashlib.sha256(resource_id.lower().encode()).hexdigest()[:16]
