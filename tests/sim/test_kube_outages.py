"""Hours of errors of the management cluster's API server: what that call is not needed for goes on.

Hours are virtual. `kube_errors` says which errors a call may raise.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from aks_access.engine.ports import Kind
from tests.sim.arm_errors import ANSWERS
from tests.sim.kube_errors import KINDS, Fails, Failure
from tests.sim.outages import ENDING, LAPTOP, NEW, STAYING
from tests.sim.play import simulated
from tests.sim.world import FOREIGN, KUBE_PORTS, OFFICE, World, condition, key_of

Figure = Callable[[str, object], None]

HOURS = 3
PROMPT = 15.0
"""Seconds within which a removal is sent that needs nothing of what fails."""
LATER = 62.0
"""Seconds until a call that failed is made again at the latest: the setting, and a look's time."""
CONSTANT = 660.0
"""The same where only the next round of looks and lists makes it."""
CALLS_A_MINUTE = 12
"""Of one method, for the handful of objects here, on the average of an hour."""
ORPHAN = "81.2.69.9/32"
BARE = {FOREIGN, OFFICE, STAYING}
ENDED = 900.0

ONE = [
    (port, method, fails)
    for fails, methods in KINDS.items()
    for port, method in sorted(methods)
    if method not in ("forget", "load_all")
]
EVERY = [(port, "*", Fails.ERROR) for port in KUBE_PORTS]
HOLDING = frozenset({"add_finalizer", "record", "save", "*"})
"""Calls that come before an addition; it waits for the answer of `RECORDS`, applied or not."""
RECORDS = frozenset({"record", "save"})
MUTE = frozenset({"patch_status", "*"})
"""Where these fail nothing can be told: what the statuses say was so when they were written."""


async def _stand(world: World) -> None:
    """A grant that is to go, one that stays, one that ends and goes, and one soon orphaned."""
    for name in ("weu", "neu"):
        world.cluster(name)
        world.target(name)
    world.grant("leaving")
    world.grant("staying", "81.2.69.1")
    world.grant("ending", "81.2.69.5", expiresAt=world.at(seconds=ENDED), retainAfterExpiry="10m")
    world.grant("orphan", "81.2.69.9", target="neu")
    await world.start()
    await world.rest()


def _act(world: World) -> None:
    """Two removals, one of them without a target, and an addition that needs all it can."""
    world.ungrant("leaving")
    world.grant("new", "81.2.69.7", duration="10h")
    world.api.force_delete(Kind.TARGET, "neu")


def _begin(world: World, *, port: str, method: str, failure: Failure) -> None:
    ports = (port,) if port else KUBE_PORTS
    for each in ports:
        world.faults(each).plan(method, failure.error(), times=None, applied=failure.applied)


def _end(world: World) -> None:
    for port in KUBE_PORTS:
        world.faults(port).planned.clear()


def _gone(world: World, entry: str, name: str = "weu") -> bool:
    return entry not in (world.list_of(name) or ())


def _nothing_untrue(world: World) -> None:
    """No status claims access that is not there, or its end before it was."""
    listed = world.list_of() or set()
    for name, entry in (("new", NEW), ("staying", STAYING), ("ending", ENDING)):
        if world.gone(name):
            assert entry not in listed
            continue
        state = world.state(name)
        assert state != "Active" or entry in listed, f"{name} is {state}"
        assert state != "Expired" or entry not in listed, f"{name} is {state}"
    ready = condition(world.target_status(), "Ready")
    if ready["reason"] == "InSync" and ready["observedGeneration"]:
        assert world.in_azure("staying") == "1/1"


def _calls_a_minute(before: dict[tuple[str, str], int], world: World) -> dict[str, float]:
    spent = {key: count - before.get(key, 0) for key, count in world.asked().items()}
    return {".".join(key): count / 60.0 / HOURS for key, count in spent.items()}


async def _hours(world: World, *, port: str, method: str, fails: Fails) -> None:
    await _stand(world)
    lost = fails in (Fails.UNREADABLE, Fails.NEWER) and method == "load"
    before, began = dict(world.asked()), world.now
    _begin(world, port=port, method=method, failure=Failure(fails))
    _act(world)
    mute = method in MUTE and port in ("", "objects")
    await world.until(lambda: _gone(world, LAPTOP), within=PROMPT)
    if not lost:
        await world.until(lambda: _gone(world, ORPHAN, "neu"), within=PROMPT)
    if not mute:
        _nothing_untrue(world)
    await world.advance(max(0.0, ENDED - world.now))
    assert not _gone(world, ENDING)
    await world.until(lambda: _gone(world, ENDING), within=PROMPT)
    await world.advance(began + HOURS * 3600.0 - world.now)
    if not mute:
        _nothing_untrue(world)
    listed = world.list_of() or set()
    assert listed - {NEW, STAYING} == {FOREIGN, OFFICE}
    assert STAYING in listed
    held = method in RECORDS or (method in HOLDING and fails is not Fails.LOST)
    assert (NEW not in listed) == (held or lost), f"{sorted(listed)}"
    busy = {k: n for k, n in _calls_a_minute(before, world).items() if n > CALLS_A_MINUTE}
    assert not busy, f"calls a minute: {busy}"
    assert len(world.tried()) <= 12
    assert len(world.gets()) <= 400
    assert len([d for d in world.audit.decisions if d.action == "Revoked"]) <= 6
    _end(world)
    await world.until(lambda: NEW in (world.list_of() or ()), within=CONSTANT)
    await world.advance(minutes=12)
    await world.rest()
    assert world.list_of() == {*BARE, NEW}
    assert world.list_of("neu") == ({FOREIGN, OFFICE})
    assert world.gone("leaving")
    assert world.gone("ending")
    assert world.state("new") == "Active"
    assert world.state("orphan") == "TargetNotFound"
    assert world.target_state() == "InSync"
    written = world.written()
    await world.advance(minutes=25)
    assert world.written() == written, "it does not rest"


