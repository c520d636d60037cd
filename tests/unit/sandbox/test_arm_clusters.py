"""A cluster through the whole front: its kind, its starts and stops, and the portal's edits."""

import pytest

from sandbox.arm.control import ControlError
from tests.unit.sandbox.arm_kit import CLUSTER, GROUP, PROVIDER, SUBSCRIPTION, Kit, code


def test_stopped_cluster_refuses_a_put(kit: Kit) -> None:
    kit.control.set_state(CLUSTER, power_state="Stopped")
    answer = kit.put(["20.2.0.0/16"])
    assert (answer.status, code(answer)) == (409, "OperationNotAllowed")
    assert "Power State(Stopped)" in answer.body["message"]


def test_private_cluster(kit: Kit) -> None:
    path = f"{GROUP}/{PROVIDER}/private"
    kit.control.create_cluster(path, shape={"private": True})
    body = kit.call(path=path).body
    body["properties"]["apiServerAccessProfile"]["authorizedIPRanges"] = ["20.1.2.3"]
    assert kit.call("PUT", path, body=body).status == 400
    body["properties"]["apiServerAccessProfile"]["authorizedIPRanges"] = []
    answer = kit.call("PUT", path, body=body)
    assert answer.status == 200
    assert answer.body["properties"]["apiServerAccessProfile"] == {
        "enablePrivateCluster": True,
        "privateDNSZone": "system",
        "enablePrivateClusterPublicFQDN": True,
    }


def test_start_stop(kit: Kit) -> None:
    assert kit.call("POST", f"{CLUSTER}/start").status == 409
    answer = kit.call("POST", f"{CLUSTER}/stop")
    assert answer.status == 202
    location = answer.headers["Location"]
    assert kit.get()["properties"]["provisioningState"] == "Stopping"
    assert kit.follow(location).status == 202
    kit.clock.advance(3)
    assert kit.follow(location).status == 204
    properties = kit.get()["properties"]
    assert (properties["provisioningState"], properties["powerState"]) == (
        "Succeeded",
        {"code": "Stopped"},
    )
    again = kit.call("POST", f"{CLUSTER}/stop")
    assert "stopping cannot be performed" in again.body["message"]
    assert kit.call("POST", f"{CLUSTER}/start").status == 202
    kit.clock.advance(3)
    assert kit.get()["properties"]["powerState"] == {"code": "Running"}


def test_delete(kit: Kit) -> None:
    stale = kit.call("DELETE", headers={"if-match": '"stale"'})
    assert stale.status == 412
    assert kit.call("DELETE").status == 202
    assert kit.get()["properties"]["provisioningState"] == "Deleting"
    kit.clock.advance(3)
    answer = kit.call()
    assert (answer.status, code(answer)) == (404, "ResourceNotFound")
    assert kit.call("DELETE").status == 204


def test_tags_patch(kit: Kit) -> None:
    etag = kit.get()["eTag"]
    answer = kit.call("PATCH", body={"tags": {"a": "b"}}, headers={"if-match": etag})
    assert answer.status == 200
    assert "Azure-AsyncOperation" in answer.headers
    kit.clock.advance(3)
    assert kit.get()["tags"] == {"a": "b"}
    assert kit.get()["eTag"] != etag
    assert kit.call("PATCH", body={"properties": {}}).status == 400


def test_list_hides_access_profiles_and_pages(kit: Kit) -> None:
    for number in range(4):
        kit.control.create_cluster(f"{GROUP}/{PROVIDER}/c{number}", ranges=["20.1.2.3"])
    kit.control.create_cluster(f"{GROUP}2/{PROVIDER}/elsewhere")
    kit.control.set_world(page_size=2)
    path = f"{GROUP}/{PROVIDER}"
    names: list[str] = []
    answer = kit.call(path=path)
    while True:
        names += [cluster["name"] for cluster in answer.body["value"]]
        assert all(
            "apiServerAccessProfile" not in cluster["properties"]
            for cluster in answer.body["value"]
        )
        if "nextLink" not in answer.body:
            break
        answer = kit.follow(answer.body["nextLink"])
    assert names == ["prod", "c0", "c1", "c2", "c3"]
    kit.control.set_world(page_size=100)
    whole = kit.call(path=f"/subscriptions/{SUBSCRIPTION}/{PROVIDER}")
    assert len(whole.body["value"]) == 6


def test_recreated_cluster_is_a_new_one(kit: Kit) -> None:
    old = kit.control.cluster(CLUSTER)
    new = kit.control.recreate_cluster(CLUSTER)
    assert new.resource_uid != old.resource_uid
    assert new.ranges is None
    assert new.body["properties"]["dnsPrefix"] == old.body["properties"]["dnsPrefix"]


def test_portal_edits(kit: Kit) -> None:
    kit.control.edit_ranges(CLUSTER, add=["20.5.5.5"], remove=["20.1.0.0/24"], who="portal")
    assert kit.listed() == ["20.5.5.5/32"]
    entry = kit.control.journal()[1]
    assert (entry.area, entry.method, entry.client_id) == ("control", "EDIT", "portal")
    assert (entry.before, entry.after) == (["20.1.0.0/24"], ["20.5.5.5/32"])
    kit.control.edit_ranges(CLUSTER, ranges=["20.6.0.0/16"], instant=False)
    assert kit.get()["properties"]["provisioningState"] == "Updating"
    with pytest.raises(ControlError, match="Another operation"):
        kit.control.edit_ranges(CLUSTER, ranges=[], instant=False)
    kit.control.finish_operation(CLUSTER)
    assert kit.get()["properties"]["provisioningState"] == "Succeeded"
    kit.control.clear_ranges(CLUSTER)
    assert kit.listed() is None
