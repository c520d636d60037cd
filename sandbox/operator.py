"""The operator under test as a child process: real command, real rights, production's way to Azure.

It has the chart's ServiceAccount on the API server and logs in to the emulator by workload
identity, with a token that the API server issued for that account, as a kubelet would put it into
the pod. Its pace is the sandbox's, so that what takes minutes in Azure takes seconds here.
"""

import itertools
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sandbox.arm.identity import FEDERATED_AUDIENCE
from sandbox.arm.process import ArmProcess
from sandbox.arm.tokens import claims_of
from sandbox.chart import NAMESPACE, ROOT, SERVICE_ACCOUNT
from sandbox.controlplane.pki import write_private
from sandbox.controlplane.tokens import token_of
from sandbox.management import ManagementCluster
from sandbox.processes import Process, ProcessError, wait_until

CLIENT_ID: Final = "0a0a0a0a-0000-4000-8000-00000000c11e"
TENANT_ID: Final = "0a0a0a0a-0000-4000-8000-0000000e4a11"

PACE: Final[Mapping[str, str]] = {
    "lease_duration": "6s",
    "renew_deadline": "4s",
    "retry_period": "500ms",
    "put_timeout": "3s",
    "first_poll": "500ms",
    "poll_interval": "300ms",
    "drift_interval": "5s",
    "relist_interval": "10s",
    "settle_window": "300ms",
    "settle_limit": "2s",
    "shutdown_grace": "3s",
    "revocation_bound": "10s",
    "retention": "1h",
}
"""Settings where nothing else is asked for: seconds instead of minutes."""

_READY_SECONDS = 60.0
_HTTP_SECONDS = 5.0
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """How the operator is started: settings of `aks-access run` by name, and its variables."""

    settings: Mapping[str, str]
    variables: Mapping[str, str]

    def flags(self) -> list[str]:
        """Every setting as a flag; an empty one is left to its default."""
        given = {name: text for name, text in self.settings.items() if text}
        return [f"--{name.replace('_', '-')}={text}" for name, text in given.items()]


def invocation(*, plane: ManagementCluster, arm: ArmProcess, **settings: str) -> Invocation:
    """Give the operator its ServiceAccount and its identity; `settings` win over the sandbox's."""
    token = token_of(plane.request, SERVICE_ACCOUNT, NAMESPACE, audience=FEDERATED_AUDIENCE)
    arm.control.register_client(
        CLIENT_ID,
        tenant_id=TENANT_ID,
        federations=[(_issuer(token), f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}")],
    )
    return Invocation(
        settings={
            "kubeconfig": str(plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE)),
            "namespace": NAMESPACE,
            "azure_endpoint": arm.url,
            "azure_scope": "https://management.azure.com/.default",
            "azure_authority": arm.url,
            "azure_ca_file": str(arm.ca_file),
            "azure_instance_discovery": "false",
            "health_host": "127.0.0.1",
            "health_port": "0",
            **PACE,
            **settings,
        },
        variables={
            "AZURE_TENANT_ID": TENANT_ID,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "AZURE_FEDERATED_TOKEN_FILE": str(
                write_private(plane.scratch.path / "azure-identity-token", token.encode())
            ),
        },
    )


