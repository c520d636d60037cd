"""Lines for the person: printable, folded between words on a terminal, errors under one name."""

import contextlib
import os
import sys
from typing import Final, TextIO

import click

from aks_access.cli.terminal.layout import wrapped
from aks_access.cli.terminal.printable import printable

_COLUMNS: Final = 80
"""Where nothing says how many."""


def say(line: str) -> None:
    """A line beside the output, on standard error."""
    click.echo(folded(printable(line), stream=sys.stderr), err=True)


def complain(line: str) -> None:
    """What is wrong, under the name that the person called; for errors that end no command."""
    say(f"{click.get_current_context().find_root().info_name}: {line}")


def folded(text: str, *, stream: TextIO | None) -> str:
    """The text as it is printed there: in lines as wide as the terminal, if it is one.

    A stream that the caller closed is None.
    """
    if stream is None or not stream.isatty():
        return text
    return "\n".join(wrapped(text, width=columns(stream)))


def columns(stream: TextIO) -> int:
    """How wide the terminal is that a stream goes to; `COLUMNS` says otherwise."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    with contextlib.suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    return _COLUMNS
