"""The Helm chart and the plain manifest made from it, and how both meet a control plane.

``deploy/install.yaml`` is the chart rendered with its default values, for people without Helm
(sandbox/generated.py). It is also the only source of the rights that the operator has in a sandbox,
so that a missing right shows there first.
"""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.controlplane.binaries import binary
from sandbox.controlplane.client import ApiError
from sandbox.controlplane.progress import Progress
from sandbox.management import ManagementCluster
from sandbox.processes import wait_until

NAMESPACE = "aks-access-system"
SERVICE_ACCOUNT = "aks-access-operator"

ROOT = Path(__file__).resolve().parents[1]
CRDS = ROOT / "crds"
CHART = ROOT / "charts" / "aks-access-operator"
CHART_CRDS = CHART / "crd-files"
INSTALL = ROOT / "deploy" / "install.yaml"

_ESTABLISHED_SECONDS = 30.0
_NOT_YET = (404, 429)  # not known yet; "storage is (re)initializing"
_RIGHTS_AND_KINDS = frozenset(
    {
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "CustomResourceDefinition",
    }
)


class ChartError(RuntimeError):
    """Helm refused the chart or its values."""


def apply_chart(plane: ManagementCluster) -> None:
    """Give a sandbox the operator's ServiceAccount, rights and CRDs, as installed by people.

    Returns when the API server serves the kinds. There are no pods in a sandbox, so the
    Deployment is left out.
    """
    documents = rights_and_kinds()
    plane.kubectl("apply", "--server-side", "--filename", "-", input=yaml.safe_dump_all(documents))
    wait_served(plane, documents)


def wait_served(plane: ManagementCluster, documents: Iterable[Mapping[str, Any]]) -> None:
    """Return when the API server serves the kinds that the CRDs among `documents` define."""
    definitions = [each for each in documents if each["kind"] == "CustomResourceDefinition"]

    def served() -> bool:
        try:
            return all(_is_served(plane, definition) for definition in definitions)
        except ApiError as error:
            if error.code not in _NOT_YET:
                raise
            return False

    names = ", ".join(each["metadata"]["name"] for each in definitions)
    wait_until(served, what=f"the API server to serve {names}", timeout=_ESTABLISHED_SECONDS)


def rights_and_kinds() -> list[dict[str, Any]]:
    """What deploy/install.yaml has beside the Deployment and what belongs to it."""
    return [each for each in installed() if each["kind"] in _RIGHTS_AND_KINDS]


def installed() -> list[dict[str, Any]]:
    """Return the objects of deploy/install.yaml."""
    return [each for each in yaml.safe_load_all(INSTALL.read_text()) if each]


def render(*arguments: str, progress: Progress | None = None) -> str:
    """Run `helm template` on the chart; `arguments` are Helm's, such as ``--set replicas=1``.

    Builds Helm if need be. Raises ChartError with Helm's message.
    """
    helm = [str(binary("helm", progress=progress)), "template", SERVICE_ACCOUNT, str(CHART)]
    done = subprocess.run(
        [*helm, "--namespace", NAMESPACE, *arguments], capture_output=True, text=True
    )
    if done.returncode:
        raise ChartError(done.stderr.strip())
    return done.stdout


def crd_files(directory: Path) -> dict[str, str]:
    """Return the CRDs of a directory by file name."""
    return {path.name: path.read_text() for path in sorted(directory.glob("*.yaml"))}


def _is_served(plane: ManagementCluster, definition: Mapping[str, Any]) -> bool:
    spec = definition["spec"]
    for version in spec["versions"]:
        plane.request("GET", f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}")
    return True
