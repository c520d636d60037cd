"""Flux's kustomize-controller, as far as it writes objects: the rules of v1.7.3 and its pkg/ssa.

Before it applies an object, fields that `kubectl…` or `before-first-apply` wrote become its own
(`internal/controller/kustomization_controller.go`, `ssa/patch.go`: managers are told by prefix),
so that its server-side apply takes away what Git does not have. `kustomize.toolkit.fluxcd.io/ssa:
Merge` on the object, in Git or as it lives, excepts it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.controlplane import ControlPlane
from sandbox.controlplane.client import ApiError

MANAGER = "kustomize-controller"
SSA = "kustomize.toolkit.fluxcd.io/ssa"
APPLY = "application/apply-patch+yaml"
_TAKEN_OVER = (("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update"))


def labelled(document: Mapping[str, Any], kustomization: str) -> dict[str, Any]:
    """The object with the labels by which Flux knows it again."""
    labels = {
        "kustomize.toolkit.fluxcd.io/name": kustomization,
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    metadata = document["metadata"]
    merged = {**metadata, "labels": {**metadata.get("labels", {}), **labels}}
    return {**document, "metadata": merged}


def apply(plane: ControlPlane, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Reconcile one object at its path."""
    try:
        live = plane.request("GET", path)
    except ApiError as error:
        if error.code != 404:
            raise
    else:
        if not (_merged(document) or _merged(live)):
            _take_over(plane, path, live["metadata"]["managedFields"])
    query = f"?fieldManager={MANAGER}&force=true"
    return plane.request("PATCH", path + query, document, content_type=APPLY)


def _merged(document: Mapping[str, Any]) -> bool:
    return bool(document["metadata"].get("annotations", {}).get(SSA) == "Merge")


def _take_over(plane: ControlPlane, path: str, entries: Iterable[dict[str, Any]]) -> None:
    kept, own, taken = [], None, []
    for entry in entries:
        if entry["manager"] == MANAGER and entry["operation"] == "Apply":
            own = entry
        elif any(
            entry["operation"] == operation
            and entry["manager"].startswith(prefix)
            and not entry.get("subresource")
            for prefix, operation in _TAKEN_OVER
        ):
            taken.append(entry)
        else:
            kept.append(entry)
    if not taken:
        return
    first = own or {**taken.pop(0), "manager": MANAGER, "operation": "Apply"}
    for entry in taken:
        _unite(first["fieldsV1"], entry["fieldsV1"])
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [*kept, first]}]
    plane.request("PATCH", path, patch, content_type="application/json-patch+json")


def _unite(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        _unite(into.setdefault(key, {}), value)