@pytest.mark.proof
@pytest.mark.parametrize(("port", "method", "fails"), [*ONE, *EVERY, ("", "*", Fails.ERROR)])
@simulated
async def test_i4_hours_of_an_error_delay_no_removal(
    world: World, port: str, method: str, fails: Fails, record_property: Figure
) -> None:
    await _hours(world, port=port, method=method, fails=fails)
    record_property("figure: Kubernetes errors that lasted for hours", 1)


@pytest.mark.parametrize(
    ("port", "method", "fails"),
    [
        ("ledgers", "acknowledgement", Fails.ERROR),
        ("ledgers", "save", Fails.ERROR),
        ("ledgers", "save", Fails.TOO_LARGE),
        ("objects", "delete", Fails.CONFLICT),
    ],
)
@simulated
async def test_i4_hours_of_some_errors_delay_no_removal(
    world: World, port: str, method: str, fails: Fails
) -> None:
    await _hours(world, port=port, method=method, fails=fails)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("port", "method"), [("ledgers", "keys"), ("ledgers", "load"), ("activations", "load_all")]
)
@simulated
async def test_i8_hours_of_an_error_after_a_restart(world: World, port: str, method: str) -> None:
    await _stand(world)
    world.grant("timed", "81.2.69.7", duration="30m")
    await world.rest()
    ends = world.now + 1800.0
    world.kill()
    world.faults(port).plan(method, Failure(Fails.ERROR).error(), times=None)
    beginning = asyncio.ensure_future(world.start())
    await world.advance(60)
    world.ungrant("leaving")
    await world.advance(ends + 60.0 - world.now)
    known = method == "load_all"
    assert _gone(world, LAPTOP) == known, "nothing goes by a ledger that nobody has seen"
    assert _gone(world, NEW) == known, "what began is known from the status"
    await world.advance(hours=2)
    assert len(world.gets()) <= 60
    _end(world)
    await world.until(lambda: _gone(world, NEW) and _gone(world, LAPTOP), within=LATER)
    await beginning
    await world.rest()
    assert world.list_of() == BARE
    assert world.state("timed") == "Expired"
    assert world.gone("leaving")


@pytest.mark.proof
@simulated
async def test_i11_old_activations_that_cannot_be_dropped_are_tried_at_each_list(
    world: World,
) -> None:
    old = world.clock.now() - timedelta(days=200)
    await world.activations.record(namespace="team-a", entries={"uid:team-a/gone": old})
    await _stand(world)
    world.faults("activations").plan("forget", Failure(Fails.ERROR).error(), times=None)
    await world.advance(hours=HOURS)
    assert world.asked()["activations", "forget"] <= 6 * HOURS
    _end(world)
    await world.advance(seconds=CONSTANT)
    assert not world.activations.known()


@simulated
async def test_i4_a_grant_that_is_not_known_to_be_gone_is_asked_for_again_soon(
    world: World,
) -> None:
    await _stand(world)
    world.process.watch.lose = lambda kind, event, _: (kind, event) == (Kind.GRANT, "deleted")
    world.api.force_delete(Kind.GRANT, "leaving", namespace="team-a")
    fault = world.objects.faults.plan("get", Failure(Fails.ERROR).error())
    await world.until(lambda: fault.times == 0, within=CONSTANT)
    assert not _gone(world, LAPTOP)
    await world.until(lambda: _gone(world, LAPTOP), within=LATER)


@simulated
async def test_i4_a_ledger_that_is_restored_is_noticed_soon(world: World) -> None:
    await _stand(world)
    fault = world.ledgers.faults.plan("load", Failure(Fails.UNREADABLE).error(), times=None)
    world.regrant("leaving", ipRanges=["81.2.69.7"])
    await world.advance(minutes=30)
    assert not _gone(world, LAPTOP)
    world.ledgers.faults.lift(fault)
    await world.until(lambda: _gone(world, LAPTOP), within=LATER)


