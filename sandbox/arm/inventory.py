"""What a subscription holds, as lists: what `az group list`, `az resource list` and their like ask.

Resources are the clusters and whatever else a test registered; a provider is one that has any here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.arm.ids import CLUSTER_TYPE, key
from sandbox.arm.messages import ArmError, ArmRequest, JsonObject
from sandbox.arm.world import World

_GROUPS = re.compile(r"/subscriptions/([^/]+)/resourcegroups/?", re.IGNORECASE)
_RESOURCES = re.compile(
    r"/subscriptions/([^/]+)(?:/resourcegroups/([^/]+))?/resources/?", re.IGNORECASE
)
_PROVIDERS = re.compile(r"/subscriptions/([^/]+)/providers(?:/([^/]+))?/?", re.IGNORECASE)
_EQUAL = re.compile(r"(resourceType|name|resourceGroup) eq '([^']*)'", re.IGNORECASE)
_LISTED = ("id", "name", "type", "location", "tags", "identity", "sku", "kind")
_LOCATION = "westeurope"
_VERSIONS_OF_OTHERS = ("2025-01-01", "2024-05-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Lists of a world's groups, resources and resource providers."""

    world: World

    def answer(self, request: ArmRequest) -> JsonObject | None:
        """Return the list that is asked for, or None where the path asks for none."""
        if match := _GROUPS.fullmatch(request.path):
            within = key(f"/subscriptions/{match[1]}") + "/"
            groups = [group_body(each) for k, each in self._groups() if k.startswith(within)]
            return {"value": groups}
        if match := _RESOURCES.fullmatch(request.path):
            subscription, group = match[1], match[2]
            wanted = {
                name.lower(): value.lower()
                for name, value in _EQUAL.findall(request.query.get("$filter", ""))
            }
            if group:
                wanted["resourcegroup"] = group.lower()
            return {"value": list(self._matching(subscription, wanted))}
        if match := _PROVIDERS.fullmatch(request.path):
            found = self._providers(match[1])
            if match[2] is None:
                return {"value": list(found.values())}
            if match[2].lower() not in found:
                raise _no_namespace(match[2])
            return found[match[2].lower()]
        return None

    def _groups(self) -> list[tuple[str, str]]:
        return sorted(self.world.groups.items())

    def _matching(self, subscription: str, wanted: dict[str, str]) -> Iterator[JsonObject]:
        for body in self._resources(subscription):
            parts = body["id"].lower().split("/")
            has = {
                "resourcetype": body["type"].lower(),
                "name": body["name"].lower(),
                "resourcegroup": parts[4] if parts[3:4] == ["resourcegroups"] else "",
            }
            if all(has[name] == value for name, value in wanted.items()):
                yield body

    def _resources(self, subscription: str) -> Iterator[JsonObject]:
        within = key(f"/subscriptions/{subscription}") + "/"
        for cluster in self.world.existing():
            if cluster.id.key.startswith(within):
                body = {**cluster.answer(), "id": cluster.id.path, "type": CLUSTER_TYPE}
                yield {name: body[name] for name in _LISTED if name in body}
        for resource_id, body in self.world.resources.items():
            if resource_id.startswith(within) and "/providers/" in resource_id:
                known = {"id": resource_id, "location": _LOCATION, **body}
                named = {
                    "name": known["id"].rsplit("/", 1)[-1],
                    "type": type_of(known["id"]),
                    **known,
                }
                yield {name: named[name] for name in _LISTED if name in named}

    def _providers(self, subscription: str) -> dict[str, JsonObject]:
        """Every provider of a resource that is there, by its namespace in lower case."""
        found: dict[str, JsonObject] = {}
        kinds = dict.fromkeys(body["type"] for body in self._resources(subscription))
        for kind in {CLUSTER_TYPE: None, **kinds}:
            namespace, _, resource_type = kind.partition("/")
            provider = found.setdefault(
                namespace.lower(),
                {
                    "id": f"/subscriptions/{subscription}/providers/{namespace}",
                    "namespace": namespace,
                    "registrationState": "Registered",
                    "resourceTypes": [],
                },
            )
            clusters = kind.lower() == CLUSTER_TYPE.lower()
            versions = self.world.options.api_versions if clusters else _VERSIONS_OF_OTHERS
            provider["resourceTypes"].append(
                {
                    "resourceType": resource_type,
                    "locations": ["West Europe"],
                    "apiVersions": sorted(versions, reverse=True),
                }
            )
        return found


def group_body(group_id: str) -> JsonObject:
    """Return a resource group as ARM answers it."""
    return {
        "id": group_id,
        "name": group_id.rsplit("/", 1)[-1],
        "type": "Microsoft.Resources/resourceGroups",
        "location": _LOCATION,
        "properties": {"provisioningState": "Succeeded"},
    }


def type_of(path: str) -> str:
    """Return the resource type of an id or path; the subscription's where no provider is named."""
    parts = path.strip("/").split("/")
    lower = [part.lower() for part in parts]
    if "providers" not in lower:
        return "Microsoft.Resources/subscriptions"
    provider = parts[lower.index("providers") + 1 :]
    return "/".join([provider[0], *provider[1::2]]) if provider else "Microsoft.Resources"


def _no_namespace(name: str) -> ArmError:
    return ArmError(
        status=404,
        code="InvalidResourceNamespace",
        message=f"The resource namespace '{name}' is invalid.",
    )
