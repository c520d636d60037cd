"""The buttons that Argo CD shows, and what each changes."""

from datetime import datetime
from typing import Any

import pytest

from aks_access.api.names import REQUESTED_AT_ANNOTATION
from aks_access.api.parse import Invalid, Kind, parse
from aks_access.api.reasons import GrantReason
from aks_access.engine.ports import Kind as EngineKind
from tests.gitops.argo import act, actions, config_map, defined
from tests.gitops.test_health import a_grant, argo_sees
from tests.gitops.voices import MEANT, example
from tests.sim.play import simulated
from tests.sim.world import World, condition


def test_nothing_but_health_and_actions_of_our_kinds_is_set() -> None:
    expected = {
        f"resource.customizations.{what}.aksaccess.dev_{kind}"
        for what in ("health", "actions")
        for kind in MEANT
    }
    assert set(config_map()) == expected


@pytest.mark.parametrize("kind", MEANT)
def test_what_is_offered_is_defined(kind: str) -> None:
    assert set(actions(example(kind, []))) == defined(kind)


def test_a_grant_can_be_revoked_once_and_while_there_is_something_to_revoke() -> None:
    for reason in (GrantReason.ACTIVE, GrantReason.SCHEDULED, GrantReason.POLICY_DENIED):
        raw = {**a_grant(reason), "spec": {}}
        assert actions(raw) == {"refresh": True, "revoke": True}
        raw["spec"]["revoked"] = True
        assert actions(raw) == {"refresh": True, "revoke": False}
    expired = {**a_grant(GrantReason.EXPIRED), "spec": {}}
    assert actions(expired) == {"refresh": True, "revoke": False}


@pytest.mark.parametrize("kind", MEANT)
def test_a_deleted_object_has_no_action(kind: str) -> None:
    assert not any(actions(example(kind, [], deleted=True)).values())


@pytest.mark.parametrize("kind", MEANT)
def test_refresh_sets_one_annotation(kind: str) -> None:
    raw = example(kind, [])
    changed = act(raw, "refresh")
    requested = changed["metadata"].pop("annotations")
    assert set(requested) == {REQUESTED_AT_ANNOTATION}
    datetime.strptime(requested[REQUESTED_AT_ANNOTATION], "%Y-%m-%dT%H:%M:%SZ")
    assert changed["metadata"] == raw["metadata"]
    raw["metadata"]["annotations"] = {"mine": "stays", REQUESTED_AT_ANNOTATION: "before"}
    again = act(raw, "refresh")["metadata"]["annotations"]
    assert again["mine"] == "stays"
    assert again[REQUESTED_AT_ANNOTATION] != "before"


@simulated
async def test_revoke_closes_what_stands_and_refresh_is_answered(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=8))
    await world.start()
    await world.rest()
    assert actions(seen(world))["revoke"]

    def replace(found: Any) -> None:
        changed = act(act(seen(world), "revoke"), "refresh")
        found["spec"], found["metadata"]["annotations"] = (
            changed["spec"],
            changed["metadata"]["annotations"],
        )
        assert not isinstance(parse(Kind.GRANT, found), Invalid)

    world.api.edit(EngineKind.GRANT, "laptop", namespace="team-a", change=replace)
    await world.rest()
    assert world.state() == "Revoked"
    assert "81.2.69.142/32" not in (world.list_of() or ())
    assert condition(world.status(), "Ready")["status"] == "True"
    asked = seen(world)["metadata"]["annotations"][REQUESTED_AT_ANNOTATION]
    assert world.status()["lastHandledReconcileAt"] == asked


def seen(world: World) -> dict[str, Any]:
    return argo_sees(world, EngineKind.GRANT, "laptop", namespace="team-a")
