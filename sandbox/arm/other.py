"""Everything else in ARM that can be read: subscriptions, groups, and resources put there.

Public addresses, prefixes, NAT gateways, firewalls and the like are plain bodies that a test
registers through the control API.
"""

import re
from dataclasses import dataclass

from sandbox.arm.ids import key
from sandbox.arm.inventory import Inventory, group_body
from sandbox.arm.managed import not_found
from sandbox.arm.messages import ArmError, ArmRequest, ArmResponse, JsonObject
from sandbox.arm.world import World

_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)/?", re.IGNORECASE)
_GROUP = re.compile(r"/subscriptions/[^/]+/resourcegroups/([^/]+)/?", re.IGNORECASE)
_RESOURCE = re.compile(
    r"/subscriptions/[^/]+(?:/resourcegroups/([^/]+))?/providers/(.+)", re.IGNORECASE
)
DEFAULT_TENANT = "11111111-1111-1111-1111-111111111111"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherResources:
    """Answers GETs on a world's other resources."""

    world: World

    def answer(self, request: ArmRequest) -> ArmResponse:
        """Return the resource; raises `ArmError` (404, 405)."""
        if request.method != "GET":
            raise ArmError(
                status=405,
                code="MethodNotAllowed",
                message=f"The sandbox answers GET on '{request.path}' only.",
            )
        body = self.world.resource(request.path) or Inventory(world=self.world).answer(request)
        if body is None:
            body = self._made(request.path)
        return ArmResponse(status=200, body=body)

    def _made(self, path: str) -> JsonObject:
        lower = path.lower().rstrip("/")
        if lower == "/subscriptions":
            return {"value": [self._subscription(s) for s in sorted(self.world.subscriptions())]}
        if lower == "/tenants":
            tenants = {DEFAULT_TENANT, *self.world.tenants.values()}
            return {"value": [{"id": f"/tenants/{t}", "tenantId": t} for t in sorted(tenants)]}
        if match := _SUBSCRIPTION.fullmatch(path):
            return self._subscription(match[1])
        if match := _GROUP.fullmatch(path):
            return self._group(path, match[1])
        match = _RESOURCE.fullmatch(path)
        group = (match[1] if match else None) or ""
        raise not_found((match[2] if match else path).strip("/"), group)

    def _group(self, path: str, name: str) -> JsonObject:
        group_id = self.world.groups.get(key(path))
        if group_id is None:
            raise ArmError(
                status=404,
                code="ResourceGroupNotFound",
                message=f"Resource group '{name}' could not be found.",
            )
        return group_body(group_id)

    def _subscription(self, subscription: str) -> JsonObject:
        if subscription.lower() not in self.world.subscriptions():
            raise ArmError(
                status=404,
                code="SubscriptionNotFound",
                message=f"The subscription '{subscription}' could not be found.",
            )
        return {
            "id": f"/subscriptions/{subscription}",
            "subscriptionId": subscription,
            "displayName": "Sandbox",
            "state": "Enabled",
            "tenantId": self.world.tenants.get(subscription.lower(), DEFAULT_TENANT),
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }
