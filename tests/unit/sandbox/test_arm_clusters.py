"""The cluster's state machine through the whole front, in virtual time."""

import uuid
from typing import Any

import pytest

from sandbox.arm.control import ControlError
from tests.unit.sandbox.arm_kit import CLUSTER, GROUP, PROVIDER, SUBSCRIPTION, Kit, code


@pytest.fixture
def kit() -> Kit:
    return Kit()


def test_put_answers_updating_and_shows_the_new_list_at_once(kit: Kit) -> None:
    answer = kit.put(["20.2.0.0/16", "20.3.4.5"])
    assert answer.status == 200
    assert answer.body["properties"]["provisioningState"] == "Updating"
    assert "eTag" not in answer.body
    assert "Location" not in answer.headers
    assert kit.listed() == ["20.2.0.0/16", "20.3.4.5/32"]
    assert kit.control.cluster(CLUSTER).applied == ["20.1.0.0/24"]
    kit.clock.advance(3)
    assert kit.get()["properties"]["provisioningState"] == "Succeeded"
    assert kit.control.cluster(CLUSTER).applied == ["20.2.0.0/16", "20.3.4.5/32"]


def test_operation_runs_its_time(kit: Kit) -> None:
    kit.control.set_options(CLUSTER, operation_seconds=75)
    url = kit.put(["20.2.0.0/16"]).headers["Azure-AsyncOperation"]
    assert len(url) > 2000
    kit.clock.advance(74.9)
    running = kit.follow(url)
    assert running.body["status"] == "InProgress"
    assert "endTime" not in running.body
    assert running.headers["Retry-After"] == "1"
    kit.clock.advance(0.1)
    done = kit.follow(url)
    assert done.body["status"] == "Succeeded"
    assert done.body["endTime"] > done.body["startTime"]
    assert "Retry-After" not in done.headers
    in_url = uuid.UUID(url.partition("?")[0].rsplit("/", 1)[-1])
    assert uuid.UUID(done.body["name"]).bytes_le == in_url.bytes


def test_operation_url_must_be_signed(kit: Kit) -> None:
    url = kit.put(["20.2.0.0/16"]).headers["Azure-AsyncOperation"]
    bare = url.partition("&t=")[0]
    assert kit.follow(bare).status == 403
    other = url.replace("/operations/", "/operations/0")
    assert kit.follow(other).status == 403
    stranger = Kit().put(["20.2.0.0/16"]).headers["Azure-AsyncOperation"]
    assert kit.follow(stranger).status == 403


def test_clearing_takes_the_profile_away(kit: Kit) -> None:
    answer = kit.put([])
    assert "apiServerAccessProfile" not in answer.body["properties"]
    kit.clock.advance(3)
    assert "apiServerAccessProfile" not in kit.get()["properties"]
    put = next(e for e in kit.control.journal() if e.method == "PUT")
    assert (put.before, put.after, put.flags) == (["20.1.0.0/24"], None, ["unrestricted"])


def test_clearing_keeps_what_else_the_profile_says(kit: Kit) -> None:
    kit.control.set_property(
        CLUSTER, path="properties.apiServerAccessProfile.disableRunCommand", value=True
    )
    kit.put([])
    assert kit.get()["properties"]["apiServerAccessProfile"] == {"disableRunCommand": True}


@pytest.mark.parametrize("profile", [None, {}, {"authorizedIPRanges": None}, "absent"])
def test_absent_or_null_leaves_the_list(kit: Kit, profile: Any) -> None:
    body = kit.get()
    body["properties"]["apiServerAccessProfile"] = profile
    if profile == "absent":
        del body["properties"]["apiServerAccessProfile"]
    assert kit.call("PUT", body=body).status == 200
    assert kit.listed() == ["20.1.0.0/24"]


def test_everyone_is_flagged(kit: Kit) -> None:
    assert kit.put(["0.0.0.0/0"]).status == 200
    assert kit.control.journal()[-1].flags == ["everyone"]


