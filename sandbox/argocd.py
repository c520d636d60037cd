"""Argo CD itself on a control plane: its controllers and its API, as processes on this machine.

Built from its Go module (`python -m sandbox build argocd`); `redis-server` and `git`, which it
needs beside that, are the machine's. There are no pods here: what waits for a Deployment waits
until somebody plays the kubelet (`roll_out`).
"""

import contextlib
import json
import os
import shutil
import socket
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sandbox.controlplane import ControlPlane
from sandbox.controlplane.binaries import binary
from sandbox.controlplane.client import ApiError
from sandbox.controlplane.modules import ARGOCD, module_files
from sandbox.processes import Process, ProcessError, wait_until

NAMESPACE: Final = "argocd"
MODULE: Final = "github.com/argoproj/argo-cd/v3"
IN_CLUSTER: Final = "https://kubernetes.default.svc"
"""The API server that Argo CD runs on, as an Application names it."""

_PART = {"app.kubernetes.io/part-of": "argocd"}
_CONFIG: Mapping[str, Mapping[str, str]] = {
    "argocd-cm": {"timeout.reconciliation": "5s", "timeout.reconciliation.jitter": "0s"},
    "argocd-rbac-cm": {},
    "argocd-tls-certs-cm": {},
    "argocd-ssh-known-hosts-cm": {},
    "argocd-gpg-keys-cm": {},
}
_TOOLS = ("redis-server", "git")
_THEN = "2026-01-01T00:00:00Z"
_READY_SECONDS = 60.0
_HTTP_SECONDS = 20.0


