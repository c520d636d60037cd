"""examples/gitops-argocd as it stands, from one `kubectl apply` to a deleted application.

Only the addresses of the repositories are replaced. There are no pods: the test reports the
operator's Deployment as rolled out, and runs the operator with the rights that Argo CD applied.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import chart
from sandbox.argocd import NAMESPACE, ArgoCD, roll_out
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.audit import AuditEvent
from sandbox.controlplane.client import ApiError
from sandbox.landscape import BEFORE, EXAMPLES, targets
from sandbox.operator import OperatorProcess
from sandbox.processes import wait_until
from tests.argocd.application import Application
from tests.argocd.repository import Repository
from tests.integration.station import PACE, STEADY

EXAMPLE = EXAMPLES / "gitops-argocd"
OURS = "https://git.contoso.com/platform/access.git"
OPERATORS = "https://git.contoso.com/mirrors/aks-access-operator.git"
DEPLOYMENT = {"namespace": chart.NAMESPACE, "name": chart.SERVICE_ACCOUNT}
GROUP = "/apis/aksaccess.dev/v1alpha1"
GRANT = f"{GROUP}/namespaces/team-a/apiaccessgrants/laptop"
LAPTOP = "81.2.69.142/32"
BASELINE = {"20.50.1.4/32", "51.140.0.0/24", "20.50.40.16/28"}
PATIENCE = 120.0


@dataclass
class Fleet:
    """Argo CD on a management cluster without anything of ours, and Azure with three clusters."""

    plane: ControlPlane
    argo: ArgoCD
    arm: ArmProcess
    access: Repository
    clusters: dict[str, str]

    def get(self, path: str) -> dict[str, Any] | None:
        try:
            return self.plane.request("GET", path)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def state(self, path: str) -> str:
        found = self.get(path) or {}
        return str(found.get("status", {}).get("summary", {}).get("state", ""))

    def until(
        self, condition: Callable[[], bool], *, what: str, told: Callable[[], str] = str
    ) -> None:
        def detail() -> str:
            stories = [Application(self.argo, name).story() for name in self.applications()]
            return "\n".join([told(), *stories])

        wait_until(condition, what=what, timeout=PATIENCE, interval=0.2, detail=detail)

    def applications(self) -> dict[str, tuple[str, str]]:
        """Each application's name to its sync and health."""
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications"
        return {
            each["metadata"]["name"]: (
                each.get("status", {}).get("sync", {}).get("status", ""),
                each.get("status", {}).get("health", {}).get("status", ""),
            )
            for each in self.plane.request("GET", path)["items"]
        }

    def ranges(self, name: str) -> set[str]:
        return set(self.arm.control.cluster(self.clusters[name]).applied or [])


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    operators = Repository(tmp_path / "operator")
    operators.copy(chart.CHART, to=f"charts/{chart.CHART.name}")
    operators.commit()
    operators.tag("v0.1.0")
    access = Repository(tmp_path / "access")
    access.copy(EXAMPLE)
    access.replace({OURS: access.url, OPERATORS: operators.url})
    access.commit()
    clusters = {each["metadata"]["name"]: each["spec"]["resourceId"] for each in targets()}
    with (
        ControlPlane(controller_manager=True) as plane,
        ArmProcess(operation_seconds=0.5) as arm,
        ArgoCD(plane=plane) as argo,
    ):
        for name, resource_id in clusters.items():
            arm.control.create_cluster(resource_id, ranges=BEFORE[name])
        yield Fleet(plane=plane, argo=argo, arm=arm, access=access, clusters=clusters)


def register(fleet: Fleet, name: str, *, mode: str) -> None:
    """Tell Argo CD of a cluster, as `argocd cluster add` with a label and two annotations does."""
    labels = {
        "argocd.argoproj.io/secret-type": "cluster",
        "access.contoso.com/managed": "true",
        "environment": "lab",
    }
    annotations = {
        "access.contoso.com/resource-id": fleet.clusters[name],
        "access.contoso.com/mode": mode,
    }
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    data = {"name": name, "server": f"https://{name}.invalid", "config": "{}"}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    fleet.plane.request("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", body)


def grant(expires: str) -> dict[str, Any]:
    return {
        "apiVersion": "aksaccess.dev/v1alpha1",
        "kind": "ApiAccessGrant",
        "metadata": {"name": "laptop", "annotations": {"argocd.argoproj.io/sync-wave": "1"}},
        "spec": {
            "targetRef": {"name": "prod-weu"},
            "ipRanges": [LAPTOP],
            "expiresAt": expires,
            "reason": "INC-77",
            "requestedBy": "dev@contoso.com",
        },
    }


