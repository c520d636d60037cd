"""What a PUT must carry, must not change, and loses: damage is recorded."""

import pytest

from tests.unit.sandbox.arm_kit import CLUSTER, Kit, code


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
