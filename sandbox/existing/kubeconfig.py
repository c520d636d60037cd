"""One context of a user's kubeconfig, copied: what happens to the file later changes nothing here.

A `kubectl config use-context` in another shell must not move a running demo to another cluster.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.controlplane.pki import write_private
from sandbox.existing.errors import ClusterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A context: `file` and `name` as the user knows it, `copy` with nothing else in it."""

    file: Path
    name: str
    copy: Path
    cluster: Mapping[str, Any]

    @property
    def server(self) -> str:
        """URL of its API server."""
        return str(self.cluster["server"])

    def __str__(self) -> str:
        return f"{self.server} (context {self.name} of {self.file})"


def pin(file: Path, *, context: str | None, kubectl: Path, directory: Path) -> Context:
    """Copy a context (the current one for None) into `directory`.

    Raises ClusterError where there is no such file or context.
    """
    if not file.is_file():
        raise ClusterError(f"there is no kubeconfig {str(file)!r}. Name one file that is there.")
    command = [str(kubectl), "config", "view", f"--kubeconfig={file}"]
    command += ["--raw", "--flatten", "--minify", "--output=json"]
    if context is not None:
        command.append(f"--context={context}")
    surroundings = {name: text for name, text in os.environ.items() if name != "KUBECONFIG"}
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=surroundings
    )
    if done.returncode:
        told = done.stderr.strip().removeprefix("error: ")
        wanted = "current context" if context is None else f"context {context}"
        raise ClusterError(
            f"kubeconfig {file} has no usable {wanted}: {told}. "
            f"`kubectl config get-contexts --kubeconfig {file}` lists what it has."
        )
    view = json.loads(done.stdout)
    for user in view.get("users") or []:
        _resolve(user.get("user") or {}, file.absolute().parent)
    cluster = view["clusters"][0]["cluster"]
    if cluster.get("tls-server-name"):
        raise ClusterError(
            f"context {view['current-context']} of {file} sets tls-server-name, which the "
            "operator's watches cannot use. Take a context without it."
        )
    copy = write_private(directory / "admin.kubeconfig", json.dumps(view).encode())
    return Context(file=file, name=view["current-context"], copy=copy, cluster=cluster)


def _resolve(user: dict[str, Any], base: Path) -> None:
    """Paths that kubectl reads relative to the file: a token's, and a login program's."""
    if user.get("tokenFile"):
        user["tokenFile"] = str(base / user["tokenFile"])
    plugin = user.get("exec") or {}
    if os.sep in plugin.get("command", ""):
        plugin["command"] = str(base / plugin["command"])
