"""examples/gitops-flux and examples/gitops-argocd, as far as they work without the tools.

Flux's objects meet Flux's own CRDs, and what its layers contain is built by kustomize and applied
in their order, with an operator at work. Argo CD itself runs in tests/argocd.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_access.api.names import API_VERSION, REQUESTED_AT_ANNOTATION
from sandbox import chart
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.client import ApiError
from sandbox.controlplane.modules import FLUX, module_files
from sandbox.landscape import BEFORE, EXAMPLES, Landscape, landscape
from sandbox.processes import wait_until
from tests.integration import flux
from tests.integration.chart_values import NAMES, Documents, all_of, documents, one_of, rendered
from tests.integration.kube_support import wait_allowed

pytestmark = [pytest.mark.install, pytest.mark.timeout(120)]

EXAMPLE = EXAMPLES / "gitops-flux"
ENTRY = EXAMPLE / "clusters" / "management" / "access.yaml"
LAYERS = ("access-operator", "access-targets", "access-team-a")
SOURCES = {"aks-access-operator": chart.ROOT, "access": EXAMPLE}
"""GitRepository to what it stands for here."""
CLUSTER_CHART = EXAMPLES / "gitops-argocd" / "cluster"
FLUX_NAMESPACE = "flux-system"
BASELINE = ("20.50.1.4/32", "51.140.0.0/24", "20.50.40.16/28")
"""What a deleted target leaves, beside the entries of others."""
PATHS = {
    "Namespace": "/api/v1/namespaces/{name}",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts/{name}",
    "RoleBinding": (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/{name}"
    ),
    "IPRangeSet": "/apis/aksaccess.dev/v1alpha1/iprangesets/{name}",
    "ApiAccessTarget": "/apis/aksaccess.dev/v1alpha1/apiaccesstargets/{name}",
    "ApiAccessGrant": "/apis/aksaccess.dev/v1alpha1/namespaces/{namespace}/apiaccessgrants/{name}",
}


def layers() -> dict[str, dict[str, Any]]:
    """Name of each Kustomization to its spec."""
    found = documents(ENTRY.read_text())
    return {each["metadata"]["name"]: each["spec"] for each in all_of(found, "Kustomization")}


@pytest.fixture(scope="module")
def with_flux(control_plane: ControlPlane) -> ControlPlane:
    """An API server that serves Flux's kinds."""
    for module in ("kustomize-controller", "source-controller"):
        directory = module_files(FLUX, f"github.com/fluxcd/{module}") / "config" / "crd" / "bases"
        control_plane.kubectl("apply", "--server-side", f"--filename={directory}")
    kinds = (
        "kustomize.toolkit.fluxcd.io/v1/kustomizations",
        "source.toolkit.fluxcd.io/v1/gitrepositories",
    )

    def served() -> bool:
        try:
            return all(control_plane.request("GET", f"/apis/{kind}") for kind in kinds)
        except ApiError:
            return False

    wait_until(served, what="Flux's kinds to be served", timeout=30)
    control_plane.kubectl("create", "namespace", FLUX_NAMESPACE, check=False)
    return control_plane


@pytest.fixture(scope="module")
def running() -> Iterator[Landscape]:
    """Three clusters, and an operator at work."""
    with landscape(say=lambda text: None, first_poll="200ms", poll_interval="200ms") as made:
        yield made


def dry_run(plane: ControlPlane, objects: Documents) -> None:
    answer = plane.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts"),
        "--filename=-",
        input=yaml.safe_dump_all(objects),
    )
    assert answer.stdout.count("serverside-applied") == len(objects)


def build(plane: ControlPlane, name: str, directory: Path) -> Documents:
    """What a layer contains, with the labels of Flux, as kustomize-controller builds it."""
    spec = layers()[name]
    directory.mkdir()
    source = SOURCES[spec["sourceRef"]["name"]] / spec["path"]
    overlay: dict[str, Any] = {
        "resources": [str(Path("../" * len(directory.parts), *source.resolve().parts[1:]))],
        "images": spec.get("images", []),
        "patches": spec.get("patches", []),
    }
    if "targetNamespace" in spec:
        overlay["namespace"] = spec["targetNamespace"]
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    text = plane.kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", str(directory))
    return [flux.labelled(each, name) for each in documents(text.stdout)]


def test_flux_takes_its_objects(with_flux: ControlPlane):
    dry_run(with_flux, documents(ENTRY.read_text()))


def test_layers_depend_on_each_other_and_wait_for_nothing_that_may_fail():
    found = layers()
    assert tuple(found) == LAYERS
    assert [[each["name"] for each in spec.get("dependsOn", [])] for spec in found.values()] == [
        [],
        ["access-operator"],
        ["access-targets"],
    ]
    assert [spec["wait"] for spec in found.values()] == [True, False, False]
    assert [spec["deletionPolicy"] for spec in found.values()] == [
        "Orphan",
        "WaitForTermination",
        "WaitForTermination",
    ]


