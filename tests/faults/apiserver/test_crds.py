"""A CRD that is taken away and brought back, for real: no other kind is let down meanwhile."""

import json

import pytest

from aks_access.engine.ports import Kind
from sandbox.chart import apply_chart
from tests.faults.apiserver.scene import BASELINE, FOREIGN, LATE, PLURALS, STAYS, Scene

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(240)]

PATIENCE = 60.0
"""Seconds: kopf may wait that long before it looks at the kind again."""


def crd(kind: Kind) -> str:
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURALS[kind]}.aksaccess.dev"


@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.RANGE_SET])
def test_i9_a_crd_is_removed_and_comes_back(scene: Scene, kind: Kind) -> None:
    """Its objects went with it: grants take their access along, a baseline's set does not."""
    scene.build(ends_in=30)
    world, pid = scene.world, scene.world.operator.pid
    world.plane.request("DELETE", crd(kind))
    world.eventually(lambda: world.get(crd(kind)) is None, what="the CRD to go", seconds=PATIENCE)
    told = scene.wait_readyz(f"the list of {kind} failed", ready=False, seconds=PATIENCE)
    assert "404" in told
    expected = {
        Kind.GRANT: (FOREIGN, BASELINE),
        Kind.RANGE_SET: (FOREIGN, BASELINE, STAYS),
    }
    assert set(scene.cluster.ranges or ()) >= set(expected[kind])
    apply_chart(world.plane)
    scene.wait_readyz("[+] caches", ready=True, seconds=PATIENCE)
    scene.wait_readyz("ok", ready=True, seconds=PATIENCE)
    late = scene.grant(LATE)
    late.wait_state("Active", seconds=PATIENCE)
    assert LATE in json.dumps(scene.cluster.ranges)
    assert world.operator.pid == pid
