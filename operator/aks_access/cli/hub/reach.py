"""Which management cluster a command reaches and as whom, by the flags that kubectl has for it.

In a pod without a kubeconfig kubectl takes the ServiceAccount, but only where no flag changes its
own defaults: else it asks localhost. So with such a flag it is given that account as a kubeconfig.
"""

import contextlib
import functools
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its ServiceAccount; kubectl knows no other place."""

_TIMEOUT: Final = "30s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The flags; None leaves the choice to kubectl.

    Attributes:
        as_user, as_groups: whom the API server is to take the caller for.
        timeout: how long one answer may take, as kubectl takes it; not for what is watched.
    """

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    user: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    timeout: str | None = None

    def flags(self, *, watches: bool = False) -> list[str]:
        """For kubectl; in a pod the default timeout is left out."""
        pod = pod_namespace()
        usual = None if pod else _TIMEOUT
        own = self._named() or self.as_user is self.timeout is None or _kubeconfigs()
        given = {
            "--kubeconfig": self.kubeconfig if own or not pod else account_kubeconfig(),
            "--context": self.context,
            "--cluster": self.cluster,
            "--user": self.user,
            "--as": self.as_user,
            "--request-timeout": "0" if watches else self.timeout or usual,
        }
        return [
            *(f"{flag}={value}" for flag, value in given.items() if value is not None),
            *(f"--as-group={group}" for group in self.as_groups),
        ]

    def _named(self) -> bool:
        """Whether a flag names a cluster or how to reach it."""
        return any((self.kubeconfig, self.context, self.cluster, self.user))

    def speaking_for(self, user: str) -> Self:
        """The same cluster as another user, whose groups the API server knows."""
        return replace(self, as_user=user, as_groups=())


def pod_namespace(*, account: Path = ACCOUNT, environment: Mapping[str, str] = os.environ) -> str:
    """The namespace that kubectl takes in a pod where the kubeconfig names none; "" elsewhere.

    As client-go decides (`inClusterClientConfig`): a pod is what has the API server's address in
    its environment and a ServiceAccount's token.
    """
    addressed = all(environment.get(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
    try:
        if not addressed or stat.S_ISDIR((account / "token").stat().st_mode):
            return ""
    except OSError:
        return ""
    try:
        own = (account / "namespace").read_text().strip()
    except (OSError, UnicodeDecodeError):
        own = ""
    return environment.get("POD_NAMESPACE") or own or "default"


def _kubeconfigs(*, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether kubectl finds a kubeconfig where it looks for one."""
    usual = os.path.join(environment.get("HOME", ""), ".kube", "config")
    named = environment.get("KUBECONFIG", "").split(os.pathsep)
    with contextlib.suppress(OSError):
        return any(map(os.path.getsize, filter(os.path.isfile, [*filter(None, named)] or [usual])))
    return True


def account_kubeconfig(
    *, account: Path = ACCOUNT, environment: Mapping[str, str] = os.environ
) -> str | None:
    """Path of a kubeconfig with what kubectl takes in a pod; None where none can be made.

    It names the token's file, since a token is replaced every hour.
    """
    host, port = (environment[f"KUBERNETES_SERVICE_{part}"] for part in ("HOST", "PORT"))
    cluster = {"server": f"https://{f'[{host}]' if ':' in host else host}:{port}"}
    authority = account / "ca.crt"
    if authority.is_file():
        cluster["certificate-authority"] = str(authority)
    name = "pod"
    namespace = pod_namespace(account=account, environment=environment)
    context = {"cluster": name, "user": name, "namespace": namespace}
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"tokenFile": str(account / "token")}}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }
    return _in_memory(json.dumps(whole))


@functools.cache
def _in_memory(text: str) -> str | None:
    """Path of a file that is on no disk: a pod may have no place to write to."""
    try:
        memory = os.memfd_create("kubeconfig")
        os.write(memory, text.encode())
    except OSError:
        return None
    return f"/proc/{os.getpid()}/fd/{memory}"
