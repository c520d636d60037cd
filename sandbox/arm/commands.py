"""What the control API can do to clusters: JSON in, JSON out, by keyword."""

import copy
import dataclasses
from dataclasses import dataclass
from typing import Any

from sandbox.arm.bodies import managed_cluster
from sandbox.arm.clusters import Cluster, ClusterOptions
from sandbox.arm.ids import ClusterId
from sandbox.arm.journal import Area
from sandbox.arm.messages import JsonObject
from sandbox.arm.operations import Kind, Outcome, Status
from sandbox.arm.ranges import Order, stored
from sandbox.arm.update import normal_location
from sandbox.arm.world import World, record_lists


def cluster_options(values: JsonObject, *, base: ClusterOptions) -> ClusterOptions:
    """Return `base` with `values` replaced; raises TypeError for an unknown option."""
    typed = dict(values)
    if "refused_ranges" in typed:
        typed["refused_ranges"] = frozenset(typed["refused_ranges"])
    if "order" in typed:
        typed["order"] = Order(typed["order"])
    return dataclasses.replace(base, **typed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCommands:
    """Makes, shows and changes a world's clusters, as the portal or another tool would."""

    world: World

    def create_cluster(
        self,
        *,
        resource_id: str,
        ranges: list[str] | None = None,
        body: JsonObject | None = None,
        shape: JsonObject | None = None,
        options: JsonObject | None = None,
    ) -> JsonObject:
        """Make a cluster at once, from `body` or a realistic one of the given `shape`."""
        cluster_id = ClusterId.parse(resource_id)
        if self.world.cluster(cluster_id.key) is not None:
            raise ValueError(f"cluster {resource_id} exists: delete or re-create it")
        if body is None:
            body = managed_cluster(
                cluster=cluster_id, resource_uid=self._resource_uid(), **(shape or {})
            )
        body = copy.deepcopy(body)
        body["location"] = normal_location(body.get("location", "westeurope"))
        body.setdefault("properties", {}).setdefault("resourceUID", self._resource_uid())
        cluster = Cluster(
            id=cluster_id,
            body=body,
            new_id=self.world.new_id,
            options=cluster_options(options or {}, base=self.world.default_options()),
        )
        if ranges is not None:
            cluster.set_ranges(stored(list(ranges), rules=cluster.rules()))
        cluster.applied = cluster.ranges
        self.world.add(cluster)
        self._record(cluster, "CREATE", before=None)
        return self._view(cluster)

    def recreate_cluster(self, *, resource_id: str, ranges: list[str] | None = None) -> JsonObject:
        """Replace a cluster by a new one of the same body, with another resourceUID."""
        old = self._cluster(resource_id)
        body = old.copied()
        body["properties"]["resourceUID"] = self._resource_uid()
        body["properties"].get("apiServerAccessProfile", {}).pop("authorizedIPRanges", None)
        self.delete_cluster(resource_id=resource_id)
        options = {
            field.name: getattr(old.options, field.name)
            for field in dataclasses.fields(ClusterOptions)
        }
        return self.create_cluster(
            resource_id=old.id.path, ranges=ranges, body=body, options=options
        )

    def delete_cluster(self, *, resource_id: str) -> None:
        """Take a cluster away at once."""
        cluster = self._cluster(resource_id)
        before = cluster.ranges
        del self.world.clusters[cluster.id.key]
        cluster.set_ranges(None)
        entry = self.world.entry(area=Area.CONTROL, method="DELETE", path=cluster.id.path)
        entry.cluster, entry.before, entry.client_id = cluster.id.key, before, "control"
        self.world.journal.add(entry)

    def delete_group(self, *, resource_id: str) -> None:
        """Take the resource group of this cluster away, with all clusters in it."""
        group_key = ClusterId.parse(resource_id).group_key
        for cluster in self.world.existing():
            if cluster.id.group_key == group_key:
                self.delete_cluster(resource_id=cluster.id.path)
        self.world.groups.pop(group_key, None)

    def clusters(self) -> list[JsonObject]:
        """Return every cluster."""
        return [self._view(cluster) for cluster in self.world.existing()]

    def cluster(self, *, resource_id: str) -> JsonObject:
        """Return one cluster."""
        return self._view(self._cluster(resource_id))

    def edit_ranges(
        self,
        *,
        resource_id: str,
        ranges: list[str] | None = None,
        add: list[str] | None = None,
        remove: list[str] | None = None,
        instant: bool = True,
        who: str = "portal",
    ) -> JsonObject:
        """Change the list as somebody else; without `ranges`, `add` and `remove` change it.

        An empty list makes the cluster unrestricted. Not `instant`: as an operation of its own,
        refused while another one runs.
        """
        cluster = self._cluster(resource_id)
        if not instant:
            cluster.require_idle()
            cluster.require_running("updating")
        before = cluster.ranges
        if ranges is None:
            gone = set(remove or [])
            ranges = [value for value in before or [] if value not in gone] + list(add or [])
        cluster.set_ranges(stored(list(ranges), rules=cluster.rules()))
        if instant:
            cluster.applied = cluster.ranges
            cluster.touch()
        else:
            self.world.begin(cluster, Kind.UPDATE, list_before=before)
        self._record(cluster, "EDIT", before=before, who=who)
        return self._view(cluster)

    def set_property(self, *, resource_id: str, path: str, value: Any) -> JsonObject:
        """Set the property at a dotted path of the stored body; pools by name: `x[pool].y`."""
        cluster = self._cluster(resource_id)
        parent, name = self._parent(cluster, path)
        parent[name] = copy.deepcopy(value)
        cluster.touch()
        return self._view(cluster)

    def remove_property(self, *, resource_id: str, path: str) -> JsonObject:
        """Remove the property at a dotted path of the stored body."""
        cluster = self._cluster(resource_id)
        parent, name = self._parent(cluster, path)
        del parent[name]
        cluster.touch()
        return self._view(cluster)

    def edit_pool(
        self, *, resource_id: str, pool: str, values: JsonObject, state: str | None = None
    ) -> JsonObject:
        """Change a pool as an agent pool operation does: the cluster's eTag stays.

        With `state` (`Scaling`, say) the operation goes on, and refuses the cluster's writes,
        until it is called again without.
        """
        cluster = self._cluster(resource_id)
        cluster.pool(pool).update(copy.deepcopy(values))
        cluster.touch_pool(pool)
        cluster.pool_states.pop(pool, None)
        if state is not None:
            cluster.pool_states[pool] = state
        return self._view(cluster)

    def set_state(
        self,
        *,
        resource_id: str,
        provisioning_state: str | None = None,
        power_state: str | None = None,
    ) -> JsonObject:
        """Put the cluster into a state; it stays there until an operation or another call."""
        cluster = self._cluster(resource_id)
        cluster.provisioning_state = provisioning_state or cluster.provisioning_state
        cluster.power_state = power_state or cluster.power_state
        cluster.touch()
        return self._view(cluster)

    def set_options(self, *, resource_id: str, options: JsonObject) -> JsonObject:
        """Change how a cluster behaves."""
        cluster = self._cluster(resource_id)
        cluster.options = cluster_options(options, base=cluster.options)
        return self._view(cluster)

    def next_outcome(
        self,
        *,
        resource_id: str,
        status: str,
        code: str = "",
        message: str = "",
        keep_list: bool = True,
        count: int = 1,
    ) -> None:
        """Say how the next `count` operations end."""
        outcome = Outcome(status=Status(status), code=code, message=message, keep_list=keep_list)
        self._cluster(resource_id).outcomes.extend([outcome] * count)

    def finish_operation(self, *, resource_id: str) -> JsonObject:
        """Let the running operation end now."""
        cluster = self._cluster(resource_id)
        operation = cluster.operation
        if operation is None or not operation.running:
            raise ValueError(f"cluster {resource_id} has no operation in progress")
        operation.seconds = self.world.clock.wall() - operation.started
        operation.ends = self.world.clock.monotonic()
        self.world.settle(cluster)
        return self._view(cluster)

    def _resource_uid(self) -> str:
        return self.world.new_id().replace("-", "")[:24]

    def _cluster(self, resource_id: str) -> Cluster:
        cluster = self.world.cluster(ClusterId.parse(resource_id).key)
        if cluster is None:
            raise KeyError(f"no cluster {resource_id}")
        return cluster

    def _record(
        self, cluster: Cluster, method: str, *, before: list[str] | None, who: str = "control"
    ) -> None:
        entry = self.world.entry(area=Area.CONTROL, method=method, path=cluster.id.path)
        entry.client_id, entry.state = who, cluster.provisioning_state
        record_lists(entry, cluster=cluster, before=before)
        self.world.journal.add(entry)

    def _view(self, cluster: Cluster) -> JsonObject:
        operation = cluster.operation
        return {
            "resource_id": cluster.id.path,
            "key": cluster.id.key,
            "ranges": cluster.ranges,
            "applied": cluster.applied,
            "etag": cluster.etag,
            "provisioning_state": cluster.provisioning_state,
            "power_state": cluster.power_state,
            "resource_uid": cluster.properties.get("resourceUID", ""),
            "operation": operation.operation_id if operation and operation.running else "",
            "body": cluster.answer(),
        }

    def _parent(self, cluster: Cluster, path: str) -> tuple[JsonObject, str]:
        *parents, name = path.replace("[", ".[").split(".")
        node: Any = cluster.body
        for part in parents:
            if part.startswith("["):
                node = next(element for element in node if element.get("name") == part[1:-1])
            else:
                node = node.setdefault(part, {})
        return node, name
