"""The rights that the chart gives: the operator's to the last verb, and people's by aggregation."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_access.kube.connection import Access, Connection
from aks_access.kube.discovery import Discovery, required_rights
from aks_access.settings.table import Settings
from sandbox import chart
from sandbox.controlplane import ControlPlane
from sandbox.processes import wait_until
from tests.integration.chart_values import (
    NAMES,
    Documents,
    all_of,
    container,
    documents,
    environment,
    rendered,
    values_file,
)
from tests.integration.rights import given, rules, user
from tests.integration.world import OPERATOR

pytestmark = pytest.mark.install

LEASE = "aks-access-operator"
RBAC = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete", "deletecollection")
GRANTS = "apiaccessgrants.aksaccess.dev"
PLATFORMS = ("apiaccesstargets.aksaccess.dev", "iprangesets.aksaccess.dev")


def test_rights_are_what_the_operator_needs(control_plane: ControlPlane, operator_kubeconfig: Path):
    async def missing() -> list[str]:
        access = Access(kubeconfig=str(operator_kubeconfig))
        async with await Connection.open(access=access) as connection:
            discovery = Discovery(connection=connection, lease=LEASE)
            return list(await discovery.missing_rights(namespace=chart.NAMESPACE))

    assert asyncio.run(missing()) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sovereign"])
def test_rights_are_no_more_than_the_operator_needs(helm: Path, name: str):
    found = given(rendered(name), to=OPERATOR)
    assert len(found) == len(set(found))
    assert set(found) == set(required_rights(namespace=chart.NAMESPACE, lease=LEASE))


LEASE_VARIABLE = {"operator.extraEnv[0].name": "AKS_ACCESS_LEASE_NAME"}
LEASE_FLAG = {"operator.extraArgs[0]": "--lease-name=mine"}


@pytest.mark.parametrize(
    ("values", "lease"),
    [
        (LEASE_FLAG, "mine"),
        ({"operator.extraArgs[0]": "--lease-name", "operator.extraArgs[1]": "mine"}, "mine"),
        ({**LEASE_VARIABLE, "operator.extraEnv[0].value": "theirs"}, "theirs"),
        ({**LEASE_VARIABLE, **LEASE_FLAG, "operator.extraEnv[0].value": "theirs"}, "mine"),
        (LEASE_VARIABLE, LEASE),
    ],
)
def test_the_role_names_the_lease_that_the_operator_takes(
    helm: Path, values: dict[str, str], lease: str
):
    objects = rendered(**values)
    assert leases(objects) == {lease}
    arguments = container(objects).get("args", [])
    flags = [each.removeprefix("--lease-name=") for each in arguments if each != "--lease-name"]
    flag = {"lease-name": flags[-1]} if flags else {}
    settings = Settings.load(given=flag, environment=environment(objects))
    assert settings.lease_name == lease


def test_the_role_names_no_lease_where_only_the_pod_knows_it(helm: Path):
    path = "operator.extraEnv[0].valueFrom.fieldRef.fieldPath"
    assert leases(rendered(**LEASE_VARIABLE, **{path: "metadata.uid"})) == {""}


def leases(objects: Documents) -> set[str]:
    """Names of the Leases that the operator may hold."""
    return {
        right.name
        for right in given(objects, to=OPERATOR)
        if right.resource == "leases" and right.verb != "create"
    }


def test_nobody_but_the_operator_is_bound_unasked(helm: Path):
    for objects in (chart.installed(), rendered("small"), rendered("private-cloud")):
        for kind in ("ClusterRoleBinding", "RoleBinding"):
            for binding in all_of(objects, kind):
                assert [user(each) for each in binding["subjects"]] == [OPERATOR]


EVERYWHERE = {
    "apiaccessgrants": "they are in the namespaces of teams",
    "apiaccessgrants/status": "the same",
    "apiaccesstargets": "of cluster scope",
    "apiaccesstargets/status": "of cluster scope",
    "iprangesets": "of cluster scope",
    "iprangesets/status": "of cluster scope",
    "namespaces": "of cluster scope",
    "events": "stand beside the object that they tell of",
}
"""What the operator, or anybody, gets a right on in the whole cluster, and why."""


ROLES = ("rbac.yaml", "roles.yaml")
"""The only templates with roles and bindings; what others make is in the values' own words."""


def test_only_two_templates_give_rights() -> None:
    kind = re.compile(r"kind: (?:Cluster)?Role(?:Binding)?\b")
    templates = (chart.CHART / "templates").iterdir()
    assert sorted(each.name for each in templates if kind.search(each.read_text())) == [*ROLES]


def variants() -> Iterator[tuple[str, ...]]:
    """Helm's arguments: every file of values, and every switch of the values the other way.

    Of switches the roles alone are rendered, which takes a fraction of the time.
    """
    for name in NAMES:
        yield ("--values", str(values_file(name)))
    defaults = yaml.safe_load((chart.CHART / "values.yaml").read_text())
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    for path, value in switches(defaults, schema):
        account = f"--set=serviceAccount.name={chart.SERVICE_ACCOUNT}"  # needed by one of them
        only = () if path == "rbac.create" else ("--show-only=templates/r*.yaml",)  # not nothing
        yield ("--values", str(values_file("small")), account, f"--set={path}={value}", *only)


def switches(
    values: dict[str, Any], schema: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, str]]:
    """Every boolean turned, and every other choice of an enumeration."""
    for name, value in values.items():
        known = schema.get("properties", {}).get(name, {})
        if isinstance(value, dict):
            yield from switches(value, known, f"{path}{name}.")
        elif isinstance(value, bool):
            yield f"{path}{name}", str(not value).lower()
        else:
            yield from ((f"{path}{name}", each) for each in known.get("enum", []) if each != value)


