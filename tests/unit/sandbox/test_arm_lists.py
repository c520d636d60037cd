"""A cluster's list of ranges: what clears it, what leaves it, and what it must not hold."""

from typing import Any

import pytest

from tests.unit.sandbox.arm_kit import CLUSTER, GROUP, PROVIDER, Kit, code


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


def test_order_of_the_answer(kit: Kit) -> None:
    kit.control.set_options(CLUSTER, order="sorted")
    kit.put(["20.9.0.0/16", "20.2.0.0/16"])
    assert kit.listed() == ["20.2.0.0/16", "20.9.0.0/16"]
