"""What the chart renders, judged by a real API server: every object, field by field."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import chart
from sandbox.controlplane import ControlPlane
from tests.integration.chart_values import GOLDEN, NAMES, Documents, pod, rendered

pytestmark = pytest.mark.install

STAND_INS = GOLDEN.parent / "monitoring-crds.yaml"
"""The Prometheus operator's kinds as far as the chart writes them: unknown fields are refused."""


def dry_run(plane: ControlPlane, objects: Documents) -> str:
    """Apply without effect; warnings and unknown fields fail."""
    answer = plane.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts"),
        *("--filename", "-"),
        input=yaml.safe_dump_all(objects),
    )
    assert "Warning" not in answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def monitored(control_plane: ControlPlane) -> ControlPlane:
    """An API server that serves the stand-ins too."""
    control_plane.kubectl("apply", "--server-side", "--filename", str(STAND_INS))
    names = [each["metadata"]["name"] for each in yaml.safe_load_all(STAND_INS.read_text())]
    crds = [f"crd/{name}" for name in names]
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)
    return control_plane


@pytest.mark.parametrize("name", NAMES)
def test_an_api_server_takes_every_object(helm: Path, monitored: ControlPlane, name: str):
    objects = rendered(name)
    answer = dry_run(monitored, objects)
    assert answer.count("serverside-applied") == len(objects)
    assert f"deployment.apps/{chart.SERVICE_ACCOUNT} serverside-applied" in answer


def test_the_plain_manifest_is_taken(control_plane: ControlPlane):
    objects = chart.installed()
    assert dry_run(control_plane, objects).count("serverside-applied") == len(objects)


@pytest.mark.parametrize("name", NAMES)
def test_a_pod_is_let_into_a_restricted_namespace(
    helm: Path, control_plane: ControlPlane, name: str
):
    """Pod Security judges pods, not what makes them."""
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", **pod(rendered(name))}
    made["metadata"] = {**made["metadata"], "name": "try", "namespace": chart.NAMESPACE}
    made["spec"].pop("serviceAccountName")  # may be one that somebody else makes
    dry_run(control_plane, [made])


def test_a_pod_that_may_do_more_is_not(helm: Path, control_plane: ControlPlane):
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", **pod(rendered())}
    made["metadata"] = {**made["metadata"], "name": "try", "namespace": chart.NAMESPACE}
    made["spec"].pop("serviceAccountName")
    made["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(RuntimeError, match=r'violates PodSecurity "restricted:latest"'):
        dry_run(control_plane, [made])
