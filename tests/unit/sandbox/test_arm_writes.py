"""Read-only fields, damage and merging: what a PUT loses is seen at any depth."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from azure.mgmt.containerservice import models
from azure.mgmt.containerservice._utils.model_base import SdkJSONEncoder
from azure.mgmt.containerservice.models import ManagedCluster

from sandbox.arm.bodies import managed_cluster
from sandbox.arm.ids import ClusterId
from sandbox.arm.messages import JsonObject
from sandbox.arm.writes import READ_ONLY, damage, merged, writable

CLUSTER = ClusterId(subscription="s", group="rg", name="prod")


@pytest.fixture
def body() -> JsonObject:
    return managed_cluster(cluster=CLUSTER, resource_uid="uid", ranges=["20.1.0.0/24"])


def paths(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every property below `value` that is not null; elements of lists by their name."""
    if isinstance(value, dict):
        for name, below in value.items():
            if below is not None:
                yield (*at, name)
                yield from paths(below, (*at, name))
    elif isinstance(value, list):
        for element in value:
            if isinstance(element, dict) and "name" in element:
                yield from paths(element, (*at, f"[{element['name']}]"))


def without(body: JsonObject, path: tuple[str, ...]) -> JsonObject:
    changed: JsonObject = copy.deepcopy(body)
    node: Any = changed
    for part in path[:-1]:
        if part.startswith("["):
            node = next(element for element in node if element["name"] == part[1:-1])
        else:
            node = node[part]
    del node[path[-1]]
    return changed


def test_every_property_but_the_ranges_is_missed(body: JsonObject) -> None:
    stored = writable(body)
    exempt = {
        ("properties", "apiServerAccessProfile"),
        ("properties", "apiServerAccessProfile", "authorizedIPRanges"),
    }
    checked = 0
    for path in paths(stored):
        if path[-1] == "name" and path[-2].startswith("["):
            continue
        lines = damage(stored=stored, sent=writable(without(body, path)))
        text = ".".join(path).replace(".[", "[")
        if path in exempt:
            assert lines == []
        else:
            assert any(line.startswith(f"{text}: ") for line in lines), path
        checked += 1
    assert checked > 150


def test_sdk_round_trip_is_no_damage(body: JsonObject) -> None:

    sent = json.loads(json.dumps(ManagedCluster(body), cls=SdkJSONEncoder, exclude_readonly=True))
    assert damage(stored=writable(body), sent=writable(sent)) == []


def test_lines_name_path_and_values(body: JsonObject) -> None:
    sent = writable(body)
    del sent["properties"]["sandboxFutureProfile"]["rules"][0]["when"]
    sent["properties"]["agentPoolProfiles"][1]["count"] = 9
    sent["properties"]["enableRBAC"] = 1
    sent["tags"]["new"] = "tag"
    assert sorted(damage(stored=writable(body), sent=sent)) == [
        "properties.agentPoolProfiles[user1].count: changed 2 -> 9",
        "properties.enableRBAC: changed True -> 1",
        "properties.sandboxFutureProfile.rules[first].when: lost",
        "tags.new: added 'tag'",
    ]


def test_order_of_pools_and_other_ranges_are_no_damage(body: JsonObject) -> None:
    sent = writable(body)
    sent["properties"]["agentPoolProfiles"].reverse()
    sent["properties"]["apiServerAccessProfile"]["authorizedIPRanges"] = []
    assert damage(stored=writable(body), sent=sent) == []


def test_another_field_of_the_access_profile_is_damage(body: JsonObject) -> None:
    sent = writable(body)
    sent["properties"]["apiServerAccessProfile"]["disableRunCommand"] = True
    assert damage(stored=writable(body), sent=sent) == [
        "properties.apiServerAccessProfile.disableRunCommand: added True"
    ]
    reverse = damage(stored=sent, sent=without(sent, ("properties", "apiServerAccessProfile")))
    assert len(reverse) == 1


def test_merge_keeps_what_is_not_named(body: JsonObject) -> None:
    sent = {
        "tags": {"env": "changed"},
        "properties": {
            "enableRBAC": None,
            "agentPoolProfiles": [{"name": "user1", "count": 9}, {"name": "extra"}],
        },
    }
    after = merged(body, sent)
    assert after["tags"] == {"owner": "platform", "env": "changed"}
    assert after["properties"]["enableRBAC"] is True
    pools = {pool["name"]: pool for pool in after["properties"]["agentPoolProfiles"]}
    assert list(pools) == ["system", "user1", "user2", "extra"]
    assert pools["user1"]["count"] == 9
    assert pools["user1"]["vmSize"] == "standard_e2s_v3"


def test_read_only_fields_are_the_sdks() -> None:
    assert set(READ_ONLY) == set(read_only_of_sdk(ManagedCluster, (), (ManagedCluster,)))


def read_only_of_sdk(model: type, at: tuple[str, ...], above: tuple[type, ...]) -> Iterator[str]:
    """Paths that the SDK's model marks read-only: it leaves them out of a PUT."""
    fields: dict[str, Any] = {}
    hints: dict[str, str] = {}
    for base in reversed(model.__mro__):
        fields |= {n: f for n, f in vars(base).items() if hasattr(f, "_visibility")}
        hints |= {n: str(h) for n, h in getattr(base, "__annotations__", {}).items()}
    for name, found in fields.items():
        path = (*at, found._rest_name_input or name)
        if found._visibility == ["read"]:
            yield ".".join(path)
            continue
        hint = hints.get(name, "")
        step = ("[]",) if "list[" in hint.lower() else ("*",) if "dict[" in hint.lower() else ()
        for below in re.findall(r"_models\.(\w+)", hint):
            found_model = getattr(models, below, None)
            if found_model is not None and found_model not in above:
                yield from read_only_of_sdk(found_model, path + step, (*above, found_model))
