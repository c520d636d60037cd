"""Every error that ARM and AKS are known to answer, as the engine sees it at its port.

The table is that of the platform's documentation and of recorded answers; which fault a status and
a code are is asked of the edge itself (`azure.errors.fault_of`), so that the two cannot drift.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aks_access.azure.errors import fault_of
from aks_access.errors import AzureError, AzureFault
from tests.sim.world import World

AZURE = frozenset({"get", "put_ranges", "operation"})
"""The port calls that are requests to ARM."""

POWER_STATE = (
    "managed cluster is in Provisioning State(Succeeded) and Power State(Stopped), "
    "update cannot be performed"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `status` None = none at all. `applied`: its PUT took effect all the same."""

    status: int | None
    code: str = ""
    message: str = "as simulated"
    retry_after: float | None = None
    applied: bool = False

    @property
    def fault(self) -> AzureFault:
        if self.status is None:
            return AzureFault.UNCERTAIN
        return fault_of(status=self.status, code=self.code, message=self.message)

    def error(self) -> AzureError:
        return AzureError(
            f"({self.code}) {self.message}",
            fault=self.fault,
            status=self.status,
            code=self.code or None,
            retry_after=self.retry_after,
        )


ANSWERS: Mapping[str, Answer] = {
    "busy": Answer(409, "OperationNotAllowed", "Another operation (Updating) is in progress"),
    "etag-mismatch": Answer(409, "EtagMismatch"),
    "precondition": Answer(412, "PreConditionFailed"),
    "throttled": Answer(429, "Throttled", retry_after=90.0),
    "throttled-long": Answer(429, "TooManyRequests", retry_after=600.0),
    "throttled-silent": Answer(429, "Throttled"),
    "no-right": Answer(403, "AuthorizationFailed"),
    "no-linked-right": Answer(403, "LinkedAuthorizationFailed"),
    "policy": Answer(403, "RequestDisallowedByPolicy"),
    "no-token": Answer(401, "InvalidAuthenticationToken"),
    "no-cluster": Answer(404, "ResourceNotFound"),
    "no-cluster-rp": Answer(404, "NotFound"),
    "no-group": Answer(404, "ResourceGroupNotFound"),
    "no-subscription": Answer(404, "SubscriptionNotFound"),
    "bad-range": Answer(400, "InvalidParameter"),
    "immutable": Answer(400, "PropertyChangeNotAllowed"),
    "no-provider": Answer(400, "NoRegisteredProviderFound"),
    "locked": Answer(409, "ScopeLocked"),
    "disabled": Answer(409, "ReadOnlyDisabledSubscription"),
    "stopped": Answer(409, "OperationNotAllowed", POWER_STATE),
    "internal": Answer(500, "InternalServerError"),
    "bad-gateway": Answer(502),
    "unavailable": Answer(503, "ServerTimeout"),
    "gateway-timeout": Answer(504, "GatewayTimeout"),
    "gateway-timeout-applied": Answer(504, "GatewayTimeout", applied=True),
    "no-answer": Answer(None, message="No answer in time."),
    "no-answer-applied": Answer(None, message="No answer in time.", applied=True),
    "accepted-otherwise": Answer(202, applied=True),
}
GONE = frozenset({"no-cluster", "no-cluster-rp", "no-group"})


def failing(number: int, answer: Answer) -> Callable[[World], None]:
    """Make a process's gate answer its number-th call to Azure with an error."""
    seen = 0

    def prepare(world: World) -> None:
        through = world.process.gate.through

        @functools.wraps(through)
        async def once(name: str, call: Callable[[], Awaitable[object]]) -> object:
            nonlocal seen
            seen += name in AZURE
            if seen != number or name not in AZURE:
                return await through(name, call)
            seen += 1

            async def failed() -> object:
                if answer.applied:
                    await call()
                raise answer.error()

            return await through(name, failed)

        world.process.gate.through = once

    return prepare
