"""What the tests of `aks_access.kube` share: the operator's own access, and objects to act on."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aks_access.engine.ports import Kind, ObjectRef
from aks_access.kube.connection import Access
from aks_access.kube.resources import RESOURCES
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from sandbox.processes import wait_until

SPECS: Mapping[Kind, Mapping[str, object]] = {
    Kind.RANGE_SET: {"ipRanges": ["20.50.1.7"]},
    Kind.GRANT: {
        "targetRef": {"name": "no-such-target"},
        "ipRanges": ["20.50.1.7"],
        "duration": "1h",
    },
}
SUBJECT = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"


def operator_access(plane: ControlPlane, *, timeout: float = 30.0) -> Access:
    """As the chart's ServiceAccount, with the chart's rights and none besides."""
    kubeconfig = plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE)
    return Access(kubeconfig=str(kubeconfig), timeout=timeout)


def create(
    plane: ControlPlane,
    kind: Kind,
    name: str,
    *,
    namespace: str = "",
    metadata: Mapping[str, object] | None = None,
) -> ObjectRef:
    """Create an object as an administrator."""
    path = RESOURCES[kind].collection(namespace=namespace)
    body = {
        "apiVersion": RESOURCES[kind].api_version,
        "kind": kind.value,
        "metadata": {"name": name, **(metadata or {})},
        "spec": SPECS[kind],
    }
    return ref_of(kind, plane.request("POST", path, body))


def read(plane: ControlPlane, ref: ObjectRef) -> dict[str, Any]:
    """The object by its name, whoever has that name now."""
    return plane.request("GET", path_of(ref))


def path_of(ref: ObjectRef) -> str:
    return RESOURCES[ref.kind].object(namespace=ref.namespace, name=ref.name)


def ref_of(kind: Kind, raw: Mapping[str, Any]) -> ObjectRef:
    metadata = raw["metadata"]
    return ObjectRef(
        kind=kind,
        name=metadata["name"],
        uid=metadata["uid"],
        namespace=metadata.get("namespace", ""),
        resource_version=metadata["resourceVersion"],
    )


def wait_allowed(
    plane: ControlPlane, verb: str, resource: str, *, who: str, namespace: str = ""
) -> None:
    """Return once a ServiceAccount (`namespace:name`) has a right that it was just given.

    The API server reads roles and bindings behind its own back, and refuses until then.
    `namespace` is where it is to have it, its own where that is empty.
    """
    where = namespace or who.partition(":")[0]
    ask = ("auth", "can-i", verb, resource, f"--namespace={where}")
    wait_until(
        lambda: (
            plane.kubectl(*ask, f"--as=system:serviceaccount:{who}", check=False).returncode == 0
        ),
        what=f"{who} to have the right to {verb} {resource}",
        timeout=30,
    )


async def until(condition: Callable[[], bool], *, what: str, within: float = 30.0) -> None:
    """Look at the condition until it holds; fails after `within` seconds."""
    end = asyncio.get_running_loop().time() + within
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"not within {within:g} s: {what}"
        await asyncio.sleep(0.02)
