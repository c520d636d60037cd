"""Lists that fail or lie, per kind: a partial view takes nothing away, and expiry goes on."""

import pytest

from aks_access.engine.ports import Kind
from sandbox.apiproxy import Verb
from sandbox.apiproxy.faults import (
    Answer,
    EmptyList,
    Fault,
    FrozenList,
    HalfOpen,
    Reset,
    ShortPages,
)
from tests.faults.apiserver.scene import LATE, PLURALS, Scene

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(120)]

LOOKS = [Verb.LIST, Verb.WATCH]
FAILURES: dict[str, Fault] = {
    "503": Answer(status=503, reason="ServiceUnavailable"),
    "429": Answer(status=429, reason="TooManyRequests", retry_after=1),
    "403": Answer(status=403, reason="Forbidden"),
    "401": Answer(status=401, reason="Unauthorized"),
    "410": Answer(status=410, reason="Expired"),
    "reset": Reset(),
}


@pytest.mark.parametrize("fault", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("kind", Kind)
def test_i8_nothing_of_a_kind_can_be_read(scene: Scene, kind: Kind, fault: Fault) -> None:
    scene.build()
    pid = scene.world.operator.pid
    failures = f'aks_access_relist_failures_total{{kind="{kind}"}}'
    before = scene.metric(failures)
    with scene.proxy.inject(fault, plurals=[PLURALS[kind]], verbs=LOOKS) as injection:
        scene.wait_struck(injection, times=2)
        told = scene.wait_readyz(f"the list of {kind} failed", ready=False)
        assert "[-] caches" in told
        scene.wait_metric(failures, lambda value: value > before)
        assert f"the list of {kind} failed" in scene.world.operator.log.read_text()
        scene.wait_ended()
    scene.wait_readyz("[+] caches", ready=True, seconds=30)
    late = scene.grant(LATE)
    scene.wait_equal(LATE)
    late.delete()
    scene.wait_equal()
    scene.check_safe(LATE)
    assert scene.world.operator.pid == pid


@pytest.mark.parametrize("kind", Kind)
def test_i8_a_list_that_is_empty_although_it_succeeded(scene: Scene, kind: Kind) -> None:
    scene.build()
    with scene.proxy.inject(EmptyList(), plurals=[PLURALS[kind]]) as injection:
        scene.wait_struck(injection, times=2)
        scene.wait_ended()
        scene.rest()
        scene.check_safe()
    scene.wait_equal()
    late = scene.grant(LATE)
    scene.wait_equal(LATE)
    late.delete()
    scene.wait_equal()
    scene.check_safe(LATE)


@pytest.mark.parametrize("kind", Kind)
def test_i8_an_old_list_after_a_newer_watch_event(scene: Scene, kind: Kind) -> None:
    """As from an API server whose cache lags behind: each list is older than what was seen."""
    frozen = FrozenList()
    with scene.proxy.inject(frozen, plurals=[PLURALS[kind]]) as injection:
        scene.wait_struck(injection)
        scene.build()
        scene.wait_struck(injection, times=injection.struck + 2)
        scene.wait_ended()
        scene.rest()
        scene.check_safe()
    scene.wait_equal()
    scene.check_safe()


def test_i3_an_old_list_brings_no_deleted_grant_back(scene: Scene) -> None:
    scene.build()
    late = scene.grant(LATE)
    scene.wait_in(LATE)
    frozen = FrozenList()
    with scene.proxy.inject(frozen, plurals=["apiaccessgrants"]) as injection:
        scene.wait_struck(injection)
        late.delete()
        scene.wait_without(LATE)
        scene.begun = scene.world.mark()
        scene.wait_struck(injection, times=injection.struck + 2)
        scene.rest()
        scene.check_safe()
        scene.wait_readyz("it is not believed", ready=False)
    scene.wait_equal()
    scene.check_safe()


@pytest.mark.parametrize("kind", Kind)
def test_i8_the_pages_of_a_list_expire(scene: Scene, kind: Kind) -> None:
    scene.build()
    scene.world.range_set("20.9.9.9")
    for number in range(3):  # more than a page of each kind
        scene.world.grant(None, "20.9.9.9", targetRef={"name": f"none-{number}"})
        scene.world.target(scene.world.cluster())
    plurals = [PLURALS[kind]]
    gone = Answer(status=410, reason="Expired")
    with (
        scene.proxy.inject(ShortPages(limit=1), plurals=plurals),
        scene.proxy.inject(gone, plurals=plurals, verbs=[Verb.LIST], continued=True) as injection,
    ):
        scene.wait_struck(injection, times=3)
        scene.wait_readyz(f"the list of {kind} failed", ready=False)
        scene.wait_ended()
    scene.wait_readyz("[+] caches", ready=True)
    scene.wait_equal()
    scene.check_safe()


@pytest.mark.parametrize("kind", Kind)
def test_i8_pages_of_one_object_are_one_list(scene: Scene, kind: Kind) -> None:
    with scene.proxy.inject(ShortPages(limit=1), plurals=[PLURALS[kind]]) as injection:
        scene.build()
        scene.wait_struck(injection, times=injection.struck + 2)
        scene.wait_ended()
    scene.wait_equal()
    scene.check_safe()


@pytest.mark.timeout(240)
def test_i8_every_kind_is_answered_503_for_70_seconds(scene: Scene) -> None:
    """Longer than the minute after which kopf gives up when left at its defaults."""
    scene.build(ends_in=8)
    pid = scene.world.operator.pid
    fault = Answer(status=503, reason="ServiceUnavailable")
    with scene.proxy.inject(fault, plurals=PLURALS.values(), verbs=LOOKS) as injection:
        until = scene.now() + 70
        scene.wait_readyz("failed", ready=False)
        scene.wait_ended()
        late = scene.grant(LATE)
        scene.world.eventually(
            lambda: scene.now() >= until and injection.struck > 0,
            what="70 s of 503",
            seconds=80,
        )
    scene.wait_readyz("[+] caches", ready=True)
    scene.wait_equal(LATE)
    late.delete()
    scene.wait_equal()
    scene.check_safe(LATE)
    assert scene.world.operator.pid == pid


@pytest.mark.timeout(180)
def test_i8_the_whole_api_server_is_half_open(scene: Scene) -> None:
    """No Lease can be kept, so nothing is written; what fell due goes once it is back."""
    scene.build(ends_in=6)
    pid = scene.world.operator.pid
    with scene.proxy.inject(HalfOpen()) as injection:
        scene.wait_struck(injection)
        until = scene.now() + 15
        scene.world.eventually(lambda: scene.now() >= until, what="15 s of silence", seconds=20)
        scene.check_safe()
    scene.wait_ended(promptly=False)
    scene.wait_equal()
    scene.check_safe()
    assert scene.world.operator.pid == pid
