"""Guides of the documentation, run as a reader runs them: every shell block, from top to bottom.

A block marked `sh` is run by bash, with the variables that earlier blocks set; one marked `console`
has a command behind each `$ ` and what it prints, which is compared but for times. kubectl and Helm
are the real ones, `az` is `pretended_az` unless a test brings the real one, and `Pods` does what a
kubelet would do with the Deployment.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.arm.process import ArmProcess
from sandbox.chart import CHART, NAMESPACE, ROOT, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane, binary
from sandbox.controlplane.client import ApiError
from sandbox.operator import OperatorProcess
from sandbox.processes import wait_until
from tests.integration.station import PACE, STEADY

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_TIME = re.compile(r"(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d(?::\d\d)?Z")
_AGE = re.compile(r"\b(?:\d+ ?[smhd]){1,2}\b")
_DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{SERVICE_ACCOUNT}"
_COMMAND = f"""\
#!{sys.executable}
import sys
sys.path[:0] = [{str(ROOT / "operator")!r}]
from aks_access.__main__ import main
from aks_access.cli.surroundings import Surroundings
main(surroundings=Surroundings(own_name=lambda: "dev-laptop"))
"""
_LINKS = ("azure", "charts", "crds", "deploy", "examples")
_OUTPUT_SECONDS = 30.0
_BLOCK_SECONDS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page: its language, its text without indentation, its line."""

    language: str
    text: str
    line: int


def blocks(page: Path, *, since: str = "", until: str = "") -> Iterator[Block]:
    """Every fenced block, in order, between two headings: the first line of each part."""
    text = page.read_text()
    begin = text.index(f"\n{since}\n") if since else 0
    end = text.index(f"\n{until}\n") if until else len(text)
    for found in _BLOCK.finditer(text, begin, end):
        indent, language, body = found.groups()
        lines = (line.removeprefix(indent) for line in body.splitlines(keepends=True))
        number = text.count("\n", 0, found.start()) + 1
        yield Block(language=language, text="".join(lines), line=number)


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a `console` block, each with what it prints."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command = f"{command}\n{more}"
        yield command, output


def plain(output: str) -> list[list[str]]:
    """Output as rows of cells, without what is another one each time."""
    text = _AGE.sub("AGE", _TIME.sub("TIME", output))
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip()]


@dataclass(slots=True)
class Pods:
    """A kubelet of one pod: the operator runs while the Deployment wants it to."""

    plane: ControlPlane
    arm: ArmProcess
    settings: Mapping[str, str]
    _running: OperatorProcess | None = None
    _as: str = ""

    def settle(self) -> None:
        """Start or stop the operator as the Deployment says, and say so in its status."""
        found = self._deployment()
        wanted = found["spec"]["replicas"] if found is not None else 0
        template = json.dumps(found["spec"]["template"]) if found is not None and wanted else ""
        if template != self._as:
            self.close()
            self._as = template
        if found is None or not wanted:
            return
        if self._running is None:
            self._running = OperatorProcess(
                plane=self.plane,
                arm=self.arm,
                environment=_variables(found),
                **{**PACE, **STEADY, **self.settings},
            )
            self._running.wait_ready()
            self._running.wait_leading()
        self._report(found, replicas=wanted)

    @property
    def gone(self) -> bool:
        """Whether no operator runs."""
        return self._running is None

    def close(self) -> None:
        """End the operator."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def _deployment(self) -> dict[str, Any] | None:
        try:
            return self.plane.request("GET", _DEPLOYMENT)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def _report(self, found: Mapping[str, Any], *, replicas: int) -> None:
        conditions = [{"type": kind, "status": "True"} for kind in ("Available", "Progressing")]
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {
            "observedGeneration": found["metadata"]["generation"],
            "conditions": conditions,
            **dict.fromkeys(counts, replicas),
        }
        kind = "application/merge-patch+json"
        self.plane.request("PATCH", f"{_DEPLOYMENT}/status", {"status": status}, content_type=kind)


def _variables(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The operator's own variables of the pod, but for those that name the place it runs at."""
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    given = {each["name"]: each.get("value") for each in container["env"]}
    return {
        name: value
        for name, value in given.items()
        if name.startswith("AKS_ACCESS_") and name != "AKS_ACCESS_NAMESPACE" and value
    }


