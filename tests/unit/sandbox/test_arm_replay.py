"""The emulator's answers beside recorded ones of the real service.

The recordings are not part of the repository: AKS_ACCESS_AZURE_ANSWERS names a folder that holds
`examples/` and `recordings/`.
"""

import json
import os
import re
from pathlib import Path

import pytest

from sandbox.arm.messages import ArmResponse, JsonObject
from tests.unit.sandbox.arm_kit import CLUSTER, GROUP, PROVIDER, SUBSCRIPTION, Kit, code

ANSWERS = os.environ.get("AKS_ACCESS_AZURE_ANSWERS", "")
pytestmark = pytest.mark.skipif(
    not ANSWERS, reason="AKS_ACCESS_AZURE_ANSWERS is not set: no recorded Azure answers"
)
RANGES = "ReaNAiveD_azure-cli__test_aks_api_server_authorized_ip_ranges.json"
ABORT = "ReaNAiveD_azure-cli__test_aks_abort.json"
STOP = "ReaNAiveD_azure-cli__test_aks_stop_and_start.json"
PRIVATE = "jddarby_azure-cli-extensions__test_aks_create_private_cluster_public_fqdn.json"
VERSION_2026 = "azure-cli_2026-04-24_get_after_update.json"
RECORDED_CLUSTER = re.compile(r"(?P<id>/subscriptions/[^?]+/managedClusters/[^/?]+)(/\w+)?")


def recording(name: str) -> list[JsonObject]:
    found: list[JsonObject] = json.loads((Path(ANSWERS) / "recordings" / name).read_text())
    return found


def error_example(name: str) -> JsonObject:
    found: JsonObject = json.loads((Path(ANSWERS) / "examples" / "errors.json").read_text())[name]
    return found


class Replay:
    """Sends a recording's requests to the emulator and compares what is fixed in the answers."""

    def __init__(self, steps: list[JsonObject]) -> None:
        self.kit = Kit()
        self.kit.control.widen_limits()
        match = RECORDED_CLUSTER.match(steps[0]["url"])
        assert match is not None
        self.cluster = match["id"]
        group = self.cluster.partition("/providers/")[0]
        self.kit.control.create_cluster(f"{group}/{PROVIDER}/neighbour")
        self.operation = self.location = ""

    def send(self, step: JsonObject) -> ArmResponse:
        path, _, query = step["url"].partition("?")
        if "/operations/" in path:
            if step["response"].get("status") in {"Succeeded", "Failed", "Canceled"}:
                self.kit.clock.advance(3)
            return self.kit.follow(self.operation)
        if "/operationresults/" in path:
            return self.kit.follow(self.location)
        version = dict(part.split("=", 1) for part in query.split("&"))["api-version"]
        self.kit.control.set_world(api_versions=[version])
        answer = self.kit.call(
            step["method"], path, body=step["request"], query={"api-version": version}
        )
        self.operation = answer.headers.get("Azure-AsyncOperation", self.operation)
        self.location = answer.headers.get("Location", self.location)
        return answer


@pytest.mark.parametrize("name", [RANGES, ABORT, STOP, PRIVATE])
def test_recording(name: str) -> None:
    steps = recording(name)
    replay = Replay(steps)
    for number, step in enumerate(steps):
        ours, theirs = replay.send(step), step["response"]
        where = f"step {number}: {step['command']} {step['method']} {step['url']}"
        assert ours.status == step["status"], f"{where}: {ours.body}"
        if "/locations/" not in step["url"]:
            mine = {header.lower() for header in ours.headers}
            for header in ("azure-asyncoperation", "location"):
                assert (header in mine) == (header in step["headers"]), f"{where}: {header}"
        if isinstance(theirs, dict) and "properties" in theirs:
            compare_clusters(ours.body, theirs, where)
        elif isinstance(theirs, dict) and "status" in theirs:
            assert ours.body["status"] == theirs["status"], where
            assert set(theirs) - {"error"} == set(ours.body), where
        elif isinstance(theirs, dict) and step["status"] >= 400:
            assert ours.body == theirs, where
    assert len(replay.kit.control.journal()) > len(steps)


def compare_clusters(ours: JsonObject, theirs: JsonObject, where: str) -> None:
    """Identity, state, power, and the whole access profile are the recorded ones."""
    for name in ("id", "name", "type", "location"):
        assert ours[name] == theirs[name], where
    mine, real = ours["properties"], theirs["properties"]
    assert mine["provisioningState"] == real["provisioningState"], where
    assert mine["powerState"] == real["powerState"], where
    ranges = "authorizedIPRanges"
    mine_profile = mine.get("apiServerAccessProfile", {})
    real_profile = real.get("apiServerAccessProfile", {})
    assert mine_profile.get(ranges) == real_profile.get(ranges), where
    # What AKS fills in by itself on creation (privateDNSZone, …) is not emulated.
    assert set(mine_profile) <= set(real_profile), where


