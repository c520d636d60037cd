"""Which bucket a call takes from, and the 429 when it is empty."""

from dataclasses import dataclass

from sandbox.arm.buckets import Limit
from sandbox.arm.messages import ArmError, aks_error
from sandbox.arm.tokens import Principal
from sandbox.arm.world import World

_HANDLERS = {
    Limit.AKS_GET: "GetManagedClusterHandler.GET",
    Limit.AKS_PUT: "PutManagedClusterHandler.PUT",
    Limit.AKS_LIST_SUBSCRIPTION: "ListManagedClustersHandler.GET",
    Limit.AKS_LIST_GROUP: "ListManagedClustersByResourceGroupHandler.GET",
    Limit.AKS_OPERATION: "GetOperationStatusHandler.GET",
    Limit.AKS_OTHER: "ManagedClusterHandler",
}
_ARM = {"GET": Limit.ARM_READ, "DELETE": Limit.ARM_DELETE}
_NAMES = {Limit.ARM_READ: "reads", Limit.ARM_WRITE: "writes", Limit.ARM_DELETE: "deletes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """Takes from a world's buckets."""

    world: World

    def arm(self, method: str, path: str, principal: Principal) -> None:
        """Count a call against ARM's limits of subscription and principal; may raise 429."""
        limit = _ARM.get(method, Limit.ARM_WRITE)
        subscription = _subscription(path)
        wait = self._take(limit, f"{subscription}/{principal.object_id}")
        if wait:
            raise ArmError(
                status=429,
                code="SubscriptionRequestsThrottled",
                message=f"Number of '{_NAMES[limit]}' requests for subscription '{subscription}' "
                f"actor '{principal.object_id}' exceeded. Please try again after '{wait}' seconds "
                "after additional tokens are available.",
                headers={"Retry-After": str(wait)},
            )

    def aks(self, limit: Limit, key: str) -> None:
        """Count a call against one of AKS's limits; may raise 429."""
        wait = self._take(limit, key.lower())
        if wait:
            error = aks_error(
                status=429,
                code="Throttled",
                message=f"The {_HANDLERS[limit]} request limit has been exceeded for "
                f"SubID='{_subscription(key)}', please retry again in {wait} seconds. For more "
                "information, please visit aka.ms/aks/throttling",
            )
            error.headers["Retry-After"] = str(wait)
            raise error

    def headers(self, method: str, path: str, object_id: str) -> dict[str, str]:
        """Return ARM's headers that tell how many calls are left."""
        limit = _ARM.get(method, Limit.ARM_WRITE)
        left = self.world.buckets.level(
            limit=limit,
            key=f"{_subscription(path)}/{object_id}",
            now=self.world.clock.monotonic(),
        )
        return {f"x-ms-ratelimit-remaining-subscription-{_NAMES[limit]}": str(int(left))}

    def _take(self, limit: Limit, key: str) -> int:
        return self.world.buckets.take(limit=limit, key=key, now=self.world.clock.monotonic())


def _subscription(path: str) -> str:
    parts = path.lower().strip("/").split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "subscriptions" else parts[0]
