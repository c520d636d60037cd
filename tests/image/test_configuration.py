"""How the image says it is to be run, and what it answers without a pod around it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from aks_access.exits import ExitCode
from sandbox.chart import ROOT
from tests.image.builds import Image
from tests.image.container import USER, Container

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
ARM64 = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")


def test_it_runs_the_operator_as_nobody(image: Image) -> None:
    config = image.config
    assert config["User"] == f"{USER}:{USER}", "by number: a kubelet cannot look a name up"
    assert (config["Entrypoint"], config["Cmd"]) == (["aks-access"], ["run"])
    assert config["WorkingDir"] == "/"
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    assert "StopSignal" not in config
    assert image.environment["PATH"].split(":")[0] == "/opt/aks-access/bin"
    assert image.environment["PYTHONUNBUFFERED"] == "1"


def test_labels(image: Image) -> None:
    head = ["git", "rev-parse", "HEAD"]
    revision = subprocess.run(head, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    labels = image.labels
    assert labels["title"] == "aks-access-operator"
    assert labels["description"].startswith("Decides who reaches")
    assert labels["version"] == VERSION
    assert labels["revision"] == (revision or "unknown")
    assert "python" in labels["base.name"]


def test_without_a_cluster_it_says_so(image: Image) -> None:
    done = Container(image=image, command=[*image.config["Entrypoint"], *image.config["Cmd"]]).run()
    assert done.returncode == ExitCode.UNREACHABLE, done.stderr
    assert "no access to a Kubernetes API server" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_commands_of_people_are_there(image: Image) -> None:
    done = Container(image=image, command=["aks-access", "--version"]).run()
    assert done.stdout.strip() == f"aks-access, version {VERSION}"
    done = Container(image=image, command=["aks-access", "ledger", "--help"]).run()
    assert done.returncode == 0, done.stderr


def test_the_lock_has_wheels_for_arm64(tmp_path: Path) -> None:
    """Everything is pinned by hash, so a platform without a wheel would only show in its build."""
    report = tmp_path / "report.json"
    platforms = [part for name in ARM64 for part in ("--platform", name)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version=3.13"),
            *(*platforms, f"--target={tmp_path / 'none'}", f"--report={report}"),
            *("--requirement", str(ROOT / "requirements" / "run.txt")),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    wheels = [each["download_info"]["url"] for each in json.loads(report.read_text())["install"]]
    assert any("aarch64" in wheel for wheel in wheels)
    assert not any("x86_64" in wheel for wheel in wheels)
