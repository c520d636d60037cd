"""Operations on a cluster, in virtual time: how they run and end, and what waits for them."""

import uuid

import pytest

from tests.unit.sandbox.arm_kit import CLUSTER, Kit, code


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


def test_running_pool_operation_refuses_a_cluster_that_looks_idle(kit: Kit) -> None:
    kit.control.edit_pool(CLUSTER, pool="user1", values={"count": 7}, state="Scaling")
    assert kit.get()["properties"]["provisioningState"] == "Succeeded"
    assert kit.put(["20.2.0.0/16"]).status == 409
    kit.control.edit_pool(CLUSTER, pool="user1", values={})
    assert kit.put(["20.2.0.0/16"]).status == 200


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
