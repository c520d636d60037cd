"""The operator's start where something it needs is missing: what it says, and how it goes on."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sandbox import chart
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane
from sandbox.operator import OperatorProcess
from sandbox.processes import Port, wait_until

CLUSTER = (
    "/subscriptions/5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e/resourceGroups/rg/providers"
    "/Microsoft.ContainerService/managedClusters/away"
)
TARGET = f"""
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessTarget
metadata: {{name: away}}
spec:
  resourceId: {CLUSTER}
  mode: Merge
  policy: {{allowedNamespaces: {{from: All}}}}
"""


def said(operator: OperatorProcess, words: str) -> bool:
    return any(words in str(line.get("message")) for line in operator.log_lines())


def readiness(operator: OperatorProcess) -> str:
    return operator.get("/readyz")[1]


@pytest.mark.timeout(120)
def test_without_the_crds_it_says_so_and_waits(own_control_plane: ControlPlane) -> None:
    plane = own_control_plane
    chart.apply_chart(plane)
    plane.kubectl("delete", "crd", "--all", "--wait")
    with ArmProcess() as arm, OperatorProcess(plane=plane, arm=arm) as operator:
        wait_until(
            lambda: said(operator, "does not serve aksaccess.dev/v1alpha1"),
            what="the missing kind",
            timeout=40,
        )
        assert said(operator, "kubectl apply -f crds/")
        assert operator.poll() is None
        assert not operator.ready()
        assert "kubectl apply -f crds/" in readiness(operator)
        chart.apply_chart(plane)
        operator.wait_ready()
        operator.wait_leading()


@pytest.mark.timeout(120)
def test_without_arm_it_works_and_the_target_says_so(own_control_plane: ControlPlane) -> None:
    plane = own_control_plane
    chart.apply_chart(plane)
    plane.kubectl("apply", "-f", "-", input=TARGET)
    with closing(Port()) as port, ArmProcess() as arm:
        endpoint = f"https://localhost:{port.number}"
        with OperatorProcess(plane=plane, arm=arm, azure_endpoint=endpoint) as operator:
            operator.wait_ready()
            operator.wait_leading()
            wait_until(
                lambda: said(operator, "--azure-endpoint"), what="the missing ARM", timeout=40
            )
            assert endpoint in readiness(operator)
            state = "--for=jsonpath={.status.summary.state}=AzureUnavailable"
            plane.kubectl("wait", state, "aat/away", "--timeout=30s")


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--kubeconfig=none"], 2, "--kubeconfig: none is no file"),
        ([], 3, "no access to a Kubernetes API server"),
    ],
)
def test_without_a_way_to_kubernetes_it_ends_with_one_line(
    flags: list[str], code: int, words: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "aks_access", "run", "--health-port=0", *flags],
        env={"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code
    assert words in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