@pytest.mark.parametrize("method", ["add_finalizer", "record", "save"])
@simulated
async def test_i9_what_cannot_be_recorded_is_told_and_lets_nobody_go(
    world: World, method: str
) -> None:
    await _stand(world)
    port = {"add_finalizer": "objects", "record": "activations", "save": "ledgers"}[method]
    _begin(world, port=port, method=method, failure=Failure(Fails.ERROR))
    _act(world)
    await world.advance(minutes=20)
    assert world.state("new") == "Progressing"
    assert world.target_state() == "Progressing"
    assert world.state("ending") == "Expired"
    assert world.gone("leaving") == (method != "save"), "its record stands in the ledger"
    assert world.metrics.passes["target" if method == "save" else "grant", True] >= 10


@simulated
async def test_i9_a_removal_is_overdue_though_that_cannot_be_recorded(world: World) -> None:
    await _stand(world)
    world.azure.faults.plan("get", ANSWERS["unavailable"].error(), times=None)
    world.ledgers.faults.plan("save", Failure(Fails.ERROR).error(), times=None)
    world.ungrant("leaving")
    await world.advance(minutes=20)
    assert world.target_state() == "RevocationOverdue"
    assert not world.gone("leaving"), "no ledger has its debt"


@simulated
async def test_i11_an_extension_is_told_once_while_its_status_is_not_taken(world: World) -> None:
    await _stand(world)
    fault = world.objects.faults.plan("patch_status", Failure(Fails.ERROR).error(), times=None)
    world.regrant("ending", expiresAt=world.at(hours=9))
    await world.advance(hours=1)
    assert [d.action for d in world.audit.decisions].count("Extended") == 1
    world.objects.faults.lift(fault)
    await world.rest()
    assert [d.action for d in world.audit.decisions].count("Extended") == 1


@simulated
async def test_i5_a_status_that_was_answered_404_is_written_after_all(world: World) -> None:
    await _stand(world)
    world.grant("new", "81.2.69.7")
    await world.until(lambda: world.state("new") == "Progressing")
    fault = world.objects.faults.plan("patch_status", Failure(Fails.MISSING).error(), about="new")
    await world.until(lambda: fault.times == 0)
    await world.advance(LATER)
    assert world.state("new") == "Active"


@simulated
async def test_i5_the_status_of_a_target_that_was_not_taken_is_written_soon(world: World) -> None:
    await _stand(world)
    world.grant("new", "81.2.69.7")
    await world.until(lambda: world.target_state() == "Progressing")
    await world.advance(30)
    fault = world.objects.faults.plan("patch_status", Failure(Fails.ERROR).error(), about="weu")
    await world.until(lambda: fault.times == 0)
    await world.until(lambda: world.target_state() == "InSync", within=LATER)
    assert world.target_status()["ledgerSequence"] == world.ledger().sequence


@simulated
async def test_i5_the_status_of_an_unusable_target_that_was_not_taken_is_written_soon(
    world: World,
) -> None:
    world.cluster()
    world.objects.faults.plan("patch_status", Failure(Fails.ERROR).error(), times=3, about="weu")
    world.target(resourceId="/not/an/id")
    await world.start()
    await world.until(lambda: world.target_state() == "InvalidSpec", within=LATER)


@simulated
async def test_i5_the_status_of_a_duplicate_that_was_not_taken_is_written_soon(
    world: World,
) -> None:
    await _stand(world)
    fault = world.objects.faults.plan("patch_status", Failure(Fails.ERROR).error(), about="second")
    world.target("second", cluster="weu")
    await world.until(lambda: fault.times == 0)
    await world.until(lambda: world.target_state("second") == "DuplicateTarget", within=LATER)


@simulated
async def test_i5_the_status_of_a_cluster_that_is_not_read_and_not_taken_is_written_soon(
    world: World,
) -> None:
    world.cluster()
    world.azure.faults.plan("get", ANSWERS["no-right"].error(), times=None)
    fault = world.objects.faults.plan("patch_status", Failure(Fails.ERROR).error(), about="weu")
    world.target()
    await world.start()
    await world.until(lambda: fault.times == 0)
    await world.until(lambda: world.target_state() == "ReadForbidden", within=LATER)


@simulated
async def test_i11_a_targets_state_is_told_once_while_its_status_is_not_taken(
    world: World,
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    told, reads = len(world.events.reasons("weu")), len(world.gets())
    fault = world.objects.faults.plan(
        "patch_status", Failure(Fails.ERROR).error(), times=None, about="weu"
    )
    cluster = world.azure.cluster(key_of("weu"))
    cluster.power_state = "Stopped"
    world.grant("new", "81.2.69.7")
    await world.advance(hours=HOURS)
    assert world.events.reasons("weu")[told:] == ["ClusterStopped"]
    assert len(world.gets()) - reads <= HOURS * 60 + 10
    world.objects.faults.lift(fault)
    await world.until(lambda: world.target_state() == "ClusterStopped", within=LATER)
    cluster.power_state = "Running"
    await world.until(lambda: world.target_state() == "InSync", within=CONSTANT + LATER)
    cluster.power_state = "Stopped"
    await world.until(lambda: world.target_state() == "ClusterStopped", within=CONSTANT)
    news = world.events.reasons("weu")[told:]
    assert [reason for reason in news if reason != "ListWritten"] == ["ClusterStopped"] * 2
