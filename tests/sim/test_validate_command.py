"""What `aks-access validate` says of targets that judge no grant is what the operator says."""

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest

from aks_access.cli.grants.ask import as_yaml
from aks_access.cli.hub.cluster import Resource
from aks_access.plan.model import Grant
from aks_access.projection import project_grant
from tests.sim.hub import hub_of
from tests.sim.play import simulated
from tests.sim.world import POLICY, World, resource_id
from tests.unit.cli.transcript import execute

CLUSTERS = ("weu", "neu")
TARGETS = ("one", "two", "three", "four")
BLOCKING = ("TargetBlocked", "DuplicateTarget")
DEV = {"matchLabels": {"tier": "dev"}}
Said = set[tuple[str, str, str]]
"""Object, reason and sentence."""


@pytest.mark.parametrize("seed", range(24))
@simulated
async def test_targets_that_judge_no_grant(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for name in CLUSTERS:
        world.cluster(name)
    for name in chance.sample(TARGETS, chance.randrange(2, 5)):
        await _target(world, name, chance)
    for number in range(5):
        _grant(world, f"g{number}", chance)
    before = _checked(world)
    await world.start()
    await world.rest()
    said = _said(world)
    assert before == said, "of the files that make these objects"
    assert _checked(world) == said, "of the objects as they are now"


CHANGES: dict[str, dict[str, Any]] = {
    "suspended": {"suspend": True},
    "observed": {"mode": "Observe"},
    "deleted": {"suspend": True},
    "moved": {"resourceId": resource_id("neu").upper()},
    "mended": {"policy": POLICY},
    "broken": {"policy": {**POLICY, "maxDuration": "1d"}},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(4))
@simulated
async def test_targets_that_somebody_changes(world: World, seed: int, change: str) -> None:
    """One that is suspended keeps its cluster, also while it is being deleted."""
    chance = random.Random(seed)
    for name in CLUSTERS:
        world.cluster(name)
    names = chance.sample(TARGETS, 3)
    for name in names:
        await _target(world, name, chance)
    for number in range(5):
        _grant(world, f"g{number}", chance)
    await world.start()
    await world.rest()
    world.retarget(names[0], **CHANGES[change])
    if change == "deleted":
        await world.rest()
        world.untarget(names[0])
    before = _checked(world)
    await world.rest()
    assert before == _said(world)
    assert _checked(world) == _said(world)


async def _target(world: World, name: str, chance: random.Random) -> None:
    """A target of one of two clusters, made at the same moment as the last one, or later."""
    await world.advance(chance.choice([0.0, 0.0, 2.0]))
    wrong = {"maxDuration": "1d"} if chance.random() < 0.25 else {}
    cluster = resource_id(chance.choice(CLUSTERS))
    world.target(
        name,
        resourceId=cluster.replace("/rg-", chance.choice(["/rg-", "/RG-"])),
        policy={**POLICY, **wrong},
        labels={"tier": chance.choice(["dev", "prod"])},
    )


def _grant(world: World, name: str, chance: random.Random) -> None:
    selector = {"matchLabels": {"tier": chance.choice(["dev", "prod"])}}
    aims: dict[str, Any] = {"target": chance.choice(TARGETS)}
    if chance.random() < 0.4:
        aims = {"targetSelector": selector}
    hours = chance.choice([-3, 3, 3, 3])
    world.grant(
        name,
        f"81.2.69.{chance.randrange(1, 200)}",
        expiresAt=world.at(hours=hours),
        revoked=chance.random() < 0.2 or None,
        **aims,
    )


def _said(world: World) -> Said:
    """What the operator's statuses say."""
    found: Said = set()
    hub = hub_of(world)
    for raw in hub.all(Resource.TARGETS):
        ready = raw["status"]["conditions"][0]
        if ready["reason"] == "DuplicateTarget":
            name = raw["metadata"]["name"]
            found.add((f"ApiAccessTarget {name}", ready["reason"], ready["message"]))
    for raw in hub.all(Resource.GRANTS):
        grant = project_grant(raw, argo_instance_label="")
        if not _over(grant, world):
            found |= {
                (f"ApiAccessGrant {grant.path}", each["reason"], each["message"])
                for each in raw["status"].get("targets", ())
                if each["reason"] in BLOCKING
            }
    return found


def _over(grant: Grant, world: World) -> bool:
    """Such a one asks for nothing that a target could keep from it."""
    assert grant.expires_at is not None
    return grant.revoked or grant.expires_at <= world.clock.now()


def _checked(world: World) -> Said:
    """What the command says of the objects as kubectl prints them."""
    hub = hub_of(world)
    raws = [raw for of in (Resource.TARGETS, Resource.GRANTS) for raw in hub.all(of)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "all.yaml")
        file.write_text("---\n".join(map(as_yaml, raws)))
        now = world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        _, out, _ = execute(f"aks-access validate {file} --format json --now {now}")
    return {
        (each["object"], each["rule"], each["message"])
        for each in json.loads(out)["findings"]
        if each["rule"] in BLOCKING
    }


@simulated
async def test_a_target_that_breaks_keeps_those_who_are_in(world: World) -> None:
    world.cluster()
    world.target(labels={"tier": "dev"})
    ends = {"expiresAt": world.at(hours=3)}
    world.grant("in", "81.2.69.7", **ends)
    world.grant("selects", "81.2.69.8", target=None, targetSelector=DEV, **ends)
    world.grant("grows", "81.2.69.9", **ends)
    await world.start()
    await world.rest()
    world.retarget(policy={**POLICY, "maxDuration": "1d"})
    world.regrant("grows", ipRanges=["81.2.69.9", "81.2.69.10"])
    world.grant("late", "81.2.69.11", target=None, targetSelector=DEV, **ends)
    world.grant("later", "81.2.69.12", notBefore=world.at(hours=1), **ends)
    world.grant("unknown", "81.2.69.7", rangeSetRefs=[{"name": "none"}], **ends)
    before = _checked(world)
    await world.rest()
    said = _said(world)
    assert {what for what, _, _ in said} == {
        f"ApiAccessGrant team-a/{name}" for name in ("grows", "late")
    }
    assert before == said == _checked(world)
