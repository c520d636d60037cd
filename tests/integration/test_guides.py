"""Every guide works as written: its commands run one after another, and print what it says."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.arm.process import ArmProcess
from sandbox.azure_roles import roles
from sandbox.chart import NAMESPACE, ROOT, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from sandbox.operator import CLIENT_ID, TENANT_ID
from tests.integration.guides import Reader
from tests.integration.internet import Internet
from tests.integration.people import azure_variables
from tests.integration.test_chart_life import PREVIOUS
from tests.integration.test_chart_on_server import STAND_INS

pytestmark = [pytest.mark.install, pytest.mark.timeout(240)]  # a whole guide, with Helm

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
ANOTHER = "/subscriptions/00000000-0000-0000-0000-000000000002"
_GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-prod"
_CONTROL_PLANE = f"{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/cp"
CLUSTER = f"{_GROUP}/providers/Microsoft.ContainerService/managedClusters/prod-weu"
HUB_EGRESS = "20.73.44.5"
PRINCIPAL_ID = "0a0a0a0a-0000-4000-8000-00000000aaaa"
_IDENTITY = "identity show -g rg-hub -n aks-access-operator --query"
_HUB = "aks show -g rg-hub -n hub-weu"
_ADDRESS = "/subscriptions/s/resourceGroups/mc/providers/Microsoft.Network/publicIPAddresses/one"


ANSWERS: Mapping[str, str] = {
    "CLUSTER_ID": CLUSTER,
    "aks show -g rg-prod -n prod-weu -o yaml --query { ranges: "
    "apiServerAccessProfile.authorizedIpRanges, private: "
    "apiServerAccessProfile.enablePrivateCluster, outbound: networkProfile.outboundType}": "",
    "aks show -g rg-prod -n prod-weu --query id -o tsv": CLUSTER,
    f"{_HUB} -o tsv --query [oidcIssuerProfile.issuerUrl, "
    "securityProfile.workloadIdentity.enabled]": "https://issuer\ntrue",
    "aks update -g rg-hub -n hub-weu --enable-oidc-issuer --enable-workload-identity -o none": "",
    f"{_HUB} --query oidcIssuerProfile.issuerUrl -o tsv": "https://issuer",
    "identity create -g rg-hub -n aks-access-operator -o none": "",
    "identity federated-credential create -g rg-hub --identity-name aks-access-operator "
    "--name aks-access-operator --issuer https://issuer --audiences api://AzureADTokenExchange "
    "--subject system:serviceaccount:aks-access-system:aks-access-operator -o none": "",
    f"{_IDENTITY} clientId -o tsv": CLIENT_ID,
    f"{_IDENTITY} tenantId -o tsv": TENANT_ID,
    f"{_IDENTITY} principalId -o tsv": PRINCIPAL_ID,
    "aks show -g rg-prod -n prod-weu -o tsv --query "
    "keys(identity.userAssignedIdentities || `{}`)": _CONTROL_PLANE,
    **{
        f"role assignment create --assignee-object-id {PRINCIPAL_ID} --assignee-principal-type "
        f"ServicePrincipal --role {role} --scope {scope} -o none": ""
        for role, scope in (
            ("AKS access operator", CLUSTER),
            ("AKS access operator, operations", SUBSCRIPTION),
            ("AKS access operator, linked resources", _CONTROL_PLANE),
        )
    },
    f"{_HUB} -o tsv --query networkProfile.loadBalancerProfile.effectiveOutboundIPs[].id": _ADDRESS,
    f"network public-ip show --ids {_ADDRESS} --query ipAddress -o tsv": HUB_EGRESS,
    f"role assignment list --assignee {PRINCIPAL_ID} --all --query [].id -o tsv": "/one\n/two",
    "role assignment delete --ids /one": "",
    "role assignment delete --ids /two": "",
    "identity delete -g rg-hub -n aks-access-operator": "",
    f"account set --subscription {SUBSCRIPTION.rpartition('/')[2]}": "",
    "aks command invoke -g rg-prod -n prod-weu --command kubectl get nodes": "",
    "aks command invoke -g rg-hub -n hub-weu --command kubectl -n aks-access-system scale "
    "deployment/aks-access-operator --replicas=0": "",
}
"""What `az` prints, by its arguments."""
VALUES = f"""\
image: {{repository: registry.contoso.com/aks-access-operator}}
azure: {{clientId: {CLIENT_ID}, tenantId: {TENANT_ID}}}
operator: {{managementEgress: [{HUB_EGRESS}]}}
"""
TARGET = f"""\
kubectl apply -f - <<END
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessTarget
metadata: {{name: prod-weu}}
spec:
  resourceId: {CLUSTER}
  mode: Merge
  baseline: {{ipRanges: [51.140.8.0/24]}}
  policy: {{allowedNamespaces: {{from: All}}}}
END
"""
GRANT = """\
kubectl apply -f - <<END
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: me, namespace: default}
spec:
  targetRef: {name: prod-weu}
  ipRanges: [81.2.69.142]
  duration: 1h
