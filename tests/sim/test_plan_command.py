"""What `aks-access plan` says is what the running operator then writes."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.cli.files.documents import documents
from aks_access.cli.grants.ask import as_yaml
from aks_access.cli.hub.installed import Installed
from aks_access.cli.plans.files import Difference
from aks_access.cli.plans.forecast import Forecast, forecast
from aks_access.cli.plans.recall import recall, view_of
from aks_access.cli.plans.snapshot import facts, overlaid, snapshot
from aks_access.cli.surroundings import Surroundings
from aks_access.engine.ports import Kind
from aks_access.plan.listing import canonical
from aks_access.settings.table import Settings
from tests.sim.hub import NAMESPACE, hub_of
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World
from tests.unit.cli.test_changes import git
from tests.unit.cli.transcript import execute

OTHER = "20.50.1.7/32"


def foretold(
    world: World, *, name: str = "weu", files: str = "", hub: FakeCluster | None = None
) -> Forecast:
    """The command's forecast from what stands in the management cluster at this moment."""
    hub = hub or hub_of(world)
    now = world.clock.now()
    label = Settings().argocd_instance_label
    objects = snapshot(hub)
    known = facts(objects, argo_instance_label=label)
    memory = recall(
        hub,
        target=known.targets[name],
        view=view_of(known.targets[name]),
        grants=known.grants.values(),
        namespace=NAMESPACE,
        now=now,
    )
    if files:
        given = documents(files, source="x.yaml")
        after = overlaid(objects, documents=given, namespace="team-a", now=now)
        known = facts(after, argo_instance_label=label)
    target = known.targets[name]
    return forecast(
        target=target,
        facts=known,
        view=view_of(target),
        memory=memory,
        operator=Installed(Settings()),
        now=now,
    )


def after(known: Forecast) -> set[str] | None:
    return None if known.after is None else {canonical(each) for each in known.after}


