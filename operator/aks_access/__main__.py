"""The command line `aks-access`: finds the subcommand, and turns errors into one line and a code.

Subcommands are imported when they are asked for, so that none pays for another's libraries; help
is written from the table here. `kubectl aks-access` is the same, called `kubectl-aks_access`.
"""

import contextlib
import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

import click

from aks_access import __version__
from aks_access.errors import AksAccessError
from aks_access.exits import ExitCode, exit_code

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """A subcommand: where it is (`module:attribute`), and the line about it in the help."""

    place: str
    help: str


_SECTIONS: Final[dict[str, dict[str, Entry]]] = {
    "Access": {
        "grant": Entry("aks_access.cli.grant:grant", "Let addresses in, or write that to a file."),
        "extend": Entry("aks_access.cli.extend:extend", "Let a grant end later."),
        "revoke": Entry("aks_access.cli.revoke:revoke", "Take access away, now."),
    },
    "Look": {
        "who": Entry("aks_access.cli.who:who", "Who can get in now."),
        "explain": Entry("aks_access.cli.explain:explain", "Why an address or a grant gets in."),
        "status": Entry("aks_access.cli.status:status", "All targets on one screen."),
    },
    "Grants in files": {
        "validate": Entry("aks_access.cli.validate:validate", "Check files as the operator will."),
        "gc": Entry("aks_access.cli.gc:gc", "Remove what expired long ago from a Git tree."),
    },
    "Platform": {
        "plan": Entry("aks_access.cli.plan:plan", "Say what a cluster's list will be."),
        "adopt": Entry("aks_access.cli.adopt:adopt", "Print targets for clusters as they are."),
        "doctor": Entry("aks_access.cli.doctor:doctor", "Look at everything access depends on."),
    },
    "Operator": {
        "run": Entry("aks_access.cli.run:run", "Run the operator."),
        "ledger": Entry(
            "aks_access.cli.ledger:ledger", "Move ledgers to another management cluster."
        ),
        "crds": Entry("aks_access.cli.crds:crds", "Print the CRDs of this version."),
    },
    "Shell": {
        "completion": Entry(
            "aks_access.cli.completion:completion", "Print what completes commands in a shell."
        ),
    },
}
COMMANDS: Final = {name: entry for part in _SECTIONS.values() for name, entry in part.items()}


_SHORT_LIVED: Final = 50_000
"""New objects before garbage is looked for: what is imported is none, and is a command's most."""

COMPLETE_VARIABLE: Final = "_AKS_ACCESS_COMPLETE"
"""The variable by which a shell asks for completions."""


class LazyGroup(click.Group):
    """A group that imports a subcommand's module when that subcommand is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The subcommands' names, for help."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the subcommand; None where there is no such."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        if cmd_name != "run":
            gc.set_threshold(_SHORT_LIVED)
        module, _, attribute = COMMANDS[cmd_name].place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in sections, without importing any."""
        for title, entries in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.help) for name, entry in entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """The commands that a word begins, without importing any, and the options."""
        from click.shell_completion import CompletionItem

        named = [(name, entry.help) for name, entry in COMMANDS.items()]
        return [
            *(
                CompletionItem(name, help=said)
                for name, said in named
                if name.startswith(incomplete)
            ),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="aks-access")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Decide who reaches the API servers of AKS clusters, from where, and until when.

    Exit codes: 0 done, 1 failed, denied or found something, 2 wrong usage or input, 3 something
    needed is missing or cannot be reached.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def program(called: str) -> str:
    """The name to show in help, of the file that was called: kubectl's plugin, or the command."""
    return "kubectl aks-access" if Path(called).stem == "kubectl-aks_access" else "aks-access"


def main(arguments: Sequence[str] | None = None, *, surroundings: object = None) -> None:
    """Run the command line and end the process with its exit code.

    `surroundings` is what commands see of the machine (`cli.surroundings`); None = the real one.
    """
    given = sys.argv[1:] if arguments is None else arguments
    operates = "run" in given[:1]
    if os.getpid() == 1 or (arguments is None and not operates):
        # In a container the kernel drops a SIGTERM that nobody handles, and imports take seconds. A
        # command that is ended has to end its kubectls.
        # The operator ends well by it; what else is cut short did not do what it was asked for.
        ended = ExitCode.OK if operates else 128 + signal.SIGTERM
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(ended))
    name = program(sys.argv[0])
    try:
        code = cli.main(
            args=arguments,
            prog_name=name,
            complete_var=COMPLETE_VARIABLE,
            standalone_mode=False,
            obj=surroundings,
        )
        click.echo(nl=False)  # what is left in the buffer
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except click.ClickException as error:
        from aks_access.cli.usage import said

        _end(f"{name}: {_line(said(error))}", code=error.exit_code)
    except AksAccessError as error:
        _end(f"{name}: {error}", code=exit_code(error))
    except click.Abort:
        sys.exit(ExitCode.FAILED)
    except BrokenPipeError:
        _let_go(sys.stdout)
        sys.exit(ExitCode.FAILED)
    except UnicodeEncodeError as error:
        missing = ascii(error.object[error.start])
        _end(
            f"{name}: The output's encoding, {error.encoding}, has no {missing}. Another one: set "
            "PYTHONUTF8=1.",
            code=ExitCode.FAILED,
        )
    except Exception as error:
        _end(f"{name}: {_failure(error)}", code=ExitCode.FAILED)
    gc.freeze()  # else the end looks through all that was imported
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _failure(error: Exception) -> str:
    """What ended the command: output that a full disk does not take, or else a defect."""
    import traceback  # not for those who only want help

    place = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error, OSError) and place.filename == click.utils.__file__:
        _let_go(sys.stdout)
        return f"cannot write the output: {error.strerror or error}"
    return (
        f"this is a defect, please report it: {type(error).__name__}: {_line(str(error))} "
        f"({Path(place.filename).name}:{place.lineno} in {place.name})"
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _end(line: str, *, code: int) -> None:
    from aks_access.cli.terminal.saying import say

    try:
        say(line)
    except OSError:  # nobody is told; the code tells
        _let_go(sys.stderr)
    sys.exit(code)


def _let_go(stream: TextIO | None) -> None:
    """What it did not write is not tried again when the process ends, with a code of Python's."""
    with contextlib.suppress(OSError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
