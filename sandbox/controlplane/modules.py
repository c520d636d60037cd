"""Files of other projects, from the Go modules that publish them: pinned by a go.sum, never built.

What an example says to Argo CD or Flux is tried against their own CRDs, which their modules carry.
"""

import json
import subprocess
from pathlib import Path

from sandbox.controlplane.binaries import BuildError
from sandbox.controlplane.paths import go_environment
from sandbox.controlplane.progress import Progress
from sandbox.controlplane.toolchain import find_go

_HERE = Path(__file__).parent
FLUX = _HERE / "flux"
ARGOCD = _HERE / "argocd"


def module_files(pinned_in: Path, module: str) -> Path:
    """Directory with the files of a module, downloaded if need be; nobody may write to it.

    `pinned_in` is the directory of the go.mod and go.sum that pin it. Raises BuildError with what
    Go said, ToolchainError without a usable Go.
    """
    go = find_go(module=pinned_in, progress=Progress())
    done = subprocess.run(
        [go, "mod", "download", "-json", module],
        cwd=pinned_in,
        env=go_environment(),
        capture_output=True,
        text=True,
    )
    answer = json.loads(done.stdout) if done.stdout else {}
    if done.returncode or "Dir" not in answer:
        said = answer.get("Error") or done.stderr.strip()
        raise BuildError(f"{module}, pinned in {pinned_in / 'go.mod'}, cannot be had: {said}")
    return Path(answer["Dir"])
