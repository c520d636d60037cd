"""The part of the control client that makes, shows and changes clusters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from sandbox.arm.messages import JsonObject


class Shape(TypedDict, total=False):
    """What a made-up cluster looks like; see `bodies.managed_cluster`."""

    location: str
    pools: int
    outbound_type: str
    private: bool
    vnet_integration: bool
    disable_run_command: bool
    tags: dict[str, str]


class Options(TypedDict, total=False):
    """How a cluster behaves; see `clusters.ClusterOptions`."""

    operation_seconds: float
    withhold_etag: bool
    etag_in_put: bool
    service_tags: bool
    refused_ranges: list[str]
    order: str
    apply_damage: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """A cluster as the emulator holds it; `ranges` and `applied` None = unrestricted."""

    resource_id: str
    key: str
    """Lower-case ARM id."""
    ranges: list[str] | None
    applied: list[str] | None
    """What the API server enforces: the list of the last operation that succeeded."""
    etag: str
    provisioning_state: str
    power_state: str
    resource_uid: str
    operation: str
    """Id of the running operation, or empty."""
    body: JsonObject


class ClusterControl:
    """Commands on clusters; `resource_id` is a managed cluster's ARM id in any case."""

    def _call(self, name: str, **arguments: Any) -> Any:
        raise NotImplementedError

    def _view(self, name: str, **arguments: Any) -> ClusterView:
        return ClusterView(**self._call(name, **arguments))

    def create_cluster(
        self,
        resource_id: str,
        *,
        ranges: Sequence[str] | None = None,
        body: JsonObject | None = None,
        shape: Shape | None = None,
        **options: Unpack[Options],
    ) -> ClusterView:
        """Make a cluster at once, from `body` or a realistic one of `shape`."""
        return self._view(
            "create_cluster",
            resource_id=resource_id,
            ranges=None if ranges is None else list(ranges),
            body=body,
            shape=shape,
            options=options,
        )

    def recreate_cluster(
        self, resource_id: str, *, ranges: Sequence[str] | None = None
    ) -> ClusterView:
        """Replace a cluster by a new one of the same name, with another resourceUID."""
        values = None if ranges is None else list(ranges)
        return self._view("recreate_cluster", resource_id=resource_id, ranges=values)

    def delete_cluster(self, resource_id: str) -> None:
        """Take a cluster away at once."""
        self._call("delete_cluster", resource_id=resource_id)

    def delete_group(self, resource_id: str) -> None:
        """Take the resource group of this cluster away, with all clusters in it."""
        self._call("delete_group", resource_id=resource_id)

    def clusters(self) -> list[ClusterView]:
        """Return every cluster."""
        return [ClusterView(**plain) for plain in self._call("clusters")]

    def cluster(self, resource_id: str) -> ClusterView:
        """Return one cluster."""
        return self._view("cluster", resource_id=resource_id)

    def edit_ranges(
        self,
        resource_id: str,
        *,
        ranges: Sequence[str] | None = None,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        instant: bool = True,
        who: str = "portal",
    ) -> ClusterView:
        """Change the list as somebody else would: all of it, or by `add` and `remove`.

        Not `instant`: as an operation of its own. Entries to remove are written as stored.
        """
        return self._view(
            "edit_ranges",
            resource_id=resource_id,
            ranges=None if ranges is None else list(ranges),
            add=list(add),
            remove=list(remove),
            instant=instant,
            who=who,
        )

    def clear_ranges(self, resource_id: str, *, instant: bool = True) -> ClusterView:
        """Make the cluster unrestricted, as the portal does."""
        return self.edit_ranges(resource_id, ranges=[], instant=instant)

    def set_property(self, resource_id: str, *, path: str, value: Any) -> ClusterView:
        """Set a property, as in `properties.agentPoolProfiles[user1].count`."""
        return self._view("set_property", resource_id=resource_id, path=path, value=value)

    def remove_property(self, resource_id: str, *, path: str) -> ClusterView:
        """Remove a property."""
        return self._view("remove_property", resource_id=resource_id, path=path)

    def edit_pool(
        self, resource_id: str, *, pool: str, values: JsonObject, state: str | None = None
    ) -> ClusterView:
        """Change an agent pool without touching the cluster's eTag.

        With `state` the pool's operation goes on, and refuses writes of the cluster, until the
        next call without.
        """
        return self._view(
            "edit_pool", resource_id=resource_id, pool=pool, values=values, state=state
        )

    def set_state(
        self,
        resource_id: str,
        *,
        provisioning_state: str | None = None,
        power_state: str | None = None,
    ) -> ClusterView:
        """Put the cluster into a state."""
        return self._view(
            "set_state",
            resource_id=resource_id,
            provisioning_state=provisioning_state,
            power_state=power_state,
        )

    def set_options(self, resource_id: str, **options: Unpack[Options]) -> ClusterView:
        """Change how the cluster behaves."""
        return self._view("set_options", resource_id=resource_id, options=options)

    def next_outcome(
        self,
        resource_id: str,
        *,
        status: str,
        code: str = "",
        message: str = "",
        keep_list: bool = True,
        count: int = 1,
    ) -> None:
        """Let the next `count` operations end `Failed` or `Canceled`.

        `keep_list` False puts the old list back at the end.
        """
        self._call(
            "next_outcome",
            resource_id=resource_id,
            status=status,
            code=code,
            message=message,
            keep_list=keep_list,
            count=count,
        )

    def finish_operation(self, resource_id: str) -> ClusterView:
        """Let the running operation end now."""
        return self._view("finish_operation", resource_id=resource_id)