@dataclass(slots=True)
class Reader:
    """Somebody who follows a guide in a folder of his own.

    Attributes:
        answers: what `az` prints, by its arguments; anything else it refuses.
        hurry: text of the page to what stands for it here, where a reader would wait too long.
        az: the real one, with its variables; None = the pretended one.
    """

    page: Path
    plane: ControlPlane
    arm: ArmProcess
    folder: Path
    answers: Mapping[str, str]
    hurry: Mapping[str, str] = field(default_factory=dict)
    az: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    pods: Pods = field(init=False)

    def __post_init__(self) -> None:
        self.pods = Pods(plane=self.plane, arm=self.arm, settings={})
        for name in _LINKS:
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / "az.json").write_text(json.dumps(dict(self.answers)))
        tools = self.folder / "bin"
        tools.mkdir()
        for name in ("kubectl", "helm"):
            (tools / name).symlink_to(binary(name))
        for name in ("aks-access", "kubectl-aks_access"):
            (tools / name).write_text(_COMMAND)
            (tools / name).chmod(0o755)
        if self.az is not None:
            (tools / "az").symlink_to(self.az)
            return
        az = [sys.executable, str(Path(__file__).with_name("pretended_az.py"))]
        (tools / "az").write_text(f'#!/bin/sh\nexec {shlex.join(az)} "$@"\n')
        (tools / "az").chmod(0o755)

    def install(self, values: str, *, chart: Path = CHART) -> None:
        """What a page takes for granted: the operator runs, and its values are in values.yaml."""
        (self.folder / "values.yaml").write_text(values)
        self.run(
            f"helm install aks-access-operator {chart} --create-namespace "
            f"--namespace {NAMESPACE} --values values.yaml"
        )

    def follow(self, *, since: str = "", until: str = "") -> None:
        """Run the page from top to bottom, or from one heading to another."""
        found = [
            block
            for block in blocks(self.page, since=since, until=until)
            if block.language in ("sh", "console")
        ]
        assert found, f"{self.page.name} has no commands there"
        for block in found:
            where = f"{self.page.name}, line {block.line}"
            if block.language == "sh":
                self.run(self._hurried(block.text), where=where)
            else:
                for command, output in commands(block):
                    self._expect(self._hurried(command), self._hurried(output), where=where)

    def _hurried(self, text: str) -> str:
        for slow, quick in self.hurry.items():
            text = text.replace(slow, quick)
        return text

    def _expect(self, command: str, output: str, *, where: str) -> None:
        """Output follows what the operator does, so it is looked at again until it is as said."""
        seen = ""

        def as_said() -> bool:
            nonlocal seen
            seen = self._shell(command, where=where)
            return plain(seen) == plain(output)

        wait_until(
            as_said,
            what=f"{where} to print\n{output}",
            timeout=_OUTPUT_SECONDS,
            detail=lambda: f"It printed\n{seen}",
        )

    def run(self, script: str, *, where: str = "before the page") -> None:
        """Run a script; then the operator starts or stops as the Deployment says."""
        self._shell(script, where=where)
        self.pods.settle()

    def _shell(self, script: str, *, where: str) -> str:
        state = self.folder / "state"
        whole = (
            f"set -euo pipefail; [ ! -e {state} ] || . {state}; set -a\n{script}\n"
            f"export -p > {state}\n"
        )
        done = subprocess.run(
            # Its own process group, and all of it ended: kubectl too, which may be what waits.
            ["timeout", "--kill-after=5", str(_BLOCK_SECONDS), "bash", "-c", whole],
            cwd=self.folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "HOME": str(self.folder),
                "KUBECONFIG": str(self.plane.kubeconfig),
                "PRETENDED_AZ": str(self.folder / "az.json"),
                "PRETENDED_AZ_CONTROL": self.arm.control_url,
                "PYTHONPATH": str(ROOT),
                **self.variables,
            },
        )
        assert done.returncode == 0, (
            f"{where}, ended with {done.returncode}:\n{script}\n{done.stdout}{done.stderr}"
        )
        return done.stdout