def test_the_example_from_one_apply_to_a_clean_deletion(
    fleet: Fleet, figure: Callable[[str], None]
):
    began = time.monotonic()
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    fleet.access.write("teams/team-a/laptop.yaml", grant(expires))
    fleet.access.commit()
    register(fleet, "lab-neu", mode="Merge")
    root = (EXAMPLE / "root.yaml").read_text().replace(OURS, fleet.access.url)
    fleet.plane.kubectl("apply", "--filename=-", input=root)

    deployment = f"/apis/apps/v1/namespaces/{chart.NAMESPACE}/deployments/{chart.SERVICE_ACCOUNT}"
    budget = f"/apis/policy/v1/namespaces/{chart.NAMESPACE}/poddisruptionbudgets"
    rolling = (deployment, f"{budget}/{chart.SERVICE_ACCOUNT}")
    fleet.until(lambda: all(map(fleet.get, rolling)), what="the Deployment to be applied")
    assert fleet.get(f"{GROUP}/apiaccesstargets/prod-weu") is None  # wave 0 waits
    roll_out(fleet.plane, **DEPLOYMENT)
    with OperatorProcess(plane=fleet.plane, arm=fleet.arm, **PACE, **STEADY) as operator:
        operator.wait_ready()
        fleet.until(lambda: fleet.state(GRANT) == "Active", what="the grant to be Active")
        assert fleet.ranges("prod-weu") == {*(BEFORE["prod-weu"] or []), *BASELINE, LAPTOP}
        fleet.until(
            lambda: fleet.state(f"{GROUP}/apiaccesstargets/lab-neu") == "InSync",
            what="the target of the registered cluster to be InSync",
        )
        good = ("Synced", "Healthy")
        names = ("access", "access-platform", "access-lab-neu", "access-team-a", "access-team-b")
        fleet.until(
            lambda: fleet.applications() == dict.fromkeys(names, good),
            what="every application to be Synced and Healthy",
        )
        figure(f"everything Synced and Healthy {time.monotonic() - began:.0f} s after one apply")

        began = time.monotonic()
        Application(fleet.argo, "access").delete()
        Application(fleet.argo, "access").wait_gone(seconds=PATIENCE)
        fleet.until(lambda: fleet.get(GRANT) is None, what="the grant to be gone")
        figure(f"deleted and revoked in {time.monotonic() - began:.0f} s")
        assert fleet.ranges("prod-weu") == {*(BEFORE["prod-weu"] or []), *BASELINE}
        fleet.until(
            lambda: fleet.get(f"{GROUP}/apiaccesstargets/prod-weu") is None,
            what="the target to be gone",
            told=lambda: story(fleet, "apiaccesstargets", "prod-weu"),
        )
        order = [
            released(fleet, "apiaccessgrants", "laptop"),
            released(fleet, "apiaccesstargets", "prod-weu"),
            released(fleet, "deployments", chart.SERVICE_ACCOUNT),
        ]
        assert order == sorted(order)
        assert fleet.get(deployment) is None
        crds = fleet.plane.kubectl("get", "crd", "-o=name").stdout
        assert "apiaccessgrants.aksaccess.dev" in crds
        kept = fleet.plane.request("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps/argocd-cm")
        assert kept["data"]["timeout.reconciliation"] == "5s"
        # A cluster whose Secret or application goes keeps its target and what its list had.
        assert fleet.get(f"{GROUP}/apiaccesstargets/lab-neu") is not None
        assert BASELINE - {"20.50.1.4/32"} < fleet.ranges("lab-neu")


def story(fleet: Fleet, resource: str, name: str) -> str:
    """The object as it stands, and who wrote it: for a failing test."""
    events = fleet.plane.audit(lambda event: (event.resource, event.name) == (resource, name))
    lines = [
        f"{event.timestamp} {event.user} {event.verb} {event.subresource} {event.code}"
        for event in events
        if event.verb not in ("get", "list", "watch")
    ]
    return "\n".join([json.dumps(fleet.get(f"{GROUP}/{resource}/{name}")), *lines])


def released(fleet: Fleet, resource: str, name: str) -> float:
    """When the API server was last asked about an object in a way that let it go."""

    def lets_go(event: AuditEvent) -> bool:
        named = (event.resource, event.name, event.subresource) == (resource, name, "")
        return named and event.verb in ("delete", "patch", "update") and event.code == 200

    return max(event.timestamp.timestamp() for event in fleet.plane.audit(lets_go))
