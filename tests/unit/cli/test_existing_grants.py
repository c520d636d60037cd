"""Grants that are there: what `extend` and `revoke` write to them, and show."""

import json
from typing import Any

import pytest
import yaml

from aks_access.cli.hub.cluster import DryRun
from aks_access.errors import KubeError, StartupError
from tests.unit.cli.desk import TARGET, Desk, execute_at, manifest
from tests.unit.cli.guarded import Guarded, desk, managed


def test_what_was_revoked_is_told_where_the_way_is_cut_then() -> None:
    class Cut(Guarded):
        def patch(self, *arguments: Any, **named: Any) -> dict[str, Any]:
            if named["name"] == "other":
                raise StartupError("x is cut")
            return super().patch(*arguments, **named)

    other = manifest()
    other["metadata"] = {**other["metadata"], "name": "other"}
    for flag, told in (("", "apiaccessgrant/dev-laptop  revoked\n"), (" -o json", '"List"')):
        hub = Cut(context_namespace="team-a")
        hub.add(TARGET, manifest(), other)
        command = f"aks-access revoke dev-laptop other{flag}"
        code, out, err = execute_at(command, desk=Desk(hub=hub))
        assert (code, told in out, err) == (3, True, "aks-access: x is cut\n")


@pytest.mark.parametrize(
    ("flag", "sent"),
    [
        (" --dry-run=client", [DryRun.CLIENT]),
        (" --dry-run=server", [DryRun.SERVER]),
        ("", [DryRun.NONE]),
    ],
)
def test_an_extension_goes_no_further_than_asked(flag: str, sent: list[DryRun]) -> None:
    place = desk(manifest())
    assert isinstance(place.hub, Guarded)
    assert execute_at(f"aks-access extend dev-laptop --for 8h{flag}", desk=place)[0] == 0
    assert place.hub.patched == sent


@pytest.mark.parametrize(("conflicts", "code"), [(4, 0), (5, 1)])
def test_an_end_is_written_onto_the_grant_that_was_looked_at(conflicts: int, code: int) -> None:
    place = desk(manifest(), conflicts=conflicts)
    ended, _, err = execute_at("aks-access extend dev-laptop --for 9h", desk=place)
    assert (ended, "changed again and again" in err) == (code, code == 1)


def test_an_extension_is_conditional_and_makes_a_length_an_end() -> None:
    place = desk(manifest(expiresAt=None, duration="1h"))
    execute_at("aks-access extend dev-laptop --for 9h", desk=place)
    assert place.hub.written == [
        {
            "metadata": {"resourceVersion": "2"},
            "spec": {"expiresAt": "2026-11-22T19:00:00Z", "duration": None},
        }
    ]


def test_what_the_api_server_refuses_is_one_line_each() -> None:
    class Refusing(Guarded):
        def patch(self, *arguments: Any, **named: Any) -> dict[str, Any]:
            raise KubeError("no")

    hub = Refusing(context_namespace="team-a")
    hub.add(TARGET, manifest())
    for command in ("aks-access revoke dev-laptop", "aks-access extend dev-laptop --for 9h"):
        code, out, err = execute_at(command, desk=Desk(hub=hub))
        assert (code, out, err.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("command", ["extend dev-laptop --for 8h", "revoke dev-laptop"])
@pytest.mark.parametrize("dry_run", ["", " --dry-run=server"])
def test_the_grant_is_shown_as_it_is_then(form: str, command: str, dry_run: str) -> None:
    code, out, err = execute_at(
        f"aks-access {command}{dry_run} -o {form}", desk=desk(managed("aks-access"))
    )
    assert (code, err) == (0, "")
    made = json.loads(out) if form == "json" else yaml.safe_load(out)
    assert made["kind"] == "ApiAccessGrant"
    assert made["spec"].get("revoked") is (True if "revoke" in command else None)
    assert "managedFields" not in made["metadata"]


def test_several_grants_are_a_list_and_what_failed_is_said_beside_it() -> None:
    other = manifest()
    other["metadata"]["name"] = "other"
    place = desk(manifest(), other)
    code, out, err = execute_at("aks-access revoke dev-laptop gone other -o json", desk=place)
    assert (code, err.count("\n"), "team-a/gone" in err) == (1, 1, True)
    listed = json.loads(out)
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    names = [each["metadata"]["name"] for each in listed["items"]]
    assert names == ["dev-laptop", "other"]
    assert execute_at("aks-access revoke gone -o json", desk=place)[1] == ""
