"""The kustomize base and its component, built by the real kubectl for a real API server."""

import shutil
from pathlib import Path

import pytest
import yaml

from sandbox import chart, generated
from sandbox.controlplane import ControlPlane
from tests.integration.chart_values import Documents, all_of, documents, one_of

pytestmark = pytest.mark.install

PLAIN = chart.ROOT / "examples" / "plain"
FILES = ("targets.yaml", "rangesets.yaml", "grants/laptop.yaml", "grants/workshop.yaml")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with the base, and one with the examples, as a team's repository has them."""
    shutil.copytree(generated.KUSTOMIZE, tmp_path / "base")
    for file in FILES:
        (tmp_path / "team").mkdir(exist_ok=True)
        shutil.copy(PLAIN / file, tmp_path / "team" / Path(file).name)
    return tmp_path


def build(plane: ControlPlane, directory: Path, kustomization: dict[str, object]) -> Documents:
    directory.mkdir(exist_ok=True)
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return documents(plane.kubectl("kustomize", str(directory)).stdout)


def by_name(objects: Documents) -> dict[tuple[str, str], object]:
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def test_the_base_is_the_plain_manifest(control_plane: ControlPlane):
    built = documents(control_plane.kubectl("kustomize", str(generated.KUSTOMIZE)).stdout)
    assert by_name(built) == by_name(chart.installed())


def test_an_overlay_changes_namespace_names_and_image(control_plane: ControlPlane, tree: Path):
    built = build(
        control_plane,
        tree / "overlay",
        {
            "resources": ["../base"],
            "namespace": "access",
            "namePrefix": "eu-",
            "images": [{"name": "aks-access-operator", "newName": "registry/op", "newTag": "1"}],
        },
    )
    [operators] = [
        each
        for each in all_of(built, "ClusterRoleBinding")
        if each["roleRef"]["name"] == "eu-aks-access-operator"
    ]
    account = one_of(built, "ServiceAccount")["metadata"]
    assert operators["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": "access"}
    ]
    pod = one_of(built, "Deployment")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account["name"] == "eu-aks-access-operator"
    assert pod["containers"][0]["image"] == "registry/op:1"
    assert one_of(built, "Namespace")["metadata"]["name"] == "access"
    crd = "CustomResourceDefinition"
    assert by_name(all_of(built, crd)) == by_name(all_of(chart.installed(), crd))


def test_references_follow_a_prefix(control_plane: ControlPlane, tree: Path):
    """Across namespaces too: the component says that targets and sets have none."""
    built = build(
        control_plane,
        tree / "team",
        {
            "resources": [Path(file).name for file in FILES],
            "components": ["../base/references"],
            "namePrefix": "eu-",
        },
    )
    laptop = one_of(built, "ApiAccessGrant", name="eu-laptop")
    assert laptop["spec"]["targetRef"] == {"name": "eu-prod-weu"}
    workshop = one_of(built, "ApiAccessGrant", name="eu-workshop")
    assert workshop["spec"]["rangeSetRefs"] == [{"name": "eu-office"}]
    target = one_of(built, "ApiAccessTarget", name="eu-prod-weu")
    assert target["spec"]["baseline"]["rangeSetRefs"] == [{"name": "eu-office"}]
    one_of(built, "IPRangeSet", name="eu-office")
    dry_run(control_plane, built)


def test_a_namespace_is_set_on_grants_alone(control_plane: ControlPlane, tree: Path):
    built = build(
        control_plane,
        tree / "team",
        {
            "resources": [Path(file).name for file in FILES],
            "components": ["../base/references"],
            "namespace": "team-b",
        },
    )
    assert {each["metadata"]["namespace"] for each in all_of(built, "ApiAccessGrant")} == {"team-b"}
    for kind in ("ApiAccessTarget", "IPRangeSet"):
        assert all("namespace" not in each["metadata"] for each in all_of(built, kind))


def test_a_target_elsewhere_keeps_its_name(control_plane: ControlPlane, tree: Path):
    built = build(
        control_plane,
        tree / "team",
        {
            "resources": ["laptop.yaml"],
            "components": ["../base/references"],
            "nameSuffix": "-blue",
        },
    )
    grant = one_of(built, "ApiAccessGrant")
    assert grant["metadata"]["name"] == "laptop-blue"
    assert grant["spec"]["targetRef"] == {"name": "prod-weu"}


def dry_run(plane: ControlPlane, objects: Documents) -> None:
    for name in sorted({each["metadata"].get("namespace", "default") for each in objects}):
        plane.kubectl("create", "namespace", name, check=False)
    plane.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename", "-"),
        input=yaml.safe_dump_all(objects),
    )
