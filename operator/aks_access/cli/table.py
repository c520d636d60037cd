"""Tables: aligned columns for pipes, and rich's for terminals where rich is installed.

rich is imported for a terminal only, and not for many rows: it measures each cell and would take
seconds.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.table import Table

MOST_RICH_ROWS: Final = 300
_GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in a colour of click's and rich's (`red`, `green`, …); "" = as it comes."""

    text: str
    color: str = ""

    def __str__(self) -> str:
        return self.text


Row = Sequence[str | Cell]


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Aligned columns, without space at the ends of lines and without columns that are empty."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    kept = [number for number, width in enumerate(widths) if width]
    for row, cells in zip(texts, rows, strict=True):
        last = max((number for number in kept if row[number]), default=0)
        shown = []
        for number in kept:
            if number > last:
                break
            cell = cells[number]
            color = cell.color if isinstance(cell, Cell) else ""
            text = click.style(row[number], fg=color) if color else row[number]
            fill = "" if number == last else " " * (widths[number] - len(row[number]))
            shown.append(text + fill)
        yield _GAP.join(shown)


def show(rows: Sequence[Row], *, titles: Sequence[str]) -> None:
    """Print the rows; the titles of columns stand above them on a terminal only."""
    if not rows:
        return
    if on_terminal() and len(rows) <= MOST_RICH_ROWS and (console := rich_console()) is not None:
        console.print(rich_table(rows, titles=titles))
        return
    headed = [titles, *rows] if on_terminal() else rows
    for line in lines(headed):
        click.echo(line)


def sentences(told: Sequence[tuple[str, str]]) -> None:
    """Print what is to be said below a table: of whom, and the sentence."""
    if told and on_terminal():
        click.echo()
    for name, text in told:
        click.echo(f"{click.style(name, bold=True)}: {text}" if name else text)


def on_terminal() -> bool:
    """Whether somebody looks."""
    return sys.stdout.isatty()


def rich_console() -> Any:
    """rich's console on standard output; None where rich is not installed."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(highlight=False)


def rich_table(rows: Sequence[Row], *, titles: Sequence[str]) -> "Table":
    """The same as `lines`, with titles; long texts fold within their column."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    kept = [number for number in range(len(titles)) if any(str(row[number]) for row in rows)]
    for number in kept:
        table.add_column(titles[number], overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(_text(row[number], Text) for number in kept))
    return table


def _text(cell: str | Cell, kind: Any) -> Any:
    return kind(cell.text, style=cell.color) if isinstance(cell, Cell) else kind(cell)