class ArgoCD:
    """Argo CD on one control plane; `with ArgoCD(plane=…) as argo:` starts and stops it.

    Raises ProcessError where a program of the machine is missing or a process does not start.
    """

    def __init__(self, *, plane: ControlPlane) -> None:
        self.plane = plane
        self._directory = plane.directory / "argocd"
        self._stack = contextlib.ExitStack()
        self._processes: list[Process] = []

    def start(self) -> None:
        """Start everything and return once its API answers."""
        missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
        if missing:
            raise ProcessError(
                f"Argo CD needs {' and '.join(missing)} on PATH: apt-get install redis-server git"
            )
        self._tools()
        self._install()
        ports = _free_ports(9)
        self._redis, self._repo, self._api = (f"127.0.0.1:{port}" for port in ports[:3])
        with self._stack:
            self._stack.callback(self._stop_processes)
            self._run("redis-server", self._redis_flags(ports[0]))
            self._run("argocd-repo-server", self._repo_flags(ports[1], ports[3]))
            self._run("argocd-application-controller", self._controller_flags(ports[4]))
            self._run("argocd-applicationset-controller", self._set_flags(ports[5:8]))
            self._run("argocd-server", self._server_flags(ports[2], ports[8]))
            wait_until(self._answers, what="Argo CD's API", timeout=_READY_SECONDS, detail=self.log)
            self._stack = self._stack.pop_all()

    def stop(self) -> None:
        """Stop everything. Harmless when it does not run."""
        self._stack.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call Argo CD's API, as its UI does; raises urllib.error.HTTPError for refusals."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        asked = urllib.request.Request(
            f"http://{self._api}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with opener.open(asked, timeout=_HTTP_SECONDS) as answer:
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
            return found

    def log(self) -> str:
        """The ends of the logs of Argo CD's processes, for messages."""
        own = [process for process in self._processes if process.name.startswith("argocd-")]
        return "\n".join(f"{process.name}:\n{process.log_tail()}" for process in own)

    def _answers(self) -> bool:
        for process in self._processes:
            process.ensure_running()
        try:
            self.request("GET", "/api/v1/applications")
        except OSError:
            return False
        return True

    # what stands on the API server

    def _install(self) -> None:
        self.plane.kubectl("create", "namespace", NAMESPACE, check=False)
        crds = module_files(ARGOCD, MODULE) / "manifests" / "crds"
        for file in sorted(crds.glob("*-crd.yaml")):
            self.plane.kubectl("apply", "--server-side", f"--filename={file}")
        wait_until(self._served, what="the API server to serve Argo CD's kinds", timeout=30.0)
        for name, data in _CONFIG.items():
            self._put("configmaps", name, {"kind": "ConfigMap", "data": data})
        secret = {"server.secretkey": "only-for-this-sandbox", "admin.password": ""}
        self._put("secrets", "argocd-secret", {"kind": "Secret", "stringData": secret})

    def _served(self) -> bool:
        kinds = ("applications", "applicationsets", "appprojects")
        try:
            for kind in kinds:
                self.plane.request("GET", f"/apis/argoproj.io/v1alpha1/{kind}")
        except ApiError:
            return False
        return True

    def _put(self, plural: str, name: str, body: Mapping[str, Any]) -> None:
        metadata = {"name": name, "namespace": NAMESPACE, "labels": _PART}
        with contextlib.suppress(ApiError):  # it is there already
            self.plane.request(
                "POST",
                f"/api/v1/namespaces/{NAMESPACE}/{plural}",
                {"apiVersion": "v1", **body, "metadata": metadata},
            )

    # processes

    def _tools(self) -> None:
        """Directory of programs under the names by which Argo CD starts them."""
        self._bin = self._directory / "bin"
        self._bin.mkdir(parents=True)
        (self._directory / "tmp").mkdir()
        (self._bin / "helm").symlink_to(binary("helm"))
        (self._bin / "kubectl").symlink_to(binary("kubectl"))

    def _run(self, name: str, flags: list[str]) -> None:
        own = name.startswith("argocd-")
        program = binary("argocd") if own else Path(shutil.which(name) or name)
        self._processes.append(
            Process(
                [str(program), *flags],
                name=name,
                scratch=self.plane.scratch,
                env={
                    "ARGOCD_BINARY_NAME": name,
                    "ARGOCD_FAKE_IN_CLUSTER": "true",
                    "ARGOCD_GPG_ENABLED": "false",
                    "HOME": str(self._directory),
                    "KUBECONFIG": str(self.plane.kubeconfig),
                    "PATH": f"{self._bin}:{os.environ.get('PATH', os.defpath)}",
                    "TMPDIR": str(self._directory / "tmp"),
                },
            )
        )

    def _stop_processes(self) -> None:
        while self._processes:
            self._processes.pop().stop()

    def _redis_flags(self, port: int) -> list[str]:
        save = ["--save", "", "--appendonly", "no", "--dir", str(self._directory)]
        return ["--bind", "127.0.0.1", "--port", str(port), *save]

    def _repo_flags(self, port: int, metrics: int) -> list[str]:
        return [
            *("--address=127.0.0.1", f"--port={port}", "--disable-tls"),
            *("--metrics-address=127.0.0.1", f"--metrics-port={metrics}"),
            *(f"--redis={self._redis}", "--loglevel=warn"),
        ]

    def _controller_flags(self, metrics: int) -> list[str]:
        return [
            *("--app-resync=5", "--app-resync-jitter=0", "--self-heal-timeout-seconds=1"),
            *(f"--metrics-port={metrics}", f"--redis={self._redis}", *self._common()),
        ]

    def _set_flags(self, ports: list[int]) -> list[str]:
        metrics, probe, webhook = (f"127.0.0.1:{port}" for port in ports)
        return [
            *(f"--metrics-addr={metrics}", f"--probe-addr={probe}", f"--webhook-addr={webhook}"),
            *(f"--kubeconfig={self.plane.kubeconfig}", f"--namespace={NAMESPACE}"),
            *(f"--argocd-repo-server={self._repo}", "--repo-server-plaintext", "--loglevel=warn"),
        ]

    def _server_flags(self, port: int, metrics: int) -> list[str]:
        return [
            *("--address=127.0.0.1", f"--port={port}", "--insecure", "--disable-auth"),
            *("--metrics-address=127.0.0.1", f"--metrics-port={metrics}"),
            *(f"--redis={self._redis}", *self._common()),
        ]

    def _common(self) -> list[str]:
        return [
            *(f"--kubeconfig={self.plane.kubeconfig}", f"--namespace={NAMESPACE}"),
            *(f"--repo-server={self._repo}", "--repo-server-plaintext", "--loglevel=warn"),
        ]


def roll_out(plane: ControlPlane, *, namespace: str, name: str) -> None:
    """Report a Deployment and its PodDisruptionBudget as rolled out, in place of a kubelet."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    replicas = plane.request("GET", path)["spec"].get("replicas", 1)
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    available = {"type": "Available", "reason": "MinimumReplicasAvailable"}
    _report(plane, path, available, dict.fromkeys(counts, replicas))
    path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{name}"
    pods = {"currentHealthy": replicas, "expectedPods": replicas, "desiredHealthy": 1}
    allowed = {"type": "DisruptionAllowed", "reason": "SufficientPods", "lastTransitionTime": _THEN}
    _report(plane, path, allowed, {**pods, "disruptionsAllowed": replicas - 1})


def _report(
    plane: ControlPlane, path: str, condition: Mapping[str, str], numbers: Mapping[str, int]
) -> None:
    found = plane.request("GET", path)
    found["status"] = {
        "observedGeneration": found["metadata"]["generation"],
        "conditions": [{**condition, "status": "True", "message": ""}],
        **numbers,
    }
    plane.request("PUT", f"{path}/status", found)


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago; these servers cannot share one that is held."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
