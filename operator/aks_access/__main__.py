"""The command line `aks-access`: finds the subcommand, and turns errors into one line and a code.

Subcommands are imported when they are asked for, so that none pays for another's libraries.
"""

import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from aks_access import __version__
from aks_access.errors import AksAccessError
from aks_access.exits import ExitCode, exit_code

COMMANDS: Final[Mapping[str, str]] = {
    "run": "aks_access.cli.run:run",
    "ledger": "aks_access.cli.ledger:ledger",
}
"""Subcommand to where it is: `module:attribute`."""


class LazyGroup(click.Group):
    """A group that imports a subcommand's module when that subcommand is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The subcommands' names, for help."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the subcommand; None where there is no such."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="aks-access")
def cli() -> None:
    """Decide who reaches the API servers of AKS clusters, from where, and until when."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    if os.getpid() == 1:
        # In a container the kernel drops a SIGTERM that nobody handles, and imports take seconds.
        # The operator ends well by it; what else is cut short did not do what it was asked for.
        given = sys.argv[1:] if arguments is None else arguments
        ended = ExitCode.OK if "run" in given[:1] else 128 + signal.SIGTERM
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(ended))
    try:
        cli.main(args=arguments, prog_name="aks-access")
    except AksAccessError as error:
        print(f"aks-access: {error}", file=sys.stderr)
        sys.exit(exit_code(error))


if __name__ == "__main__":
    main()
