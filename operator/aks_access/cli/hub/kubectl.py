"""The management cluster through kubectl.

kubectl, and not a client of our own, because it is there (this is its plugin), reaches the API
server as its user is used to (contexts, exec plugins, proxies, client certificates), and answers
before the Python client is imported.
"""

import contextlib
import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from aks_access.api.timestamps import parse_date
from aks_access.cli.hub.cluster import FIELD_MANAGER, DryRun, Piece, Resource, Right
from aks_access.cli.hub.complaints import error_of
from aks_access.cli.hub.processes import quiet, started
from aks_access.cli.hub.reach import Reach, pod_namespace
from aks_access.errors import (
    AksAccessError,
    KubeError,
    KubeForbidden,
    KubeNotFound,
    StartupError,
)

if TYPE_CHECKING:
    from aks_access.cli.hub.listed import Listed

_NO_CONTEXT: Final = "current-context must exist"
_DATE: Final = re.compile(r"\bDate: ([A-Z][a-z]{2}, [0-9A-Za-z: ]+ GMT)")


@dataclass(frozen=True, slots=True)
class Kubectl:
    """`cluster.Cluster` by calls of kubectl."""

    reach: Reach = field(default_factory=Reach)

    def namespace(self) -> str:
        """See `Cluster`; a pod's own comes after the context's and before `default`."""
        path = "--output=jsonpath={.contexts[0].context.namespace}"
        try:
            named = self._run(["config", "view", "--minify", path]).decode(errors="replace").strip()
        except KubeError as error:
            if _NO_CONTEXT not in str(error):
                raise
            own = pod_namespace()
            if own or self.reach.cluster is not None:
                return own or "default"
            raise StartupError(
                "No context of the kubeconfig is chosen, so neither the management cluster nor a "
                "namespace is known. Name it: --context NAME"
            ) from error
        return named or pod_namespace() or "default"

    def all(self, resource: Resource, *, namespace: str = "") -> list[dict[str, Any]]:
        """See `Cluster`."""
        return [json.loads(bytes(each)) for each in self.pieces(resource, namespace=namespace)]

    def pieces(self, resource: Resource, *, namespace: str = "") -> Sequence[Piece]:
        """See `Cluster`."""
        # All at once: the API server answers from memory, but a list's later pages from etcd.
        return self._listed(resource.path(namespace=namespace)).items

    def first(self, resource: Resource, *, most: int) -> tuple[Sequence[Piece], bool]:
        """See `Cluster`."""
        found = self._listed(f"{resource.path()}?limit={most}")
        return found.items, found.whole

    def some(
        self, resource: Resource, paths: Sequence[tuple[str, str]]
    ) -> tuple[list[dict[str, Any]], bool]:
        """See `Cluster`."""
        asked = [
            {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "metadata": {"namespace": namespace, "name": name},
            }
            for namespace, name in paths
        ]
        text, error = self._ran(
            ["get", "--filename=-", "--ignore-not-found", "--output=json"],
            given=json.dumps({"apiVersion": "v1", "kind": "List", "items": asked}),
        )
        if error is not None and not isinstance(error, KubeForbidden):
            raise error
        answer = self._parsed("get", text) if text.strip() else {"items": []}
        return list(answer.get("items", [answer])), error is not None

    def get(self, resource: Resource, *, name: str, namespace: str = "") -> dict[str, Any] | None:
        """See `Cluster`."""
        if not name:
            return None  # the path would be that of the list
        try:
            return self._json(["get", f"--raw={resource.path(namespace=namespace, name=name)}"])
        except KubeNotFound:
            return None

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        dry_run: DryRun = DryRun.NONE,
        force: bool = False,
    ) -> dict[str, Any]:
        """See `Cluster`."""
        return self._json(
            [
                "apply",
                "--server-side",
                f"--field-manager={FIELD_MANAGER}",
                f"--force-conflicts={str(force).lower()}",
                f"--dry-run={dry_run}",
                "--output=json",
                "--filename=-",
            ],
            given=json.dumps(manifest),
        )

    def patch(
        self,
        resource: Resource,
        *,
        name: str,
        namespace: str = "",
        change: Mapping[str, Any],
        dry_run: DryRun = DryRun.NONE,
    ) -> dict[str, Any]:
        """See `Cluster`."""
        return self._json(
            [
                "patch",
                resource.full_name,
                name,
                *([f"--namespace={namespace}"] if namespace else []),
                "--type=merge",
                f"--field-manager={FIELD_MANAGER}",
                f"--dry-run={dry_run}",
                "--output=json",
                f"--patch={json.dumps(change)}",
            ]
        )

    def watch(
        self, resource: Resource, *, name: str, namespace: str = "", seconds: float
    ) -> Iterator[dict[str, Any]]:
        """See `Cluster`."""
        name_is = quote(f"metadata.name={name}", safe="")
        deadline = time.monotonic() + seconds
        while (left := math.ceil(deadline - time.monotonic())) > 0:
            path = f"{resource.path(namespace=namespace)}?watch=true&fieldSelector={name_is}"
            command = [
                *self._command(self.reach.flags(watches=True)),
                "get",
                f"--raw={path}&timeoutSeconds={left}",
            ]
            with started(command) as (process, said):
                assert process.stdout is not None
                for line in process.stdout:
                    if not line.endswith(b"\n"):
                        break  # the connection was cut within it
                    event = self._parsed("get", line)
                    if event["type"] == "DELETED":
                        return
                    if event["type"] == "ERROR":
                        raise KubeError(str(event["object"].get("message")))
                    yield event["object"]
                if process.wait():
                    raise error_of(said())

    def version(self) -> str:
        """See `Cluster`."""
        return str(self._json(["get", "--raw=/version"]).get("gitVersion", ""))

    def date(self) -> datetime | None:
        """See `Cluster`; kubectl shows an answer's headers among its debugging lines."""
        done = subprocess.run(
            [*self._command(self.reach.flags()), "get", "--raw=/version", "-v=8"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        found = _DATE.search(done.stderr)
        return parse_date(found[1]) if found is not None else None

    def may(self, right: Right, *, as_user: str = "") -> bool:
        """See `Cluster`."""
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        asker = Kubectl(self.reach.speaking_for(as_user)) if as_user else self
        arguments = ["create", f"--raw={path}", "--filename=-"]
        answer = asker._json(arguments, given=json.dumps(right.review()))
        return (answer.get("status") or {}).get("allowed") is True

    def _json(self, arguments: Sequence[str], *, given: str | None = None) -> dict[str, Any]:
        return self._parsed(arguments[0], self._run(arguments, given=given))

    def _listed(self, path: str) -> "Listed":
        text = self._run(["get", f"--raw={path}"])
        from aks_access.cli.hub.listed import listed  # the answer is there

        try:
            return listed(text)
        except ValueError as error:
            raise _unusable("get", error) from error

    def _parsed(self, verb: str, text: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise _unusable(verb, error) from error
        if not isinstance(answer, dict):
            raise KubeError(f"kubectl {verb}: the answer is not an object")
        return answer

    def _run(self, arguments: Sequence[str], *, given: str | None = None) -> bytes:
        text, error = self._ran(arguments, given=given)
        if error is not None:
            raise error
        return text

    def _ran(
        self, arguments: Sequence[str], *, given: str | None = None
    ) -> tuple[bytes, AksAccessError | None]:
        """What kubectl printed, and what its complaint stands for if it failed."""
        command = [*self._command(self.reach.flags()), *arguments]
        while True:
            with started(command, reads=given is not None, yields=arguments[0] == "get") as (
                process,
                said,
            ):
                if given is not None:
                    assert process.stdin is not None
                    with contextlib.suppress(BrokenPipeError):  # what it said tells why
                        process.stdin.write(given.encode())
                        process.stdin.close()
                assert process.stdout is not None
                answer = process.stdout.read()
                refused = error_of(said()) if process.wait() else None
            if said.cut_off:
                quiet()
                continue
            return answer, refused

    def _command(self, flags: Sequence[str]) -> list[str]:
        program = shutil.which("kubectl")
        if program is None:
            raise StartupError(
                "kubectl is not in the PATH, and this command reaches the management cluster "
                "through it. Install it, or write a file for a pull request: "
                "aks-access grant … --out DIR"
            )
        return [program, *flags]


def _unusable(verb: str, error: ValueError) -> KubeError:
    return KubeError(f"kubectl {verb}: the answer is not JSON ({error})")
