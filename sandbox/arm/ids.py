"""ARM resource ids: parsing, and the case-insensitive key under which they are kept."""

import re
from dataclasses import dataclass

CLUSTER_TYPE = "Microsoft.ContainerService/managedClusters"
_CLUSTER = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"/providers/microsoft\.containerservice/managedclusters/(?P<name>[^/]+)",
    re.IGNORECASE,
)


def key(resource_id: str) -> str:
    """Return the key of an id: ARM compares ids without regard to case."""
    return "/" + resource_id.strip("/").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterId:
    """The parts of a managed cluster's ARM id."""

    subscription: str
    group: str
    name: str

    @classmethod
    def parse(cls, resource_id: str) -> "ClusterId":
        """Return the parts of `resource_id`.

        Raises ValueError for anything but a managed cluster's id.
        """
        match = _CLUSTER.fullmatch("/" + resource_id.strip("/"))
        if match is None:
            raise ValueError(
                f"resource id {resource_id!r} is not a managed cluster's: expected /subscriptions/"
                f"{{id}}/resourceGroups/{{group}}/providers/{CLUSTER_TYPE}/{{name}}"
            )
        return cls(**match.groupdict())

    @property
    def path(self) -> str:
        """The id as people write it."""
        return f"{self.group_path}/providers/{CLUSTER_TYPE}/{self.name}"

    @property
    def answered(self) -> str:
        """The id as AKS answers it: with a lower-case `resourcegroups` (recorded)."""
        return (
            f"/subscriptions/{self.subscription}/resourcegroups/{self.group}"
            f"/providers/{CLUSTER_TYPE}/{self.name}"
        )

    @property
    def group_path(self) -> str:
        """The id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def key(self) -> str:
        """The key under which the cluster is kept."""
        return key(self.path)

    @property
    def group_key(self) -> str:
        """The key under which the cluster's resource group is kept."""
        return key(self.group_path)
