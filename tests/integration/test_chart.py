"""The chart, rendered by the real Helm: what values become, and which are refused."""

import os
import subprocess
from pathlib import Path

import pytest
from azure.core import AzureClouds
from azure.mgmt.core.tools import get_arm_endpoints

from aks_access.settings.setting import VARIABLE_PREFIX
from aks_access.settings.table import SETTINGS, Settings
from sandbox import chart, generated
from tests.integration.chart_values import (
    GOLDEN,
    NAMES,
    all_of,
    container,
    documents,
    environment,
    one_of,
    pod,
    rendered,
    values_file,
)

WAVE = "argocd.argoproj.io/sync-wave"
KEEP = "helm.sh/resource-policy"


def test_generated_files_are_in_step(helm: Path):
    assert generated.stale() == []


@pytest.mark.parametrize("name", NAMES)
def test_lint_finds_nothing(helm: Path, name: str):
    command = [helm, "lint", "--strict", "--values", values_file(name), chart.CHART]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_rendered_as_before(helm: Path, name: str):
    """The CRDs, which have tests of their own, and the monitoring files are left out."""
    text = chart.render("--values", str(values_file(name)), "--set=crds.install=false")
    for file in ("rules.yaml", "dashboard.json"):
        lines = (chart.CHART / "monitoring" / file).read_text().strip().splitlines()
        for indent in (2, 4):
            text = text.replace(
                "\n".join(" " * indent + line for line in lines), f"{' ' * indent}… {file} …"
            )
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("AKS_ACCESS_WRITE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text(), "AKS_ACCESS_WRITE_GOLDEN=1 makes the new one the golden one"


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_is_a_setting(helm: Path, name: str):
    known = {setting.variable for setting in SETTINGS}
    used = {each for each in environment(rendered(name)) if each.startswith(VARIABLE_PREFIX)}
    assert used <= known
    assert len(used) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_the_operator_takes_its_settings(helm: Path, name: str):
    objects = rendered(name)
    Settings.load(given={}, environment=environment(objects))


def test_values_become_settings(helm: Path):
    objects = rendered("production")
    variables = environment(objects)
    assert variables["AKS_ACCESS_RETENTION"] == "1h30m"
    assert variables["AKS_ACCESS_MANAGEMENT_EGRESS"] == "20.50.1.0/24,20.50.2.7"
    assert variables["AKS_ACCESS_WORKERS"] == "8"
    assert container(objects)["args"] == ["--log-level", "debug"]
    image = "registry.example/platform/aks-access-operator"
    assert container(objects)["image"] == f"{image}@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("cloud", "named"),
    [
        ("public", AzureClouds.AZURE_PUBLIC_CLOUD),
        ("government", AzureClouds.AZURE_US_GOVERNMENT),
        ("china", AzureClouds.AZURE_CHINA_CLOUD),
    ],
)
def test_a_cloud_is_what_the_sdk_says(helm: Path, cloud: str, named: AzureClouds):
    variables = environment(rendered(**{"azure.cloud": cloud}))
    settings = Settings.load(given={}, environment=variables)
    sdk = get_arm_endpoints(named)
    assert settings.azure_endpoint == sdk["resource_manager"].rstrip("/")
    assert [settings.azure_scope] == sdk["credential_scopes"]


def test_an_endpoint_of_its_own_wins_over_the_cloud(helm: Path):
    settings = Settings.load(given={}, environment=environment(rendered("private-cloud")))
    assert settings.azure_endpoint == "https://management.cloud.example"
    assert settings.azure_authority == "https://login.cloud.example"
    assert settings.azure_scope == "https://management.cloud.example/.default"


def test_workload_identity_marks_pod_and_account(helm: Path):
    objects = rendered("production")
    annotations = one_of(objects, "ServiceAccount")["metadata"]["annotations"]
    assert annotations == {
        "azure.workload.identity/client-id": "11111111-1111-1111-1111-111111111111",
        "azure.workload.identity/tenant-id": "22222222-2222-2222-2222-222222222222",
        "team": "platform",
        WAVE: "-1",
    }
    assert pod(objects)["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    assert "azure.workload.identity/use" not in pod(rendered("small"))["metadata"]["labels"]


def test_a_client_secret_comes_from_a_secret(helm: Path):
    objects = rendered("small")
    [secret] = [e for e in container(objects)["env"] if e["name"] == "AZURE_CLIENT_SECRET"]
    assert secret["valueFrom"]["secretKeyRef"] == {"name": "azure", "key": "AZURE_CLIENT_SECRET"}
    assert environment(objects)["AZURE_TENANT_ID"] == "22222222-2222-2222-2222-222222222222"


def test_a_constraint_gets_the_operators_labels(helm: Path):
    for name, keys in (
        ("default", ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]),
        ("production", ["topology.kubernetes.io/zone"]),
    ):
        objects = rendered(name)
        constraints = pod(objects)["spec"]["topologySpreadConstraints"]
        selector = one_of(objects, "Deployment")["spec"]["selector"]
        assert [each["topologyKey"] for each in constraints] == keys
        assert all(each["labelSelector"] == selector for each in constraints)
    assert "topologySpreadConstraints" not in pod(rendered("small"))["spec"]


