"""Guides as they are written, with the real az where the sandbox has what they ask of Azure."""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from sandbox import azure_cli
from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT
from sandbox.controlplane import ControlPlane
from tests.az.command import Az
from tests.integration import pretended_az
from tests.integration.guides import Reader
from tests.integration.people import azure_variables
from tests.integration.test_guides import (
    ANOTHER,
    ANSWERS,
    CLUSTER,
    HUB_EGRESS,
    SUBSCRIPTION,
    TARGET,
    VALUES,
)

pytestmark = pytest.mark.timeout(240)  # a whole guide, with Helm

_BEFORE = ["51.140.8.0/24", "20.82.10.7/32"]
_LAPTOP = "81.2.69.142/32"
_HUB = CLUSTER.replace("/rg-prod/", "/rg-hub/").replace("/prod-weu", "/hub-weu")
_OTHER = ANOTHER.rpartition("/")[2]
_TWIN = "20.99.0.0/24"
"""The list of clusters with the guides' names in the subscription of the log-in."""
_MIXED = """\
#!/bin/sh
case "$1 $2" in
  "account set" | "aks show" | "aks update" | "network public-ip") exec {real} "$@" ;;
  *) exec {pretended} "$@" ;;
esac
"""
"""The real az but for identities and roles, of which the emulator knows nothing."""


@pytest.fixture
def guide(tmp_path: Path, login: Callable[[ArmProcess], Az]) -> Iterator[Callable[..., Reader]]:
    """A reader with the real az, on an API server where nothing is installed, and two clusters.

    The log-in's own subscription has two of the same names, which nobody means.
    With `answers` they are what the pretended az says of identities and roles; with `asks_azure`
    commands of ours reach Azure, by an identity of their own.
    """
    with ControlPlane() as plane, ArmProcess(operation_seconds=0.2) as arm:
        arm.control.create_cluster(CLUSTER, ranges=_BEFORE)
        hub = arm.control.create_cluster(_HUB, ranges=_BEFORE)
        network = hub.body["properties"]["networkProfile"]
        [outbound] = network["loadBalancerProfile"]["effectiveOutboundIPs"]
        arm.control.put_public_ip(outbound["id"], address=HUB_EGRESS)
        for each in _twins():
            arm.control.create_cluster(each, ranges=[_TWIN])
        az = login(arm)
        az.shell(f"az account set --subscription {_OTHER}")
        readers: list[Reader] = []

        def read(
            page: str,
            *,
            answers: Mapping[str, str] = {},
            hurry: Mapping[str, str] = {},
            asks_azure: bool = False,
        ) -> Reader:
            reader = Reader(
                page=ROOT / "docs" / page,
                plane=plane,
                arm=arm,
                folder=tmp_path,
                answers=answers,
                hurry=hurry,
                az=_mixed(az, tmp_path) if answers else az.program,
                variables={**az.variables, **(azure_variables(arm) if asks_azure else {})},
            )
            readers.append(reader)
            return reader

        yield read
        for reader in readers:
            reader.pods.close()
        assert not (tmp_path / ".azure").exists()
        assert [arm.control.cluster(each).ranges for each in _twins()] == [[_TWIN], [_TWIN]]


def _twins() -> list[str]:
    own = SUBSCRIPTION.rpartition("/")[2]
    return [each.replace(own, _OTHER) for each in (CLUSTER, _HUB)]


def _mixed(az: Az, folder: Path) -> Path:
    pretended = shlex.join([sys.executable, str(pretended_az.__file__)])
    script = folder / "mixed-az"
    script.write_text(_MIXED.format(real=shlex.quote(str(az.program)), pretended=pretended))
    script.chmod(0o755)
    return script


def _as_azure_says(command: str) -> str:
    """A prepared command with what the real az reads from the cluster before it."""
    said = {
        "https://issuer": "https://westeurope.oic.prod-aks.azure.com/tenant/issuer/",
        "/userAssignedIdentities/cp": "/userAssignedIdentities/control-plane",
        CLUSTER: CLUSTER.replace("/resourceGroups/", "/resourcegroups/"),
    }
    for prepared, real in said.items():
        command = command.replace(prepared, real)
    return command


def test_install(guide: Callable[..., Reader]) -> None:
    answers: Mapping[str, str] = {
        _as_azure_says(command): said
        for command, said in ANSWERS.items()
        if not command.startswith(("account ", "aks ", "network "))
    }
    shorter = {"duration: 10m": "duration: 25s", "10m after": "25s after", "sleep 15": "sleep 0"}
    reader = guide("install.md", answers=answers, hurry=shorter)
    reader.follow()


def test_migration(guide: Callable[..., Reader]) -> None:
    reader = guide("migration.md", asks_azure=True)
    reader.arm.control.edit_ranges(CLUSTER, add=[_LAPTOP])
    reader.install(VALUES)
    reader.follow()
    wrote = {e.client_id for e in reader.arm.control.journal() if e.method == "PUT"}
    assert azure_cli.CLIENT_ID not in wrote
    assert len(wrote) == 1, "somebody beside the operator wrote the cluster"


def test_the_lockout_card(guide: Callable[..., Reader]) -> None:
    """Up to what goes past the list: the sandbox's clusters have no nodes to run a command."""
    reader = guide("uninstall.md")
    reader.install(VALUES)
    reader.run(f"{TARGET}kubectl wait --for=condition=Programmed aat/prod-weu --timeout=30s")
    reader.follow(
        since="## Lockout card",
        until="**Past the list**, through Azure, unless the cluster has `disableRunCommand`:",
    )
    assert _LAPTOP in (reader.arm.control.cluster(CLUSTER).ranges or [])
