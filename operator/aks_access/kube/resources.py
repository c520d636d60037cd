"""Where each watched kind lives in the API server's URL space.

One table for the client, the re-list, the informer and the discovery check, so that none of them
can watch another version than the others write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from aks_access.api import names
from aks_access.engine.ports import Kind


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the API server serves it; the core group is ""."""

    group: str
    version: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """Path of the group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def everywhere(self) -> str:
        """Path of all objects of the kind, in every namespace."""
        return f"{self.root}/{self.plural}"

    def collection(self, *, namespace: str) -> str:
        """Path of the kind's objects in one namespace; of all where it is cluster-scoped."""
        if not self.namespaced:
            return self.everywhere
        if not namespace:
            raise ValueError(f"{self.plural} are namespaced: an object needs its namespace")
        return f"{self.root}/namespaces/{quote(namespace, safe='')}/{self.plural}"

    def object(self, *, namespace: str, name: str) -> str:
        """Path of one object."""
        if not name:
            raise ValueError(f"an object of {self.plural} needs its name")
        return f"{self.collection(namespace=namespace)}/{quote(name, safe='')}"


def _custom(kind: names.Kind, *, namespaced: bool) -> Resource:
    return Resource(
        group=names.GROUP,
        version=names.VERSION,
        plural=names.PLURALS[kind],
        namespaced=namespaced,
    )


RESOURCES: Final[Mapping[Kind, Resource]] = {
    Kind.GRANT: _custom(names.Kind.GRANT, namespaced=True),
    Kind.TARGET: _custom(names.Kind.TARGET, namespaced=False),
    Kind.RANGE_SET: _custom(names.Kind.RANGE_SET, namespaced=False),
    Kind.NAMESPACE: Resource(group="", version="v1", plural="namespaces", namespaced=False),
}
CONFIG_MAPS: Final = Resource(group="", version="v1", plural="configmaps", namespaced=True)
LEASES: Final = Resource(
    group="coordination.k8s.io", version="v1", plural="leases", namespaced=True
)
EVENTS: Final = Resource(group="events.k8s.io", version="v1", plural="events", namespaced=True)
