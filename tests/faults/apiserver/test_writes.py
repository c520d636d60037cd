"""Writes that the API server carried out and whose answers are lost: told apart from refusals."""

import pytest

from sandbox.apiproxy import Verb
from sandbox.apiproxy.faults import Answer, LoseAnswer
from tests.faults.apiserver.scene import LATE, Scene

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(120)]

WRITES = [Verb.CREATE, Verb.UPDATE, Verb.PATCH, Verb.DELETE]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("plural", ["apiaccessgrants", "apiaccesstargets", "configmaps", "leases"])
def test_i5_the_answer_of_a_write_is_lost(scene: Scene, plural: str, times: int) -> None:
    scene.build()
    fault = LoseAnswer()
    with scene.proxy.inject(fault, plurals=[plural], verbs=WRITES, times=times) as injection:
        late = scene.grant(LATE)
        scene.wait_in(LATE)
        scene.wait_struck(injection)
    with scene.proxy.inject(fault, plurals=[plural], verbs=WRITES, times=times) as injection:
        late.delete()
        scene.wait_struck(injection)
        late.wait_gone()
    scene.wait_ended()
    scene.wait_equal()
    scene.check_safe(LATE)
    ledger = scene.cluster.ledger()
    assert ledger is not None
    assert LATE not in str(ledger["data"].get("owned", ""))


@pytest.mark.parametrize("plural", ["apiaccessgrants", "apiaccesstargets", "configmaps"])
def test_i4_no_write_succeeds_while_access_ends(scene: Scene, plural: str) -> None:
    """An operator that can record nothing still takes away what has ended."""
    scene.build()
    fault = Answer(status=500, reason="InternalError")
    with scene.proxy.inject(fault, plurals=[plural], verbs=WRITES) as injection:
        scene.wait_ended()
        scene.wait_struck(injection)
    scene.wait_equal()
    scene.check_safe()


def test_i8_a_credential_that_is_rotated(scene: Scene) -> None:
    """Every request is refused until the operator has read its credential anew."""
    scene.build(ends_in=6)
    pid = scene.world.operator.pid
    with scene.proxy.inject(Answer(status=401, reason="Unauthorized")) as injection:
        scene.wait_struck(injection, times=4)
    scene.wait_ended()
    late = scene.grant(LATE)
    scene.wait_equal(LATE)
    late.delete()
    scene.wait_equal()
    scene.check_safe(LATE)
    assert scene.world.operator.pid == pid