def test_what_the_cluster_is_decides_what_it_takes(kit: Kit) -> None:
    many = [f"20.1.{number}.0/24" for number in range(201)]
    assert kit.put(many).status == 400
    assert kit.put(["AzureCloud", "20.2.0.0/16"]).status == 400
    kit.control.set_options(CLUSTER, service_tags=True)
    assert kit.put(["AzureCloud", "20.2.0.0/16"]).status == 200
    assert kit.listed() == ["AzureCloud", "20.2.0.0/16"]
    vnet = f"{GROUP}/{PROVIDER}/vnet"
    kit.control.create_cluster(vnet, shape={"vnet_integration": True})
    body = kit.call(path=vnet).body
    body["properties"]["apiServerAccessProfile"]["authorizedIPRanges"] = many
    assert kit.call("PUT", vnet, body=body).status == 200


def test_refused_list_changes_nothing(kit: Kit) -> None:
    kit.control.set_options(CLUSTER, refused_ranges=["20.9.9.9/32"])
    etag = kit.get()["eTag"]
    body = kit.get()
    body["properties"]["enableRBAC"] = False
    answer = kit.put(["20.9.9.9"], body=body)
    assert (answer.status, code(answer)) == (400, "InvalidParameter")
    assert kit.get()["eTag"] == etag
    assert kit.get()["properties"]["enableRBAC"] is True
    assert kit.listed() == ["20.1.0.0/24"]


def test_writes_are_refused_while_an_operation_runs(kit: Kit) -> None:
    kit.put(["20.2.0.0/16"])
    for answer in (kit.put(["20.3.0.0/16"]), kit.call("PATCH", body={"tags": {}})):
        assert (answer.status, code(answer)) == (409, "OperationNotAllowed")
        assert "error" not in answer.body
        assert "(Updating)" in answer.body["message"]
    kit.clock.advance(3)
    assert kit.put(["20.3.0.0/16"]).status == 200


@pytest.mark.parametrize("state", ["Upgrading", "Starting", "Migrating"])
def test_foreign_operation_refuses_writes(kit: Kit, state: str) -> None:
    kit.control.set_state(CLUSTER, provisioning_state=state)
    assert kit.put(["20.2.0.0/16"]).status == 409


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_failed_and_canceled_do_not_block(kit: Kit, state: str) -> None:
    kit.control.set_state(CLUSTER, provisioning_state=state)
    assert kit.put(["20.2.0.0/16"]).status == 200


def test_stopped_cluster_refuses_a_put(kit: Kit) -> None:
    kit.control.set_state(CLUSTER, power_state="Stopped")
    answer = kit.put(["20.2.0.0/16"])
    assert (answer.status, code(answer)) == (409, "OperationNotAllowed")
    assert "Power State(Stopped)" in answer.body["message"]


@pytest.mark.parametrize(
    ("status", "keep_list", "shown"),
    [
        ("Failed", True, ["20.2.0.0/16"]),
        ("Failed", False, ["20.1.0.0/24"]),
        ("Canceled", True, ["20.2.0.0/16"]),
    ],
)
def test_failed_operation(kit: Kit, status: str, keep_list: bool, shown: list[str]) -> None:
    kit.control.next_outcome(
        CLUSTER, status=status, code="ReconcileError", message="no", keep_list=keep_list
    )
    url = kit.put(["20.2.0.0/16"]).headers["Azure-AsyncOperation"]
    kit.clock.advance(3)
    done = kit.follow(url)
    assert (done.status, done.body["status"]) == (200, status)
    assert done.body["error"] == {"code": "ReconcileError", "message": "no"}
    assert kit.get()["properties"]["provisioningState"] == status
    assert kit.listed() == shown
    assert kit.control.cluster(CLUSTER).applied == ["20.1.0.0/24"]
    kit.put(["20.2.0.0/16"])
    kit.clock.advance(3)
    assert kit.control.cluster(CLUSTER).applied == ["20.2.0.0/16"]


def test_error_beside_success_means_nothing(kit: Kit) -> None:
    kit.control.next_outcome(CLUSTER, status="Succeeded", code="NotLatestOperation", message="?")
    url = kit.put(["20.2.0.0/16"]).headers["Azure-AsyncOperation"]
    assert kit.follow(url).body["error"]["code"] == "NotLatestOperation"
    kit.clock.advance(3)
    done = kit.follow(url)
    assert done.body["status"] == "Succeeded"
    assert done.body["error"]["code"] == "NotLatestOperation"
    assert kit.get()["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize("quoted", [True, False])
def test_if_match(kit: Kit, quoted: bool) -> None:
    etag = kit.get()["eTag"]
    value = f'"{etag}"' if quoted else etag
    assert kit.put(["20.2.0.0/16"], headers={"if-match": value}).status == 200
    kit.clock.advance(3)
    answer = kit.put(["20.3.0.0/16"], headers={"if-match": value})
    assert (answer.status, code(answer)) == (412, "PreConditionFailed")
    assert kit.listed() == ["20.2.0.0/16"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-match": "*"}, 200),
        ({"if-match": ""}, 200),
        ({"if-none-match": "*"}, 412),
        ({"if-none-match": ""}, 200),
        ({"if-none-match": '"some"'}, 400),
        ({"if-match": "*", "if-none-match": "*"}, 400),
    ],
)
def test_conditions(kit: Kit, headers: dict[str, str], status: int) -> None:
    assert kit.put(["20.2.0.0/16"], headers=headers).status == status


