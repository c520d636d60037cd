"""By which marks an object counts as tracked."""

import pytest

from aks_access.api.arm import ArmId, ArmIdError, resource_key
from aks_access.api.names import Tracker, Tracking, tracking
from aks_access.api.policy import AllowedNamespaces, NamespacesFrom
from aks_access.api.selector import LabelSelector, SelectorOperator, SelectorTerm
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


def test_an_empty_selector_matches_nothing() -> None:
    assert not LabelSelector().matches({})
    assert not LabelSelector().matches({"a": "b"})
    selected = AllowedNamespaces(from_=NamespacesFrom.SELECTOR, selector=LabelSelector())
    assert not selected.admits({"kubernetes.io/metadata.name": "team-a"})
    assert AllowedNamespaces(from_=NamespacesFrom.ALL).admits({})


@pytest.mark.parametrize(
    ("operator", "values", "present", "other", "absent"),
    [
        (SelectorOperator.IN, ("x",), True, False, False),
        (SelectorOperator.NOT_IN, ("x",), False, True, True),
        (SelectorOperator.EXISTS, (), True, True, False),
        (SelectorOperator.DOES_NOT_EXIST, (), False, False, True),
    ],
)
def test_selector_operators(
    operator: SelectorOperator, values: tuple[str, ...], present: bool, other: bool, absent: bool
) -> None:
    term = SelectorTerm(key="k", operator=operator, values=values)
    selector = LabelSelector(match_expressions=(term,))
    assert selector.matches({"k": "x"}) is present
    assert selector.matches({"k": "y"}) is other
    assert selector.matches({"z": "x"}) is absent


def test_all_conditions_of_a_selector_must_hold() -> None:
    term = SelectorTerm(key="k", operator=SelectorOperator.EXISTS)
    selector = LabelSelector(match_labels={"a": "b"}, match_expressions=(term,))
    assert selector.matches({"a": "b", "k": ""})
    assert not selector.matches({"a": "b"})
    assert not selector.matches({"a": "c", "k": ""})


def test_arm_ids_are_taken_apart_and_compared_without_case() -> None:
    parts = ArmId.parse(CLUSTER_ID)
    assert str(parts) == CLUSTER_ID
    assert (parts.group, parts.name) == ("prod_(1).x", "prod-weu")
    assert parts.type == "Microsoft.ContainerService/managedClusters"
    assert ArmId.parse(NAT_ID).type == "Microsoft.Network/natGateways"
    assert resource_key(CLUSTER_ID.upper()) == resource_key(CLUSTER_ID)
    with pytest.raises(ArmIdError, match="is not an id of the form /subscriptions/<guid>"):
        ArmId.parse("/subscriptions/x")
