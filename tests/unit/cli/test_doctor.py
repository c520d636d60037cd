"""`doctor`: each thing that may be wrong is found, and the way out is in its line."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from aks_access.__main__ import main
from aks_access.azure.linked import LINKED, linked_actions
from aks_access.cli.checks import rights
from aks_access.cli.checks.azure import allows
from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.cli.hub.cluster import Resource
from aks_access.cli.surroundings import Surroundings
from sandbox.arm.linked import PROPERTIES, links
from tests.unit.cli.transcript import GOLDEN, NOW, hub

HUB = GOLDEN / "files" / "hub.yaml"
CHART = GOLDEN.parent / "chart" / "default.yaml"


def look(cluster: FakeCluster, *names: str) -> dict[str, list[str]]:
    """The lines of each grade."""
    machine = Surroundings(now=lambda: NOW, cluster=lambda _reach: cluster)
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as ended:
        main(["doctor", *names], surroundings=machine)
    found: dict[str, list[str]] = {}
    for line in out.getvalue().splitlines()[:-1]:
        found.setdefault(line[:4], []).append(" ".join(line[4:].split()))
    assert (ended.value.code == 1) == ("FAIL" in found)
    return found


def edited(change: Callable[[dict[str, Any]], None], *, kind: str, name: str = "") -> FakeCluster:
    """The golden hub with one object changed; one left empty is taken away."""
    made = FakeCluster(time=NOW)
    whole = hub(HUB)
    for resource in Resource:
        for raw in whole.all(resource):
            if raw["kind"] == kind and name in raw["metadata"]["name"]:
                change(raw)
            if raw:
                made.add(raw)
    return made


def setting(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(raw: dict[str, Any]) -> None:
        *above, last = path.split(".")
        for key in above:
            raw = raw[key]
        raw[last] = value

    return change


CRD, LEASE, PROD = "CustomResourceDefinition", "Lease", "c401fae45b08f469"


@pytest.mark.parametrize(
    ("change", "kind", "name", "grade", "said"),
    [
        (dict.clear, CRD, "iprange", "FAIL", "iprangesets.aksaccess.dev is not installed. Run:"),
        (setting("spec.versions", []), CRD, "iprange", "FAIL", "does not serve v1alpha1"),
        (
            lambda raw: raw["spec"]["versions"][0].update(schema={}),
            CRD,
            "iprange",
            "WARN",
            "has the schema of another version",
        ),
        (
            setting("status", {"storedVersions": ["v1alpha0", "v1alpha1"]}),
            CRD,
            "iprange",
            "WARN",
            "has objects stored as v1alpha0, v1alpha1",
        ),
        (
            setting("status", {"conditions": [{"type": "Established", "status": "False"}]}),
            CRD,
            "iprange",
            "FAIL",
            "is not established",
        ),
        (dict.clear, "Deployment", "", "FAIL", "no Deployment of the operator"),
        (setting("status", {}), "Deployment", "", "FAIL", "none of 2 replicas is ready"),
        (setting("status.readyReplicas", 1), "Deployment", "", "WARN", "1 of 2 replicas"),
        (
            lambda raw: raw["spec"]["template"]["spec"]["containers"][0].update(env=[]),
            "Deployment",
            "",
            "WARN",
            "managementEgress is empty",
        ),
        (
            lambda raw: raw["spec"]["template"]["spec"]["containers"][0].update(
                args=["--management-egress=10.0.0.1"]
            ),
            "Deployment",
            "",
            "FAIL",
            "its settings are wrong",
        ),
        (dict.clear, LEASE, "", "FAIL", "nobody leads: no replica holds"),
        (setting("spec.renewTime", "2026-11-22T09:50:00Z"), LEASE, "", "FAIL", "nobody leads"),
        (setting("spec.renewTime", "soon"), LEASE, "", "FAIL", "renewTime cannot be read"),
        (dict.clear, "ConfigMap", PROD, "FAIL", "is gone, and prod-weu remembers it"),
        (
            setting("data", {"ledger.json": "{"}),
            "ConfigMap",
            PROD,
            "FAIL",
            "cannot be used: it does not say which cluster",
        ),
        (
            lambda raw: raw["data"].update(
                {"ledger.json": raw["data"]["ledger.json"].replace('n":2', 'n":9', 1)}
            ),
            "ConfigMap",
            PROD,
            "FAIL",
            "a newer operator wrote it",
        ),
        (dict.clear, "ApiAccessTarget", "prod-weu", "WARN", "its target prod-weu is gone, and 4"),
        (
            setting("status.ledgerSequence", 10_000),
            "ApiAccessTarget",
            "prod-weu",
            "FAIL",
            "is an old copy",
        ),
        (setting("status", {}), "ApiAccessTarget", "dev-weu", "FAIL", "has no status"),
        (
            setting("metadata.generation", 7),
            "ApiAccessTarget",
            "dev-weu",
            "WARN",
            "has not seen its last edit",
        ),
        (setting("spec.suspend", True), "ApiAccessTarget", "dev-weu", "WARN", "is suspended"),
        (
            setting("status.cluster.ineffectiveEntries", ["AzureCloud"]),
            "ApiAccessTarget",
            "dev-weu",
            "WARN",
            "AzureCloud: so wide",
        ),
    ],
)
def test_what_is_wrong_is_found(
    change: Callable[[dict[str, Any]], None], kind: str, name: str, grade: str, said: str
) -> None:
    before = look(hub(HUB)).get(grade, [])
    new = [line for line in look(edited(change, kind=kind, name=name))[grade] if line not in before]
    assert any(said in line for line in new), new


@pytest.mark.parametrize(
    ("version", "grade"), [("v1.30.9", "FAIL"), ("v1.31.0", "PASS"), ("odd", "WARN")]
)
def test_an_api_server_that_is_too_old(version: str, grade: str) -> None:
    cluster = hub(HUB)
    cluster.server = version
    assert any(line.startswith("API server") and version in line for line in look(cluster)[grade])


def test_a_clock_that_is_off() -> None:
    cluster = hub(HUB)
    cluster.time = NOW.replace(minute=5)
    assert any("differ by 300 s" in line for line in look(cluster)["WARN"])
    cluster.time = None
    assert any("could not be read" in line for line in look(cluster)["SKIP"])


def test_rights_that_are_missing() -> None:
    cluster = hub(HUB)
    account = "system:serviceaccount:aks-access-system:aks-access-operator"
    cluster.lacking = {
        (account, "patch apiaccessgrants/status.aksaccess.dev"),
        ("", "create apiaccessgrants.aksaccess.dev in default"),
    }
    found = look(cluster)
    assert any("may not patch apiaccessgrants/status" in line for line in found["FAIL"])
    assert any("may not create grants in default" in line for line in found["WARN"])
    cluster.impersonates = False
    assert any("you may not impersonate it" in line for line in look(cluster)["SKIP"])


def test_a_named_target_is_looked_at_alone() -> None:
    found = look(hub(HUB), "dev-weu")
    every = [line for lines in found.values() for line in lines]
    assert not [line for line in every if "prod-weu" in line or line.startswith("lab")]


def test_the_operators_rights_are_the_charts() -> None:
    rules: set[tuple[str, ...]] = set()
    for document in yaml.safe_load_all(CHART.read_text()):
        kind, name = document["kind"], document["metadata"]["name"]
        if kind not in ("ClusterRole", "Role") or name != "aks-access-operator":
            continue
        place = "aks-access-system" if kind == "Role" else ""
        for rule in document["rules"]:
            for name in rule.get("resourceNames", [""]):
                rules |= {
                    (verb, resource, group, place, name)
                    for verb in rule["verbs"]
                    for resource in rule["resources"]
                    for group in rule["apiGroups"]
                }
    ours = rights.operators(namespace="aks-access-system", lease="aks-access-operator")
    assert {(r.verb, r.resource, r.group, r.namespace, r.name) for r in ours} == rules


def test_linked_actions_are_those_that_azure_checks() -> None:
    assert dict(LINKED) == dict(PROPERTIES)
    body: dict[str, Any] = {
        "identity": {"userAssignedIdentities": {"/subscriptions/s/resourceGroups/rg/i": {}}},
        "properties": {
            "nodeResourceGroup": "MC_rg",
            "diskEncryptionSetID": "/subscriptions/s/resourceGroups/rg/d",
            "agentPoolProfiles": [
                {"vnetSubnetID": "/subscriptions/s/resourceGroups/rg/n"},
                {"vnetSubnetID": "/subscriptions/s/resourceGroups/rg/n"},
            ],
            "identityProfile": {"k": {"resourceId": "/subscriptions/s/resourceGroups/MC_rg/k"}},
        },
    }
    assert list(linked_actions(body)) == list(dict.fromkeys(links(body)))
    assert len(list(linked_actions(body))) == 3
    odds: list[object] = [
        None,
        [],
        {"properties": {"agentPoolProfiles": "x", "identityProfile": 1}},
    ]
    for odd in odds:
        assert list(linked_actions(odd)) == []


@pytest.mark.parametrize(
    ("permissions", "is_allowed"),
    [
        ([{"actions": ["*"], "notActions": []}], True),
        ([{"actions": ["Microsoft.Network/*/join/action"]}], True),
        ([{"actions": ["microsoft.network/publicipaddresses/JOIN/action"]}], True),
        ([{"actions": ["*"], "notActions": ["Microsoft.Network/*"]}], False),
        ([{"actions": ["*"], "notActions": ["*"]}, {"actions": ["*"]}], True),
        ([{"actions": ["*/read"]}], False),
        ([{}], False),
        ([], False),
    ],
)
def test_a_permission_is_read_as_azure_reads_it(
    permissions: list[dict[str, Any]], is_allowed: bool
) -> None:
    assert allows(permissions, "Microsoft.Network/publicIPAddresses/join/action") is is_allowed
