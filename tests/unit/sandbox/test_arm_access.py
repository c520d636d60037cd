"""A client that was assigned roles: what it may do, and the linked checks of its writes."""

from typing import Any

import pytest

from sandbox.arm.linked import PROPERTIES, links
from sandbox.arm.messages import ArmResponse
from tests.unit.sandbox.arm_kit import CLIENT, CLUSTER, GROUP, PROVIDER, SUBSCRIPTION, Kit

READ = "Microsoft.ContainerService/managedClusters/read"
WRITE = "Microsoft.ContainerService/managedClusters/write"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/control-plane"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"
ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
KEYS = "Microsoft.OperationalInsights/workspaces/sharedkeys/read"


def refusal(answer: ArmResponse) -> tuple[str, str]:
    assert answer.status == 403, answer.body
    error = answer.body["error"]
    return error["code"], error["message"]


def test_a_role_holds_at_and_below_its_scope_and_for_its_client(kit: Kit) -> None:
    kit.control.create_cluster(f"{CLUSTER}-2")
    kit.control.assign(CLIENT.upper(), actions=[READ.upper()], scope=CLUSTER.upper())
    assert kit.call().status == 200
    code, message = refusal(kit.call(path=f"{CLUSTER}-2"))
    assert code == "AuthorizationFailed"
    assert f"action '{READ}' over scope '{CLUSTER}-2'" in message
    assert kit.call(path=f"{CLUSTER}-2", client="another").status == 200
    kit.control.assign(CLIENT, actions=["Microsoft.ContainerService/*/read"], scope=GROUP)
    assert kit.call(path=f"{CLUSTER}-2").status == 200
    assert refusal(kit.put(["20.2.0.0/16"]))[0] == "AuthorizationFailed"
    kit.control.unassign(CLIENT)
    assert kit.put(["20.2.0.0/16"]).status == 200


def test_a_write_needs_rights_on_what_the_cluster_names(kit: Kit) -> None:
    kit.control.assign(CLIENT, actions=[READ, WRITE], scope=CLUSTER)
    code, message = refusal(kit.put(["20.2.0.0/16"]))
    assert code == "LinkedAuthorizationFailed"
    assert f"has permission to perform action '{WRITE}' on scope '{CLUSTER}'" in message
    assert f"perform action '{ASSIGN}' on the linked scope(s) '{IDENTITY}'" in message
    kit.control.assign(CLIENT, actions=[ASSIGN], scope=IDENTITY)
    assert (
        f"action '{KEYS}' on the linked scope(s) '{WORKSPACE}'"
        in refusal(kit.put(["20.2.0.0/16"]))[1]
    )
    kit.control.assign(CLIENT, actions=[KEYS], scope=WORKSPACE)
    assert kit.put(["20.2.0.0/16"]).status == 200


def test_the_journal_has_the_action_of_each_call(kit: Kit) -> None:
    begun = kit.control.last_sequence()
    kit.put(["20.2.0.0/16"])
    kit.call(path=f"{GROUP}/{PROVIDER}")
    kit.call("POST", f"{CLUSTER}/stop")
    operation = (
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westeurope"
    )
    for kind in ("operations", "operationresults"):
        kit.call(path=f"{operation}/{kind}/1")
    kit.call(path="/metadata/endpoints")
    assert [entry.action for entry in kit.control.journal(since=begun)] == [
        READ,
        WRITE,
        READ,
        "Microsoft.ContainerService/managedClusters/stop/action",
        "Microsoft.ContainerService/locations/operations/read",
        "Microsoft.ContainerService/locations/operationresults/read",
        "",
    ]


def named(path: list[str], resource_id: str) -> Any:
    """A body with one property."""
    if not path:
        return resource_id
    first, *rest = path
    if first != "*":
        return {first: named(rest, resource_id)}
    return [named(rest, resource_id)]


@pytest.mark.parametrize(("path", "actions"), PROPERTIES, ids=[path for path, _ in PROPERTIES])
def test_each_property_is_checked(path: str, actions: tuple[str, ...]) -> None:
    mine, theirs = f"{GROUP}/providers/a/b/c", "/subscriptions/s/resourceGroups/MC_rg/providers/a/b"
    body = {"properties": named(path.split("."), mine) | {"nodeResourceGroup": "mc_rg"}}
    assert list(links(body)) == [(action, mine) for action in actions]
    body = {"properties": named(path.split("."), theirs) | {"nodeResourceGroup": "mc_rg"}}
    assert list(links(body)) == []


def test_a_body_without_anything_has_no_links() -> None:
    assert list(links({})) == []
    assert list(links({"identity": None, "properties": {"agentPoolProfiles": None}})) == []


def test_a_client_is_told_its_permissions_and_the_locks_of_a_scope(kit: Kit) -> None:
    def told(kind: str, scope: str = CLUSTER) -> Any:
        answer = kit.call(path=f"{scope}/providers/Microsoft.Authorization/{kind}")
        assert answer.status == 200, answer.body
        return answer.body["value"]

    assert [each["actions"] for each in told("permissions")] == [["*"]]
    kit.control.deny(CLUSTER, verb="write")
    assert told("permissions")[0]["notActions"] == ["*/write"]
    kit.control.lock(GROUP)
    assert [each["properties"]["level"] for each in told("locks", GROUP)] == ["ReadOnly"]
    assert told("locks") == []
    kit.control.assign(CLIENT, actions=[READ], scope=CLUSTER)
    assert [each["actions"] for each in told("permissions")] == [[READ]]
    assert told("permissions", GROUP) == []
    locks = kit.call(path=f"{GROUP}/providers/Microsoft.Authorization/locks")
    assert refusal(locks)[0] == "AuthorizationFailed"