class OperatorProcess:
    """A running operator: `with OperatorProcess(plane=plane, arm=arm) as operator:`.

    Every setting of `aks-access run` can be given by name, as text: `retention="3s"`,
    `lease_name="mine"`, `kubeconfig=str(path)`. `environment` adds variables.
    """

    def __init__(
        self,
        *,
        plane: ManagementCluster,
        arm: ArmProcess,
        name: str = "operator",
        environment: Mapping[str, str] | None = None,
        **settings: str,
    ) -> None:
        self.name = f"{name}-{next(_numbers)}"
        self.invocation = invocation(plane=plane, arm=arm, **{"identity": self.name, **settings})
        self._process = Process(
            self._command(),
            name=self.name,
            scratch=plane.scratch,
            env={**_surroundings(), **self.invocation.variables, **(environment or {})},
        )

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "aks_access", "run", *self.invocation.flags()]

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """File of all it writes."""
        return self._process.log

    def log_lines(self) -> list[dict[str, Any]]:
        """Every complete log line so far; one that is no JSON is under `message`."""
        return list(_records(self.log))

    def audit_lines(self) -> list[dict[str, Any]]:
        """The lines of the audit trail."""
        return [line for line in self.log_lines() if line.get("logger") == "aks_access.audit"]

    def log_tail(self) -> str:
        """The last lines of the log, for messages."""
        return self._process.log_tail()

    def last_words(self, *, lines: int = 15) -> str:
        """The last log lines without their fields, for people."""
        return "\n".join(_brief(line) for line in self.log_lines()[-lines:])

    def port(self) -> int:
        """Port of health and metrics; ProcessError while the operator has none yet."""
        for line in _records(self.log):
            if isinstance(line.get("port"), int):
                return int(line["port"])
        raise ProcessError(f"{self.name} serves no health port yet. {self.log_tail()}")

    @property
    def url(self) -> str:
        """Base URL of health and metrics; ProcessError while there is none yet."""
        return f"http://127.0.0.1:{self.port()}"

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of `/livez`, `/readyz` or `/metrics`. Raises OSError, ProcessError."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.url + path, timeout=_HTTP_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> bool:
        """Whether `/readyz` passes; False too where nothing answers."""
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, ProcessError):
            return False

    def leading(self) -> bool:
        """Whether the process holds the Lease, by its own metric."""
        try:
            return "\naks_access_leader 1.0" in self.get("/metrics")[1]
        except (OSError, ProcessError):
            return False

    def wait_ready(self, *, seconds: float = _READY_SECONDS) -> None:
        """Return once `/readyz` passes. Raises ProcessError with the end of the log."""
        self._wait(self.ready, what="ready", seconds=seconds)

    def wait_leading(self, *, seconds: float = _READY_SECONDS) -> None:
        """Return once it leads. Raises ProcessError with the end of the log."""
        self._wait(self.leading, what="leading", seconds=seconds)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, SIGSTOP and SIGCONT too."""
        self._process.signal(number)

    def sigterm(self) -> None:
        """Ask it to end; `wait` says when it did."""
        self.signal(signal.SIGTERM)

    def wait(self, *, seconds: float = 15.0) -> int:
        """Exit code after it ended by itself."""
        return self._process.wait(timeout=seconds)

    def ensure_running(self) -> None:
        """Raise ProcessError with the end of the log when it has ended."""
        self._process.ensure_running()

    def poll(self) -> int | None:
        """Exit code; None while it runs."""
        return self._process.poll()

    def kill(self) -> int:
        """SIGKILL; returns the exit code."""
        return self._process.kill()

    def close(self) -> int:
        """SIGTERM, SIGKILL after 10 s; returns the exit code. Harmless on an ended process."""
        return self._process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def resident_bytes(self) -> int:
        """Memory in use (VmRSS)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise ProcessError(f"{self.name} has no VmRSS: it has ended")

    def cpu_seconds(self) -> float:
        """User and system time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _wait(self, condition: Callable[[], bool], *, what: str, seconds: float) -> None:
        def holds() -> bool:
            self._process.ensure_running()
            return condition()

        wait_until(holds, what=f"{self.name} to be {what}", timeout=seconds, detail=self.log_tail)


def _issuer(token: str) -> str:
    """Who issued it, as the token says: each API server has a name of its own for itself."""
    return str(claims_of(token)["iss"])


def _surroundings() -> dict[str, str]:
    """Variables of a pod: nothing of this machine's Azure, proxies or kubeconfig."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT / "operator"), "PYTHONUNBUFFERED": "1"}


def _records(log: Path) -> Iterator[dict[str, Any]]:
    if not log.exists():
        return
    for line in log.read_text(errors="replace").splitlines(keepends=True):
        if not line.endswith("\n"):
            return
        record: Any = line.rstrip("\n")
        with suppress(ValueError):
            record = json.loads(line)
        yield record if isinstance(record, dict) else {"message": str(record)}


def _brief(line: Mapping[str, Any]) -> str:
    head = " ".join(str(line[name]) for name in ("time", "level", "logger") if name in line)
    cause = str(line.get("exception", "")).strip().rpartition("\n")[2]
    said = f"{line.get('message', '')} ({cause})" if cause else str(line.get("message", ""))
    return f"{head}: {said}" if head else said
