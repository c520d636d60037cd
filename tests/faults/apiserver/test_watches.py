"""Broken watches, per kind: nothing is lost or opened, and what happens meanwhile is found."""

import pytest

from aks_access.engine.ports import Kind
from sandbox.apiproxy import Verb
from sandbox.apiproxy.faults import (
    Answer,
    CutMidEvent,
    Delay,
    ErrorEvent,
    Fault,
    HalfOpen,
    Reset,
    Stall,
    Suppress,
)
from tests.faults.apiserver.scene import LATE, PLURALS, Scene
from tests.faults.apiserver.stakes import stake, support

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(120)]

WATCH_FAULTS: dict[str, Fault] = {
    "stall": Stall(),
    "half-open": HalfOpen(),
    "reset": Reset(),
    "cut mid-JSON": CutMidEvent(),
    "delayed": Delay(seconds=3.0),
    "changes suppressed": Suppress(frozenset({"ADDED", "MODIFIED"})),
    "410 as ERROR": ErrorEvent(),
    "410 as HTTP": Answer(status=410, reason="Expired"),
    "500 as ERROR": ErrorEvent(status=500, reason="InternalError"),
    "404": Answer(status=404, reason="NotFound"),
    "403": Answer(status=403, reason="Forbidden"),
    "401": Answer(status=401, reason="Unauthorized"),
    "429": Answer(status=429, reason="TooManyRequests", retry_after=1),
}

ENDS_ALL_WATCHES = [WATCH_FAULTS[name] for name in ("410 as HTTP", "500 as ERROR", "404")]
"""What kopf gives up over: the operator must begin its watches anew."""
RESTARTS = "aks_access_watch_restarts_total"


@pytest.mark.parametrize("fault", WATCH_FAULTS.values(), ids=WATCH_FAULTS.keys())
@pytest.mark.parametrize("kind", Kind)
def test_i8_a_broken_watch_of(scene: Scene, kind: Kind, fault: Fault) -> None:
    """What lets access in and what ends it are both found while the watch is broken."""
    scene.build()
    late = stake(scene, kind)
    pid = scene.world.operator.pid
    restarts = scene.metric(RESTARTS)
    with scene.proxy.inject(fault, plurals=[PLURALS[kind]], verbs=[Verb.WATCH]) as injection:
        late.come()
        scene.wait_struck(injection)
        scene.wait_in(LATE)
        scene.wait_ended()
        late.go()
        scene.wait_equal()
    scene.check_safe(LATE)
    if fault in ENDS_ALL_WATCHES:
        scene.wait_metric(RESTARTS, lambda value: value > restarts)
        scene.wait_readyz("[+] watches", ready=True, seconds=60)
    assert scene.world.operator.pid == pid
    scene.wait_readyz("ok", ready=True)


@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.TARGET, Kind.RANGE_SET])
def test_i3_no_watch_tells_that_an_object_is_gone(scene: Scene, kind: Kind) -> None:
    """Removed past its finalizer: neither an event nor a reconnected watch ever says so."""
    scene.build()
    item, cluster = support(scene, kind)
    fault = Suppress(frozenset({"MODIFIED", "DELETED"}))
    with scene.proxy.inject(fault, plurals=[PLURALS[kind]], verbs=[Verb.WATCH]) as injection:
        item.force_delete()
        scene.wait_struck(injection)
        scene.wait_without(LATE, of=cluster)
        scene.wait_ended()
    scene.wait_equal()
    scene.check_safe(LATE)
