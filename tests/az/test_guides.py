"""Guides as they are written, with the real az where the sandbox has what they ask of Azure."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT
from sandbox.controlplane import ControlPlane
from tests.az.command import Az
from tests.integration.guides import Reader
from tests.integration.test_guides import CLUSTER, TARGET, VALUES

pytestmark = pytest.mark.timeout(240)  # a whole guide, with Helm
_BEFORE = ["51.140.8.0/24", "20.82.10.7/32", "81.2.69.142/32"]


@pytest.fixture
def guide(tmp_path: Path, login: Callable[[ArmProcess], Az]) -> Iterator[Callable[[str], Reader]]:
    """A reader with the real az, on an API server where nothing is installed, and one cluster."""
    with ControlPlane() as plane, ArmProcess(operation_seconds=0.2) as arm:
        arm.control.create_cluster(CLUSTER, ranges=_BEFORE)
        az = login(arm)
        readers: list[Reader] = []

        def read(page: str) -> Reader:
            reader = Reader(
                page=ROOT / "docs" / page,
                plane=plane,
                arm=arm,
                folder=tmp_path,
                answers={},
                az=az.program,
                variables=az.variables,
            )
            readers.append(reader)
            return reader

        yield read
        for reader in readers:
            reader.pods.close()


def test_migration(guide: Callable[[str], Reader]) -> None:
    reader = guide("migration.md")
    reader.install(VALUES)
    reader.follow()
    wrote = {e.client_id for e in reader.arm.control.journal() if e.method == "PUT"}
    assert len(wrote) == 1, "somebody beside the operator wrote the cluster"


def test_the_lockout_card(guide: Callable[[str], Reader]) -> None:
    """Up to what goes past the list: the sandbox's clusters have no nodes to run a command."""
    reader = guide("uninstall.md")
    reader.install(VALUES)
    reader.run(f"{TARGET}kubectl wait --for=condition=Programmed aat/prod-weu --timeout=30s")
    reader.arm.control.edit_ranges(CLUSTER, remove=["81.2.69.142/32"])
    reader.follow(
        since="## Lockout card",
        until="**Past the list**, through Azure, unless the cluster has `disableRunCommand`:",
    )
    assert "81.2.69.142/32" in (reader.arm.control.cluster(CLUSTER).ranges or [])
