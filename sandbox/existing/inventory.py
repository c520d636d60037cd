"""What the demo makes on a cluster that is not its own, beside what is inside of that.

Every one of these carries a label with the run's name from its first moment. That label is what
makes an object ours: a removal needs no memory, and may follow a run that was killed.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from sandbox.chart import rights_and_kinds
from sandbox.landscape import EXAMPLES

LABEL: Final = "sandbox.aksaccess.dev/demo"
"""On each object; its value is the run that made it."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CORE = "/api/v1"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_COLLECTIONS: Final[Mapping[str, str]] = {
    "Namespace": f"{_CORE}/namespaces",
    "ServiceAccount": f"{_CORE}/namespaces/{{namespace}}/serviceaccounts",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "ClusterRole": f"{_RBAC}/clusterroles",
    "ClusterRoleBinding": f"{_RBAC}/clusterrolebindings",
    "Role": f"{_RBAC}/namespaces/{{namespace}}/roles",
    "RoleBinding": f"{_RBAC}/namespaces/{{namespace}}/rolebindings",
}


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that the demo makes."""

    manifest: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace, which is ours too; "" for a cluster-scoped one."""
        return str(self.manifest["metadata"].get("namespace", ""))

    @property
    def collection(self) -> str:
        """Path of the collection it is in."""
        return _COLLECTIONS[self.kind].format(namespace=self.namespace)

    @property
    def path(self) -> str:
        """Path of the object."""
        return f"{self.collection}/{self.name}"

    @property
    def version(self) -> str:
        """The first version that a CRD has."""
        return str(self.manifest["spec"]["versions"][0]["name"])

    @property
    def instances(self) -> str:
        """Path of all objects of the kind that a CRD defines."""
        spec = self.manifest["spec"]
        return f"/apis/{spec['group']}/{self.version}/{spec['names']['plural']}"

    def labelled(self, run: str) -> dict[str, Any]:
        """The object as a run creates it."""
        made = copy.deepcopy(dict(self.manifest))
        made["metadata"].setdefault("labels", {})[LABEL] = run
        return made

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def things() -> list[Thing]:
    """All of them, in the order in which they can be made."""
    return [Thing(each) for each in (*_of_the_chart(), *_of_the_story())]


def lasting() -> list[Thing]:
    """Those that hold the others: what is in one of our namespaces goes with it."""
    return [each for each in things() if not each.namespace]


def group() -> str:
    """The API group of the CRDs."""
    (only,) = {
        each.manifest["spec"]["group"]
        for each in things()
        if each.kind == "CustomResourceDefinition"
    }
    return str(only)


def run_of(found: Mapping[str, Any]) -> str | None:
    """The run that made an object, by its label; None = it is not the demo's."""
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels.get(LABEL)


def _of_the_chart() -> Iterator[dict[str, Any]]:
    """Kinds and the operator's own rights.

    The roles for people are left out: the API server would add them to the cluster's `view` and
    `admin`, and for as long as the demo runs people would have rights that nobody gave them.
    """
    documents = rights_and_kinds()
    bound = {
        (each["roleRef"]["kind"], each["roleRef"]["name"])
        for each in documents
        if "roleRef" in each
    }
    for each in documents:
        if each["kind"] != "ClusterRole" or ("ClusterRole", each["metadata"]["name"]) in bound:
            yield each


def _of_the_story() -> Iterator[dict[str, Any]]:
    """The users' namespaces, so that they are claimed before the story applies them.

    The annotation is kubectl's, for the story's own `kubectl apply` to find nothing to change.
    """
    for each in yaml.safe_load_all((EXAMPLES / "plain" / "namespaces.yaml").read_text()):
        applied = {**each, "metadata": {"annotations": {}, **each["metadata"]}}
        text = json.dumps(applied, separators=(",", ":"), sort_keys=True) + "\n"
        each["metadata"]["annotations"] = {_LAST_APPLIED: text}
        yield each
