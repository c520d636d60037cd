"""The rights that the chart gives: the operator's to the last verb, and people's by aggregation."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_access.kube.connection import Access, Connection
from aks_access.kube.discovery import Discovery, required_rights
from sandbox import chart
from sandbox.controlplane import ControlPlane
from sandbox.processes import wait_until
from tests.integration.chart_values import NAMES, Documents, all_of, one_of, rendered

OPERATOR_USER = f"system:serviceaccount:{chart.NAMESPACE}:{chart.SERVICE_ACCOUNT}"
RBAC = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete", "deletecollection")
GRANTS = "apiaccessgrants.aksaccess.dev"
PLATFORMS = ("apiaccesstargets.aksaccess.dev", "iprangesets.aksaccess.dev")


def rules(role: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield group, resource, verb


def test_rights_are_what_the_operator_needs(control_plane: ControlPlane, operator_kubeconfig: Path):
    async def missing() -> list[str]:
        access = Access(kubeconfig=str(operator_kubeconfig))
        async with await Connection.open(access=access) as connection:
            return list(
                await Discovery(connection=connection).missing_rights(namespace=chart.NAMESPACE)
            )

    assert asyncio.run(missing()) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sovereign"])
def test_rights_are_no_more_than_the_operator_needs(helm: Path, name: str):
    objects = rendered(name)
    needed = {
        (right.group, right.resource, right.verb, bool(right.namespace))
        for right in required_rights(namespace=chart.NAMESPACE)
    }
    bound = [
        binding["roleRef"]
        for kind in ("ClusterRoleBinding", "RoleBinding")
        for binding in all_of(objects, kind)
        if OPERATOR_USER in map(user, binding["subjects"])
    ]
    given = {
        (*rule, role["kind"] == "Role")
        for role in bound
        for rule in rules(one_of(objects, role["kind"], name=role["name"]))
    }
    assert given == needed


def user(subject: dict[str, str]) -> str:
    if subject["kind"] != "ServiceAccount":
        return subject["name"]
    return f"system:serviceaccount:{subject['namespace']}:{subject['name']}"


def test_nobody_but_the_operator_is_bound_unasked(helm: Path):
    for objects in (chart.installed(), rendered("small"), rendered("private-cloud")):
        for kind in ("ClusterRoleBinding", "RoleBinding"):
            for binding in all_of(objects, kind):
                assert [user(each) for each in binding["subjects"]] == [OPERATOR_USER]


@pytest.mark.parametrize("name", NAMES)
def test_no_role_has_wildcards_or_secrets(helm: Path, name: str):
    for kind in ("ClusterRole", "Role"):
        for role in all_of(rendered(name), kind):
            for group, resource, verb in rules(role):
                assert "*" not in (group, resource, verb)
                assert resource != "secrets"


def test_people_never_write_a_status(helm: Path):
    for role in all_of(rendered("production"), "ClusterRole"):
        if role["metadata"]["name"] != chart.SERVICE_ACCOUNT:
            statuses = {verb for _, what, verb in rules(role) if what.endswith("/status")}
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
    wait_until(
        lambda: rights_of(plane, "adminer", GRANTS) == {*READ, *WRITE},
        what="the roles to be aggregated",
        timeout=30.0,
    )
    assert rights_of(plane, "viewer", GRANTS) == set(READ)
    assert rights_of(plane, "editer", GRANTS) == set(READ)
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
    wait_until(
        lambda: rights_of(plane, "editer", GRANTS) == {*READ, *WRITE},
        what="edit to be aggregated",
        timeout=30.0,
    )
    for resource in PLATFORMS:
        assert rights_of(plane, "anyone", resource, group="sre") == set(READ)
        assert rights_of(plane, "auditor@contoso.com", resource) == set(READ)
        assert rights_of(plane, "system:serviceaccount:monitoring:dashboards", resource)
        assert rights_of(plane, "editer", resource) == set()
    apply(plane, rendered("small"))  # nothing is aggregated
    wait_until(
        lambda: rights_of(plane, "adminer", GRANTS) == set(),
        what="the rights to go",
        timeout=30.0,
    )
    assert rights_of(plane, "viewer", GRANTS) == set()
