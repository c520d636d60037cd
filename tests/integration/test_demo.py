"""`python -m sandbox up` and `python -m sandbox arm`, as people use them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.arm.portal import VARIABLE
from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT
from sandbox.processes import Process, Scratch, wait_until

pytestmark = pytest.mark.install

CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-prod"
    "/providers/Microsoft.ContainerService/managedClusters/prod-weu"
)


@pytest.fixture
def arm() -> Iterator[ArmProcess]:
    with ArmProcess(operation_seconds=0.1) as process:
        process.control.create_cluster(CLUSTER, ranges=["20.82.10.7/32"])
        yield process


def portal(arm: ArmProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", "arm", *arguments],
        cwd=ROOT,
        env={**os.environ, VARIABLE: arm.control_url},
        capture_output=True,
        text=True,
    )


def test_a_list_is_edited_as_in_the_portal(arm: ArmProcess) -> None:
    assert portal(arm, "add", "prod-weu", "20.50.1.7/32").stdout == (
        "prod-weu: 20.82.10.7/32, 20.50.1.7/32\n"
    )
    assert portal(arm, "remove", CLUSTER.upper(), "20.82.10.7/32").returncode == 0
    assert portal(arm, "list").stdout == "prod-weu: 20.50.1.7/32\n"
    assert "anyone can reach it" in portal(arm, "clear", "prod-weu").stdout
    assert arm.control.cluster(CLUSTER).applied is None


def test_an_unknown_cluster_is_named_with_those_there_are(arm: ArmProcess) -> None:
    done = portal(arm, "list", "prod")
    assert done.returncode == 2
    assert "There is no cluster prod; there are: prod-weu." in done.stderr


@pytest.mark.timeout(180)
def test_up_says_how_to_use_it_and_leaves_nothing_behind() -> None:
    with Scratch() as scratch, ExitStack() as stack:
        command = [sys.executable, "-u", "-m", "sandbox", "up"]
        process = Process(command, name="up", scratch=scratch, cwd=ROOT)
        stack.callback(process.stop)

        def told() -> bool:
            process.ensure_running()
            return "Ctrl-C here" in process.log.read_text()

        wait_until(told, what="up to be up", timeout=90, detail=process.log_tail)
        text = process.log.read_text()
        kubeconfig = Path(_export(text, "KUBECONFIG"))
        assert kubeconfig.exists()
        assert _export(text, VARIABLE).startswith("http://127.0.0.1:")
        assert "-m aks_access run --log-format=text" in text
        process.signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert "everything is removed" in process.log.read_text()
        assert not kubeconfig.parent.exists()


def _export(text: str, name: str) -> str:
    found = re.search(rf"^export {name}=(\S+)$", text, re.MULTILINE)
    assert found, text
    return found[1]
