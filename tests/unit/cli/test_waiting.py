"""Waiting until a change is in Azure: the states that end it, and what a broken way does to it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from aks_access.cli.hub.cluster import Resource
from aks_access.errors import KubeError, KubeForbidden, StartupError
from tests.unit.cli.desk import TARGET, Desk, condition, execute_at, manifest
from tests.unit.cli.guarded import ACTIVE, GRANT, PROGRAMMED, Guarded, desk, later


@pytest.mark.parametrize(
    ("conditions", "code", "said"),
    [
        ([condition("Ready", True, "Suspended", "Suspended."), PROGRAMMED], 0, ""),
        ([condition("Ready", True, "Suspended", "Suspended.")], 1, "Suspended."),
        ([condition("Ready", True, "Scheduled", "Starts.")], 1, "Starts."),
        ([condition("Ready", True, "Expired", "Over."), PROGRAMMED], 1, "Over."),
        (
            [
                condition("Ready", False, "PolicyDenied", "Too wide."),
                condition("Stalled", True, "PolicyDenied", "Too wide."),
            ],
            1,
            "Too wide.",
        ),
    ],
)
def test_the_end_of_a_wait(conditions: list[Any], code: int, said: str) -> None:
    ended, out, err = execute_at(f"{GRANT} --wait", desk=desk(to_come=(later(*conditions),)))
    assert ended == code
    assert ("in Azure after" in out) is (code == 0)
    assert code == 0 or err.endswith(f"aks-access: {said}\n")


def test_a_state_of_an_earlier_spec_ends_no_wait() -> None:
    old = {**ACTIVE, "metadata": {**ACTIVE["metadata"], "generation": 7}}
    old["status"] = {**ACTIVE["status"], "observedGeneration": 6}
    code, _, err = execute_at(f"{GRANT} --wait --timeout 1m", desk=desk(to_come=(old,)))
    assert (code, "the operator has not looked at it yet" in err) == (1, True)


def test_a_grant_that_is_deleted_meanwhile() -> None:
    class Emptied(Guarded):
        def watch(self, resource: Resource, **named: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
            self._objects.clear()
            yield from ()

    for command in (f"{GRANT} --wait", "aks-access revoke dev-laptop --wait"):
        hub = Emptied(context_namespace="team-a")
        hub.add(TARGET, manifest())
        code, out, err = execute_at(command, desk=Desk(hub=hub))
        if command == f"{GRANT} --wait":
            assert (code, "team-a/dev-laptop was deleted meanwhile" in err) == (1, True)
        else:
            assert (code, "out of Azure after" in out) == (0, True)


@pytest.mark.parametrize("kind", [StartupError, KubeError])
def test_a_way_to_the_management_cluster_that_is_cut_for_a_moment(kind: type[Exception]) -> None:
    class Cut(Guarded):
        def watch(self, resource: Resource, **named: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
            if self.clock() < 5:
                raise kind("x is cut")
            yield from super().watch(resource, **named)

    hub = Cut(context_namespace="team-a", to_come=[ACTIVE])
    hub.add(TARGET)
    code, _, err = execute_at(f"{GRANT} --wait", desk=Desk(hub=hub))
    assert (code, err.count("waiting: x is cut.\n")) == (0, 1)


def test_a_watch_that_is_not_allowed_ends_the_wait() -> None:
    class Blind(Guarded):
        def watch(self, resource: Resource, **named: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
            raise KubeForbidden("You may not: watch grants")

    hub = Blind(context_namespace="team-a")
    hub.add(TARGET)
    code, out, err = execute_at(f"{GRANT} --wait", desk=Desk(hub=hub))
    assert (code, out) == (1, "apiaccessgrant/dev-laptop  applied, until 14:00Z\n")
    assert err.endswith("aks-access: You may not: watch grants\n")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{GRANT} --wait", "dev-laptop  applied, until 14:00Z\n"),
        ("aks-access extend dev-laptop --for 9h --wait", "dev-laptop  extended, until 19:00Z"),
        ("aks-access revoke dev-laptop --wait", "dev-laptop  revoked\n"),
        ("aks-access revoke dev-laptop other --wait", "revoked\napiaccessgrant/other  revoked\n"),
    ],
)
def test_who_waits_no_longer_is_told_what_was_written(command: str, said: str) -> None:
    class Left(Guarded):
        def watch(self, resource: Resource, **named: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
            raise KeyboardInterrupt

    hub = Left(context_namespace="team-a")
    other = manifest()
    other["metadata"] = {**other["metadata"], "name": "other"}
    hub.add(TARGET, manifest(), other)
    code, out, _ = execute_at(command, desk=Desk(hub=hub))
    assert (code, said in out) == (1, True)


def test_a_short_answer_is_the_name_alone() -> None:
    code, out, err = execute_at(f"{GRANT} --wait -o name", desk=desk(to_come=(ACTIVE,)))
    assert (code, out) == (0, "apiaccessgrant/dev-laptop\n")
    assert "in Azure after 36 s · API server answered after 36 s" in err


def test_an_extension_is_waited_for() -> None:
    place = desk(manifest(), to_come=(ACTIVE,))
    code, out, _ = execute_at("aks-access extend dev-laptop --for 9h --wait", desk=place)
    assert (code, out) == (
        0,
        "apiaccessgrant/dev-laptop  extended, until 19:00Z (was 14:00Z) · in Azure after 36 s · "
        "API server answered after 36 s\n",
    )


def test_a_removal_that_is_overdue_ends_the_wait() -> None:
    overdue = later(
        condition("Ready", False, "RevocationOverdue", "Still open."),
        condition("Stalled", True, "RevocationOverdue", "Still open."),
    )
    place = desk(manifest(), to_come=(overdue,))
    code, out, err = execute_at("aks-access revoke dev-laptop --wait", desk=place)
    assert (code, out) == (1, "apiaccessgrant/dev-laptop  revoked\n")
    assert err.endswith("aks-access: Still open.\n")


@pytest.mark.parametrize("command", ["extend dev-laptop --for 8h", "revoke dev-laptop"])
def test_how_far_it_came_stands_beside_the_object(command: str) -> None:
    over = later(condition("Ready", False, "Revoked", "Over."))
    place = desk(manifest(), to_come=(ACTIVE if command.startswith("extend") else over,))
    code, out, err = execute_at(f"aks-access {command} --wait -o json", desk=place)
    assert (code, json.loads(out)["metadata"]["name"]) == (0, "dev-laptop")
    assert " Azure after 36 s" in err
