"""What the sandbox asks of a management cluster, whoever runs it.

Landscape, operator and demo know these Protocols only: `sandbox.landscape` puts a control plane of
its own behind them, `sandbox.existing` a cluster that is already there.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sandbox.processes import Scratch

Say = Callable[[str], None]
"""Is told of each step, in words for people."""


class ManagementCluster(Protocol):
    """An API server with an administrator's rights."""

    @property
    def scratch(self) -> Scratch:
        """Private directory of all that belongs to this cluster here; it goes with the process."""
        ...

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the administrator."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of a kubectl that runs as administrator, all of them."""
        ...

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = ...
    ) -> dict[str, Any]:
        """Call the API as administrator, JSON in and out.

        Raises ApiError for refusals, OSError where there is no answer.
        """
        ...

    def kubectl(
        self, *arguments: str, input: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as administrator; ProcessError where it fails, unless `check` is off."""
        ...

    def kubeconfig_for(self, service_account: str, namespace: str) -> Path:
        """Make a kubeconfig with a token of a ServiceAccount."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write of the operator's; `refused` is None where nobody could see refusals."""

    resource: str
    verb: str
    what: str
    refused: bool | None = None


class Witness(Protocol):
    """Somebody other than the operator who saw its writes to Kubernetes."""

    @property
    def title(self) -> str:
        """What the writes are and by whom they were seen, as a heading."""
        ...

    @property
    def silence(self) -> str:
        """What it means that no write was seen, as a checked fact."""
        ...

    @property
    def left_out(self) -> str:
        """What this witness cannot see; empty where nothing escapes it."""
        ...

    def writes(self) -> Sequence[Write]:
        """All writes so far but renewals of the Lease: what was told once stays, in its place."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A management cluster, ready for the operator: CRDs served, rights in place.

    `variables` are what a process of this machine needs to reach it.
    """

    cluster: ManagementCluster
    witness: Witness
    kubectl: Path
    variables: Mapping[str, str] = field(default_factory=dict)


Ground = Callable[[Say], AbstractContextManager[Site]]
"""Makes a site and takes away all that it made."""
