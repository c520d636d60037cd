"""`make demo` with the real make: a cluster of the user's is taken only where it is typed.

The recipe runs as it is; its Python is a script that writes down how it was called.
"""

import os
import subprocess
from pathlib import Path

import pytest

from sandbox.chart import ROOT

PRODUCTION = "/home/me/.kube/production"


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/called\n')
    python.chmod(0o755)
    (tmp_path / ".ready").touch()
    return tmp_path


def called(venv: Path, *arguments: str, **variables: str) -> list[str]:
    """What the recipe gave to Python."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "demo", f"VENV={venv}", *arguments],
        cwd=ROOT,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return (venv / "called").read_text().splitlines()


@pytest.mark.parametrize("flags", [(), ("--environment-overrides",)])
def test_a_kubeconfig_in_the_environment_is_not_touched(venv: Path, flags: tuple[str, ...]) -> None:
    variables = {"KUBECONFIG": PRODUCTION, "CONTEXT": "production", "REMOVE": "1"}
    assert called(venv, *flags, **variables) == ["-m", "sandbox", "demo"]


def test_one_on_the_command_line_is_used(venv: Path) -> None:
    typed = ["KUBECONFIG=/a b, c/it's", "CONTEXT=kind-kind"]
    assert called(venv, *typed, KUBECONFIG=PRODUCTION) == [
        *("-m", "sandbox", "demo"),
        *("--kubeconfig", "/a b, c/it's", "--context", "kind-kind"),
    ]


def test_what_a_killed_demo_left_is_removed(venv: Path) -> None:
    assert called(venv, "KUBECONFIG=config", "CONTEXT=kind-kind", "REMOVE=1") == [
        *("-m", "sandbox", "demo"),
        *("--kubeconfig", "config", "--context", "kind-kind", "--remove"),
    ]


def test_an_empty_one_does_not_fall_back_to_anything(venv: Path) -> None:
    assert called(venv, "KUBECONFIG=") == ["-m", "sandbox", "demo", "--kubeconfig", ""]
