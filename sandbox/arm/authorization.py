"""Microsoft.Authorization as `aks-access doctor` asks it: the caller's permissions, and locks.

Permissions list the roles that hold at a scope, each with what it gives and excepts; a denial of
the sandbox shows as such an exception. Locks at a scope are told with those below it.
"""

import re
from dataclasses import dataclass

from sandbox.arm.access import Verb
from sandbox.arm.ids import key
from sandbox.arm.messages import ArmResponse, JsonObject
from sandbox.arm.tokens import Principal
from sandbox.arm.world import World

PATH = re.compile(
    r"(?P<scope>/subscriptions/.+?)/providers/microsoft\.authorization/(?P<kind>permissions|locks)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Answers from a world's access rules."""

    world: World

    def answer(self, match: re.Match[str], who: Principal) -> ArmResponse:
        """The list that a path asks for; `who` may ask for its own permissions anywhere."""
        if match["kind"].lower() == "locks":
            self.world.access.require(
                principal=who,
                verb=Verb.READ,
                scope=match["scope"],
                resource_type="Microsoft.Authorization/locks",
            )
            return ArmResponse(status=200, body={"value": self._locks(match["scope"])})
        return ArmResponse(status=200, body={"value": self._permissions(match["scope"], who)})

    def _permissions(self, scope: str, who: Principal) -> list[JsonObject]:
        access = self.world.access
        excepted = [
            f"*/{denial.verb}"
            for denial in access.denials
            if _within(scope, denial.scope) and denial.client_id in (None, who.client_id)
        ]
        given = access.assignments.get(who.client_id.lower())
        actions = (
            [("*",)]
            if given is None
            else [each.actions for each in given if _within(scope, each.scope)]
        )
        return [
            {"actions": list(each), "notActions": excepted, "dataActions": [], "notDataActions": []}
            for each in actions
        ]

    def _locks(self, scope: str) -> list[JsonObject]:
        return [
            {
                "id": f"{locked}/providers/Microsoft.Authorization/locks/lock-{number}",
                "name": f"lock-{number}",
                "type": "Microsoft.Authorization/locks",
                "properties": {"level": str(level)},
            }
            for number, (locked, level) in enumerate(sorted(self.world.access.locks.items()), 1)
            if _within(locked, scope)
        ]


def _within(scope: str, above: str) -> bool:
    low, high = key(scope), key(above)
    return low == high or low.startswith(high.rstrip("/") + "/")
