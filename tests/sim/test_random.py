"""Many random days: whatever happens in whatever order, at rest the list is what is asked for.

What is asked for is worked out from the objects by a reference that shares no code with the
planner.
"""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import Kind, OperationState
from aks_access.errors import AzureFault, KubeConflict, KubeError
from tests.reference import expected
from tests.sim.reading import case_of
from tests.sim.world import FOREIGN, OFFICE, World, key_of, play

SEEDS = 24
STEPS = 25
TARGETS = ("weu", "neu")
NAMES = tuple(f"g{number}" for number in range(6))
POOL = tuple(f"81.2.69.{number}" for number in range(8))
OTHERS = (FOREIGN, "198.41.1.0/24", "198.41.2.0/24")
FAULTS = (
    azure_error(AzureFault.BUSY, 409, "OperationNotAllowed"),
    azure_error(AzureFault.CHANGED, 412, "PreConditionFailed"),
    azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=20.0),
    azure_error(AzureFault.UNCERTAIN, 503, "ServerError"),
    azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed"),
)


class Day:
    """One random day: `step` does something to the world."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.others = {name: {FOREIGN} for name in TARGETS}

    async def step(self) -> None:
        acts = [
            *[self.apply] * 6,
            *[self.delete] * 3,
            self.force_delete,
            self.revoke,
            self.tighten,
            self.relabel,
            self.portal,
            self.busy,
            self.fail,
            self.fault,
            self.kube_fault,
            self.ledger_fault,
            self.restart,
            self.stall,
            self.edit_set,
            self.lost_answer,
            self.crash,
            self.suspend,
            self.clear,
            self.recreate,
            self.blind,
            self.observe,
        ]
        await self.rng.choice(acts)()
        await self.world.advance(self.rng.choice([0.0, 0.2, 0.5, 1.5, 10, 50, 61, 200, 700]))

    async def apply(self) -> None:
        rng, world = self.rng, self.world
        name = rng.choice(NAMES)
        raw = world.raw(name)
        if raw is not None and raw["metadata"].get("deletionTimestamp"):  # type: ignore[attr-defined]
            return
        spec: dict[str, Any] = {}
        end = rng.choice(["none", "none", "soon", "late", "counted"])
        if end in ("soon", "late"):
            spec["expiresAt"] = world.at(
                minutes=rng.choice([1, 5, 20]) * (1 if end == "soon" else 90)
            )
        elif end == "counted":
            spec["duration"] = rng.choice(["3m", "30m", "30h"])
        if rng.random() < 0.2:
            spec["targetSelector"] = {"matchLabels": {"tier": "dev"}}
        if rng.random() < 0.15:
            spec["rangeSetRefs"] = [{"name": "home"}]
        ranges = rng.sample(POOL, rng.choice([1, 1, 2]))
        world.grant(name, *ranges, target=rng.choice(TARGETS), **spec)

    async def delete(self) -> None:
        name = self.rng.choice(NAMES)
        if self.world.raw(name) is not None:
            self.world.ungrant(name)

    async def force_delete(self) -> None:
        name = self.rng.choice(NAMES)
        if self.world.raw(name) is not None:
            self.world.api.force_delete(Kind.GRANT, name, namespace="team-a")

    async def revoke(self) -> None:
        name = self.rng.choice(NAMES)
        if self.world.raw(name) is not None:
            self.world.regrant(name, revoked=self.rng.choice([True, None]))

    async def tighten(self) -> None:
        denied = {"deniedRanges": ["81.2.69.0/30"]} if self.rng.random() < 0.4 else {}
        policy = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True, **denied}
        name = self.rng.choice(TARGETS)
        if not self.world.target_gone(name):
            self.world.retarget(name, policy=policy)

    async def relabel(self) -> None:
        name, tier = self.rng.choice(TARGETS), self.rng.choice(["dev", "prod"])
        if not self.world.target_gone(name):
            self.world.mark(Kind.TARGET, name, labels={"tier": tier})

    async def portal(self) -> None:
        """Somebody toggles an entry of their own, keeping the rest."""
        name, entry = self.rng.choice(TARGETS), self.rng.choice(OTHERS)
        standing = self.world.list_of(name)
        if standing is None:
            return
        self.others[name] ^= {entry}
        changed = standing - set(OTHERS) | self.others[name]
        if changed and not self.world.azure.working():
            self.world.azure.cluster(key_of(name)).set_by_others(sorted(changed))
        else:
            self.others[name] ^= {entry}

    async def busy(self) -> None:
        cluster = self.world.azure.cluster(key_of(self.rng.choice(TARGETS)))
        if not self.world.azure.working():
            cluster.busy(self.rng.choice([5, 90, 400]))

    async def fail(self) -> None:
        cluster = self.world.azure.cluster(key_of(self.rng.choice(TARGETS)))
        cluster.outcomes = [OperationState.FAILED]

    async def fault(self) -> None:
        self.world.azure.faults.plan(
            self.rng.choice(["get", "put_ranges", "operation"]),
            self.rng.choice(FAULTS),
            times=self.rng.choice([1, 2]),
        )

    async def kube_fault(self) -> None:
        self.world.objects.faults.plan(
            self.rng.choice(["patch_status", "add_finalizer", "remove_finalizer", "get", "delete"]),
            self.rng.choice([KubeError("503", status=503), KubeConflict("409", status=409)]),
            times=self.rng.choice([1, 3]),
            applied=self.rng.random() < 0.5,
        )

    async def ledger_fault(self) -> None:
        error = self.rng.choice([KubeError("503", status=503), KubeConflict("409", status=409)])
        self.world.ledgers.faults.plan(
            self.rng.choice(["load", "save"]), error, applied=self.rng.random() < 0.5
        )

    async def restart(self) -> None:
        self.world.kill()
        await self.world.advance(self.rng.choice([0, 30, 400]))
        await self.world.start()

    async def stall(self) -> None:
        self.world.process.watch.held = not self.world.process.watch.held

    async def end(self) -> None:
        """Everything that only delays is over."""
        world = self.world
        world.process.watch.held = False
        world.api.unlistable.clear()
        for name in TARGETS:
            self.bring_back(name)
            raw: Any = world.api.find(Kind.TARGET, name)
            if raw["metadata"].get("deletionTimestamp"):
                world.retarget(name, suspend=None, mode="Merge")
                await world.until(lambda name=name: world.target_gone(name))  # type: ignore[misc]
                self.bring_back(name)
            world.retarget(name, suspend=None, mode="Merge")

    async def lost_answer(self) -> None:
        error = azure_error(AzureFault.UNCERTAIN, None, "timeout")
        self.world.azure.faults.plan("put_ranges", error, applied=True)

    async def crash(self) -> None:
        """A process that dies early, and the next one."""
        self.world.kill()
        process = await self.world.start(crash_at=self.rng.randrange(1, 40))
        await self.world.advance(self.rng.choice([1, 20, 100]))
        process.kill()
        await self.world.start()

    async def suspend(self) -> None:
        name = self.rng.choice(TARGETS)
        if not self.world.target_gone(name):
            self.world.retarget(name, suspend=self.rng.choice([True, None]))

    async def observe(self) -> None:
        name = self.rng.choice(TARGETS)
        if not self.world.target_gone(name):
            self.world.retarget(name, mode=self.rng.choice(["Observe", "Merge", "Merge"]))

    async def clear(self) -> None:
        """Somebody opens the cluster; what goes back is the last list that was verified."""
        name = self.rng.choice(TARGETS)
        ledger = self.world.ledgers.peek(key_of(name))
        if ledger is None or ledger.verified is None or self.world.azure.working():
            return
        target: Any = self.world.api.find(Kind.TARGET, name)
        if target is None or target["metadata"].get("deletionTimestamp"):
            return
        self.world.azure.cluster(key_of(name)).set_by_others(None)
        await self.world.advance(2)  # a look that read the list before may still record it
        kept = self.world.ledger(name).verified or ()
        self.others[name] = set(kept) & set(OTHERS)

    async def recreate(self) -> None:
        """A target is deleted, and comes back later under its name."""
        name = self.rng.choice(TARGETS)
        if not self.world.target_gone(name) and self.world.list_of(name) is not None:
            self.world.untarget(name)
            await self.world.advance(self.rng.choice([1, 100]))
        self.bring_back(name)

    def bring_back(self, name: str) -> None:
        if self.world.target_gone(name):
            self.world.target(name, labels={"tier": "dev"})

    async def blind(self) -> None:
        kind = self.rng.choice(list(Kind))
        if self.world.api.unlistable.pop(kind, None) is None:
            self.world.api.unlistable[kind] = "403"

    async def edit_set(self) -> None:
        self.world.range_set("home", *self.rng.sample(POOL, 2))


def wanted(world: World, day: Day, target: str) -> set[str]:
    """What the list of a target should be, told from the objects alone."""
    raw = world.api.find(Kind.TARGET, target)
    assert raw is not None
    labels: Mapping[str, Any] = raw["metadata"]["labels"]  # type: ignore[index]
    denied = "deniedRanges" in raw["spec"]["policy"]  # type: ignore[index]
    home: Any = world.api.find(Kind.RANGE_SET, "home")
    result = {OFFICE, *day.others[target]}
    for name in NAMES:
        grant: Any = world.raw(name)
        if grant is None or grant["metadata"].get("deletionTimestamp"):
            continue
        spec = grant["spec"]
        asked = [*spec.get("ipRanges", [])]
        if "rangeSetRefs" in spec:
            asked += home["spec"]["ipRanges"]
        chosen = spec.get("targetRef", {}).get("name") == target
        if "targetSelector" in spec:
            chosen = labels.get("tier") == "dev"
        refused = denied and any(int(item.rpartition(".")[2]) < 4 for item in asked)
        if chosen and not refused and not spec.get("revoked") and not _over(world, grant):
            result |= {f"{item}/32" for item in asked}
    return result


def _over(world: World, grant: Any) -> bool:
    spec, now = grant["spec"], world.at()
    if "expiresAt" in spec:
        return bool(spec["expiresAt"] <= now)
    if "duration" in spec:
        ends = grant.get("status", {}).get("expiresAt")
        return bool(ends is not None and ends <= now)
    return False


def random_day(seed: int) -> None:
    rng = random.Random(seed)

    async def scenario(world: World) -> None:
        for name in TARGETS:
            world.cluster(name)
            world.target(name, labels={"tier": "dev"})
        world.range_set("home", "81.2.69.6", "81.2.69.7")
        await world.start()
        day = Day(world, rng)
        for _ in range(STEPS):
            await day.step()
        await day.end()
        await world.advance(minutes=25)
        await world.rest(within=4 * 3600)
        for name in TARGETS:
            assert world.list_of(name) == wanted(world, day, name), f"{name}: {world.story()}"
            assert expected(case_of(world, name, foreign=day.others[name])) == world.list_of(name)
            assert world.target_state(name) == "InSync", world.story()
            assert world.ledger(name).in_flight is None
            assert world.owned(name) - {OFFICE} <= (world.list_of(name) or set())
        stuck = [n for n in NAMES if (r := world.raw(n)) and "deletionTimestamp" in r["metadata"]]  # type: ignore[operator]
        assert not stuck

    play(scenario, seed=seed)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_at_rest_the_list_is_what_is_asked_for(seed: int) -> None:
    random_day(seed)
