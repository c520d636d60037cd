"""By which marks an object counts as tracked."""

import pytest

from aks_access.api.arm import ArmId, ArmIdError
from aks_access.api.names import Tracker, Tracking, tracking
from tests.unit.api.specs import CLUSTER_ID, NAT_ID


@pytest.mark.parametrize(
    ("annotations", "labels", "expected"),
    [
        ({}, {}, None),
        ({}, {"app": "x"}, None),
        (
            {"argocd.argoproj.io/tracking-id": "team-c:aksaccess.dev/ApiAccessGrant:team-c/old"},
            {},
            Tracking(Tracker.ARGO_CD, "team-c"),
        ),
        ({}, {"argocd.argoproj.io/instance": "a"}, Tracking(Tracker.ARGO_CD, "a")),
        ({}, {"app.kubernetes.io/instance": "a"}, Tracking(Tracker.ARGO_CD, "a")),
        (
            {},
            {"kustomize.toolkit.fluxcd.io/name": "apps"},
            Tracking(Tracker.FLUX_KUSTOMIZATION, "apps"),
        ),
        ({}, {"helm.toolkit.fluxcd.io/name": "r"}, Tracking(Tracker.FLUX_HELM, "r")),
        (
            {"meta.helm.sh/release-name": "r"},
            {"app.kubernetes.io/instance": "r"},
            Tracking(Tracker.HELM, "r"),
        ),
        (
            {"meta.helm.sh/release-name": "b"},
            {"objectset.rio.cattle.io/hash": "h"},
            Tracking(Tracker.FLEET, "h"),
        ),
        ({}, {"applyset.kubernetes.io/part-of": "a"}, Tracking(Tracker.APPLY_SET, "a")),
        ({"argocd.argoproj.io/tracking-id": ""}, {}, None),
    ],
)
def test_tracking_marks(
    annotations: dict[str, str], labels: dict[str, str], expected: Tracking | None
) -> None:
    assert tracking(annotations=annotations, labels=labels) == expected


def test_argo_instance_label_is_a_parameter() -> None:
    labels = {"argo": "app", "app.kubernetes.io/instance": "chart"}
    found = tracking(annotations={}, labels=labels, argo_instance_label="argo")
    assert str(found) == "Argo CD application app"
    assert tracking(annotations={}, labels={"a": "b"}, argo_instance_label="argo") is None


def test_arm_ids_are_taken_apart() -> None:
    parts = ArmId.parse(CLUSTER_ID)
    assert str(parts) == CLUSTER_ID
    assert (parts.group, parts.name) == ("prod_(1).x", "prod-weu")
    assert parts.type == "Microsoft.ContainerService/managedClusters"
    assert ArmId.parse(NAT_ID).type == "Microsoft.Network/natGateways"
    with pytest.raises(ArmIdError, match="is not an id of the form /subscriptions/<guid>"):
        ArmId.parse("/subscriptions/x")
