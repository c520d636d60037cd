"""Tables and sentences as they are printed: aligned in a pipe, fitted to a terminal."""

import sys
from collections.abc import Iterator, Sequence

import click

from aks_access.cli.terminal.layout import Cell, Line, Row, aligned, fitted
from aks_access.cli.terminal.saying import columns, folded

__all__ = ["Cell", "Row", "lines", "on_terminal", "sentences", "show", "width"]


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Aligned columns, without space at the ends of lines and without columns that are empty."""
    return map(_styled, aligned(rows))


def show(
    rows: Sequence[Row], *, titles: Sequence[str], least: int | None = None, more: str = ""
) -> None:
    """Print the rows; the titles of columns stand above them on a terminal only.

    `least` is how many columns a narrow terminal keeps, None = all; `more` is the flag that shows
    the others.
    """
    if not rows:
        return
    if not on_terminal():
        for line in lines(rows):
            click.echo(line)
        return
    laid = fitted(
        rows,
        titles=titles,
        width=columns(sys.stdout),
        least=len(titles) if least is None else least,
    )
    for each in laid.lines:
        click.echo(_styled(each))
    if laid.left_out:
        click.secho(f"Not shown: {', '.join(laid.left_out)} ({more})", dim=True)


def sentences(told: Sequence[tuple[str, str]]) -> None:
    """Print what is to be said below a table: of whom, and the sentence."""
    if told and on_terminal():
        click.echo()
    for name, text in told:
        said = folded(f"{name}: {text}" if name else text, stream=sys.stdout)
        head = f"{name}:"
        click.echo(said.replace(head, f"{click.style(name, bold=True)}:", 1) if name else said)


def on_terminal() -> bool:
    """Whether somebody looks."""
    return sys.stdout is not None and sys.stdout.isatty()


def width() -> int | None:
    """How many columns the terminal has that output goes to; None = nobody looks."""
    return columns(sys.stdout) if on_terminal() else None


def _styled(line: Line) -> str:
    return "".join(
        click.style(each.text, dim=True)
        if each.color == "dim"
        else click.style(each.text, fg=each.color)
        if each.color
        else each.text
        for each in line
    )
