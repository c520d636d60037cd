"""Runs an image under runc as a kubelet would: PID 1, no root, no capability, nothing to write to.

The network is the machine's own, because the sandbox listens on its loopback, and there is no
seccomp profile.
"""

import itertools
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.image.builds import ALONE, Image

USER = 65532
"""The image's user, by number as for a kubelet."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What is run.

    Attributes:
        command: program and arguments.
        environment: variables beside the image's.
        files: read-only files by their path in the container.
        memory: limit in bytes; None = no limit.
        user: number of user and group.
    """

    image: Image
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    user: int = USER

    def bundle(self) -> list[str]:
        """Write what the runtime needs; returns the command that runs it."""
        name = f"{self.image.scratch.path.name}-{next(_numbers)}"
        here = self.image.scratch.path / "containers" / name
        here.mkdir(parents=True)
        (here / "config.json").write_text(json.dumps(self._config(here)))
        runc = ["runc", "--root", str(here / "state"), "run", "--bundle", str(here), name]
        return [*ALONE, *runc]

    def run(self, *, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.bundle(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
        )

    def _config(self, here: Path) -> dict[str, object]:
        variables = self.image.environment | dict(self.environment)
        limits = {"memory": {"limit": self.memory}} if self.memory else {}
        files = {"/etc/hosts": "127.0.0.1 localhost\n", **self.files}
        return {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": self.user, "gid": self.user},
                "args": list(self.command),
                "env": [f"{name}={text}" for name, text in variables.items()],
                "cwd": self.image.config.get("WorkingDir") or "/",
                "capabilities": {},
                "noNewPrivileges": True,
            },
            "root": {"path": str(self.image.root), "readonly": True},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]},
                *(_mounted(here, path, text) for path, text in files.items()),
            ],
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")],
                "resources": limits,
            },
        }


def _mounted(here: Path, path: str, text: str) -> dict[str, object]:
    """A file that the user may read, as with `fsGroup`."""
    file = here / path.strip("/").replace("/", "-")
    file.write_text(text)
    file.chmod(0o444)
    return {"destination": path, "type": "bind", "source": str(file), "options": ["bind", "ro"]}


def sweep(image: Image) -> None:
    """Remove the cgroups of containers whose runc was killed."""
    left = Path("/sys/fs/cgroup").rglob(f"{image.scratch.path.name}-*")
    for path in sorted(left, reverse=True):
        if path.is_dir():
            path.rmdir()


def first_process(starter: int) -> int | None:
    """This machine's id of the container's PID 1, once it runs its command; None before."""
    for pid in _descendants(starter):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            command = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
        inner = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid"))
        # This machine's, that of `ALONE`, and the container's.
        if len(inner) == 3 and inner[-1] == "1" and command and not command.startswith("runc"):
            return pid
    return None


def _descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = [int(each) for each in children.read_text().split()]
        except OSError:
            continue
        for child in found:
            yield child
            yield from _descendants(child)