def test_real_cluster_of_2026_comes_back_as_it_was() -> None:
    real = json.loads((Path(ANSWERS) / "recordings" / VERSION_2026).read_text())["response"]
    kit = Kit()
    path = real["id"]
    kit.control.create_cluster(path, body=real)
    ours = kit.call(path=path).body
    pools = real["properties"]["agentPoolProfiles"]
    for pool, mine in zip(pools, ours["properties"]["agentPoolProfiles"], strict=True):
        assert mine.pop("eTag") != pool.pop("eTag")
    assert ours.pop("eTag") != real.pop("eTag")
    assert ours == real


@pytest.mark.parametrize(
    "name",
    ["2026-08-01/ManagedClustersGet.json", "2024-05-01/ManagedClustersGet.json"],
)
def test_documented_cluster_survives_a_round_trip(name: str) -> None:
    text = (Path(ANSWERS) / "examples" / name).read_text()
    real = json.loads(text)["responses"]["200"]["body"]
    kit = Kit()
    kit.control.create_cluster(CLUSTER + "2", body=real)
    body = kit.call(path=CLUSTER + "2").body
    body["properties"]["apiServerAccessProfile"] = {"authorizedIPRanges": ["20.1.2.3"]}
    assert kit.call("PUT", CLUSTER + "2", body=body).status == 200
    assert kit.control.damage() == []


def masked(message: str) -> str:
    """A message without its names: what stands between quotes, and ids and numbers."""
    text = re.sub(r"'[^']*'|<[^>]*>", "'*'", message)
    return re.sub(r"in (X|\d+) seconds", "in N seconds", text)


def refusals(kit: Kit) -> dict[str, ArmResponse]:
    """Provoke every refusal of which an example is known."""
    body = kit.get()
    answers = {"arm_resource_not_found": kit.call(path=f"{GROUP}/{PROVIDER}/cliakstest000002")}
    answers["zero_with_others"] = kit.put(["0.0.0.0/32", "20.1.2.3"])
    answers["too_many_ranges"] = kit.put([f"20.1.{i}.0/24" for i in range(201)])
    changed = kit.get()
    changed["properties"]["agentPoolProfiles"][0]["vmSize"] = "other"
    answers["property_change_not_allowed"] = kit.call("PUT", body=changed)
    answers["precondition_failed"] = kit.put([], body=body, headers={"if-match": '"stale"'})
    kit.control.lock(CLUSTER)
    answers["scope_locked"] = kit.put([], body=body)
    kit.control.unlock(CLUSTER)
    kit.control.deny(CLUSTER, verb="write", refusal="LinkedAuthorizationFailed")
    answers["linked_authorization_failed"] = kit.put([], body=body)
    kit.control.allow()
    kit.put(["20.2.0.0/16"], body=body)
    answers["operation_in_progress"] = kit.put([], body=body)
    kit.control.set_bucket("aks-put", bucket=CLUSTER, calls=0)
    answers["throttled"] = kit.put([], body=body)
    kit.control.set_world(missing_from_provider=True)
    answers["aks_not_found"] = kit.call(path=f"{GROUP}/{PROVIDER}/cliakstest000002")
    return answers


def test_refusals_are_the_documented_ones() -> None:
    answers = refusals(Kit())
    unverified = {"property_change_not_allowed": 400, "zero_with_others": 400}
    for name, ours in answers.items():
        example = error_example(name)
        real = example["body"]
        inner = real.get("error", real)
        status = example.get("status", unverified.get(name))
        assert ours.status == status, name
        if "error" in real:
            assert "error" in ours.body, name
        elif example["form"] != "unknown":
            assert "error" not in ours.body, name
        if not inner["code"].startswith("<"):
            assert code(ours) == inner["code"], name
        if "message" in inner:
            mine = ours.body.get("error", ours.body)["message"]
            assert known(masked(mine)) == known(masked(inner["message"])), name
        if "subcode" in inner:
            assert ours.body["subcode"] == inner["subcode"], name
        assert set(example.get("headers", {})) <= set(ours.headers), name


def known(message: str) -> str:
    """A message without the names that the example and this test do not share."""
    for name, sign in ((SUBSCRIPTION, "'*'"), ("clitest000001", "rg")):
        message = message.replace(name, sign)
    return message