def test_each_layer_says_with_whose_rights_it_is_applied():
    """The operator and the targets need many; a team's directory gets an account of its own."""
    assert [spec.get("serviceAccountName") for spec in layers().values()] == [
        None,
        None,
        "access-team-a",
    ]


def test_the_operator_is_patched_as_the_example_says(with_flux: ControlPlane, tmp_path: Path):
    built = build(with_flux, "access-operator", tmp_path / "build")
    container = one_of(built, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.contoso.com/aks-access-operator:0.1.0"
    account = one_of(built, "ServiceAccount")["metadata"]["annotations"]
    assert account["azure.workload.identity/client-id"].startswith("1111")
    for each in built:
        if each["kind"] == "CustomResourceDefinition":
            kept = each["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"]
            assert kept == "disabled"
    dry_run(with_flux, built)


def test_flux_brings_targets_and_grants_and_takes_them_away(running: Landscape, tmp_path: Path):
    plane = running.plane

    def path(each: dict[str, Any]) -> str:
        metadata = each["metadata"]
        return PATHS[each["kind"]].format(
            name=metadata["name"], namespace=metadata.get("namespace", "")
        )

    def state(each: dict[str, Any]) -> str:
        status = plane.request("GET", path(each)).get("status", {})
        return str(status.get("summary", {}).get("state", ""))

    def version(each: dict[str, Any]) -> str:
        return str(plane.request("GET", path(each))["metadata"]["resourceVersion"])

    targets, grants = (build(plane, name, tmp_path / name) for name in LAYERS[1:])
    plane.kubectl("create", "namespace", FLUX_NAMESPACE, check=False)
    for each in (*targets, *grants):
        flux.apply(plane, path(each), each)
    target, grant = one_of(targets, "ApiAccessTarget"), one_of(grants, "ApiAccessGrant")
    ours = [each for each in (*targets, *grants) if each["apiVersion"] == API_VERSION]
    expected = {
        "ApiAccessTarget": "InSync",
        "ApiAccessGrant": "Scheduled",
        "IPRangeSet": "Resolved",
    }
    wait_until(
        lambda: all(state(each) == expected[each["kind"]] for each in ours),
        what="the target to be InSync, the grant Scheduled and the sets Resolved",
        timeout=30,
        detail=lambda: ", ".join(map(state, ours)),
    )
    asked = {"metadata": {"annotations": {REQUESTED_AT_ANNOTATION: "now"}}}
    plane.request("PATCH", path(target), asked, content_type="application/merge-patch+json")

    def answered() -> bool:
        status = plane.request("GET", path(target)).get("status", {})
        return bool(status.get("lastHandledReconcileAt") == "now")

    wait_until(answered, what="the target to have told of the grant too", timeout=30)
    before = [version(each) for each in ours]
    for each in ours:
        flux.apply(plane, path(each), each)
    assert [version(each) for each in ours] == before

    def gone(each: dict[str, Any]) -> bool:
        found = plane.kubectl("get", each["kind"], "-A", "-o=name").stdout
        return each["metadata"]["name"] not in found

    for each in (grant, target):  # what WaitForTermination waits for
        plane.request("DELETE", path(each))
        wait_until(lambda each=each: gone(each), what=f"{path(each)} to be gone", timeout=30)
    stands = running.arm.control.cluster(running.clusters["prod-weu"]).applied
    assert set(stands or []) == {*(BEFORE["prod-weu"] or []), *BASELINE}


TEAM = f"system:serviceaccount:{FLUX_NAMESPACE}:access-team-a"
BEYOND_A_TEAM: tuple[dict[str, Any], ...] = (
    {
        "apiVersion": API_VERSION,
        "kind": "ApiAccessTarget",
        "metadata": {"name": "mine"},
        "spec": {
            "resourceId": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"
            "/providers/Microsoft.ContainerService/managedClusters/mine",
            "mode": "Merge",
            "policy": {"allowedNamespaces": {"from": "All"}, "allowPermanent": True},
        },
    },
    {
        "apiVersion": API_VERSION,
        "kind": "IPRangeSet",
        "metadata": {"name": "office"},
        "spec": {"ipRanges": ["81.2.69.0/24"]},
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "mine"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "team-a"}],
    },
)
"""What a team's directory must not bring: each opens more than the team was given."""


