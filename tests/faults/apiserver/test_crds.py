"""A CRD that is taken away and brought back, for real: no other kind is let down meanwhile."""

from typing import Final

import pytest

from aks_access.engine.ports import Kind
from sandbox.chart import apply_chart
from tests.faults.apiserver.scene import BASELINE, FOREIGN, LATE, PLURALS, STAYS, Scene

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(240)]

PATIENCE = 60.0
"""Seconds: kopf may wait that long before it looks at the kind again."""

LEFT: Final = {
    Kind.GRANT: frozenset({FOREIGN, BASELINE}),
    Kind.TARGET: frozenset({FOREIGN, BASELINE}),
    Kind.RANGE_SET: frozenset({FOREIGN, BASELINE, STAYS}),
}
"""What stands without the objects of a kind: a baseline keeps what its set was."""


def crd(kind: Kind) -> str:
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURALS[kind]}.aksaccess.dev"


SELDOM: Final = {"relist_interval": "10m", "watch_idle_timeout": "70s"}
"""The settings' own defaults: lists that come too late to hide a watch that is not there."""


def remove(scene: Scene, kind: Kind) -> None:
    """Delete the CRD; the API server deletes its objects first."""
    scene.world.plane.request("DELETE", crd(kind))


def wait_away(scene: Scene, kind: Kind) -> None:
    world = scene.world
    world.eventually(lambda: world.get(crd(kind)) is None, what="the CRD to go", seconds=PATIENCE)
    told = scene.wait_readyz(f"the list of {kind} failed", ready=False, seconds=PATIENCE)
    assert "404" in told


def bring_back(scene: Scene) -> None:
    apply_chart(scene.world.plane)
    scene.wait_readyz("[+] caches", ready=True, seconds=PATIENCE)
    scene.wait_readyz("ok", ready=True, seconds=PATIENCE)


@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.RANGE_SET])
def test_i9_a_crd_is_removed_and_comes_back(scene: Scene, kind: Kind) -> None:
    """Its objects went with it: grants take their access along, a baseline's set does not."""
    scene.build(ends_in=6)
    pid = scene.world.operator.pid
    remove(scene, kind)
    wait_away(scene, kind)
    scene.cluster.wait_ranges(*LEFT[kind])
    bring_back(scene)
    scene.grant(LATE).wait_state("Active", seconds=PATIENCE)
    scene.cluster.wait_ranges(*LEFT[kind], LATE)
    scene.rest()
    scene.check_safe(LATE, kept=LEFT[kind])
    assert scene.world.operator.pid == pid


@pytest.mark.parametrize("forced", [False, True], ids=["finalizers", "by force"])
def test_i9_the_crd_of_targets_is_removed_and_comes_back(scene: Scene, forced: bool) -> None:
    """Ledgers are all that is left: what grants let in goes, and comes with the target again."""
    scene.build(ends_in=6)
    pid, spec = scene.world.operator.pid, scene.target.read()["spec"]
    if forced:
        scene.target.patch(suspend=True)
        scene.target.wait_state("Suspended")  # so that its deletion waits
    remove(scene, Kind.TARGET)
    if forced:
        scene.target.until(lambda o: "deletionTimestamp" in o["metadata"], what="to be deleted")
        scene.target.patch(metadata={"finalizers": None})
    wait_away(scene, Kind.TARGET)
    scene.cluster.wait_ranges(*LEFT[Kind.TARGET])
    bring_back(scene)
    scene.world.create(Kind.TARGET, spec, name=scene.target.name)
    scene.wait_equal(seconds=PATIENCE)
    late = scene.grant(LATE)
    scene.wait_equal(LATE)
    late.delete()
    scene.wait_equal()
    scene.check_safe(LATE, kept=LEFT[Kind.TARGET])
    assert scene.world.operator.pid == pid


@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.RANGE_SET])
def test_i9_a_crd_that_comes_back_is_watched_again(scene: Scene, kind: Kind) -> None:
    """No list comes in time: what is made and taken away afterwards is seen by the watches."""
    scene.world.station.ensure(**SELDOM)
    scene.build(ends_in=6)
    pid = scene.world.operator.pid
    remove(scene, kind)
    away = f"does not serve {PLURALS[kind]}"
    scene.wait_readyz(away, ready=False, seconds=PATIENCE)
    scene.cluster.wait_ranges(*LEFT[kind])
    apply_chart(scene.world.plane)
    scene.wait_readyz("[+] watches", ready=True, seconds=PATIENCE)
    late = scene.world.range_set(LATE)
    grant = scene.world.grant(scene.target, rangeSetRefs=[{"name": late.name}])
    grant.wait_state("Active", seconds=PATIENCE)
    scene.cluster.wait_ranges(*LEFT[kind], LATE)
    grant.delete()
    scene.cluster.wait_ranges(*LEFT[kind])
    scene.check_safe(LATE, kept=LEFT[kind])
    assert scene.world.operator.pid == pid
