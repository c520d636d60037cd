"""The scenarios of the crash matrix: what stands, what happens, and what must hold meanwhile."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import Kind, OperationState
from aks_access.errors import AzureFault
from tests.sim.world import FOREIGN, World, key_of

LAPTOP = "81.2.69.142/32"
STAYING = "81.2.69.1/32"
OTHERS = "198.41.9.0/24"
MANY = tuple(f"198.41.1.{n}/32" for n in range(196))
"""With one more, a baseline of one and a grant of two, they fill a list of 200."""

Act = Callable[[World], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Attributes:
        prepare: what stands before; run by a process that nothing happens to, until it rests.
        act: what the process that dies has to work on.
        live: that process runs already when it happens; else it finds it when it starts.
        clusters: names of the clusters.
        others: entries that others put, or may have put, in every cluster.
        stays: entries that no cluster loses at any moment.
        opened, detached: see `Safety`.
        minutes: from the act until every clock in it has run out.
        more: PUTs beyond those of an undisturbed run that a death may cost.
    """

    prepare: Act
    act: Act
    live: bool = True
    clusters: tuple[str, ...] = ("weu",)
    others: frozenset[str] = frozenset({FOREIGN})
    stays: frozenset[str] = frozenset({FOREIGN})
    opened: bool = False
    detached: bool = False
    minutes: float = 15.0
    more: int = 2


async def _nothing(world: World) -> None:
    """Only what stands at the start."""


async def _bare(world: World) -> None:
    world.cluster()
    world.target()


async def _one(world: World) -> None:
    await _bare(world)
    world.grant(duration="10h")
    world.grant("staying", "81.2.69.1")


async def _grant(world: World) -> None:
    world.grant("new", "81.2.69.7", duration="10h")
    world.grant("newer", "81.2.69.8", namespace="team-b")


async def _fresh(world: World) -> None:
    await _bare(world)
    await _grant(world)


async def _ending(world: World) -> None:
    await _bare(world)
    world.grant(expiresAt=world.at(minutes=10))
    world.grant("short", "81.2.69.2", expiresAt=world.at(minutes=10), retainAfterExpiry="10m")
    world.grant("staying", "81.2.69.1", "81.2.69.2")


async def _extend(world: World) -> None:
    await world.until(lambda: world.now >= 597.0)
    world.regrant(expiresAt=world.at(hours=9))
    world.regrant("short", expiresAt=world.at(hours=9))


async def _delete(world: World) -> None:
    world.ungrant()


async def _edit(world: World) -> None:
    world.regrant(ipRanges=["81.2.69.7"])


async def _revoke(world: World) -> None:
    world.regrant(revoked=True)


async def _tighten(world: World) -> None:
    policy = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True}
    world.retarget(policy={**policy, "deniedRanges": ["81.2.69.128/25"]})


async def _three(world: World) -> None:
    for name, tier in (("weu", "dev"), ("neu", "dev"), ("sea", "prod")):
        world.cluster(name)
        world.target(name, labels={"tier": tier})
        world.grant(f"staying-{name}", "81.2.69.1", target=name)
    world.range_set("home", "81.2.69.142", "81.2.69.9")
    world.grant(targetSelector={"matchLabels": {"tier": "dev"}}, rangeSetRefs=[{"name": "home"}])


async def _relabel(world: World) -> None:
    world.mark(Kind.TARGET, "weu", labels={"tier": "prod"})
    world.mark(Kind.TARGET, "sea", labels={"tier": "dev"})


async def _edit_set(world: World) -> None:
    world.range_set("home", "81.2.69.142", "81.2.69.10")


async def _exclusive(world: World) -> None:
    world.retarget(mode="Exclusive")


async def _observe(world: World) -> None:
    world.retarget(mode="Observe")
    world.grant("new", "81.2.69.7")


async def _observed(world: World) -> None:
    world.cluster()
    world.target(mode="Observe")
    world.grant(duration="10h")


async def _merge(world: World) -> None:
    world.retarget(mode="Merge")


async def _delete_target(world: World) -> None:
    world.untarget()


async def _delete_everything(world: World) -> None:
    world.ungrant()
    world.untarget()


async def _detach(world: World) -> None:
    world.retarget(deletionPolicy="Detach")
    world.untarget()


async def _refuse(world: World) -> None:
    world.azure.cluster(key_of("weu")).unacceptable = {"81.2.69.66/32"}
    world.ungrant()
    world.grant("good", "81.2.69.2")
    world.grant("bad", "81.2.69.66")