@pytest.mark.parametrize("value", ["*", '"some"'])
def test_if_match_never_creates(kit: Kit, value: str) -> None:
    body = kit.get()
    kit.control.delete_cluster(CLUSTER)
    answer = kit.put(["20.2.0.0/16"], body=body, headers={"if-match": value})
    assert (answer.status, code(answer)) == (412, "PreConditionFailed")
    assert kit.control.clusters() == []


def test_put_without_condition_creates(kit: Kit) -> None:
    body = kit.get()
    kit.control.delete_cluster(CLUSTER)
    answer = kit.put(["20.2.0.0/16"], body=body)
    assert answer.status == 201
    assert answer.body["properties"]["provisioningState"] == "Creating"
    assert kit.control.journal()[-1].flags == ["created"]
    kit.clock.advance(3)
    made = kit.get()
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert made["properties"]["resourceUID"] != body["properties"]["resourceUID"]


def test_every_cluster_change_changes_every_etag(kit: Kit) -> None:
    def etags() -> list[str]:
        body = kit.get()
        return [body["eTag"], *(p["eTag"] for p in body["properties"]["agentPoolProfiles"])]

    seen = [etags()]
    kit.put(["20.2.0.0/16"])
    seen.append(etags())
    kit.clock.advance(3)
    seen.append(etags())
    kit.control.edit_ranges(CLUSTER, add=["20.8.0.0/16"])
    seen.append(etags())
    assert len({etag for group in seen for etag in group}) == 4 * 4
    assert etags() == seen[-1]


def test_pool_operation_leaves_the_clusters_etag(kit: Kit) -> None:
    before = kit.get()
    kit.control.edit_pool(CLUSTER, pool="user1", values={"count": 7})
    after = kit.get()
    assert after["eTag"] == before["eTag"]
    old, new = (b["properties"]["agentPoolProfiles"][1] for b in (before, after))
    assert (old["count"], new["count"]) == (1 + 1, 7)
    assert old["eTag"] != new["eTag"]
    stale = kit.put(["20.2.0.0/16"], body=before, headers={"if-match": before["eTag"]})
    assert stale.status == 200
    assert kit.control.damage()[0].damage == [
        "properties.agentPoolProfiles[user1].count: changed 7 -> 2"
    ]


def test_running_pool_operation_refuses_a_cluster_that_looks_idle(kit: Kit) -> None:
    kit.control.edit_pool(CLUSTER, pool="user1", values={"count": 7}, state="Scaling")
    assert kit.get()["properties"]["provisioningState"] == "Succeeded"
    assert kit.put(["20.2.0.0/16"]).status == 409
    kit.control.edit_pool(CLUSTER, pool="user1", values={})
    assert kit.put(["20.2.0.0/16"]).status == 200


def test_withheld_etags(kit: Kit) -> None:
    kit.control.set_options(CLUSTER, withhold_etag=True)
    body = kit.get()
    assert "eTag" not in body
    assert all("eTag" not in pool for pool in body["properties"]["agentPoolProfiles"])
    kit.control.set_options(CLUSTER, withhold_etag=False)
    assert "eTag" in kit.get()
    assert "eTag" not in kit.call(query={"api-version": "2024-05-01"}).body


