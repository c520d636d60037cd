"""A cluster that is already there, by way of `kubectl proxy` with the user's own credentials.

kubectl knows every way to log in, and a proxy of it spares its start-up time. It listens on a Unix
socket in a directory that only this user can enter, and ends with this process.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.controlplane.client import JsonClient
from sandbox.controlplane.kubeconfig import write_kubeconfig_of
from sandbox.controlplane.tokens import token_of
from sandbox.existing.kubeconfig import Context, pin
from sandbox.processes import Process, ProcessError, Scratch, wait_until

_PROXY_SECONDS = 20.0
_OF_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_HERE = "127.0.0.1,localhost"


class ExistingCluster:
    """`ManagementCluster` on a context of the user's."""

    def __init__(self, *, context: Context, kubectl: Path, scratch: Scratch, socket: Path) -> None:
        self.context = context
        self.program = kubectl
        self._scratch = scratch
        self._client = JsonClient.over_socket(socket)

    @property
    def url(self) -> str:
        """Base URL of the API server."""
        return self.context.server

    @property
    def scratch(self) -> Scratch:
        """Private directory, gone at the end."""
        return self._scratch

    @property
    def kubeconfig(self) -> Path:
        """The user's context, on its own."""
        return self.context.copy

    @property
    def environment(self) -> Mapping[str, str]:
        """The user's variables, which programs that log in may need; the user's cache is left."""
        return _environment(self.context, self._scratch)

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """Call the API as the user; raises ApiError, 502 where the proxy gets no answer."""
        return self._client.request(method, path, body, content_type=content_type)

    def kubectl(
        self, *arguments: str, input: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the user; ProcessError where it fails, unless `check` is off."""
        done = subprocess.run(
            [str(self.program), *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            env=self.environment,
        )
        if check and done.returncode:
            raise ProcessError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done

    def kubeconfig_for(self, service_account: str, namespace: str) -> Path:
        """Make a kubeconfig with a token of a ServiceAccount, and nothing of the user's in it."""
        return write_kubeconfig_of(
            self.context.cluster,
            path=self._scratch.path / f"{namespace}.{service_account}.kubeconfig",
            credential=token_of(self.request, service_account, namespace),
            namespace=namespace,
        )

    def variables(self) -> dict[str, str]:
        """The user's proxies, which kubectl goes by as well; never for this machine itself."""
        given = {
            name: os.environ.get(name) or os.environ.get(name.lower(), "") for name in _OF_PROXIES
        }
        set_ones = {name: text for name, text in given.items() if text}
        return {**set_ones, "NO_PROXY": ",".join(filter(None, (given["NO_PROXY"], _HERE)))}


@contextlib.contextmanager
def existing_cluster(
    file: Path, *, context: str | None, kubectl: Path
) -> Iterator[ExistingCluster]:
    """Open a context of a kubeconfig; nothing is asked of the cluster yet. Raises ClusterError."""
    with Scratch(prefix="aks-access-demo-") as scratch, contextlib.ExitStack() as stack:
        pinned = pin(file, context=context, kubectl=kubectl, directory=scratch.path)
        socket = scratch.path / "api.sock"
        proxy = Process(
            [str(kubectl), "proxy", f"--unix-socket={socket}"],
            name="kubectl-proxy",
            scratch=scratch,
            env=_environment(pinned, scratch),
        )
        stack.callback(proxy.stop)

        def listens() -> bool:
            proxy.ensure_running()
            return socket.exists()

        wait_until(listens, what="kubectl proxy", timeout=_PROXY_SECONDS, detail=proxy.log_tail)
        yield ExistingCluster(context=pinned, kubectl=kubectl, scratch=scratch, socket=socket)


def _environment(context: Context, scratch: Scratch) -> dict[str, str]:
    return {
        **os.environ,
        "KUBECONFIG": str(context.copy),
        "KUBECACHEDIR": str(scratch.path / "kubectl-cache"),
        "KUBERC": "off",  # the user's own aliases and defaults for kubectl
    }
