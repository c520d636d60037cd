"""Commands as people run them: real processes, real kubectl, a log-in of their own in Azure."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT
from sandbox.controlplane import binary

PERSON = "dev-0000-4000-8000-00000000da7e"
"""Client id of whoever runs the commands."""

_SCRIPT = f"""\
#!{sys.executable}
import sys
sys.path[:0] = [{str(ROOT / "operator")!r}]
from aks_access.__main__ import main
main()
"""


@dataclass(slots=True)
class Person:
    """Somebody with a shell, in a folder of their own.

    Attributes:
        kubeconfig: None = none.
        variables: beside those that lead to the emulator.
    """

    folder: Path
    arm: ArmProcess | None = None
    kubeconfig: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `aks-access …` or `kubectl aks-access …`; never fails by itself."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment(), **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """What the commands see."""
        programs = self.folder / ".bin"
        if not programs.exists():
            programs.mkdir()
            for name in ("aks-access", "kubectl-aks_access"):
                (programs / name).write_text(_SCRIPT)
                (programs / name).chmod(0o755)
        path = (str(programs), str(binary("kubectl").parent), os.environ["PATH"])
        known = {"PATH": os.pathsep.join(path), "HOME": str(self.folder)}
        if self.kubeconfig is not None:
            known["KUBECONFIG"] = str(self.kubeconfig)
        if self.arm is not None:
            known |= azure_variables(self.arm)
        return {**known, **self.variables}


def azure_variables(arm: ArmProcess) -> dict[str, str]:
    """Variables by which commands reach the emulator as `PERSON`."""
    return {
        "AKS_ACCESS_AZURE_ENDPOINT": arm.url,
        "AKS_ACCESS_AZURE_SCOPE": "https://management.azure.com/.default",
        "AKS_ACCESS_AZURE_AUTHORITY": arm.url,
        "AKS_ACCESS_AZURE_CA_FILE": str(arm.ca_file),
        "AKS_ACCESS_AZURE_INSTANCE_DISCOVERY": "false",
        "AKS_ACCESS_AZURE_CREDENTIAL": "client-secret",
        "AZURE_TENANT_ID": "0a0a0a0a-0000-4000-8000-0000000e4a11",
        "AZURE_CLIENT_ID": PERSON,
        "AZURE_CLIENT_SECRET": "secret",
    }