@pytest.mark.parametrize(("replicas", "budgets"), [("0", 0), ("1", 0), ("2", 1)])
def test_a_single_replica_has_no_disruption_budget(helm: Path, replicas: str, budgets: int):
    objects = rendered(replicas=replicas)
    assert len(all_of(objects, "PodDisruptionBudget")) == budgets


def test_the_api_server_is_never_behind_the_proxy(helm: Path):
    variables = environment(rendered("production"))
    assert variables["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert variables["NO_PROXY"].split(",") == [
        "$(KUBERNETES_SERVICE_HOST)",  # the kubelet puts the address there
        "kubernetes.default.svc",
        "169.254.169.254",
        ".internal.example",
        "10.1.2.3",
    ]
    assert "NO_PROXY" not in environment(rendered())
    with_password = {"operator.extraEnv[0].name": "HTTPS_PROXY"}
    assert environment(rendered(**with_password))["NO_PROXY"].startswith("$(KUBERNETES_SERVICE_")
    own = {**with_password, "operator.extraEnv[1].name": "NO_PROXY"}
    assert environment(rendered(**own))["NO_PROXY"] == ""  # one, and theirs


def test_more_authorities_are_mounted(helm: Path):
    for name, mounted in (
        ("production", ("aks-access-operator-ca", "ca.crt")),
        ("sovereign", ("trust", "bundle.pem")),
    ):
        objects = rendered(name)
        [volume] = pod(objects)["spec"]["volumes"]
        [item] = volume["configMap"]["items"]
        assert (volume["configMap"]["name"], item["key"]) == mounted
        [mount] = container(objects)["volumeMounts"]
        assert environment(objects)["SSL_CERT_FILE"] == f"{mount['mountPath']}/{item['path']}"
    own = one_of(rendered("production"), "ConfigMap", name="aks-access-operator-ca")
    assert own["data"]["ca.crt"].startswith("-----BEGIN CERTIFICATE-----\n")


def test_the_network_policy_opens_what_is_needed(helm: Path):
    def ports(name: str, **values: str) -> list[set[int]]:
        egress = one_of(rendered(name, **values), "NetworkPolicy")["spec"]["egress"]
        return [{port["port"] for port in rule["ports"]} for rule in egress]

    assert ports("default", **{"networkPolicy.enabled": "true"}) == [{53}, {443, 6443}, {443}]
    assert ports("production") == [{53}, {443, 6443}, {3128}]
    assert ports("private-cloud") == [{53}, {443, 6443}, {443}]  # the proxy's scheme
    assert ports("sovereign")[-1] == {80}  # the metadata endpoint
    more = {"networkPolicy.extraEgress[0].ports[0].port": "8443"}
    assert ports("sovereign", **more)[-2:] == [{80}, {8443}]


def test_argo_cd_brings_things_in_order(helm: Path):
    expected = {"CustomResourceDefinition": "-2", "IPRangeSet": "0", "ApiAccessTarget": "0"}
    for each in rendered("production"):
        wave = expected.get(each["kind"], "1" if each["kind"] == "ApiAccessGrant" else "-1")
        assert each["metadata"]["annotations"][WAVE] == wave, each["metadata"]["name"]


@pytest.mark.parametrize("keep", [True, False])
def test_crds_are_those_of_the_repository(helm: Path, keep: bool):
    crds = all_of(rendered(**{"crds.keep": str(keep).lower()}), "CustomResourceDefinition")
    for crd in crds:
        annotations = crd["metadata"].pop("annotations")
        assert annotations.get(KEEP) == ("keep" if keep else None)
        assert ("argocd.argoproj.io/sync-options" in annotations) == keep
    assert len(crds) == 3
    assert crds == [
        each for text in chart.crd_files(chart.CRDS).values() for each in documents(text)
    ]


