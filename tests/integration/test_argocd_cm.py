"""Health and actions on their way into Argo CD's ConfigMap, which belongs to somebody else."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import chart, generated
from sandbox.controlplane import ControlPlane
from tests.gitops.argo import config_map
from tests.integration.chart_values import documents, one_of

pytestmark = pytest.mark.install

ENABLED = "--set=argocd.healthConfigMap.enabled=true"
ALONE = "--show-only=templates/argocd.yaml"
THEIRS = {"timeout.reconciliation": "60s", "resource.exclusions": "- kinds: [Endpoints]\n"}
LABELS = {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"}


def fragment(namespace: str = "argocd") -> dict[str, Any]:
    text = chart.render(ENABLED, ALONE, f"--set=argocd.healthConfigMap.namespace={namespace}")
    return one_of(documents(text), "ConfigMap")


def installed(namespace: str) -> dict[str, Any]:
    """The ConfigMap as Argo CD's own installation brings it."""
    metadata = {"name": "argocd-cm", "namespace": namespace, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(THEIRS)}


def test_it_is_off_unless_asked_for(helm: Path):
    found = [each["metadata"]["name"] for each in chart.installed() if each["kind"] == "ConfigMap"]
    assert "argocd-cm" not in found


def test_the_chart_and_the_patch_have_the_same_keys(helm: Path):
    made = fragment()
    assert made["data"] == config_map()
    assert made["metadata"]["labels"] == {"app.kubernetes.io/part-of": "argocd"}
    options = made["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
    assert options == "ServerSideApply=true,Prune=false,Delete=false"


@pytest.mark.parametrize("again", ["--server-side", "--server-side=false"])
def test_the_keys_join_those_that_are_there_and_stay(
    helm: Path, control_plane: ControlPlane, namespace: str, again: str
):
    """However Argo CD itself is installed anew afterwards."""

    def apply(document: dict[str, Any], *flags: str) -> None:
        control_plane.kubectl("apply", *flags, "--filename=-", input=yaml.safe_dump(document))

    theirs = installed(namespace)
    apply(theirs, again)
    apply(fragment(namespace), "--server-side", "--field-manager=aks-access-operator")
    theirs["data"]["timeout.reconciliation"] = "90s"
    apply(theirs, again)
    path = f"/api/v1/namespaces/{namespace}/configmaps/argocd-cm"
    found = control_plane.request("GET", path)
    assert found["data"] == theirs["data"] | config_map()
    assert found["metadata"]["labels"] == LABELS


def test_helm_does_not_take_the_whole_map_over(
    helm: Path, control_plane: ControlPlane, unique: Callable[[str], str]
):
    def install(*values: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(helm, "install", unique("release"), chart.CHART, "--dry-run=server", ENABLED),
                *("--set=crds.install=false", "--namespace", chart.NAMESPACE, *values),
            ],
            capture_output=True,
            text=True,
            env={**os.environ, "KUBECONFIG": str(control_plane.kubeconfig)},
        )

    refused = install()
    assert refused.returncode != 0
    assert "Helm owns a ConfigMap as a whole" in refused.stderr
    taken = install("--set=argocd.healthConfigMap.name=to-copy")
    assert taken.returncode == 0, taken.stderr


def test_a_kustomize_build_of_argo_gets_them_by_a_component(
    control_plane: ControlPlane, tmp_path: Path
):
    (tmp_path / "argocd").mkdir()
    for file in generated.ARGOCD.parent.iterdir():
        (tmp_path / "argocd" / file.name).write_text(file.read_text())
    base = installed("x")
    del base["metadata"]["namespace"]  # as in Argo CD's own manifests
    (tmp_path / "install.yaml").write_text(yaml.safe_dump(base))
    build = {"resources": ["install.yaml"], "components": ["argocd"], "namespace": "argocd"}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(build))
    built = documents(control_plane.kubectl("kustomize", str(tmp_path)).stdout)
    found = one_of(built, "ConfigMap", name="argocd-cm")
    assert found["data"] == THEIRS | config_map()
    assert found["metadata"]["labels"] == LABELS
