"""Every error of the management cluster's API server, once at every step: safe, then converged.

`kube_errors` says which errors a call may raise. Hours of them: `test_kube_outages.py`.
"""

from collections.abc import Callable, Iterator, Mapping

import pytest

from aks_access.engine.ports import Kind
from tests.sim.crash_matrix import Played, run
from tests.sim.kube_errors import KINDS, Fails, Failure
from tests.sim.outages import all_got_over, got_over
from tests.sim.scenarios import SCENARIOS, Scenario
from tests.sim.world import Method, World, condition, key_of

Figure = Callable[[str, object], None]

QUICK_STEP = 23
"""The quick slice takes one of so many steps."""
ACKNOWLEDGE = "aksaccess.dev/acknowledge"
REQUESTED = "reconcile.aksaccess.dev/requestedAt"


async def _granted(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(duration="10h")
    world.grant("ending", "81.2.69.5", expiresAt=world.at(minutes=14))


async def _lose_target(world: World) -> None:
    world.api.force_delete(Kind.TARGET, "weu")


async def _lose_deletion(world: World) -> None:
    world.process.watch.lose = lambda kind, event, _: (kind, event) == (Kind.GRANT, "deleted")
    world.api.force_delete(Kind.GRANT, "laptop", namespace="team-a")


async def _acknowledge(world: World) -> None:
    world.ledgers.spoil(key_of("weu"))
    world.mark(Kind.TARGET, "weu", annotations={REQUESTED: "now"})
    world.grant("new", "81.2.69.7")
    await world.until(
        lambda: "it is no JSON" in condition(world.target_status(), "Ready")["message"]
    )
    world.mark(Kind.TARGET, "weu", annotations={ACKNOWLEDGE: world.code()})


async def _duplicate(world: World) -> None:
    await _granted(world)
    await world.advance(1.5)
    world.target("second", cluster="weu")


async def _delete_duplicate(world: World) -> None:
    world.untarget("second")
    world.ungrant()


MORE: Mapping[str, Scenario] = {
    "orphan": Scenario(prepare=_granted, act=_lose_target),
    "vanished": Scenario(prepare=_granted, act=_lose_deletion, minutes=25),
    "acknowledged": Scenario(prepare=_granted, act=_acknowledge, minutes=25),
    "duplicate": Scenario(prepare=_duplicate, act=_delete_duplicate, minutes=25),
}
"""Calls that no scenario of the crash matrix makes."""
STEPS: Mapping[str, Scenario] = {
    **{
        name: SCENARIOS[name]
        for name in (
            "first-start",
            "grant",
            "expire",
            "delete",
            "edit",
            "set",
            "delete-target",
            "delete-both",
            "detach",
            "merge",
        )
    },
    **MORE,
}


def _steps(plain: Played, fails: Fails) -> Iterator[tuple[Method, int]]:
    """Each call that may fail so: the method, and which of its calls, counted from 0."""
    for method, count in sorted(plain.asked.items()):
        if method in KINDS[fails]:
            yield from ((method, number) for number in range(count))


def _failing(method: Method, *, number: int, failure: Failure) -> Callable[[World], None]:
    port, name = method

    def prepare(world: World) -> None:
        world.faults(port).plan(name, failure.error(), applied=failure.applied, skip=number)

    return prepare


def _injected(scenario: Scenario, *, fails: Fails, every: int = 1) -> dict[str, str]:
    """What is wrong with the scenario, by step."""
    plain = run(scenario)
    wrong = {}
    for turn, (method, number) in enumerate(_steps(plain, fails)):
        if turn % every == 0:
            spoil = _failing(method, number=number, failure=Failure(fails, turn))
            step = f"{'.'.join(method)} {number + 1}"
            wrong[step] = got_over(scenario, plain=plain, spoil=spoil)
    return wrong


@pytest.mark.proof
@pytest.mark.parametrize("fails", Fails, ids=lambda fails: fails.name.lower())
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.timeout(300)
def test_i5_an_error_at_any_kubernetes_call_is_got_over(
    name: str, fails: Fails, record_property: Figure
) -> None:
    wrong = _injected(STEPS[name], fails=fails)
    record_property("figure: Kubernetes errors injected, one at a call", len(wrong))
    all_got_over(wrong)


@pytest.mark.parametrize("name", MORE)
def test_i5_an_error_at_some_kubernetes_calls_is_got_over(
    name: str, record_property: Figure
) -> None:
    wrong = _injected(STEPS[name], fails=Fails.ERROR, every=QUICK_STEP)
    record_property("figure: Kubernetes errors injected, one at a call", len(wrong))
    all_got_over(wrong)
