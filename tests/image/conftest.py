"""The image, built once per worker, and pods of it on a sandbox.

Where no image can be built, these tests are skipped, and say why; in CI that is a failure.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import chart
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane, binary
from sandbox.processes import Scratch
from tests import figures
from tests.image import builds
from tests.image.builds import Image
from tests.image.container import sweep
from tests.image.pod import Deployment
from tests.integration.station import STEADY
from tests.integration.world import World

_HERE = Path(__file__).parent
_BUILDING = 600  # seconds; the first test of a worker waits for the image
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.image)
            item.add_marker(pytest.mark.timeout(_BUILDING))


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly or builds.missing():
        return
    if not any("deployment" in getattr(item, "fixturenames", ()) for item in session.items):
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for program in ("kube-apiserver", "etcd", "kubectl", "helm"):
            binary(program)


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The image of this working copy."""
    missing = builds.missing()
    if missing and os.environ.get("CI"):
        pytest.exit(f"no image was built: {missing}", returncode=pytest.ExitCode.TESTS_FAILED)
    if missing:
        pytest.skip(missing)
    with Scratch(prefix="aks-access-image-") as scratch:
        made = builds.build(scratch)
        yield made
        sweep(made)


@pytest.fixture
def figure(record_property: figures.Property) -> figures.Record:
    """Record a line for the table of figures."""
    return lambda text: record_property(figures.MEASURED, text)


@pytest.fixture(scope="session")
def deployment(image: Image) -> Iterator[Deployment]:
    """A control plane and an emulator for pods of the image."""
    with ControlPlane() as plane, ArmProcess(operation_seconds=0.3) as arm:
        chart.apply_chart(plane)
        made = Deployment(image=image, plane=plane, arm=arm, **STEADY)
        yield made
        made.stop()


@pytest.fixture
def world(deployment: Deployment) -> Iterator[World]:
    """This test's part of the deployment, with a pod that leads; judged at its end."""
    deployment.ensure()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = World(station=deployment, unique=lambda prefix: f"{prefix}-{worker}-{next(_numbers)}")
    try:
        yield made
        made.judge()
    finally:
        made.retire()
