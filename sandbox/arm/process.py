"""The emulator as a child process that never outlives the one that started it."""

import json
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.arm.app import ENDPOINTS_FILE, Endpoints
from sandbox.arm.control import ArmControl
from sandbox.processes import Process, Scratch, wait_until

_ROOT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 30.0


class ArmProcess:
    """A running child: `with ArmProcess() as arm: arm.control.create_cluster(…)`."""

    def __init__(
        self, *, port: int = 0, control_port: int = 0, operation_seconds: float | None = None
    ) -> None:
        self._scratch = Scratch(prefix="aks-access-arm-")
        command = [sys.executable, "-m", "sandbox.arm", "--state-dir", str(self._scratch.path)]
        command += ["--port", str(port), "--control-port", str(control_port)]
        if operation_seconds is not None:
            command += ["--operation-seconds", str(operation_seconds)]
        try:
            self._process = Process(command, name="arm", scratch=self._scratch, cwd=_ROOT)
            self.endpoints = self._ready()
        except BaseException:
            self._scratch.close()
            raise
        self.control = ArmControl.connect(self.endpoints.control_url)

    @property
    def url(self) -> str:
        """Base URL of ARM, and the authority of logins."""
        return self.endpoints.url

    @property
    def control_url(self) -> str:
        """Base URL of the control API."""
        return self.endpoints.control_url

    @property
    def ca_file(self) -> Path:
        """PEM file of the certificate authority."""
        return self.endpoints.ca_file

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """Return the variables with which Azure's libraries trust and use this emulator."""
        ca = str(self.ca_file)
        return {"AZURE_AUTHORITY_HOST": self.url, "REQUESTS_CA_BUNDLE": ca, "SSL_CERT_FILE": ca}

    def close(self) -> None:
        """End the child and remove its files."""
        self._process.stop()
        self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ready(self) -> Endpoints:
        file = self._scratch.path / ENDPOINTS_FILE

        def there() -> bool:
            self._process.ensure_running()
            return file.exists()

        try:
            wait_until(
                there,
                what="the ARM emulator",
                timeout=_READY_SECONDS,
                detail=self._process.log_tail,
            )
        except BaseException:
            self._process.stop()
            raise
        plain = json.loads(file.read_text())
        return Endpoints(
            url=plain["url"], control_url=plain["control_url"], ca_file=Path(plain["ca_file"])
        )
