"""Broken watches, per kind: nothing is lost or opened, and what happened meanwhile is found."""

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

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(120)]

WATCH_FAULTS: dict[str, Fault] = {
    "stall": Stall(),
    "half-open": HalfOpen(),
    "reset": Reset(),
    "cut mid-JSON": CutMidEvent(),
    "delayed": Delay(seconds=3.0),
    "DELETED suppressed": Suppress(),
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


def touch(scene: Scene, kind: Kind) -> None:
    """An event of the kind, and one of a deletion, that change nothing of the list."""
    note = {"annotations": {"example.com/touched": scene.world.unique("t")}}
    match kind:
        case Kind.GRANT:
            scene.world.objects[-1].patch(metadata=note)
            scene.world.grant(None, "20.9.9.9", targetRef={"name": "none"}).delete()
        case Kind.TARGET:
            scene.target.patch(metadata=note)
            scene.world.target(scene.world.cluster()).delete()
        case Kind.RANGE_SET:
            scene.ranges.patch(metadata=note)
            scene.world.range_set("20.9.9.9").delete()
        case Kind.NAMESPACE:
            scene.world.namespace()


@pytest.mark.parametrize("fault", WATCH_FAULTS.values(), ids=WATCH_FAULTS.keys())
@pytest.mark.parametrize("kind", Kind)
def test_i8_a_broken_watch_of(scene: Scene, kind: Kind, fault: Fault) -> None:
    if kind is Kind.NAMESPACE and isinstance(fault, Suppress):
        pytest.skip("no controller runs that would let a namespace go")
    scene.build()
    pid = scene.world.operator.pid
    restarts = scene.metric(RESTARTS)
    with scene.proxy.inject(fault, plurals=[PLURALS[kind]], verbs=[Verb.WATCH]) as injection:
        touch(scene, kind)
        late = scene.grant(LATE)
        scene.wait_struck(injection)
        scene.wait_ended()
    scene.wait_equal(LATE)
    late.delete()
    late.wait_gone()
    scene.wait_equal()
    scene.check_safe(LATE)
    if fault in ENDS_ALL_WATCHES:
        scene.wait_metric(RESTARTS, lambda value: value > restarts)
        scene.wait_readyz("[+] watches", ready=True, seconds=60)
    assert scene.world.operator.pid == pid
    scene.wait_readyz("ok", ready=True)
