"""A team's Git repository to run commands in, and a bash that has ours at a fixed time.

The management cluster that they reach is the one of `scene`, and the internet that of `desk`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.unit.cli import scene

ROOT: Final = Path(__file__).resolve().parents[3]
_SCRIPT: Final = f"""\
#!{sys.executable}
import sys
sys.path[:0] = [{str(ROOT / "operator")!r}, {str(ROOT)!r}]
from aks_access.__main__ import main
from aks_access.cli.surroundings import Surroundings
from pathlib import Path
from tests.unit.cli.desk import Desk
from tests.unit.cli.transcript import NOW, PLANNED, hub, written
def cluster(_):
    if sys.argv[1] in PLANNED:
        return hub(Path({str(ROOT / "tests/golden/cli/files/hub.yaml")!r}))
    return written(Path(sys.argv[0]).with_name("cluster.json"))
web = Desk().machine().web
main(surroundings=Surroundings(
    now=lambda: NOW, own_name=lambda: "dev-laptop", cluster=cluster, web=web))
"""


class Repository:
    """A copy of examples/gitops-flux, committed to main and pushed to a remote."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "repository"
        self.temporary = folder / "temporary"
        self.remote = folder / "remote.git"
        self.bin = folder / "bin"
        shutil.copytree(ROOT / "examples" / "gitops-flux", self.path)
        for each in (self.temporary, self.bin):
            each.mkdir()
        self.program("aks-access", _SCRIPT)
        scene.write(self.bin / "cluster.json")
        self.bash(
            f"git init -q -b main . && git add . && git commit -q -m first && "
            f"git init -q --bare {self.remote} && git remote add origin {self.remote} && "
            "git push -q -u origin main"
        )

    def program(self, name: str, text: str) -> None:
        """Put a program onto the PATH."""
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def bash(
        self, script: str, *, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script as a pipeline's runner does (`bash -e`), output and errors together.

        It runs in the repository where no other folder is named.
        """
        own = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.temporary),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "dev",
            "GIT_AUTHOR_EMAIL": "dev@contoso.com",
            "GIT_COMMITTER_NAME": "dev",
            "GIT_COMMITTER_EMAIL": "dev@contoso.com",
            "RUNNER_TEMP": str(self.temporary),
        }
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=cwd or self.path,
            env={**own, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
