"""The sandbox's command line: ``python -m sandbox COMMAND``.

Commands are imported when they are asked for; an entry in `COMMANDS` adds one.
"""

import importlib
import sys
from collections.abc import Mapping
from typing import Final

import click

from sandbox.chart import ChartError
from sandbox.controlplane.binaries import BuildError
from sandbox.controlplane.client import ApiError
from sandbox.controlplane.toolchain import ToolchainError
from sandbox.existing.errors import ClusterError
from sandbox.processes import ProcessError

COMMANDS: Final[Mapping[str, str]] = {
    "build": "sandbox.commands:build",
    "render": "sandbox.commands:render",
    "site": "sandbox.commands:site",
    "arm": "sandbox.arm.portal:arm",
    "demo": "sandbox.demo.command:demo",
    "up": "sandbox.up:up",
}
"""Command to where it is: `module:attribute`."""

_EXPECTED = (ApiError, BuildError, ChartError, ClusterError, ProcessError, ToolchainError)


class LazyGroup(click.Group):
    """A group that imports a command's module when that command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands' names, for help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None where there is no such."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run the operator's world on this machine: a real API server and an ARM emulator."""


def main() -> None:
    """Run the command line; what can go wrong in it ends in one message and exit code 1."""
    try:
        cli.main(prog_name="python -m sandbox")
    except _EXPECTED as error:
        print(f"sandbox: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