@pytest.fixture(scope="module")
def as_team(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """kubectl's flags to act as the account of team-a, once it has its rights."""
    directory = tmp_path_factory.mktemp("platform") / "build"
    built = build(control_plane, "access-targets", directory)
    kinds = ("Namespace", "ServiceAccount", "RoleBinding")
    given = [each for each in built if each["kind"] in kinds]
    assert {each["kind"] for each in given} == set(kinds)
    control_plane.kubectl("create", "namespace", FLUX_NAMESPACE, check=False)
    control_plane.kubectl("apply", "--filename=-", input=yaml.safe_dump_all(given))
    who = f"{FLUX_NAMESPACE}:access-team-a"
    wait_allowed(control_plane, "delete", "aag", who=who, namespace="team-a")
    return [f"--as={TEAM}", "--as-group=system:serviceaccounts", "--as-group=system:authenticated"]


def test_a_teams_account_brings_grants_and_takes_them_away(
    control_plane: ControlPlane, as_team: list[str], tmp_path: Path
):
    """As Flux does it: a dry run and an apply by the server, and a deletion that is waited for."""
    grants = yaml.safe_dump_all(build(control_plane, "access-team-a", tmp_path / "build"))
    apply = (*as_team, "apply", "--server-side", "--field-manager=kustomize-controller")
    for flags in (["--dry-run=server"], []):
        done = control_plane.kubectl(*apply, *flags, "--filename=-", input=grants)
        assert "serverside-applied" in done.stdout
    found = control_plane.kubectl(*as_team, "get", "aag", "-n=team-a", "-o=name")
    assert "maintenance" in found.stdout
    control_plane.kubectl(*as_team, "delete", "--wait", "--filename=-", input=grants)
    found = control_plane.kubectl("get", "aag", "-n=team-a", "-o=name")
    assert "maintenance" not in found.stdout


@pytest.mark.parametrize("document", BEYOND_A_TEAM, ids=lambda each: each["kind"])
def test_a_teams_account_may_bring_nothing_else(
    control_plane: ControlPlane, as_team: list[str], document: dict[str, Any]
):
    forbidden(control_plane, as_team, document)


def test_a_teams_account_may_bring_no_grant_elsewhere(
    control_plane: ControlPlane, as_team: list[str], tmp_path: Path
):
    [grant] = build(control_plane, "access-team-a", tmp_path / "build")
    moved = {**grant, "metadata": {**grant["metadata"], "namespace": "default"}}
    forbidden(control_plane, as_team, moved)


def forbidden(plane: ControlPlane, as_team: list[str], document: dict[str, Any]) -> None:
    """Assert that the API server refuses the account what an administrator may apply."""
    apply = ("apply", "--server-side", "--dry-run=server", "--filename=-")
    text = yaml.safe_dump(document)
    plane.kubectl(*apply, input=text)
    done = plane.kubectl(*as_team, *apply, input=text, check=False)
    assert done.returncode != 0
    assert "Forbidden" in done.stderr or "forbidden" in done.stderr
    assert f'User "{TEAM}"' in done.stderr


def test_argo_makes_a_target_from_what_it_knows_of_a_cluster(
    helm: Path, control_plane: ControlPlane
):
    [generator] = documents((EXAMPLES / "gitops-argocd" / "apps" / "clusters.yaml").read_text())
    given = generator["spec"]["template"]["spec"]["source"]["helm"]["valuesObject"]
    known = yaml.safe_load((CLUSTER_CHART / "values.yaml").read_text())
    assert set(given) == set(known)
    done = subprocess.run([helm, "template", CLUSTER_CHART], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = documents(done.stdout)
    assert one_of(built, "ApiAccessTarget")["spec"]["resourceId"] == known["resourceId"]
    dry_run(control_plane, built)


@pytest.mark.parametrize("value", ["environment", "resourceId", "mode"])
def test_a_cluster_without_what_it_needs_becomes_no_target(helm: Path, value: str):
    command = [helm, "template", CLUSTER_CHART, f"--set={value}="]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert f"{value}: " in done.stderr


def test_a_label_that_yaml_takes_for_something_else_stays_text(
    helm: Path, control_plane: ControlPlane
):
    command = [helm, "template", CLUSTER_CHART, "--set-string=environment=true,name=12"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    built = documents(done.stdout)
    target = one_of(built, "ApiAccessTarget")["metadata"]
    assert (target["name"], target["labels"]) == ("12", {"environment": "true"})
    dry_run(control_plane, built)


def test_the_platforms_project_allows_what_the_chart_consists_of_and_no_more(helm: Path):
    found = documents((EXAMPLES / "gitops-argocd" / "apps" / "projects.yaml").read_text())
    [project] = [each["spec"] for each in found if each["metadata"]["name"] == "access-platform"]
    allowed = {
        scope: {(each["group"], each["kind"]) for each in project[f"{scope}ResourceWhitelist"]}
        for scope in ("cluster", "namespace")
    }
    made = {
        (each["apiVersion"].rpartition("/")[0], each["kind"])
        for name in NAMES
        for each in rendered(name, **{"argocd.healthConfigMap.enabled": "true"})
    }
    grants = {(API_VERSION.partition("/")[0], "ApiAccessGrant")}  # come from the teams
    shown = {("apps", "ReplicaSet"), ("", "Pod")}
    assert made - allowed["cluster"] - grants == allowed["namespace"] - shown
    assert shown < allowed["namespace"]
