"""The real `az` command at the ARM emulator: what it is told, and how it logs in.

It keeps configuration, clouds and tokens in a folder of its own, so that `~/.azure` and whoever is
logged in there are left alone. It reports to nobody, and the version that requirements/az.txt pins
looks for no newer one.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Final

from sandbox.arm.other import DEFAULT_TENANT
from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT

CLIENT_ID: Final = "0a0a0a0a-0000-4000-8000-00000000a2c1"
"""The service principal as which `az` logs in: a person beside the operator."""
CLOUD: Final = "aks-access-sandbox"

_SECRET: Final = "any"  # the emulator takes any from a client that was never registered
_CONFIGURATION: Final[Mapping[str, Mapping[str, str]]] = {
    "core": {"instance_discovery": "false", "collect_telemetry": "no", "survey_message": "no"},
    "auto-upgrade": {"enable": "no"},
    "extension": {"use_dynamic_install": "no"},
}


def configure(folder: Path) -> None:
    """Write the configuration into a new folder; az makes the rest."""
    written = ConfigParser()
    written.read_dict(_CONFIGURATION)
    folder.mkdir(mode=0o700)
    with (folder / "config").open("w") as file:
        written.write(file)
    # Without this file the first command asks for the newest version, whatever is configured.
    version = {"local": _pinned()}
    known = {"versions": {"azure-cli": version, "core": version}, "update_time": ""}
    (folder / "versionCheck.json").write_text(json.dumps(known))


def variables(arm: ArmProcess, *, folder: Path) -> dict[str, str]:
    """The variables with which az uses that folder and trusts this emulator."""
    return {"AZURE_CONFIG_DIR": str(folder), "REQUESTS_CA_BUNDLE": str(arm.ca_file)}


def login(arm: ArmProcess, *, client_id: str = CLIENT_ID, secret: str = _SECRET) -> list[str]:
    """The commands after which az knows the emulator's cloud only and is logged in to it.

    It knows the subscriptions that there are by then: `az account list --refresh` takes later ones.
    """
    kinds = (
        "resource-manager",
        "active-directory",
        "active-directory-resource-id",
        "active-directory-graph-resource-id",
    )
    endpoints = [f"--endpoint-{kind}={arm.url}" for kind in kinds]
    principal = [f"--username={client_id}", f"--password={secret}", f"--tenant={DEFAULT_TENANT}"]
    return [
        shlex.join(command)
        for command in (
            ["az", "cloud", "register", "--name", CLOUD, *endpoints],
            ["az", "cloud", "set", "--name", CLOUD, "--only-show-errors"],
            ["az", "login", "--service-principal", *principal, "--output=none"],
        )
    ]


def folder_beside(arm: ArmProcess) -> Path:
    """A folder that goes with the emulator."""
    return arm.ca_file.with_name("az")


def directions(arm: ArmProcess) -> Iterator[str]:
    """How to use az on this emulator, as lines to read and to paste."""
    yield "\nThe real az, logged in here only (`make az` installs this one; yours does too):\n"
    yield f"alias az={shlex.quote(str(ROOT / 'build' / 'az' / 'bin' / 'az'))}"
    for name, value in variables(arm, folder=folder_beside(arm)).items():
        yield f"export {name}={shlex.quote(value)}"
    yield from login(arm)
    yield "az aks list -o table"


def _pinned() -> str:
    locked = (ROOT / "requirements" / "az.txt").read_text()
    found = re.search(r"^azure-cli==(\S+)", locked, re.MULTILINE)
    assert found is not None
    return found[1]