@simulated
async def test_a_grant_and_an_edit_are_foretold(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    assert not foretold(world).changes
    world.grant()
    world.grant("other", OTHER, namespace="team-b", expiresAt=world.at(hours=3))
    said = foretold(world)
    assert after(said) == {FOREIGN, OFFICE, LAPTOP, OTHER}
    await world.rest()
    assert world.list_of() == after(said)
    world.regrant(ipRanges=[OTHER])
    said = foretold(world)
    assert after(said) == {FOREIGN, OFFICE, OTHER}
    await world.rest()
    assert world.list_of() == after(said)


@simulated
async def test_files_are_foretold_as_if_they_were_applied(world: World) -> None:
    world.cluster()
    world.target(policy={"allowedNamespaces": {"from": "All"}, "maxDuration": "8h"})
    world.grant(expiresAt=world.at(hours=2))
    await world.start()
    await world.rest()
    spec = {
        "targetRef": {"name": "weu"},
        "ipRanges": [OTHER],
        "expiresAt": world.at(hours=4),
    }
    made = [
        {
            "apiVersion": "aksaccess.dev/v1alpha1",
            "kind": "ApiAccessGrant",
            "metadata": {"name": name, "namespace": "team-a"},
            "spec": {**spec, **more},
        }
        for name, more in (
            ("laptop", {}),
            ("new", {"ipRanges": ["20.50.1.9"]}),
            ("long", {"ipRanges": ["20.50.1.10"], "expiresAt": world.at(hours=9)}),
        )
    ]
    files = "---\n".join(map(as_yaml, made))
    said = foretold(world, files=files)
    assert after(said) == {FOREIGN, OFFICE, OTHER, "20.50.1.9/32"}
    rows = Difference(before=foretold(world), after=said).rows()
    assert [(row.sign, row.entry) for row in rows] == [
        ("+", OTHER), ("+", "20.50.1.9/32"), ("-", LAPTOP),
    ]  # fmt: skip
    for each in made:
        metadata: Any = each["metadata"]
        world.api.apply(
            Kind.GRANT,
            metadata["name"],
            namespace="team-a",
            spec=each["spec"],  # type: ignore[arg-type]
        )
    await world.rest()
    assert world.list_of() == after(said)


@simulated
async def test_without_the_ledger_the_status_tells_the_same(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    world.grant("other", OTHER, expiresAt=world.at(hours=3))
    await world.start()
    await world.rest()
    world.regrant("other", revoked=True)
    hub = hub_of(world, ledgers=False)
    said = foretold(world, hub=_forbidding(hub))
    assert after(said) == after(foretold(world)) == {FOREIGN, OFFICE, LAPTOP}
    await world.rest()
    assert world.list_of() == after(said)


def _forbidding(hub: FakeCluster) -> FakeCluster:
    """The hub as seen by somebody who may not read ConfigMaps."""
    from aks_access.cli.hub.cluster import Resource
    from aks_access.errors import KubeForbidden

    class Forbidding(FakeCluster):
        def get(
            self, resource: Resource, *, name: str, namespace: str = ""
        ) -> dict[str, Any] | None:
            if resource is Resource.CONFIG_MAPS:
                raise KubeForbidden("configmaps is forbidden")
            return super().get(resource, name=name, namespace=namespace)

    made = Forbidding()
    made.add(*(raw for of in Resource for raw in hub.all(of)))
    return made


_POOL = [f"20.50.{octet}.0/28" for octet in range(1, 8)]
_NAMES = ["one", "two", "three", "four"]


@pytest.mark.parametrize("seed", range(12))
@simulated
async def test_whatever_people_do_the_next_list_is_foretold(world: World, seed: int) -> None:
    chance = random.Random(seed)
    world.unpaced()
    world.cluster(ranges=(FOREIGN, _POOL[0]))
    world.target()
    world.range_set("offices", _POOL[1], _POOL[2])
    await world.start()
    await world.rest()
    for _ in range(8):
        _act(world, chance)
        hub = hub_of(world)
        said = foretold(world, hub=hub)
        await world.rest()
        assert world.list_of() == after(said), f"seed {seed}: {said.plan.findings}"


def _act(world: World, chance: random.Random) -> None:
    """One change that somebody makes, whose effect no clock delays."""
    name = chance.choice(_NAMES)
    there = world.raw(name) is not None
    match chance.randrange(8):
        case 0 | 1 | 2:
            spec: dict[str, Any] = {"expiresAt": world.at(days=chance.randrange(20, 300))}
            if chance.random() < 0.3:
                spec["rangeSetRefs"] = [{"name": "offices"}]
            world.grant(name, *chance.sample(_POOL, chance.randrange(1, 4)), **spec)
        case 3 if there:
            world.regrant(name, revoked=True)
        case 4 if there:
            world.ungrant(name)
        case 5:
            world.range_set("offices", *chance.sample(_POOL, 2))
        case 6:
            world.retarget(mode=chance.choice(["Merge", "Exclusive", "Merge"]))
        case _:
            ranges = chance.sample(_POOL, chance.randrange(1, 3))
            world.retarget(baseline={"ipRanges": [OFFICE, *ranges]})


@pytest.mark.parametrize("seed", range(8))
@simulated
async def test_a_pull_request_is_foretold_deletions_included(
    world: World, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`plan DIR --base main -o json`, and then what the operator writes once it is merged."""
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    world.unpaced()
    world.cluster(ranges=(FOREIGN, _POOL[0]))
    world.target()
    world.range_set("offices", _POOL[1], _POOL[2])
    for name in _NAMES:
        _asks(world, name, chance)
    await world.start()
    await world.rest()
    _commit(world)
    _edit(world, chance)
    place = Surroundings(now=world.clock.now, cluster=lambda _reach: hub_of(world))
    command = "aks-access plan team --base main --namespace team-a -o json"
    code, out, err = execute(command, place=place)
    assert (code, err) == (0, ""), out + err
    [said] = json.loads(out)["targets"]
    assert any(row["change"] == "removed" for row in said["changes"])
    _merge(world)
    await world.rest()
    assert world.list_of() == {canonical(each) for each in said["after"]}


def _edit(world: World, chance: random.Random) -> None:
    """The pull request: a file goes or two do, one is edited, one is new."""
    files = [Path("team", f"{name}.yaml") for name in chance.sample(_NAMES, 3)]
    edited = files.pop()
    edited.write_text(edited.read_text().replace(_POOL[3], "20.60.0.0/28"))
    for each in files[: chance.randrange(1, 3)]:
        each.unlink()
    spec = {"targetRef": {"name": "weu"}, "ipRanges": [OTHER], "expiresAt": world.at(days=30)}
    Path("team", "new.yaml").write_text(as_yaml(_manifest("new", spec)))


def _merge(world: World) -> None:
    """GitOps applies what is there, and prunes what is not."""
    there = {file.stem: file for file in Path("team").iterdir()}
    for name in set(_NAMES) - there.keys():
        world.ungrant(name)
    for name, file in there.items():
        [raw] = [each.raw for each in documents(file.read_text(), source=str(file))]
        world.api.apply(Kind.GRANT, name, namespace="team-a", spec=raw["spec"])


def _asks(world: World, name: str, chance: random.Random) -> None:
    sets = [{"name": "offices"}] if chance.random() < 0.3 else None
    ranges = [f"20.70.0.{_NAMES.index(name)}", *chance.sample(_POOL, chance.randrange(1, 4))]
    world.grant(name, *ranges, expiresAt=world.at(days=20), rangeSetRefs=sets)


def _commit(world: World) -> None:
    """A repository with what was applied, on a branch of its own."""
    Path("team").mkdir()
    for name in _NAMES:
        raw = world.raw(name)
        assert raw is not None
        Path("team", f"{name}.yaml").write_text(as_yaml(_manifest(name, raw["spec"])))
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("checkout", "-q", "-b", "feature")


def _manifest(name: str, spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "aksaccess.dev/v1alpha1",
        "kind": "ApiAccessGrant",
        "metadata": {"name": name, "namespace": "team-a"},
        "spec": spec,
    }
