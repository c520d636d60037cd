"""Which management cluster a command reaches and as whom, by the flags that kubectl has for it."""

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
        """For kubectl.

        In a pod the default timeout is left out: kubectl takes a pod's ServiceAccount only where
        no flag changes its own defaults.
        """
        usual = None if pod_namespace() else _TIMEOUT
        given = {
            "--kubeconfig": self.kubeconfig,
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
