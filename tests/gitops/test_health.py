"""What Argo CD and Flux see of each state: from the operator's own statuses, reason by reason."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from aks_access.api.names import API_VERSION
from aks_access.api.reasons import GrantReason, RangeSetReason, TargetReason
from aks_access.engine.grant_status import GrantFacts, grant_status
from aks_access.engine.notes import Note
from aks_access.engine.ports import Kind
from aks_access.engine.target_status import TargetFacts, target_status
from tests.gitops.argo import PENDING_DELETION, Health, health
from tests.gitops.kstatus import Kstatus, kstatus
from tests.gitops.voices import (
    BROKEN,
    DONE,
    GRANT,
    IN_KSTATUS,
    MEANT,
    RANGE_SET,
    TARGET,
    WAITING,
    example,
    problem,
)
from tests.sim.play import simulated
from tests.sim.world import World
from tests.unit.engine.test_grant_status import ACTIVE, NOW
from tests.unit.engine.test_grant_status import GRANT as A_GRANT
from tests.unit.engine.test_target_status import PLAN, VIEW
from tests.unit.engine.test_target_status import TARGET as A_TARGET

PARTS = {"Accepted", "ResolvedRefs", "Programmed", "NotProgrammed"}
"""Reasons of the other conditions: never a STATE."""


def a_grant(reason: GrantReason, *, retries: bool = False) -> dict[str, Any]:
    """A grant whose one target reports this reason."""
    report = replace(ACTIVE, reason=reason, message=f"for {reason}", retries=retries)
    facts = GrantFacts(grant=A_GRANT, reports=[report], activated=None)
    status = grant_status(facts=facts, now=NOW)
    return stored("ApiAccessGrant", generation=A_GRANT.generation, status=status)


def a_target(reason: TargetReason) -> dict[str, Any]:
    """A target with one thing to say."""
    facts = TargetFacts(
        target=A_TARGET,
        notes=[Note(reason=reason, message=f"for {reason}")],
        plan=PLAN,
        view=VIEW,
        sequence=1,
        grants={},
    )
    status = target_status(facts=facts, now=NOW)
    return stored("ApiAccessTarget", generation=A_TARGET.generation, status=status)


def stored(kind: str, *, generation: int, status: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": "x", "generation": generation}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "status": status}


def test_every_state_there_is_has_a_meaning() -> None:
    assert set(GRANT) == {str(reason) for reason in GrantReason} - PARTS
    assert set(TARGET) == {str(reason) for reason in TargetReason} - PARTS
    assert set(RANGE_SET) == {str(reason) for reason in RangeSetReason}


@pytest.mark.parametrize(("state", "meant"), GRANT.items())
def test_a_grant_in_each_state(state: str, meant: str) -> None:
    raw = a_grant(GrantReason(state))
    assert health(raw) == Health(meant, f"{state}: for {state}")
    assert kstatus(raw) == IN_KSTATUS[meant]
    assert problem(raw) == ""


def test_a_grant_that_waits_for_a_target_which_is_tried_again() -> None:
    raw = a_grant(GrantReason.TARGET_BLOCKED, retries=True)
    assert (health(raw).status, kstatus(raw)) == (WAITING, Kstatus.IN_PROGRESS)


@pytest.mark.parametrize(("state", "meant"), TARGET.items())
def test_a_target_in_each_state(state: str, meant: str) -> None:
    raw = a_target(TargetReason(state))
    assert health(raw) == Health(meant, f"{state}: for {state}")
    assert kstatus(raw) == IN_KSTATUS[meant]
    assert problem(raw) == ""


@pytest.mark.parametrize("kind", MEANT)
def test_an_object_that_was_never_seen_is_waited_for_by_argo_alone(kind: str) -> None:
    """kstatus takes an object without a status for done: a wait for that proves nothing."""
    raw = example(kind, [])
    assert (health(raw).status, kstatus(raw)) == (WAITING, Kstatus.CURRENT)


@pytest.mark.parametrize("state", [GrantReason.ACTIVE, GrantReason.POLICY_DENIED])
def test_an_edit_that_was_not_seen_yet_is_progressing(state: GrantReason) -> None:
    raw = a_grant(state)
    raw["metadata"]["generation"] += 1
    assert (health(raw).status, kstatus(raw)) == (WAITING, Kstatus.IN_PROGRESS)


def test_a_deleted_and_overdue_grant_cannot_be_degraded() -> None:
    """Argo CD does not ask: so the target is, and the alert tells."""
    raw = a_grant(GrantReason.REVOCATION_OVERDUE)
    raw["metadata"]["deletionTimestamp"] = "2026-11-22T10:00:00Z"
    assert health(raw) == Health("Progressing", PENDING_DELETION)
    assert kstatus(raw) == Kstatus.TERMINATING
    assert health(a_target(TargetReason.REVOCATION_OVERDUE)).status == BROKEN


@pytest.mark.parametrize(
    "said",
    [
        [("Ready", "False", "X"), ("Reconciling", "True", "X"), ("Stalled", "True", "X")],
        [("Ready", "False", "X")],
        [("Ready", "True", "Active"), ("Stalled", "True", "X")],
        [("Ready", "True", "Active"), ("Stalled", "False", "X")],
        [("Ready", "True", "RevocationOverdue")],
        [("Ready", "False", "Active"), ("Reconciling", "True", "Active")],
        [("Ready", "True", "Active"), ("Ready", "False", "Active")],
    ],
)
def test_what_would_be_misheard_is_found(said: list[tuple[str, str, str]]) -> None:
    assert problem(example("ApiAccessGrant", said))


# through the whole loop: `World.check` asks every object version of these and of all other scenes


@simulated
async def test_a_life_as_argo_shows_it(world: World) -> None:
    world.cluster()
    world.grant(expiresAt=world.at(hours=1), annotations={"argocd.argoproj.io/tracking-id": "a:x"})
    assert shown(world) == WAITING
    await world.start()
    await world.rest()
    assert shown(world) == BROKEN  # no such target
    world.target()
    await world.rest()
    assert shown(world) == DONE
    world.kill()
    world.regrant(reason="edited while nobody looks")
    assert shown(world) == WAITING
    await world.start()
    await world.advance(hours=2)
    assert world.state() == "Expired"
    assert shown(world) == DONE


@simulated
async def test_sets_targets_and_a_revoked_grant(world: World) -> None:
    world.cluster()
    world.target()
    world.range_set("office", "51.140.0.0/24")
    world.api.apply(Kind.RANGE_SET, "later", spec={"fromAzure": {"resourceId": "/x"}})
    world.grant(revoked=True)
    await world.start()
    await world.rest()
    assert shown(world) == DONE
    found = {
        name: health(argo_sees(world, Kind.RANGE_SET, name)).status for name in ("office", "later")
    }
    assert found == {"office": DONE, "later": BROKEN}
    assert health(argo_sees(world, Kind.TARGET, "weu")).status == DONE


@simulated
async def test_a_target_is_degraded_while_a_deleted_grant_is_overdue(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=8))
    await world.start()
    await world.rest()
    cluster.power_state = "Stopped"
    world.ungrant()
    await world.advance(minutes=1)
    assert health(argo_sees(world, Kind.GRANT, "laptop", namespace="team-a")) == Health(
        "Progressing", PENDING_DELETION
    )
    await world.advance(minutes=20)
    assert world.gone()  # the ledger took over the debt
    assert health(argo_sees(world, Kind.TARGET, "weu")).status == BROKEN


def shown(world: World) -> str:
    return health(argo_sees(world, Kind.GRANT, "laptop", namespace="team-a")).status


def argo_sees(world: World, kind: Kind, name: str, *, namespace: str = "") -> dict[str, Any]:
    raw: Any = world.api.find(kind, name, namespace=namespace)
    assert raw is not None, f"{name} is gone"
    return {"apiVersion": API_VERSION, "kind": kind.value, **raw}
