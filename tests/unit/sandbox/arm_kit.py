"""A world in virtual time and short ways to talk to it; tests of the ARM emulator share it."""

import copy
from typing import Any

from sandbox.arm.clock import ManualClock
from sandbox.arm.control import ArmControl
from sandbox.arm.control_app import ControlApp
from sandbox.arm.front import ArmFront, path_and_query
from sandbox.arm.messages import ArmRequest, ArmResponse, JsonObject
from sandbox.arm.world import World, random_ids

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
TENANT = "11111111-1111-1111-1111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
PROVIDER = "providers/Microsoft.ContainerService/managedClusters"
CLUSTER = f"{GROUP}/{PROVIDER}/prod"
API_VERSION = "2026-08-01"
CLIENT = "the-operator"


class Kit:
    """One world with one cluster `prod`, restricted to 20.1.0.0/24."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.world = World(clock=self.clock, new_id=random_ids(7), url="https://localhost:4711")
        self.front = ArmFront(self.world)
        self.control: ArmControl = ControlApp(self.world).local()
        self.control.create_cluster(CLUSTER, ranges=["20.1.0.0/24"])

    def token(self, *, client: str = CLIENT, audience: str = "https://management.azure.com") -> str:
        return self.world.tokens.issue(
            client_id=client, tenant_id=TENANT, audience=audience, now=self.clock.wall()
        )

    def call(
        self,
        method: str = "GET",
        path: str = CLUSTER,
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        client: str = CLIENT,
    ) -> ArmResponse:
        request = ArmRequest(
            method=method,
            path=path,
            query={"api-version": API_VERSION} if query is None else query,
            headers={"authorization": f"Bearer {self.token(client=client)}", **(headers or {})},
            body=body,
        )
        fault = self.world.faults.match(method=method, path=path_and_query(path, request.query))
        return self.front.handle(request, fault=fault)

    def get(self) -> JsonObject:
        answer = self.call()
        assert answer.status == 200, answer.body
        body: JsonObject = answer.body
        return body

    def put(
        self,
        ranges: Any,
        *,
        body: JsonObject | None = None,
        headers: dict[str, str] | None = None,
        client: str = CLIENT,
    ) -> ArmResponse:
        """PUT what GET answers, with another list."""
        body = copy.deepcopy(self.get() if body is None else body)
        body["properties"].setdefault("apiServerAccessProfile", {})["authorizedIPRanges"] = ranges
        return self.call("PUT", body=body, headers=headers, client=client)

    def listed(self) -> list[str] | None:
        profile = self.get()["properties"].get("apiServerAccessProfile", {})
        found: list[str] | None = profile.get("authorizedIPRanges")
        return found

    def follow(self, url: str) -> ArmResponse:
        """GET an absolute URL of an earlier answer."""
        path, _, query = url.removeprefix(self.world.url).partition("?")
        parts = dict(part.split("=", 1) for part in query.split("&"))
        return self.call(path=path, query=parts)


def code(answer: ArmResponse) -> str:
    """The error code of an answer, whichever its envelope."""
    body = answer.body
    found: str = body.get("error", body)["code"]
    return found