async def _contend(world: World) -> None:
    changed = azure_error(AzureFault.CHANGED, 412, "PreConditionFailed")
    world.azure.faults.plan("put_ranges", changed, times=2)
    standing = world.list_of() or set()
    world.ungrant()
    world.grant("new", "81.2.69.7")
    await world.advance(1.15)
    if not world.azure.working():
        world.azure.cluster(key_of("weu")).set_by_others({*standing, OTHERS})


async def _full(world: World) -> None:
    world.cluster(ranges=[FOREIGN, *MANY])
    world.target()
    world.grant("first", "81.2.69.142", "81.2.69.144")
    await world.advance(1.5)
    world.grant("second", "81.2.69.2", "81.2.69.4")


async def _make_room(world: World) -> None:
    world.ungrant("first")


async def _adopted(world: World) -> None:
    world.cluster(ranges=[FOREIGN, LAPTOP])
    world.target()
    world.grant("staying", "81.2.69.1")
    world.grant(duration="10h")


async def _open(world: World) -> None:
    world.cluster(ranges=None)
    world.target()
    world.grant(duration="10h")


async def _restrict(world: World) -> None:
    world.retarget(restrictUnrestricted=True)


async def _fail(world: World) -> None:
    world.azure.cluster(key_of("weu")).outcomes = [OperationState.FAILED, OperationState.CANCELED]
    world.ungrant()
    world.grant("second", "81.2.69.8")


async def _lose_answer(world: World) -> None:
    lost = azure_error(AzureFault.UNCERTAIN, None, "timeout")
    world.azure.faults.plan("put_ranges", lost, applied=True)
    world.ungrant()
    world.grant("second", "81.2.69.8")


async def _clear(world: World) -> None:
    world.azure.cluster(key_of("weu")).set_by_others(None)
    world.ungrant()


async def _drop(world: World) -> None:
    world.azure.cluster(key_of("weu")).set_by_others([FOREIGN, OTHERS, STAYING])
    world.regrant("staying", reason="look")


_BOTH = frozenset({FOREIGN, STAYING})
_MAY = frozenset({FOREIGN, OTHERS})

SCENARIOS: Mapping[str, Scenario] = {
    "first-start": Scenario(prepare=_nothing, act=_fresh, live=False),
    "grant": Scenario(prepare=_one, act=_grant, stays=_BOTH),
    "grant-found": Scenario(prepare=_one, act=_grant, live=False, stays=_BOTH),
    "expire": Scenario(prepare=_ending, act=_nothing, stays=_BOTH, minutes=35),
    "extend": Scenario(prepare=_ending, act=_extend, stays=_BOTH | {LAPTOP}, minutes=35),
    "delete": Scenario(prepare=_one, act=_delete, stays=_BOTH),
    "delete-found": Scenario(prepare=_one, act=_delete, live=False, stays=_BOTH),
    "edit": Scenario(prepare=_one, act=_edit, stays=_BOTH),
    "revoke": Scenario(prepare=_one, act=_revoke, stays=_BOTH),
    "policy": Scenario(prepare=_one, act=_tighten, stays=_BOTH),
    "selector": Scenario(prepare=_three, act=_relabel, clusters=("weu", "neu", "sea"), stays=_BOTH),
    "set": Scenario(prepare=_three, act=_edit_set, clusters=("weu", "neu", "sea"), stays=_BOTH),
    "exclusive": Scenario(prepare=_one, act=_exclusive, stays=frozenset({STAYING})),
    "observe": Scenario(prepare=_one, act=_observe, stays=_BOTH),
    "merge": Scenario(prepare=_observed, act=_merge),
    "delete-target": Scenario(prepare=_one, act=_delete_target),
    "delete-both": Scenario(prepare=_one, act=_delete_everything, live=False),
    "detach": Scenario(prepare=_one, act=_detach, stays=_BOTH, detached=True),
    "refused": Scenario(prepare=_one, act=_refuse, stays=_BOTH, minutes=90, more=3),
    "412": Scenario(prepare=_one, act=_contend, others=_MAY, stays=_BOTH, more=3),
    "capacity": Scenario(
        prepare=_full,
        act=_make_room,
        others=frozenset({FOREIGN, *MANY}),
    ),
    "adoption": Scenario(
        prepare=_nothing, act=_adopted, live=False, others=frozenset({FOREIGN, LAPTOP})
    ),
    "restrict": Scenario(prepare=_open, act=_restrict, stays=frozenset(), opened=True),
    "failed-operation": Scenario(prepare=_one, act=_fail, stays=_BOTH, more=4),
    "lost-answer": Scenario(prepare=_one, act=_lose_answer, stays=_BOTH),
    "cleared": Scenario(prepare=_one, act=_clear, stays=frozenset(), opened=True),
    "drift": Scenario(prepare=_one, act=_drop, others=_MAY, stays=_BOTH),
}
