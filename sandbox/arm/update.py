"""What the body of a PUT does to a cluster: checks first, then the change; nothing half done."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.arm.clusters import Cluster
from sandbox.arm.ids import ClusterId
from sandbox.arm.messages import ArmError, JsonObject, aks_error
from sandbox.arm.ranges import RangeRules, stored
from sandbox.arm.writes import damage as damage_of
from sandbox.arm.writes import merged, writable

_IMMUTABLE = ("dnsPrefix", "nodeResourceGroup")
_IMMUTABLE_OF_POOLS = ("vmSize",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCluster:
    """A body to create a cluster from, and its list."""

    body: JsonObject
    ranges: list[str] | None


def apply_put(cluster: Cluster, body: JsonObject, *, damage: list[str]) -> None:
    """Apply `body` to the cluster; append to `damage` what it loses, changes or adds.

    Raises `ArmError` (400, 409) for a body that AKS refuses; nothing is changed then.
    """
    sent = writable(body)
    damage += damage_of(stored=writable(cluster.body), sent=sent)
    _require_location(cluster, sent)
    properties = sent.get("properties")
    if not isinstance(properties, dict):
        properties = {}
    _require_unchanged(cluster, properties)
    if not properties.get("agentPoolProfiles"):
        properties.pop("agentPoolProfiles", None)
    named, ranges = _taken_ranges(properties)
    after = merged(cluster.copied(), sent) if cluster.options.apply_damage else cluster.copied()
    rules = cluster.rules_of(after["properties"])
    wanted = stored(ranges, rules=rules) if named else cluster.ranges
    cluster.body = after
    cluster.set_ranges(wanted)


def new_body(cluster_id: ClusterId, body: JsonObject, *, new_id: Callable[[], str]) -> NewCluster:
    """Return what AKS stores for a cluster created from `body`; raises `ArmError` (400)."""
    created: JsonObject = writable(body)
    location = created.get("location")
    if not isinstance(location, str) or not location:
        raise _location_required()
    created["location"] = location = normal_location(location)
    properties = created.setdefault("properties", {})
    named, ranges = _taken_ranges(properties)
    rules = RangeRules.of(properties.get("apiServerAccessProfile"))
    wanted = stored(ranges, rules=rules) if named else None
    prefix = properties.setdefault("dnsPrefix", cluster_id.name)
    properties.setdefault(
        "nodeResourceGroup", f"MC_{cluster_id.group}_{cluster_id.name}_{location}"
    )
    properties["fqdn"] = f"{prefix}-{new_id()[:8]}.hcp.{location}.azmk8s.io"
    properties["maxAgentPools"] = 100
    properties["resourceUID"] = new_id().replace("-", "")[:24]
    return NewCluster(body=created, ranges=wanted)


def _taken_ranges(properties: JsonObject) -> tuple[bool, Any]:
    """Take the list out of `properties`; absent and null both mean unchanged."""
    profile = properties.get("apiServerAccessProfile")
    if not isinstance(profile, dict):
        properties.pop("apiServerAccessProfile", None)
        return False, None
    profile = copy.copy(profile)
    ranges = profile.pop("authorizedIPRanges", None)
    properties["apiServerAccessProfile"] = profile
    return ranges is not None, ranges


def _require_location(cluster: Cluster, sent: JsonObject) -> None:
    location = sent.get("location")
    if not isinstance(location, str) or not location:
        raise _location_required()
    if normal_location(location) != cluster.body["location"]:
        raise ArmError(
            status=409,
            code="InvalidResourceLocation",
            message=f"The resource '{cluster.id.name}' already exists in location "
            f"'{cluster.body['location']}' in resource group '{cluster.id.group}'. A resource "
            f"with the same name cannot be created in location '{location}'. "
            "Please select a new resource name.",
        )


def normal_location(location: str) -> str:
    """Return a location as ARM stores it: `West Europe` is `westeurope`."""
    return location.replace(" ", "").lower()


def _location_required() -> ArmError:
    return ArmError(
        status=400,
        code="LocationRequired",
        message="The location property is required for this definition.",
    )


def _require_unchanged(cluster: Cluster, properties: JsonObject) -> None:
    for name in _IMMUTABLE:
        if properties.get(name, cluster.properties.get(name)) != cluster.properties.get(name):
            raise _change_not_allowed(f"properties.{name}")
    sent_pools = properties.get("agentPoolProfiles")
    if not sent_pools:
        return
    pools = {pool.get("name"): pool for pool in sent_pools if isinstance(pool, dict)}
    for pool in cluster.pools:
        sent = pools.get(pool.get("name"))
        if sent is None:
            # An AKS maintainer (Azure/AKS#2889): naming only some of the pools is an error.
            raise aks_error(
                status=400,
                code="BadRequest",
                message=f"Agent pool '{pool.get('name')}' is missing in agentPoolProfiles: name "
                "all agent pools of the managed cluster, or none.",
                target="properties.agentPoolProfiles",
            )
        for name in _IMMUTABLE_OF_POOLS:
            if sent.get(name, pool.get(name)) != pool.get(name):
                raise _change_not_allowed(f"agentPoolProfile.{name}")


def _change_not_allowed(name: str) -> ArmError:
    return aks_error(
        status=400,
        code="PropertyChangeNotAllowed",
        message=f"Changing property '{name}' is not allowed.",
        target=name,
    )
