"""The chart, rendered by the real Helm and judged by a real API server."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_access.kube.connection import Access, Connection
from aks_access.kube.discovery import Discovery, required_rights
from aks_access.setting import VARIABLE_PREFIX
from aks_access.settings import SETTINGS
from sandbox import chart
from sandbox.controlplane import ControlPlane

OPERATOR_USER = f"system:serviceaccount:{chart.NAMESPACE}:{chart.SERVICE_ACCOUNT}"
EVERYTHING_SET = {
    "image.digest": "sha256:" + "a" * 64,
    "azure.clientId": "11111111-1111-1111-1111-111111111111",
    "azure.tenantId": "22222222-2222-2222-2222-222222222222",
    "azure.endpoint": "https://arm.example",
    "azure.authorityHost": "https://login.example",
    "operator.retention": "1h30m",
    "operator.managementEgress": "{203.0.113.0/24,198.51.100.7}",
    "operator.logFormat": "text",
    "operator.extraArgs": "{--log-level,debug}",
    "priorityClassName": "system-cluster-critical",
}


def rendered(**values: str) -> list[dict[str, Any]]:
    arguments = [f"--set={name}={value}" for name, value in values.items()]
    return [each for each in yaml.safe_load_all(chart.render(*arguments)) if each]


def of_kind(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [each for each in documents if each["kind"] == kind]
    return found


def container(documents: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = of_kind(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    return found


def environment(documents: list[dict[str, Any]]) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in container(documents)["env"]}


def test_generated_files_are_in_step(helm: Path):
    assert chart.stale() == []


def test_lint_finds_nothing(helm: Path):
    done = subprocess.run([helm, "lint", "--strict", chart.CHART], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", [{}, EVERYTHING_SET], ids=["default", "everything"])
def test_an_api_server_takes_every_object(
    helm: Path, control_plane: ControlPlane, values: dict[str, str]
):
    answer = control_plane.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts"),
        *("--filename", "-"),
        input=yaml.safe_dump_all(rendered(**values)),
    )
    assert "Warning" not in answer.stderr  # among them the warnings of restricted pod security
    assert f"deployment.apps/{chart.SERVICE_ACCOUNT} serverside-applied" in answer.stdout


def test_every_variable_is_a_setting(helm: Path):
    known = {setting.variable for setting in SETTINGS}
    used = {name for name in environment(rendered(**EVERYTHING_SET)) if name.startswith("AKS_")}
    assert used <= known
    assert len(used) == 7
    assert all(name.startswith(VARIABLE_PREFIX) for name in used)


def test_values_become_settings(helm: Path):
    documents = rendered(**EVERYTHING_SET)
    variables = environment(documents)
    assert variables["AKS_ACCESS_RETENTION"] == "1h30m"
    assert variables["AKS_ACCESS_MANAGEMENT_EGRESS"] == "203.0.113.0/24,198.51.100.7"
    assert variables["AKS_ACCESS_AZURE_ENDPOINT"] == "https://arm.example"
    assert container(documents)["args"] == ["--log-level", "debug"]
    assert container(documents)["image"] == f"aks-access-operator@sha256:{'a' * 64}"


def test_workload_identity_marks_pod_and_account(helm: Path):
    documents = rendered(**EVERYTHING_SET)
    annotations = of_kind(documents, "ServiceAccount")["metadata"]["annotations"]
    assert annotations == {
        "azure.workload.identity/client-id": EVERYTHING_SET["azure.clientId"],
        "azure.workload.identity/tenant-id": EVERYTHING_SET["azure.tenantId"],
    }
    labels = of_kind(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert labels["azure.workload.identity/use"] == "true"


def test_a_client_secret_comes_from_a_secret(helm: Path):
    values = {"azure.auth": "client-secret", "azure.clientId": "app", "azure.tenantId": "tenant"}
    with pytest.raises(chart.ChartError, match=r"azure\.existingSecret"):
        rendered(**values)
    documents = rendered(**values, **{"azure.existingSecret": "azure"})
    [secret] = [e for e in container(documents)["env"] if e["name"] == "AZURE_CLIENT_SECRET"]
    assert secret["valueFrom"]["secretKeyRef"] == {"name": "azure", "key": "AZURE_CLIENT_SECRET"}
    assert environment(documents)["AZURE_CLIENT_ID"] == "app"


def test_a_mistyped_value_is_refused(helm: Path):
    with pytest.raises(chart.ChartError, match="retenton"):
        rendered(**{"operator.retenton": "1h"})


@pytest.mark.parametrize("keep", [True, False])
def test_crds_are_those_of_the_repository(helm: Path, keep: bool):
    documents = rendered(**{"crds.keep": str(keep).lower()})
    crds = [each for each in documents if each["kind"] == "CustomResourceDefinition"]
    for crd in crds:
        annotations = crd["metadata"].pop("annotations", {})
        assert annotations.get("helm.sh/resource-policy") == ("keep" if keep else None)
    sources = [yaml.safe_load(text) for text in chart.crd_files(chart.CRDS).values()]
    assert crds == sources
    assert len(crds) == 3


def test_crds_can_be_left_out(helm: Path):
    kinds = {each["kind"] for each in rendered(**{"crds.install": "false"})}
    assert "CustomResourceDefinition" not in kinds


def test_rights_are_what_the_operator_needs(control_plane: ControlPlane, operator_kubeconfig: Path):
    async def missing() -> list[str]:
        access = Access(kubeconfig=str(operator_kubeconfig))
        async with await Connection.open(access=access) as connection:
            return list(
                await Discovery(connection=connection).missing_rights(namespace=chart.NAMESPACE)
            )

    assert asyncio.run(missing()) == []


def test_rights_are_no_more_than_the_operator_needs():
    documents = chart.installed()
    needed = {
        (right.group, right.resource, right.verb, bool(right.namespace))
        for right in required_rights(namespace=chart.NAMESPACE)
    }
    given = {
        (group, resource, verb, kind == "Role")
        for kind in ("ClusterRole", "Role")
        for rule in of_kind(documents, kind)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert given == needed


def test_only_the_operator_is_bound(helm: Path):
    documents = chart.installed()
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        [subject] = of_kind(documents, kind)["subjects"]
        assert f"system:serviceaccount:{subject['namespace']}:{subject['name']}" == OPERATOR_USER
