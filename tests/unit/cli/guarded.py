"""A hub that lets its user do only some things, and the grants and states it shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aks_access.cli.hub.cluster import DryRun, Resource
from aks_access.errors import KubeConflict, KubeForbidden
from tests.unit.cli.desk import TARGET, Desk, Hub, condition, manifest

GRANT = "aks-access grant prod-weu --my-ip --for 4h --reason INC-77"
HOST = TARGET["status"]["cluster"]["fqdn"]
PROGRAMMED = condition("Programmed", True, "Programmed", "")


def later(*conditions: Mapping[str, Any]) -> dict[str, Any]:
    """A state of the grant that is still to come."""
    return {**manifest(), "status": {"conditions": list(conditions)}}


ACTIVE = later(condition("Ready", True, "Active", "Let in."), PROGRAMMED)


@dataclass(slots=True)
class Guarded(Hub):
    """A hub that lets its user do only some things."""

    hidden: frozenset[Resource] = frozenset()
    applied: list[bool] = field(default_factory=list)
    patched: list[DryRun] = field(default_factory=list)
    conflicts: int = 0
    complaint: str = ""

    def get(self, resource: Resource, *, name: str, namespace: str = "") -> dict[str, Any] | None:
        self._see(resource)
        return super(Guarded, self).get(resource, name=name, namespace=namespace)

    def all(self, resource: Resource, *, namespace: str = "") -> list[dict[str, Any]]:
        self._see(resource)
        return super(Guarded, self).all(resource, namespace=namespace)

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        dry_run: DryRun = DryRun.NONE,
        force: bool = False,
    ) -> dict[str, Any]:
        self.applied.append(force)
        if self.complaint:
            raise KubeConflict(self.complaint)
        return super(Guarded, self).apply(manifest, dry_run=dry_run, force=force)

    def patch(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        self.patched.append(named["dry_run"])
        if self.conflicts:
            self.conflicts -= 1
            raise KubeConflict("the object has been modified")
        return super(Guarded, self).patch(*arguments, **named)

    def _see(self, resource: Resource) -> None:
        if resource in self.hidden:
            raise KubeForbidden(f"You may not: get {resource.plural}")


def desk(*objects: Mapping[str, Any], to_come: tuple[Any, ...] = (), **fields: Any) -> Desk:
    hub = Guarded(context_namespace="team-a", **fields)
    hub.add(TARGET, *objects)
    hub.to_come = to_come
    return Desk(hub=hub)


def managed(*managers: str) -> dict[str, Any]:
    """The grant, its spec written by these."""
    made = manifest()
    made["metadata"]["managedFields"] = [
        {"manager": each, "fieldsV1": {"f:spec": {}}} for each in managers
    ] + [{"manager": "aks-access-operator", "fieldsV1": {"f:status": {}}}]
    return made
