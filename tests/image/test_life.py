"""A pod of the image does the main job, and ends as a pod must."""

import os
import signal
import time
from pathlib import Path

import pytest

from sandbox.processes import wait_until
from tests import figures
from tests.faults.replicas import holder
from tests.image.container import USER
from tests.image.pod import Deployment, Pod
from tests.integration.scenes import ENTRY, LAPTOP, OFFICE
from tests.integration.world import World

SOMEBODY = 1_000_650_000
"""A number such as OpenShift makes up for a namespace."""


def running(world: World) -> Pod:
    pod = world.operator
    assert isinstance(pod, Pod)
    return pod


def test_access_is_given_and_taken_away(world: World, figure: figures.Record) -> None:
    cluster = world.cluster([OFFICE])
    target = world.target(cluster)
    target.wait_state("InSync")
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    assert cluster.ranges == [OFFICE, ENTRY]
    grant.patch(expiresAt=world.at(5))
    grant.wait_state("Expired")
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE)
    grant.wait_event("AccessGranted", "AccessExpired")
    pod = running(world)
    figure(f"resident {pod.resident_bytes() >> 20} MiB of the chart's {pod.memory >> 20} MiB")


def test_it_has_no_rights_and_nothing_to_write_to(world: World) -> None:
    process = Path(f"/proc/{running(world).pid}")
    status = dict(
        line.split(":\t", 1)
        for line in (process / "status").read_text().splitlines()
        if ":" in line
    )
    assert status["NSpid"].split()[-1] == "1"
    assert {*status["Uid"].split(), *status["Gid"].split()} == {str(USER)}
    assert {status[f"Cap{which}"] for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    writable = {mount[4] for mount in mounts if "ro" not in mount[5].split(",")}
    assert writable == {"/proc"}


def test_sigterm_gives_the_lease_back_in_time(world: World, figure: figures.Record) -> None:
    pod = running(world)
    assert holder(world) == pod.name
    began = time.monotonic()
    pod.sigterm()
    assert pod.wait(seconds=pod.grace) == 0
    took = time.monotonic() - began
    assert holder(world) == ""
    assert pod.log_lines()[-1]["message"] == "stopped"
    figure(f"SIGTERM to exit: {took:.1f} s of the chart's {pod.grace:g} s")


def test_sigterm_while_it_starts_is_not_lost(deployment: Deployment) -> None:
    with deployment.make() as pod:
        wait_until(
            lambda: handles(pod, signal.SIGTERM), what="a handler", timeout=20, interval=0.01
        )
        pod.sigterm()
        assert pod.wait(seconds=pod.grace) == 0
        assert pod.log_lines() == [], "it was told before it began"


def handles(pod: Pod, number: signal.Signals) -> bool:
    pod.ensure_running()
    for line in Path(f"/proc/{pod.pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


@pytest.mark.parametrize(
    ("before", "user"),
    [((), SOMEBODY), (("env", "--unset=HOME"), USER)],
    ids=["user-without-a-name", "no-home"],
)
def test_it_works_whoever_it_runs_as(
    world: World, deployment: Deployment, before: tuple[str, ...], user: int
) -> None:
    pod = deployment.start(before=before, user=user)
    process = Path(f"/proc/{pod.pid}")
    assert process.stat().st_uid == user
    assert ("HOME=" in (process / "environ").read_text()) == (not before)
    world.grant(world.target(world.cluster([OFFICE])), LAPTOP).wait_state("Active")
    troubles = [each for each in pod.log_lines() if each.get("level") in ("ERROR", "CRITICAL")]
    assert troubles == []


def test_nothing_of_it_survives_its_starter(deployment: Deployment) -> None:
    pod = deployment.make()
    process = Path(f"/proc/{pod.pid}")
    os.kill(pod.starter, signal.SIGKILL)
    wait_until(lambda: not process.exists(), what="the container to end", timeout=30)
    pod.close()