@pytest.mark.timeout(180)
def test_no_values_give_more(helm: Path):
    """No wildcard, no Secret, nothing elsewhere that is the operator's own, and to nobody else."""
    tried = list(variants())
    assert len(tried) > 15, "the switches are found"
    for arguments in tried:
        objects = documents(chart.render(*arguments))
        for role in (*all_of(objects, "ClusterRole"), *all_of(objects, "Role")):
            assert not any("nonResourceURLs" in rule for rule in role["rules"]), arguments
            for right in rules(role, namespace=role["metadata"].get("namespace", "")):
                words = (right.group, right.resource, right.verb, right.name)
                assert "*" not in " ".join(words), arguments
                allowed = {"configmaps", "leases"} if right.namespace else EVERYWHERE.keys()
                assert right.resource in allowed, (right, arguments)
                assert right.namespace in ("", chart.NAMESPACE), arguments
        bound = {
            (binding["roleRef"]["name"], user(each))
            for kind in ("ClusterRoleBinding", "RoleBinding")
            for binding in all_of(objects, kind)
            for each in binding["subjects"]
        }
        operators = {each for name, each in bound if name == chart.SERVICE_ACCOUNT}
        assert operators <= {OPERATOR}, arguments
        readers = {name for name, _ in bound} - {chart.SERVICE_ACCOUNT}
        assert readers <= {f"{chart.SERVICE_ACCOUNT}-targets-view"}, arguments


def test_people_never_write_a_status(helm: Path):
    for role in all_of(rendered("production"), "ClusterRole"):
        if role["metadata"]["name"] != chart.SERVICE_ACCOUNT:
            statuses = {each.verb for each in rules(role) if each.resource.endswith("/status")}
            assert statuses == {"get"}


def test_no_role_where_somebody_else_makes_them(helm: Path):
    assert not RBAC & {each["kind"] for each in rendered("sovereign")}


@pytest.fixture(scope="module")
def aggregating() -> Iterator[ControlPlane]:
    """A control plane whose controllers aggregate roles."""
    with ControlPlane(controller_manager=True) as plane:
        chart.apply_chart(plane)
        plane.kubectl("create", "namespace", "team-a")
        for role in ("view", "edit", "admin"):
            plane.kubectl(
                *("create", "rolebinding", role, "--namespace=team-a"),
                *(f"--clusterrole={role}", f"--user={role}er"),
            )
        yield plane


def rights_of(plane: ControlPlane, person: str, resource: str, *, group: str = "") -> set[str]:
    """The verbs that a person has on a resource in team-a."""
    name, _, sub = resource.partition("/")
    asked = {
        "group": name.partition(".")[2],
        "resource": name.partition(".")[0],
        "subresource": sub,
        "namespace": "team-a" if name == GRANTS else "",
    }
    return {
        verb
        for verb in (*READ, *WRITE)
        if plane.request(
            "POST",
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {
                    "user": person,
                    "groups": [group] if group else [],
                    "resourceAttributes": {**asked, "verb": verb},
                },
            },
        )["status"]["allowed"]
    }


def wait_rights(
    plane: ControlPlane, resource: str, *, group: str = "", **expected: set[str]
) -> None:
    """Return once each person has these verbs: every role and binding takes effect by itself."""
    found: dict[str, set[str]] = {}

    def so() -> bool:
        found.update({who: rights_of(plane, who, resource, group=group) for who in expected})
        return found == expected

    wait_until(
        so,
        what=f"the rights on {resource} to be {expected}",
        timeout=30.0,
        detail=lambda: str(found),
    )


def apply(plane: ControlPlane, objects: Documents) -> None:
    plane.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--filename", "-"),
        input=yaml.safe_dump_all([each for each in objects if each["kind"] in RBAC]),
    )


@pytest.mark.timeout(180)
def test_built_in_roles_get_rights_on_grants(helm: Path, aggregating: ControlPlane):
    """By default: view reads, admin writes, and edit only reads, because it includes view."""
    plane = aggregating
    apply(plane, rendered())
    wait_rights(plane, GRANTS, adminer={*READ, *WRITE}, viewer=set(READ), editer=set(READ))
    for person in ("viewer", "editer", "adminer"):
        assert rights_of(plane, person, f"{GRANTS}/status") == {"get"}
        for resource in PLATFORMS:
            assert rights_of(plane, person, resource) == set()
            assert rights_of(plane, person, f"{resource}/status") == set()
    told = plane.kubectl("auth", "can-i", "create", GRANTS, "-n", "team-a", "--as=adminer")
    assert told.stdout.strip() == "yes"


@pytest.mark.timeout(180)
def test_values_decide_who_gets_rights(helm: Path, aggregating: ControlPlane):
    plane = aggregating
    apply(plane, rendered("production"))
    wait_rights(plane, GRANTS, editer={*READ, *WRITE})
    for resource in PLATFORMS:
        wait_rights(plane, resource, group="sre", anyone=set(READ))
        assert rights_of(plane, "auditor@contoso.com", resource) == set(READ)
        assert rights_of(plane, "system:serviceaccount:monitoring:dashboards", resource)
        assert rights_of(plane, "editer", resource) == set()
    apply(plane, rendered("small"))  # nothing is aggregated
    wait_rights(plane, GRANTS, adminer=set(), viewer=set())
