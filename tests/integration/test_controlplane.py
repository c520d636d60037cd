"""The control plane is real, private to its process and gone with it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.controlplane import AuditEvent, ControlPlane
from sandbox.controlplane.client import ApiError
from sandbox.processes import ProcessError, alive, wait_until

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import sys, time
from sandbox.controlplane import ControlPlane
plane = ControlPlane()
plane.start()
pids = [plane.process(name).pid for name in ("etcd", "kube-apiserver")]
print(plane.directory, *pids, flush=True)
time.sleep(120)
"""


def test_a_service_account_has_its_rights_and_no_more(
    control_plane: ControlPlane, operator_kubeconfig: Path, namespace: str
):
    allowed = control_plane.kubectl("get", "namespaces", kubeconfig=operator_kubeconfig)
    assert namespace in allowed.stdout
    with pytest.raises(ProcessError, match=r"cannot list resource .secrets."):
        control_plane.kubectl("-n", namespace, "get", "secrets", kubeconfig=operator_kubeconfig)


def test_audit_shows_who_asked_for_what(
    control_plane: ControlPlane, namespace: str, operator_kubeconfig: Path
):
    control_plane.kubectl(
        *("--namespace", namespace, "create", "configmap", "refused"),
        kubeconfig=operator_kubeconfig,
        check=False,
    )

    def found() -> list[AuditEvent]:
        return control_plane.audit(lambda e: e.verb == "create" and e.namespace == namespace)

    wait_until(lambda: bool(found()), what="the audit event", timeout=30)
    [event] = found()
    assert event.user == "system:serviceaccount:aks-access-system:aks-access-operator"
    assert (event.resource, event.code) == ("configmaps", 403)


def test_state_survives_a_restart_of_the_api_server(own_control_plane: ControlPlane):
    plane = own_control_plane
    url = plane.url
    plane.kubectl("create", "configmap", "kept")
    plane.process("kube-apiserver").kill()
    with pytest.raises(OSError, match="refused"):
        plane.request("GET", "/readyz")
    plane.start_api_server()
    assert plane.url == url
    kept = plane.request("GET", "/api/v1/namespaces/default/configmaps/kept")
    assert kept["metadata"]["name"] == "kept"


def test_controllers_finish_the_deletion_of_a_namespace(own_control_plane: ControlPlane):
    plane = own_control_plane
    plane.kubectl("create", "namespace", "short-lived")
    plane.kubectl("delete", "namespace", "short-lived", "--timeout=30s")
    with pytest.raises(ApiError) as refused:
        plane.request("GET", "/api/v1/namespaces/short-lived")
    assert refused.value.code == 404


def test_two_run_side_by_side_and_stop_leaves_nothing(control_plane: ControlPlane):
    with ControlPlane() as other:
        assert other.url != control_plane.url
        directory = other.directory
        pids = [other.process(name).pid for name in ("etcd", "kube-apiserver")]
        with pytest.raises(ApiError) as refused:
            other.request("GET", "/apis/aksaccess.dev/v1alpha1")
        assert refused.value.code == 404
    assert not directory.exists()
    assert not any(alive(pid) for pid in pids)


def test_killing_the_starter_leaves_nothing(control_plane: ControlPlane):
    starter = subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter.stdout:
        directory, *pids = starter.stdout.readline().split()
    assert len(pids) == 2
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    wait_until(
        lambda: not Path(directory).exists() and not any(alive(int(pid)) for pid in pids),
        what="the orphans to go",
        timeout=30,
    )
