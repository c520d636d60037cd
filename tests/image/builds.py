"""Builds the image as people do, with `make image` and `make sbom`, and lays it open for tests.

Buildah works in a store and namespaces of its own that end with it, so that no image, container or
mount stays behind, however the tests end.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.chart import ROOT
from sandbox.processes import Process, ProcessError, Scratch

TOOLS = ("buildah", "runc", "unshare")
ALONE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Before a command: its mounts and all that it starts go with it, even by SIGKILL."""

_BUILD = """
set -eu
make image sbom
container=$(buildah from --pull=never "$IMAGE")
cp --archive "$(buildah mount "$container")" "$1/root"
buildah inspect --type image "$IMAGE" > "$1/inspect.json"
"""
_SECONDS = 600.0
_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")
_STORE = ("STORAGE_DRIVER", "STORAGE_OPTS")
"""These would win over our file, whose driver must be that of the store it looks into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image.

    Attributes:
        root: its files, with their owners and modes.
        config: the `config` of the OCI image.
        sbom: what `make sbom` wrote.
        scratch: where containers of it may keep things.
    """

    root: Path
    config: Mapping[str, Any]
    sbom: Mapping[str, Any]
    scratch: Scratch

    @property
    def home(self) -> Path:
        """The environment's directory."""
        return self.root / "opt" / "aks-access"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every container of it has."""
        return dict(each.split("=", 1) for each in self.config["Env"])

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels, less `org.opencontainers.image.`."""
        labels: Mapping[str, str] = self.config["Labels"]
        return {name.removeprefix("org.opencontainers.image."): it for name, it in labels.items()}


def missing() -> str:
    """Why no image can be built and run here; "" = it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "the image is built and run by root on Linux"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"{', '.join(absent)} not installed: see docs/image.md" if absent else ""


def build(scratch: Scratch) -> Image:
    """Build the image of this working copy. Raises ProcessError with the end of the builder's log.

    `AKS_ACCESS_BASE` names another base image; it may stand in the machine's own store.
    """
    here = scratch.path
    store = here / "store"
    store.mkdir()
    (here / "storage.conf").write_text(_storage(store))
    inherited = {name: it for name, it in os.environ.items() if name not in {*_MAKE, *_STORE}}
    environment = inherited | {
        "CONTAINERS_STORAGE_CONF": str(here / "storage.conf"),
        "BUILDAH_ISOLATION": "chroot",
        "BUILDER": "buildah",
        "BUILD_FLAGS": "--layers --network=host",
        "TMPDIR": str(store),
        "IMAGE": "localhost/aks-access-operator:test",
        "BASE": os.environ.get("AKS_ACCESS_BASE", ""),
        "SBOM": str(here / "sbom"),
    }
    builder = Process(
        [*ALONE, "sh", "-c", _BUILD, "sh", str(here)],
        name="build",
        scratch=scratch,
        env=environment,
        cwd=ROOT,
    )
    try:
        code = builder.wait(timeout=_SECONDS)
    finally:
        builder.stop()
        shutil.rmtree(store)
    if code:
        raise ProcessError(f"the image was not built: exit code {code}. {builder.log_tail()}")
    return Image(
        root=here / "root",
        config=json.loads((here / "inspect.json").read_text())["OCIv1"]["config"],
        sbom=json.loads((here / "sbom" / "sbom.cdx.json").read_text()),
        scratch=scratch,
    )


def _storage(store: Path) -> str:
    """A store of its own that also sees the images of the machine's."""
    told = subprocess.run(["buildah", "info"], capture_output=True, text=True, check=True)
    machine = yaml.safe_load(told.stdout)["store"]
    return f"""
[storage]
driver = "{machine["GraphDriverName"]}"
graphroot = "{store}/images"
runroot = "{store}/run"
[storage.options]
additionalimagestores = ["{machine["GraphRoot"]}"]
"""
