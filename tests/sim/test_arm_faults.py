"""Every error of ARM's, once at every step and for hours: safe throughout, converged afterwards.

`arm_errors.ANSWERS` is the table. Hours are virtual.
"""

import itertools
from collections.abc import Callable

import pytest

from aks_access.engine.fakes.clusters import Request
from aks_access.errors import AzureFault
from tests.sim.arm_errors import ANSWERS, AZURE, GONE, Answer, failing
from tests.sim.crash_matrix import run
from tests.sim.outages import (
    ENDING,
    LAPTOP,
    NEW,
    STAYING,
    WANTED,
    act,
    all_got_over,
    got_over,
    under_way,
)
from tests.sim.play import simulated
from tests.sim.scenarios import SCENARIOS
from tests.sim.world import FOREIGN, OFFICE, World, condition

Figure = Callable[[str, object], None]

STEPS = ("grant", "expire", "delete", "edit", "delete-target")
PROMISED = 62.0
"""Seconds between two attempts while a removal is due: the setting, and one look's time."""


def _kinds() -> list[str]:
    """One answer of each kind that the engine can tell apart.

    A 400 is a verdict on the list, and has its own tests: `test_refused_once`.
    """
    found: dict[object, str] = {}
    for name, answer in ANSWERS.items():
        if answer.fault is AzureFault.INVALID:
            continue
        policy = answer.code == "RequestDisallowedByPolicy"
        found.setdefault((answer.fault, answer.retry_after, answer.applied, policy), name)
    return list(found.values())


@pytest.mark.proof
@pytest.mark.parametrize("answer", _kinds())
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.timeout(300)
def test_i5_an_error_at_any_step_is_got_over(
    name: str, answer: str, record_property: Figure
) -> None:
    scenario = SCENARIOS[name]
    plain = run(scenario)
    steps = sum(call in AZURE for call in plain.calls)
    late = "Azure forbids every request for so long" if ANSWERS[answer].retry_after else ""
    wrong = {
        f"step {number}": got_over(
            scenario, plain=plain, spoil=failing(number, ANSWERS[answer]), late=late
        )
        for number in range(1, steps + 1)
    }
    record_property("figure: ARM errors injected, one at a step", steps)
    all_got_over(wrong)


def _at_the_promised_pace(tries: list[Request], *, began: float, answer: Answer) -> None:
    moments = [request.at for request in tries if request.at >= began]
    most = max(PROMISED, (answer.retry_after or 0.0) + 2.0)
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert gaps, "nothing was tried"
    assert max(gaps) <= most, f"{max(gaps):.0f} s without a try"


def _true_and_helpful(world: World) -> None:
    """What the statuses say while Azure fails: nothing that is not so, and a way out."""
    listed = world.list_of() or set()
    ready = condition(world.target_status(), "Ready")
    assert ready["status"] == "False"
    assert len(ready["message"]) > 40, ready["message"]
    assert world.in_azure("new") == ("1/1" if NEW in listed else "0/1")
    assert world.state("new") != "Active" or NEW in listed
    assert world.in_azure("staying") == "1/1"
    if not world.gone("leaving"):
        assert world.state("leaving") in ("RevocationPending", "RevocationOverdue")


@pytest.mark.proof
@pytest.mark.parametrize(
    ("name", "method"),
    [
        (name, method)
        for name, answer in ANSWERS.items()
        for method in ("get", "put_ranges")
        if name not in GONE and not (answer.applied and method == "put_ranges")
    ],
)
@pytest.mark.timeout(120)
@simulated
async def test_i4_hours_of_an_error_delay_nothing_longer_than_they_last(
    world: World, name: str, method: str
) -> None:
    answer = ANSWERS[name]
    if answer.retry_after is not None:
        world.expect("I3", because="Azure forbids every request until its Retry-After is over")
    await under_way(world)
    fault = world.azure.faults.plan(method, answer.error(), times=None)
    began = world.now
    act(world)
    await world.advance(minutes=5)
    _true_and_helpful(world)
    assert not world.gone("leaving"), "let go before it is overdue"
    await world.advance(minutes=11)
    assert world.target_state() == "RevocationOverdue"
    assert world.gone("leaving"), "its debt is the ledger's"
    await world.advance(minutes=164)
    _true_and_helpful(world)
    assert world.target_state() == "RevocationOverdue"
    assert world.state("ending") == "RevocationOverdue"
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP, STAYING, ENDING}
    tries = world.gets() if method == "get" else world.tried()
    _at_the_promised_pace(tries, began=began + 10.0, answer=answer)
    assert len(world.gets()) <= 1000, "reads in three hours"
    assert len(world.tried()) <= 400, "writes in three hours"
    world.azure.faults.lift(fault)
    lifted = world.now
    await world.until(
        lambda: not {LAPTOP, ENDING} & (world.list_of() or set()),
        within=max(PROMISED, (answer.retry_after or 0.0) + 2.0) + 2.0,
    )
    await world.advance(max(0.0, lifted + 1800.0 - world.now))
    await world.rest()
    assert world.list_of() == WANTED
    assert world.state("new") == "Active"
    assert world.state("ending") == "Expired"
    assert world.target_state() == "InSync"
    assert world.events.reasons("weu").count("RevocationOverdue") >= 1


@simulated
async def test_i4_a_grant_is_not_blamed_while_azure_refuses_every_list(world: World) -> None:
    await under_way(world)
    fault = world.azure.faults.plan("put_ranges", ANSWERS["immutable"].error(), times=None)
    act(world)
    await world.advance(minutes=30)
    world.azure.faults.lift(fault)
    await world.advance(minutes=60)
    assert world.state("new") == "Active"


