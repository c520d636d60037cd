"""The real `az` in a test's hands, at one emulator: scripts, and lines as somebody pastes them."""

import itertools
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sandbox import azure_cli
from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT
from sandbox.processes import Process, Scratch

VARIABLE: Final = "AKS_ACCESS_AZ"
"""Names the command; what it names must be there."""

_SECONDS = 60
_BASH: Final = ("bash", "-euo", "pipefail", "-c")
_numbers = itertools.count(1)


def program() -> Path:
    """Where the command should be: where the variable says, or where `make az` puts it."""
    return Path(os.environ.get(VARIABLE) or ROOT / "build" / "az" / "bin" / "az").absolute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Az:
    """The command with a home, a configuration and a login of its own.

    `proxy` is the only way out but loopback.
    """

    program: Path
    scratch: Scratch
    variables: Mapping[str, str]

    @classmethod
    def logged_in(cls, arm: ArmProcess, *, program: Path, scratch: Scratch, proxy: str) -> Self:
        """One that knows the subscriptions that the emulator has by now."""
        tools = scratch.path / "bin"
        tools.mkdir()
        (tools / "az").symlink_to(program)
        azure_cli.configure(scratch.path / "az")
        made = cls(
            program=program,
            scratch=scratch,
            variables={
                **azure_cli.variables(arm, folder=scratch.path / "az"),
                "HTTPS_PROXY": proxy,
                "HTTP_PROXY": proxy,
                "NO_PROXY": "localhost,127.0.0.1",
            },
        )
        made.lines(azure_cli.login(arm))
        return made

    def shell(self, script: str, **variables: str) -> str:
        """What a bash script prints that must succeed; `variables` are its own."""
        done = self.attempt(script, **variables)
        assert done.returncode == 0, f"{script}\nended with {done.returncode}:\n{done.stderr}"
        return done.stdout

    def refused(self, script: str, **variables: str) -> str:
        """What a bash script says on standard error that must fail."""
        done = self.attempt(script, **variables)
        assert done.returncode != 0, f"{script}\nsucceeded:\n{done.stdout}{done.stderr}"
        return done.stderr

    def attempt(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a bash script to its end, whatever that is."""
        return subprocess.run(
            ["timeout", "--kill-after=5", str(_SECONDS), *_BASH, script],
            cwd=self.scratch.path,
            env=self._environment(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, script: str, **variables: str) -> Process:
        """Begin a bash script, and do not wait for it."""
        return Process(
            [*_BASH, script],
            name=f"script-{next(_numbers)}",
            scratch=self.scratch,
            env=self._environment(variables),
            cwd=self.scratch.path,
        )

    def lines(self, lines: Sequence[str]) -> list[str]:
        """What each of these command lines prints; all of them must succeed."""
        return [self.shell(line) for line in lines]

    def paste(self, text: str) -> list[str]:
        """Run every `az …` line of a text in which somebody finds them; returns what each prints.

        A line that ends with a backslash goes on with the next; all other lines are prose.
        """
        whole = text.replace("\\\n", " ").splitlines()
        found = [line.strip() for line in whole if line.strip().startswith("az ")]
        assert found, f"there is no az command in\n{text}"
        return self.lines(found)

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        home = self.scratch.path
        path = f"{home / 'bin'}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(home), **self.variables, **variables}
