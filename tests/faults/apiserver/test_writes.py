"""Writes that the API server carried out and whose answers are lost: told apart from refusals."""

import pytest

from sandbox.apiproxy import Verb
from sandbox.apiproxy.faults import Answer, LoseAnswer
from tests.faults.apiserver.scene import BASELINE, BY_SET, LATE, STAYS, Scene
from tests.integration.test_crashes import owned

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
    scene.world.eventually(
        lambda: owned(scene.cluster) == {BASELINE, STAYS, BY_SET},
        what="the ledger to hold what stands, and no more",
        about=scene.cluster,
    )


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
    """The old token is refused before the new one is there, and for good."""
    scene.build(ends_in=6)
    pid, old = scene.world.operator.pid, scene.token
    unauthorized = Answer(status=401, reason="Unauthorized")
    with scene.proxy.inject(unauthorized, token=old) as refused:
        scene.wait_struck(refused, times=4)
        scene.rotate()
        assert scene.token != old
        scene.wait_ended()
        late = scene.grant(LATE)
        scene.wait_equal(LATE)
        scene.wait_readyz("ok", ready=True, seconds=60)
        refusals = refused.struck
        late.delete()
        late.wait_gone()
        scene.wait_equal()
        scene.rest()
        assert refused.struck == refusals, "something still asks with the old token"
    scene.check_safe(LATE)
    assert scene.world.operator.pid == pid