@pytest.mark.parametrize(
    ("method", "name", "says"),
    [
        ("put_ranges", "no-right", "WriteForbidden: The operator's identity lacks Microsoft.Con"),
        ("put_ranges", "locked", "ClusterLocked: A lock forbids the write: (ScopeLocked) as"),
        ("put_ranges", "immutable", "WriteRefused: Azure refused"),
        ("put_ranges", "unavailable", "AzureUnavailable: Azure gave no usable answer: (Server"),
        ("get", "no-right", "ReadForbidden: The operator's identity lacks Microsoft.Con"),
    ],
)
@simulated
async def test_i9_an_overdue_target_names_what_keeps_it(
    world: World, method: str, name: str, says: str
) -> None:
    await under_way(world)
    world.azure.faults.plan(method, ANSWERS[name].error(), times=None)
    act(world)
    await world.advance(minutes=30)
    assert world.target_state() == "RevocationOverdue"
    told = condition(world.target_status(), "Ready")["message"]
    assert f"still open, due {world.clock.now():%Y-%m-%d}" in told
    assert f". {says}" in told
    assert "By hand: `aks-access plan" in told


@simulated
async def test_i4_busy_refusals_are_tried_as_often_as_aks_refills(world: World) -> None:
    await under_way(world)
    world.azure.faults.plan("put_ranges", ANSWERS["busy"].error(), times=None)
    tried = len(world.tried())
    act(world)
    await world.advance(minutes=30)
    settled = len(world.tried())
    await world.advance(hours=2)
    assert 100 <= len(world.tried()) - settled <= 122, "one a minute"
    assert settled - tried <= 36


@pytest.mark.proof
@pytest.mark.parametrize("name", sorted(GONE))
@pytest.mark.timeout(120)
@simulated
async def test_i7_hours_of_404_release_and_its_return_is_settled(world: World, name: str) -> None:
    await under_way(world)
    fault = world.azure.faults.plan("get", ANSWERS[name].error(), times=None)
    act(world)
    await world.advance(minutes=5)
    assert world.gone("leaving"), "nothing stands on a cluster that is gone"
    assert world.target_state() == "ClusterNotFound"
    assert world.in_azure("new") != "1/1"
    await world.advance(minutes=175)
    assert len(world.gets()) <= 60
    world.azure.faults.lift(fault)
    await world.advance(minutes=30)
    await world.rest()
    assert world.list_of() == WANTED
    assert world.state("new") == "Active"


@pytest.mark.proof
@pytest.mark.parametrize("state", ["Updating", "Upgrading", "Stopping", "Deleting"])
@simulated
async def test_i9_a_cluster_that_is_stuck_for_hours(world: World, state: str) -> None:
    await under_way(world)
    cluster = world.azure.cluster(world.ledger().key)
    cluster.busy(3 * 3600.0, state=state)
    tried = len(world.tried())
    act(world)
    await world.advance(minutes=5)
    assert world.target_state() == "ClusterBusy"
    _true_and_helpful(world)
    await world.advance(minutes=11)
    assert world.target_state() == "RevocationOverdue"
    await world.advance(minutes=160)
    assert len(world.tried()) == tried, "AKS would refuse it"
    await world.until(lambda: LAPTOP not in (world.list_of() or set()), within=500)
    await world.advance(minutes=30)
    await world.rest()
    assert world.list_of() == WANTED


@pytest.mark.proof
@simulated
async def test_i9_a_cluster_that_is_stopped_for_hours(world: World) -> None:
    await under_way(world)
    cluster = world.azure.cluster(world.ledger().key)
    cluster.power_state = "Stopped"
    cluster.touch()
    act(world)
    await world.advance(minutes=5)
    assert world.target_state() == "ClusterStopped"
    _true_and_helpful(world)
    await world.advance(hours=3)
    assert world.target_state() == "RevocationOverdue"
    cluster.power_state = "Running"
    cluster.touch()
    await world.until(lambda: LAPTOP not in (world.list_of() or set()), within=PROMISED + 20.0)
    await world.advance(minutes=30)
    await world.rest()
    assert world.list_of() == WANTED


@pytest.mark.proof
@pytest.mark.parametrize("name", [name for name in ANSWERS if ANSWERS[name].status != 429])
@simulated
async def test_i6_operations_that_cannot_be_asked_for_hours(world: World, name: str) -> None:
    await under_way(world)
    world.azure.faults.plan("operation", ANSWERS[name].error(), times=None)
    act(world)
    await world.advance(hours=3)
    await world.rest()
    assert world.list_of() == WANTED
    assert world.state("new") == "Active"
    assert world.target_state() == "InSync"


@pytest.mark.proof
@simulated
async def test_i4_a_throttled_cluster_does_not_hold_its_neighbour(world: World) -> None:
    await under_way(world)
    world.cluster("neu")
    world.target("neu")
    world.grant("other", "81.2.69.142", target="neu")
    await world.rest()
    world.azure.faults.plan(
        "*", ANSWERS["throttled-long"].error(), times=None, about=world.ledger().key
    )
    act(world)
    await world.advance(20)
    world.ungrant("other")
    await world.until(lambda: LAPTOP not in (world.list_of("neu") or set()), within=5.0)


@pytest.mark.parametrize("name", ["no-right", "locked", "no-subscription"])
@simulated
async def test_i4_one_failed_read_delays_what_an_edit_takes_out_by_a_minute(
    world: World, name: str
) -> None:
    await under_way(world)
    world.azure.faults.plan("get", ANSWERS[name].error())
    world.regrant("leaving", ipRanges=["81.2.69.7"])
    await world.until(lambda: LAPTOP not in (world.list_of() or set()), within=PROMISED + 5.0)
