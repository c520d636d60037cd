"""A release's life, by the real Helm on a real API server: install, upgrade, uninstall, again.

No pod runs there, so nothing is waited for; that an operator starts with these rights and settings
is what the other integration tests show. The chart before this one is kept packaged in charts/.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sandbox import chart
from sandbox.controlplane import ControlPlane
from tests.integration.chart_values import values_file

pytestmark = [pytest.mark.install, pytest.mark.timeout(180)]  # Helm takes seconds for each step

PREVIOUS = Path(__file__).parent / "charts" / "aks-access-operator-0.1.0.tgz"
PRODUCTION = str(values_file("production"))
OURS = ("apiaccessgrants", "apiaccesstargets", "iprangesets")
WITHOUT_MONITORING = (
    "--set=metrics.serviceMonitor.enabled=false",
    "--set=metrics.prometheusRule.enabled=false",
)
CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/by-hand"
)
OBJECTS = f"""
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessTarget
metadata: {{name: by-hand}}
spec:
  resourceId: {CLUSTER}
  mode: Observe
  policy: {{allowedNamespaces: {{from: All}}}}
---
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {{name: laptop, namespace: default}}
spec:
  targetRef: {{name: by-hand}}
  ipRanges: [81.2.69.142]
  expiresAt: "2099-01-04T22:00:00Z"
"""


class Release:
    """Helm on one API server."""

    def __init__(self, *, helm: Path, plane: ControlPlane) -> None:
        self._helm = helm
        self.plane = plane

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._helm, *arguments, "--namespace", chart.NAMESPACE],
            capture_output=True,
            text=True,
            env={"KUBECONFIG": str(self.plane.kubeconfig), "HOME": str(self.plane.directory)},
        )

    def bring(self, command: str, *arguments: str, what: Path = chart.CHART) -> str:
        """Install or upgrade; return the notes."""
        done = self.run(command, chart.SERVICE_ACCOUNT, str(what), *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def uids(self) -> dict[str, str]:
        """Every object of ours to its uid, CRDs included."""
        output = "-o=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid}{'\\n'}{end}"
        kinds = ",".join((*OURS, "customresourcedefinitions"))
        text = self.plane.kubectl("get", kinds, "--all-namespaces", output).stdout
        return dict(line.split() for line in text.splitlines())

    def deployment(self) -> bool:
        found = self.plane.kubectl(
            "get", "deployment", chart.SERVICE_ACCOUNT, "-n", chart.NAMESPACE, check=False
        )
        return found.returncode == 0


@pytest.fixture(scope="module")
def empty_plane() -> Iterator[ControlPlane]:
    """An API server where nothing was ever installed."""
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def release(helm: Path, empty_plane: ControlPlane) -> Iterator[Release]:
    made = Release(helm=helm, plane=empty_plane)
    yield made
    made.run("uninstall", chart.SERVICE_ACCOUNT, "--ignore-not-found")
    for crd in [name for name in made.uids() if name.startswith("CustomResourceDefinition/")]:
        empty_plane.kubectl("delete", "crd", crd.partition("/")[2])


def test_a_release_lives_and_dies_and_every_object_stays(release: Release):
    release.bring("install", "--create-namespace", what=PREVIOUS)
    release.plane.kubectl("apply", "--filename", "-", input=OBJECTS)
    before = release.uids()
    assert len(before) == 5

    more = ("--reset-then-reuse-values", "--values", PRODUCTION, *WITHOUT_MONITORING)
    release.bring("upgrade", *more)
    upgraded = release.uids()
    assert before.items() <= upgraded.items()
    new = {"ApiAccessTarget/prod-weu", "IPRangeSet/office", "ApiAccessGrant/aks-access-operator-ci"}
    assert upgraded.keys() - before.keys() == new

    release.run("rollback", chart.SERVICE_ACCOUNT)  # to the chart before, which knows no targets
    assert upgraded.keys() - release.uids().keys() == {"ApiAccessGrant/aks-access-operator-ci"}

    release.bring("upgrade", "--values", PRODUCTION, *WITHOUT_MONITORING)
    kept = release.uids()
    kept.pop("ApiAccessGrant/aks-access-operator-ci")  # one of extraObjects, the release's own
    done = release.run("uninstall", chart.SERVICE_ACCOUNT)
    assert done.returncode == 0, done.stderr
    assert not release.deployment()
    assert release.uids() == kept

    release.bring("install", "--values", PRODUCTION, *WITHOUT_MONITORING)
    assert kept.items() <= release.uids().items()
    assert release.deployment()


def test_the_notes_name_what_is_missing_and_what_comes_next(release: Release):
    notes = release.bring("install", "--create-namespace", "--set=replicas=1")
    assert "MISSING: image.repository is the default" in notes
    assert "MISSING: azure.clientId is empty." in notes
    assert "NOTE: with one replica" in notes
    assert "NOTE: operator.managementEgress is empty." in notes
    next_one = f"kubectl -n {chart.NAMESPACE} rollout status deployment/{chart.SERVICE_ACCOUNT}"
    assert f"Next:\n  {next_one}\n" in notes

    notes = release.bring("upgrade", "--values", PRODUCTION, *WITHOUT_MONITORING)
    assert "MISSING" not in notes
    assert "NOTE:" not in notes
    account = f"system:serviceaccount:{chart.NAMESPACE}:{chart.SERVICE_ACCOUNT}"
    assert f"federate the identity with {account}" in notes


def test_targets_cannot_come_before_their_crds(release: Release):
    command = ("install", chart.SERVICE_ACCOUNT, str(chart.CHART), "--create-namespace")
    done = release.run(*command, "--values", PRODUCTION, *WITHOUT_MONITORING)
    assert done.returncode != 0
    assert (
        "targets and rangeSets need the CRDs to be there: install the chart without" in done.stderr
    )
    assert not release.deployment()

    release.plane.kubectl("apply", "--server-side", "--filename", str(chart.CRDS))
    release.plane.kubectl(
        *("wait", "--for=condition=Established", "--timeout=30s"),
        *(f"crd/{kind}.aksaccess.dev" for kind in OURS),
    )
    without_crds = (*WITHOUT_MONITORING, "--set=crds.install=false")
    release.bring("install", "--create-namespace", "--values", PRODUCTION, *without_crds)
    assert "ApiAccessTarget/prod-weu" in release.uids()


def test_the_previous_chart_is_another_one():
    shown = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
    assert shown["version"] not in PREVIOUS.name
