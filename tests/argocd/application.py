"""An Argo CD Application, as a user makes and watches one."""

import threading
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from sandbox.argocd import IN_CLUSTER, NAMESPACE, ArgoCD
from sandbox.controlplane.client import ApiError
from sandbox.landscape import EXAMPLES
from sandbox.processes import wait_until

FINALIZER = "resources-finalizer.argocd.argoproj.io"
SECONDS = 60.0
_MERGE = "application/merge-patch+json"
_TEAMS = EXAMPLES / "gitops-argocd" / "apps" / "teams.yaml"


def retry() -> dict[str, Any]:
    """How the example's applications of grants try again after a sync that failed."""
    generator = yaml.safe_load(_TEAMS.read_text())
    policy: dict[str, Any] = generator["spec"]["template"]["spec"]["syncPolicy"]["retry"]
    return policy


class Application:
    """One Application; syncs by itself, prunes and heals."""

    def __init__(self, argo: ArgoCD, name: str) -> None:
        self.argo = argo
        self.name = name
        self.path = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications/{name}"

    @classmethod
    def create(
        cls,
        argo: ArgoCD,
        *,
        name: str,
        url: str,
        namespace: str,
        allow_empty: bool = True,
        project: str = "default",
        path: str = ".",
    ) -> "Application":
        """Make one of the whole repository, or of one of its directories."""
        made = cls(argo, name)
        body = cls.document(
            name, url=url, namespace=namespace, allow_empty=allow_empty, project=project, path=path
        )
        argo.plane.request("POST", made.path.rpartition("/")[0], body)
        return made

    @staticmethod
    def document(
        name: str,
        *,
        url: str,
        namespace: str,
        allow_empty: bool = True,
        project: str = "default",
        path: str = ".",
    ) -> dict[str, Any]:
        """The manifest of one."""
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": NAMESPACE, "finalizers": [FINALIZER]},
            "spec": {
                "project": project,
                "source": {"repoURL": url, "path": path, "targetRevision": "main"},
                "destination": {"server": IN_CLUSTER, "namespace": namespace},
                "syncPolicy": {
                    "automated": {"prune": True, "selfHeal": True, "allowEmpty": allow_empty},
                    "retry": {**retry(), "backoff": {"duration": "1s", "maxDuration": "5s"}},
                },
            },
        }

    def read(self) -> dict[str, Any]:
        """The Application; ApiError 404 where it is gone."""
        return self.argo.plane.request("GET", self.path)

    def exists(self) -> bool:
        """Whether it is there."""
        try:
            self.read()
        except ApiError as error:
            if error.code != 404:
                raise
            return False
        return True

    def refresh(self) -> None:
        """Ask Argo CD to look at Git now."""
        annotations = {"argocd.argoproj.io/refresh": "normal"}
        body = {"metadata": {"annotations": annotations}}
        self.argo.plane.request("PATCH", self.path, body, content_type=_MERGE)

    @property
    def sync(self) -> str:
        """Synced or OutOfSync."""
        return str(self.read().get("status", {}).get("sync", {}).get("status", ""))

    @property
    def health(self) -> str:
        """Healthy, Progressing, Degraded, Missing …"""
        return str(self.read().get("status", {}).get("health", {}).get("status", ""))

    def synced_to(self, revision: str) -> bool:
        """Whether this revision was compared and everything is as it says."""
        status = self.read().get("status", {})
        operation = status.get("operationState", {})
        sync = status.get("sync", {})
        return (
            sync.get("status") == "Synced"
            and sync.get("revision") == revision
            and operation.get("phase") == "Succeeded"
            and operation.get("syncResult", {}).get("revision") == revision
        )

    def wait_synced(self, revision: str, *, seconds: float = SECONDS) -> None:
        """Return once the revision is synced."""
        self.refresh()
        self.eventually(lambda: self.synced_to(revision), what="synced", seconds=seconds)

    def wait_gone(self, *, seconds: float = SECONDS) -> None:
        """Return once it is gone."""
        wait_until(
            lambda: not self.exists(),
            what=f"application {self.name} to be gone",
            timeout=seconds,
            interval=0.2,
            detail=self.story,
        )

    def delete(self) -> None:
        """Ask for its deletion, and with it for that of all it brought."""
        self.argo.plane.request("DELETE", self.path)

    def abandon(self) -> None:
        """Delete it and leave all it brought."""
        body = {"metadata": {"finalizers": None}}
        self.argo.plane.request("PATCH", self.path, body, content_type=_MERGE)
        self.delete()

    def syncs(self) -> int:
        """How often it was synced, for whatever reason."""
        return len(self.read().get("status", {}).get("history", []))

    def retries(self) -> int:
        """How often the sync that runs was tried again."""
        operation = self.read().get("status", {}).get("operationState", {})
        return int(operation.get("retryCount", 0))

    def eventually(
        self, condition: Callable[[], bool], *, what: str, seconds: float = SECONDS
    ) -> None:
        """Return once the condition holds."""
        wait_until(
            condition,
            what=f"application {self.name} to be {what}",
            timeout=seconds,
            interval=0.2,
            detail=self.story,
        )

    def story(self) -> str:
        """What Argo CD says of it."""
        if not self.exists():
            return "there is no such application"
        status = self.read().get("status", {})
        operation = status.get("operationState", {})
        told = [status.get("sync"), status.get("health")]
        told += [operation.get("phase"), operation.get("message")]
        told += [*status.get("conditions", []), *status.get("resources", [])]
        told += operation.get("syncResult", {}).get("resources", [])
        return "\n".join([*map(str, told), self.argo.log()])

    # as the UI does

    def healths(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(kind, name) of each resource to its health and message."""
        tree = self.argo.request("GET", f"/api/v1/applications/{self.name}/resource-tree")
        return {
            (node["kind"], node["name"]): (
                node.get("health", {}).get("status", ""),
                node.get("health", {}).get("message", ""),
            )
            for node in tree.get("nodes", [])
        }

    def actions(self, kind: str, name: str, namespace: str = "") -> dict[str, bool]:
        """The actions that a resource offers, and whether each can be chosen."""
        query = self._query(kind, name, namespace)
        path = f"/api/v1/applications/{self.name}/resource/actions?{query}"
        found = self.argo.request("GET", path).get("actions") or []
        return {each["name"]: not each.get("disabled", False) for each in found}

    def act(self, action: str, kind: str, name: str, namespace: str = "") -> None:
        """Press a button."""
        body = {
            "namespace": namespace,
            "resourceName": name,
            "group": "aksaccess.dev",
            "version": "v1alpha1",
            "kind": kind,
            "action": action,
        }
        try:
            self.argo.request("POST", f"/api/v1/applications/{self.name}/resource/actions/v2", body)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{action}: {error.read().decode()}") from error

    @staticmethod
    def _query(kind: str, name: str, namespace: str) -> str:
        named = f"resourceName={name}&kind={kind}&group=aksaccess.dev&version=v1alpha1"
        return f"{named}&namespace={namespace}" if namespace else named

    @contextmanager
    def watched(self) -> Iterator[set[str]]:
        """The sync states seen while the block runs, looked at many times a second."""
        seen: set[str] = set()
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.1):
                seen.add(self.sync)

        thread = threading.Thread(target=look, name=f"watch {self.name}")
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()
