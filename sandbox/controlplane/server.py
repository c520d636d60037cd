"""Starts and stops one control plane: etcd, kube-apiserver and, on request, two controllers.

It has RBAC, CRDs, admission by CEL, TokenRequest, watches and an audit log of every request. It
has no node: Deployments are accepted and stay without pods.
"""

import contextlib
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.controlplane import backup
from sandbox.controlplane.audit import POLICY, AuditEvent, read_audit_log
from sandbox.controlplane.binaries import binary
from sandbox.controlplane.client import ApiError, JsonClient
from sandbox.controlplane.kubeconfig import write_kubeconfig
from sandbox.controlplane.pki import Authority, KeyPair, signing_key, write_private
from sandbox.controlplane.tokens import token_of
from sandbox.processes import Port, Process, ProcessError, Scratch, wait_until

_READY_SECONDS = 60.0
_AUDIT_MEGABYTES = 100_000
"""Never rotated: tests count what stands behind an offset."""


class ControlPlane:
    """One real control plane on loopback, ready when the constructor's `start` returns.

    `with ControlPlane() as plane:` starts and stops it. `controller_manager` adds the namespace
    and garbage collection controllers, without which a namespace is never really gone, and the one
    that aggregates ClusterRoles. `issuer` is how it calls itself in ServiceAccounts' tokens.
    """

    def __init__(
        self,
        *,
        controller_manager: bool = False,
        issuer: str = "https://kubernetes.default.svc",
    ) -> None:
        self._issuer = issuer
        self._wants_controllers = controller_manager
        self._stack = contextlib.ExitStack()
        self._processes: dict[str, Process] = {}

    def start(self) -> None:
        """Start everything and return when the API server says it is ready."""
        programs = {name: binary(name) for name in ("kube-apiserver", "etcd", "kubectl")}
        if self._wants_controllers:
            programs["kube-controller-manager"] = binary("kube-controller-manager")
        self._programs = programs
        with self._stack:
            self._scratch = self._stack.enter_context(Scratch())
            self._ports = [Port() for _ in range(3)]
            for port in self._ports:
                self._stack.callback(port.close)
            self._write_files()
            self.start_etcd()
            self._stack.callback(self.stop_processes)
            self.start_api_server()
            if self._wants_controllers:
                self._start("kube-controller-manager", self._controller_flags())
            self._stack = self._stack.pop_all()

    def stop(self) -> None:
        """Stop everything and remove every file. Harmless when it does not run."""
        self._stack.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Base URL of the API server."""
        return f"https://127.0.0.1:{self._ports[0].number}"

    @property
    def directory(self) -> Path:
        """The sandbox's private directory: removed at `stop`."""
        return self._scratch.path

    @property
    def scratch(self) -> Scratch:
        """The guarded directory, for processes that shall live as long as this control plane."""
        return self._scratch

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of a cluster administrator (group system:masters)."""
        return self.directory / "admin.kubeconfig"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of a kubectl that runs as administrator: nothing of this machine's."""
        return {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.directory)}

    @property
    def _controllers_kubeconfig(self) -> Path:
        return self.directory / "kube-controller-manager.kubeconfig"

    @property
    def certificate_authority(self) -> Path:
        """PEM of the authority that signed the API server's certificate."""
        return self.directory / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, one JSON object per line."""
        return self.directory / "audit.log"

    def audit(self, matches: Callable[[AuditEvent], bool] = lambda _: True) -> list[AuditEvent]:
        """Requests answered so far that `matches` accepts, oldest first."""
        return [event for event in read_audit_log(self.audit_log) if matches(event)]

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """Call the API as administrator, JSON in and out; raises ApiError for refusals."""
        return self._client.request(method, path, body, content_type=content_type)

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,
        check: bool = True,
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl, as administrator unless `kubeconfig` says otherwise.

        With `check`, a failing command raises ProcessError with what it wrote to stderr.
        """
        done = subprocess.run(
            [self._programs["kubectl"], *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            env={**self.environment, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})},
        )
        if check and done.returncode:
            raise ProcessError(
                f"kubectl {' '.join(arguments)} ended with exit code {done.returncode}: "
                f"{done.stderr.strip()}"
            )
        return done

    def kubeconfig_for(self, service_account: str, namespace: str) -> Path:
        """Make a kubeconfig with a token of a ServiceAccount, from TokenRequest, for a day."""
        return write_kubeconfig(
            self.directory / f"{namespace}.{service_account}.kubeconfig",
            server=self.url,
            authority=self.certificate_authority.read_bytes(),
            credential=token_of(self.request, service_account, namespace),
            namespace=namespace,
        )

    def start_etcd(self) -> None:
        """Start etcd; the data of an earlier run of this control plane is kept."""
        self._start("etcd", self._etcd_flags())

    def start_api_server(self) -> None:
        """Start kube-apiserver on its port and wait until it is ready."""
        self._start("kube-apiserver", self._api_server_flags())
        server = self._processes["kube-apiserver"]

        def ready() -> bool:
            for process in self._processes.values():
                process.ensure_running()
            try:
                self._client.request("GET", "/readyz")
            except (OSError, ApiError):
                return False
            return True

        wait_until(
            ready,
            what="kube-apiserver's /readyz",
            timeout=_READY_SECONDS,
            detail=lambda: f"The end of its log:\n{server.log_tail()}",
        )

    def back_up(self, file: Path) -> None:
        """Take an etcd snapshot while everything runs."""
        backup.save_snapshot(etcd=f"http://127.0.0.1:{self._ports[1].number}", file=file)

    def restore(self, file: Path, *, bump: int = 0) -> None:
        """Stop, bring etcd back to a snapshot, and start: clients see yesterday's objects.

        Controllers are started again as well. `bump`: see `backup.restore_snapshot`.
        """
        self.stop_processes()
        backup.restore_snapshot(
            file=file,
            data=self.directory / "etcd",
            peer=f"http://127.0.0.1:{self._ports[2].number}",
            bump=bump,
        )
        self.start_etcd()
        self.start_api_server()
        if self._wants_controllers:
            self._start("kube-controller-manager", self._controller_flags())

    def process(self, name: str) -> Process:
        """Return a running component: etcd, kube-apiserver or kube-controller-manager."""
        return self._processes[name]

    def stop_processes(self) -> None:
        """Stop all components, the API server before its etcd."""
        for process in reversed(self._processes.values()):
            process.stop()
        self._processes.clear()

    def _start(self, name: str, flags: list[str]) -> None:
        if name in self._processes:
            self._processes.pop(name).stop()
        self._processes[name] = Process(
            [str(self._programs[name]), *flags], name=name, scratch=self._scratch, env={}
        )

    def _write_files(self) -> None:
        authority = Authority("aks-access sandbox")
        admin = authority.client(user="sandbox-admin", group="system:masters")
        controllers = authority.client(
            user="system:kube-controller-manager", group="system:masters"
        )
        pairs: dict[str, KeyPair] = {
            "server": authority.server(),
            "admin": admin,
            "service-account": signing_key(),
        }
        for name, pair in pairs.items():
            write_private(self.directory / f"{name}.crt", pair.certificate)
            write_private(self.directory / f"{name}.key", pair.key)
        self.certificate_authority.write_bytes(authority.certificate)
        (self.directory / "audit-policy.json").write_text(json.dumps(POLICY))
        for file, pair in ((self.kubeconfig, admin), (self._controllers_kubeconfig, controllers)):
            write_kubeconfig(
                file,
                server=self.url,
                authority=authority.certificate,
                credential=pair,
                namespace="default",
            )
        self._client = JsonClient.with_certificate(
            self.url,
            authority=self.certificate_authority,
            certificate=self.directory / "admin.crt",
            key=self.directory / "admin.key",
        )

    def _etcd_flags(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port.number}" for port in self._ports[1:])
        return [
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--socket-reuse-port",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_server_flags(self) -> list[str]:
        here = self.directory
        return [
            f"--etcd-servers=http://127.0.0.1:{self._ports[1].number}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._ports[0].number}",
            "--permit-port-sharing",
            "--endpoint-reconciler-type=none",
            f"--cert-dir={here}",
            f"--client-ca-file={self.certificate_authority}",
            f"--tls-cert-file={here / 'server.crt'}",
            f"--tls-private-key-file={here / 'server.key'}",
            f"--service-account-issuer={self._issuer}",
            f"--service-account-key-file={here / 'service-account.crt'}",
            f"--service-account-signing-key-file={here / 'service-account.key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            # Pods never run here, and without its controller no namespace gets a default account.
            "--disable-admission-plugins=ServiceAccount",
            "--enable-priority-and-fairness=false",
            f"--audit-policy-file={here / 'audit-policy.json'}",
            f"--audit-log-path={self.audit_log}",
            f"--audit-log-maxsize={_AUDIT_MEGABYTES}",
        ]

    def _controller_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self._controllers_kubeconfig}",
            "--controllers=namespace-controller,garbage-collector-controller,"
            "clusterrole-aggregation-controller",
            "--leader-elect=false",
            "--secure-port=0",
        ]
