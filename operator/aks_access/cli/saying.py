"""Lines for the person: printable, folded between words on a terminal, errors under one name."""

import shutil
import sys
from typing import TextIO

import click

from aks_access.cli.layout import wrapped
from aks_access.cli.printable import printable


def say(line: str) -> None:
    """A line beside the output, on standard error."""
    click.echo(folded(printable(line), stream=sys.stderr), err=True)


def complain(line: str) -> None:
    """What is wrong, under the name that the person called; for errors that end no command."""
    say(f"{click.get_current_context().find_root().info_name}: {line}")


def folded(text: str, *, stream: TextIO) -> str:
    """The text as it is printed there: in lines as wide as the terminal, if it is one."""
    return "\n".join(wrapped(text, width=width())) if stream.isatty() else text


def width() -> int:
    """Columns of the terminal."""
    return shutil.get_terminal_size().columns