def test_order_of_the_answer(kit: Kit) -> None:
    kit.control.set_options(CLUSTER, order="sorted")
    kit.put(["20.9.0.0/16", "20.2.0.0/16"])
    assert kit.listed() == ["20.2.0.0/16", "20.9.0.0/16"]


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        ("dnsPrefix", "other", "properties.dnsPrefix"),
        ("nodeResourceGroup", "other", "properties.nodeResourceGroup"),
        ("agentPoolProfiles", None, "agentPoolProfile.vmSize"),
    ],
)
def test_immutable_properties(kit: Kit, path: str, value: str | None, name: str) -> None:
    body = kit.get()
    if value is None:
        body["properties"][path][1]["vmSize"] = "standard_d2"
    else:
        body["properties"][path] = value
    answer = kit.call("PUT", body=body)
    assert (answer.status, code(answer)) == (400, "PropertyChangeNotAllowed")
    assert answer.body["message"] == f"Changing property '{name}' is not allowed."


def test_all_pools_or_none(kit: Kit) -> None:
    body = kit.get()
    kept = body["properties"]["agentPoolProfiles"]
    del body["properties"]["agentPoolProfiles"]
    assert kit.call("PUT", body=body).status == 200
    assert len(kit.get()["properties"]["agentPoolProfiles"]) == 3
    kit.clock.advance(3)
    body["properties"]["agentPoolProfiles"] = kept[:2]
    assert kit.call("PUT", body=body).status == 400


def test_location_is_required_and_fixed(kit: Kit) -> None:
    body = kit.get() | {"location": "West Europe"}
    assert kit.call("PUT", body=body).status == 200
    kit.clock.advance(3)
    assert code(kit.call("PUT", body=body | {"location": "northeurope"})) == (
        "InvalidResourceLocation"
    )
    del body["location"]
    assert code(kit.call("PUT", body=body)) == "LocationRequired"


def test_damage_is_recorded_and_what_was_omitted_stays(kit: Kit) -> None:
    body = kit.get()
    del body["properties"]["sandboxFutureProfile"]["rules"]
    body["properties"]["storageProfile"]["diskCSIDriver"]["enabled"] = False
    assert kit.put(["20.2.0.0/16"], body=body).status == 200
    assert [e.damage for e in kit.control.damage()] == [
        [
            "properties.storageProfile.diskCSIDriver.enabled: changed True -> False",
            "properties.sandboxFutureProfile.rules: lost",
        ]
    ]
    assert kit.control.damage(client_id="somebody") == []
    properties = kit.get()["properties"]
    assert len(properties["sandboxFutureProfile"]["rules"]) == 2
    assert properties["storageProfile"]["diskCSIDriver"]["enabled"] is False


def test_damage_can_be_kept_from_the_cluster(kit: Kit) -> None:
    kit.control.set_options(CLUSTER, apply_damage=False)
    body = kit.get()
    body["properties"]["storageProfile"]["diskCSIDriver"]["enabled"] = False
    assert kit.put(["20.2.0.0/16"], body=body).status == 200
    assert len(kit.control.damage()) == 1
    assert kit.get()["properties"]["storageProfile"]["diskCSIDriver"]["enabled"] is True
    assert kit.listed() == ["20.2.0.0/16"]


def test_read_only_properties_are_ignored(kit: Kit) -> None:
    before = kit.get()
    body = kit.get()
    body["properties"]["fqdn"] = "evil.example.com"
    body["properties"]["provisioningState"] = "Failed"
    body["eTag"] = "mine"
    assert kit.put(["20.2.0.0/16"], body=body).status == 200
    kit.clock.advance(3)
    after = kit.get()
    assert after["properties"]["fqdn"] == before["properties"]["fqdn"]
    assert after["properties"]["provisioningState"] == "Succeeded"
    assert kit.control.damage() == []


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


def test_abort(kit: Kit) -> None:
    assert kit.call("POST", f"{CLUSTER}/abort").status == 400
    kit.control.set_options(CLUSTER, operation_seconds=75)
    url = kit.put(["20.2.0.0/16"]).headers["Azure-AsyncOperation"]
    kit.control.set_options(CLUSTER, operation_seconds=5)
    assert kit.call("POST", f"{CLUSTER}/abort").status == 202
    aborted = kit.follow(url).body
    assert (aborted["status"], aborted["error"]["code"]) == ("Canceled", "AKSOperationPreempted")
    kit.clock.advance(5)
    assert kit.get()["properties"]["provisioningState"] == "Canceled"
    assert kit.control.cluster(CLUSTER).applied == ["20.1.0.0/24"]
    kit.clock.advance(100)
    assert kit.get()["properties"]["provisioningState"] == "Canceled"


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