END
"""


@pytest.fixture
def guide(tmp_path: Path) -> Iterator[Callable[..., Reader]]:
    """A reader of a page, on an API server where nothing is installed, and one cluster.

    With `asks_azure` commands of ours reach Azure, by an identity of their own.
    """
    with ControlPlane() as plane, ArmProcess(operation_seconds=0.2) as arm:
        arm.control.create_cluster(CLUSTER, ranges=["51.140.8.0/24", "20.82.10.7/32"])
        readers: list[Reader] = []

        def read(page: str, *, hurry: Mapping[str, str] = {}, asks_azure: bool = False) -> Reader:
            reader = Reader(
                page=ROOT / "docs" / page,
                plane=plane,
                arm=arm,
                folder=tmp_path,
                answers=ANSWERS,
                hurry=hurry,
                variables=azure_variables(arm) if asks_azure else {},
            )
            readers.append(reader)
            return reader

        yield read
        for reader in readers:
            reader.pods.close()


def test_install(guide: Callable[..., Reader]) -> None:
    shorter = {"duration: 10m": "duration: 25s", "10m after": "25s after", "sleep 15": "sleep 0"}
    reader = guide("install.md", hurry=shorter)
    reader.follow()
    assert scopes(reader) == {name: [SUBSCRIPTION] for name in ROLES}


def test_another_subscription(guide: Callable[..., Reader]) -> None:
    """Of the same tenant, where a second role of the same name is refused."""
    reader = guide("install.md", hurry={"sleep 15": "sleep 0"})
    reader.follow(until="## 2. An identity")
    reader.run(f"PRINCIPAL_ID={PRINCIPAL_ID}")
    reader.follow(since="## 3. Rights in Azure", until="## 4. The operator")
    with pytest.raises(AssertionError, match="RoleDefinitionWithSameNameExists"):
        reader.follow(since="## 3. Rights in Azure", until="## 4. The operator")
    reader.page = ROOT / "docs" / "azure-permissions.md"
    reader.follow(since="## Another subscription", until="## An identity for each target")
    assert scopes(reader) == {name: [SUBSCRIPTION, ANOTHER] for name in ROLES}


ROLES = [role.name for role in roles()]


def scopes(reader: Reader) -> dict[str, list[str]]:
    """The custom roles of the tenant, each with where it can be assigned."""
    made = json.loads((reader.folder / "roles.json").read_text())
    for role in roles():
        assert made[role.name]["Actions"] == role.names
    return {name: each["AssignableScopes"] for name, each in made.items()}


def test_migration(guide: Callable[..., Reader]) -> None:
    reader = guide("migration.md", asks_azure=True)
    reader.arm.control.edit_ranges(CLUSTER, add=["81.2.69.142/32"])
    reader.install(VALUES)
    reader.follow()


def test_upgrade(guide: Callable[..., Reader]) -> None:
    reader = guide("upgrade.md")
    reader.install(VALUES, chart=PREVIOUS)
    reader.run(f"{TARGET}kubectl wait --for=condition=Programmed aat/prod-weu --timeout=30s")
    reader.follow(until="### CRDs by somebody else")
    reader.follow(since="## Roll back")
    reader.follow(since="### CRDs by somebody else", until="## Roll back")


def test_an_upgrade_keeps_what_monitoring_switched_on(guide: Callable[..., Reader]) -> None:
    reader = guide("monitoring.md")
    reader.install(VALUES)
    names = "crd/servicemonitors.monitoring.coreos.com crd/prometheusrules.monitoring.coreos.com"
    established = f"kubectl wait --for=condition=Established --timeout=30s {names}"
    reader.run(f"kubectl apply -f {STAND_INS}\n{established}")
    reader.follow(until="## Audit trail")
    reader.page = ROOT / "docs" / "upgrade.md"
    reader.follow(since="## Upgrade", until="### CRDs by somebody else")
    for kind in ("servicemonitor", "prometheusrule"):
        reader.run(f"kubectl get -n {NAMESPACE} {kind}/{SERVICE_ACCOUNT}")


def test_uninstall(guide: Callable[..., Reader]) -> None:
    there = "kubectl delete namespace aks-access-system"
    reader = guide("uninstall.md", hurry={there: f"{there} --wait=false"})  # nothing ends it here
    reader.install(VALUES)
    reader.run(f"{TARGET}{GRANT}kubectl wait --for=condition=Programmed aag/me --timeout=30s")
    reader.follow(until="## The operator went first")
    assert reader.pods.gone


TEAM = """\
kubectl create namespace team-a
kubectl config set-context --current --namespace team-a
kubectl patch aat prod-weu --type=merge -p \\
  '{"spec":{"policy":{"maxDuration":"24h","contact":"platform@contoso.com"}}}'
kubectl wait --for=condition=Programmed aat/prod-weu --timeout=30s
"""


def test_let_me_in(guide: Callable[..., Reader], tmp_path: Path) -> None:
    reader = guide("commands/let-me-in.md")
    reader.install(VALUES)
    reader.run(TARGET + TEAM)

    def enforced(_host: str) -> list[str] | None:
        return reader.arm.control.cluster(CLUSTER).applied

    with Internet(tmp_path / "internet", lists=enforced) as internet:
        reader.run("\n".join(f"export {name}={it}" for name, it in internet.variables.items()))
        reader.follow()
    assert f"{internet.address}/32" not in (reader.arm.control.cluster(CLUSTER).ranges or [])


def test_the_lockout_card(guide: Callable[..., Reader]) -> None:
    reader = guide("uninstall.md")
    reader.install(VALUES)
    reader.run(f"{TARGET}kubectl wait --for=condition=Programmed aat/prod-weu --timeout=30s")
    reader.follow(since="## Lockout card")
    assert "81.2.69.142/32" in (reader.arm.control.cluster(CLUSTER).ranges or [])
    assert reader.pods.gone