def test_targets_stay_when_their_entry_goes(helm: Path):
    objects = rendered("production")
    for kind in ("ApiAccessTarget", "IPRangeSet"):
        assert one_of(objects, kind)["metadata"]["annotations"][KEEP] == "keep"
    target = one_of(objects, "ApiAccessTarget")["metadata"]
    assert target["annotations"]["owner"] == "platform"
    assert target["labels"]["environment"] == "production"
    one_of(objects, "ApiAccessGrant", name="aks-access-operator-ci")  # its template was rendered


REFUSED = [
    ({"operator.retenton": "1h"}, "at '/operator': additional properties 'retenton' not allowed"),
    ({"replicas": "two"}, "at '/replicas': got string, want integer"),
    ({"azure.auth": "workloadIdentity"}, "at '/azure/auth': value must be one of"),
    ({"azure.cloud": "AzureCloud"}, "at '/azure/cloud': value must be one of"),
    ({"azure.endpoint": "http://arm"}, "at '/azure/endpoint': 'http://arm' does not match pattern"),
    ({"image.digest": "sha256:12"}, "at '/image/digest': 'sha256:12' does not match pattern"),
    ({"operator.retention": "1d"}, "at '/operator/retention': '1d' does not match pattern"),
    ({"proxy.https": "http://me:secret@proxy"}, "at '/proxy/https': "),
    ({"proxy.https": "http://proxy:$(PORT)"}, "at '/proxy/https': "),
    ({"proxy.noProxy[0]": "10.0.0.0/8"}, "at '/proxy/noProxy/0': '10.0.0.0/8' does not match"),
    ({"networkPolicy.apiServerCIDRs[0]": "10.0.0.1"}, "at '/networkPolicy/apiServerCIDRs/0': "),
    (
        {"rbac.targetReaders[0].kind": "Team", "rbac.targetReaders[0].name": "sre"},
        "at '/rbac/targetReaders/0/kind': value must be one",
    ),
    ({"targets[0].name": "weu"}, "at '/targets/0': missing property 'spec'"),
    ({"pdb.minAvailable": "2"}, "pdb.minAvailable is 2 of 2 replicas, so that no node could ever"),
    ({"extraCA.pem": "hello"}, "at '/extraCA/pem': 'hello' does not match pattern"),
    (
        {"extraCA.pem": "-----BEGIN CERTIFICATE-----", "extraCA.configMap": "trust"},
        "extraCA.configMap and extraCA.pem are both set; keep one of them",
    ),
    (
        {"operator.extraEnv[0].name": "HTTPS_PROXY", "proxy.https": "http://proxy"},
        "HTTPS_PROXY is in operator.extraEnv, and proxy.https is set too; keep one of them",
    ),
    (
        {"operator.extraArgs[0]": "--lease-name=$(POD_NAME)", "rbac.create": "false"},
        'the Lease\'s name "$(POD_NAME)" in operator.extraArgs or operator.extraEnv is none',
    ),
    (
        {"operator.extraArgs[0]": "--lease-name", "operator.extraArgs[1]": "a-$$(POD_NAME)"},
        'the Lease\'s name "a-$$(POD_NAME)" in operator.extraArgs or',
    ),
    (
        {"operator.extraEnv[0].name": "AKS_ACCESS_LEASE_NAME", "operator.extraEnv[0].value": "A.b"},
        'the Lease\'s name "A.b" in operator.extraArgs or operator.extraEnv is none: at most 63 of',
    ),
    ({"azure.auth": "client-secret"}, "name the Secret that holds AZURE_CLIENT_SECRET in azure.ex"),
    ({"serviceAccount.create": "false"}, "name an existing one in serviceAccount.name"),
    (
        {"rbac.targetReaders[0].kind": "ServiceAccount", "rbac.targetReaders[0].name": "a"},
        "rbac.targetReaders: the ServiceAccount a needs its namespace",
    ),
]


@pytest.mark.parametrize(("values", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_a_wrong_value_is_refused_in_one_line(helm: Path, values: dict[str, str], told: str):
    with pytest.raises(chart.ChartError) as refused:
        rendered(**values)
    lines = str(refused.value).splitlines()
    assert len([each for each in lines if each.startswith("- ") or told in each]) == 1
    assert told in str(refused.value)
