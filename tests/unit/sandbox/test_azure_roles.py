"""azure/: that every form of the roles says the same, and that the deployments fit together.

The Bicep files are parsed and not compiled.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pycep import BicepParser

from aks_access.azure.errors import fault_of
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.azure_sentences import READ_ACTION, WRITE_ACTION, azure_sentence
from sandbox.arm.linked import ASSIGN_IDENTITY, PROPERTIES, links
from sandbox.azure_roles import BICEP, DIRECTORY, PAGE, Role, bicep, definition, roles
from tests.integration.rights import CLUSTER_PROPERTIES
from tests.unit.plan.build import target
from tests.unit.sandbox.arm_kit import CLIENT, CLUSTER, Kit

ROLES = {role.key: role for role in roles()}
BICEPS = sorted(DIRECTORY.glob("*.bicep"))
ACTION = re.compile(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+)+")
REFERENCE = re.compile(r"\b(identity)\.outputs\.(\w+)")


def parsed(file: Path) -> dict[str, Any]:
    return cast(dict[str, Any], BicepParser().parse(text=file.read_text()))


def test_json_and_bicep_say_the_same() -> None:
    resources = parsed(BICEP)["resources"]
    assert resources.keys() == ROLES.keys()
    for key, role in ROLES.items():
        written = json.loads(role.file.read_text())
        properties = resources[key]["config"]["properties"]
        [permissions] = properties["permissions"]
        assert properties["roleName"] == written["Name"] == role.name
        assert properties["description"] == written["Description"]
        assert permissions["actions"] == written["Actions"] == role.names
        for none in ("notActions", "dataActions", "notDataActions"):
            assert permissions[none] == []
            assert written[none[0].upper() + none[1:]] == []


def test_a_role_allows_what_it_names_and_nothing_wider() -> None:
    names = [name for role in ROLES.values() for name in role.names]
    assert len(names) == len(set(names))
    assert [name for name in names if not ACTION.fullmatch(name)] == []
    assert {name for name in names if name.endswith(("/write", "/delete", "/action"))} == {
        WRITE_ACTION,
        ASSIGN_IDENTITY,
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.Network/publicIPAddresses/join/action",
        "Microsoft.Network/publicIPPrefixes/join/action",
        "Microsoft.Compute/proximityPlacementGroups/write",
        "Microsoft.Network/applicationGateways/write",
    }
    assert ROLES["cluster"].names == [READ_ACTION, WRITE_ACTION]


def test_linked_actions_are_those_that_azure_checks() -> None:
    checked = {ASSIGN_IDENTITY, *(action for _, actions in PROPERTIES for action in actions)}
    assert set(ROLES["linked"].names) == checked
    for action in ROLES["linked"].actions:
        assert action.named, "people have to find it in their cluster"
    for role in (ROLES["cluster"], ROLES["operations"]):
        assert all(each.without for each in role.actions)


def test_what_is_generated_escapes_what_it_has_to(tmp_path: Path) -> None:
    odd = Role(key="odd", name="it's ${odd}", description="a \\ b", actions=())
    file = tmp_path / "odd.bicep"
    file.write_text(bicep([odd]))
    assert r"roleName: 'it\'s \${odd}'" in file.read_text()
    assert r"description: 'a \\ b'" in file.read_text()
    assert json.loads(definition(odd))["Name"] == odd.name


@pytest.mark.parametrize("file", BICEPS, ids=[file.name for file in BICEPS])
def test_a_bicep_file_is_one(file: Path) -> None:
    found = parsed(file)
    of_subscription = file.name in ("main.bicep", "roles.bicep")
    scope = "subscription" if of_subscription else "resourceGroup"
    assert found["globals"]["scope"]["value"] == scope
    for parameter in found["parameters"].values():
        assert [each["type"] for each in parameter["decorators"]] == ["description"]


def test_modules_get_what_they_take_and_give_what_is_taken() -> None:
    main = DIRECTORY / "main.bicep"
    outputs: set[tuple[str, str]] = set()
    for name, module in parsed(main)["modules"].items():
        other = parsed(DIRECTORY / module["detail"]["path"])
        config = module["config"]
        given = config.get("config", config).get("params", {}).keys()  # a loop's is one deeper
        takes = other["parameters"]
        assert given <= takes.keys(), name
        assert {key for key, each in takes.items() if each["default"] is None} <= given, name
        outputs |= {(name, each) for each in other.get("outputs", ())}
    used = set(REFERENCE.findall(main.read_text()))
    assert used
    assert used <= outputs


def missing() -> Iterator[tuple[str, str]]:
    for key in ("cluster", "linked"):
        yield from ((key, action) for action in ROLES[key].names)


@pytest.mark.parametrize(("key", "action"), list(missing()), ids=[name for _, name in missing()])
def test_an_action_that_is_missing_is_named_with_its_scope(key: str, action: str) -> None:
    """On a cluster that names one of everything, with every other action where it is needed."""
    kit = Kit()
    for path, value in CLUSTER_PROPERTIES.items():
        kit.control.set_property(CLUSTER, path=path, value=value)
    body = kit.get()
    first = dict(reversed(list(links(body))))  # of each action the first resource
    scopes = {**first, **dict.fromkeys(ROLES["cluster"].names, CLUSTER)}
    for role in (ROLES["cluster"], ROLES["linked"]):
        for name in set(role.names) - {action}:
            kit.control.assign(CLIENT, actions=[name], scope="/")
    answer = kit.put(["20.2.0.0/16"], body=body)
    if action == READ_ACTION:
        answer = kit.call()
    assert answer.status == 403
    error = AzureError(
        answer.body["error"]["message"],
        fault=AzureFault.FORBIDDEN,
        code=answer.body["error"]["code"],
        status=403,
    )
    said = azure_sentence(error=error, target=target(), writing=action != READ_ACTION)
    assert said.reason == ("ReadForbidden" if action == READ_ACTION else "WriteForbidden")
    assert f"lacks {action} on {scopes[action]}" in said.message
    assert f"az role assignment create --assignee {CLIENT}" in said.message
    assert f"--scope {scopes[action]}" in said.message


def test_the_page_names_every_file() -> None:
    page = PAGE.read_text()
    for file in DIRECTORY.iterdir():
        assert f"azure/{file.name}" in page


ME = "11111111-1111-1111-1111-111111111111"
WEU = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-prod/providers"
    "/Microsoft.ContainerService/managedClusters/prod-weu"
)


def unassigned(kit: Kit) -> None:
    kit.control.assign(ME, actions=[READ_ACTION], scope=WEU)


def unlinked(kit: Kit) -> None:
    kit.control.assign(ME, actions=ROLES["cluster"].names, scope=WEU)


def locked(kit: Kit) -> None:
    kit.control.lock(WEU.partition("/providers")[0])


def disallowed(kit: Kit) -> None:
    refusal = "RequestDisallowedByPolicy"
    kit.control.deny(WEU, verb="write", refusal=refusal, policy="aks-ranges")


@pytest.mark.parametrize("trouble", [unassigned, unlinked, locked, disallowed])
def test_the_page_quotes_what_the_operator_says(trouble: Callable[[Kit], None]) -> None:
    kit = Kit()
    kit.control.create_cluster(WEU, ranges=["20.1.0.0/24"])
    body = kit.call(path=WEU).body
    trouble(kit)
    answer = kit.call("PUT", WEU, body=body, client=ME)
    code, message = (answer.body["error"][key] for key in ("code", "message"))
    fault = fault_of(status=answer.status, code=code, message=message)
    error = AzureError(message, fault=fault, status=answer.status, code=code)
    said = azure_sentence(error=error, target=target())
    page = PAGE.read_text()
    assert f"\n```\n{said.message}\n```\n" in page, "quote it"
    assert f"`{said.reason}`" in page
