"""How `status` looks: colours and bars on a terminal, aligned columns in a pipe.

rich draws on terminals where it is installed, and is imported there only.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from aks_access.cli import table
from aks_access.cli.layout import wrapped
from aks_access.cli.overview import Health, Line, Overview

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_TITLES: Final = ("TARGET", "STATE", "ENTRIES", "MODE", "NEXT", "GRANTS", "DIFF", "FOREIGN")
"""A narrow terminal goes without the last ones."""
_LEAST: Final = 3
_NUMBERS: Final = frozenset({"GRANTS", "FOREIGN"})
_COLORS: Final = {
    Health.HANGS: "red",
    Health.PASSES: "yellow",
    Health.UNKNOWN: "yellow",
    Health.FINE: "green",
}
_BAR: Final = 10
_GAP: Final = 2
_MOST_ROWS: Final = 300
"""rich measures each cell, which of more rows takes seconds."""
_FULL: Final = 0.9
"""From here on a list counts as nearly full."""


def show(overview: Overview) -> None:
    """Print it once."""
    console = _console()
    if console is not None and len(overview.lines) <= _MOST_ROWS:
        console.print(picture(overview, width=console.width), crop=False)
        return
    for line in plain(overview):
        click.echo(line)


def follow(states: Iterable[Overview]) -> None:
    """Show each state in the place of the one before, until Ctrl-C; in a pipe one below another."""
    console = _console()
    try:
        if console is None:
            _follow_plainly(states)
        else:
            _follow_live(states, console=console)
    except KeyboardInterrupt:
        return


def _console() -> Any:
    """rich's console where somebody looks; None where it is not installed."""
    if not table.on_terminal():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(highlight=False)


def _follow_plainly(states: Iterable[Overview]) -> None:
    for number, each in enumerate(states):
        if number:
            click.echo()
        for line in plain(each):
            click.echo(line)


def _follow_live(states: Iterable[Overview], *, console: Any) -> None:
    from rich.live import Live

    with Live(console=console, screen=True, auto_refresh=False) as live:
        for each in states:
            drawn = picture(each, width=console.width, height=console.height)
            live.update(drawn, refresh=True)


def plain(overview: Overview) -> Iterator[str]:
    """Aligned columns, then sentences, then sums."""
    if overview.lines:
        rows = [tuple(_cells(each, overview=overview)) for each in overview.lines]
        yield from table.lines([_TITLES, *rows])
    for each in overview.lines:
        for note in each.notes:
            yield f"{each.name}: {note}"
    yield from _end(overview)


def _end(overview: Overview) -> Iterator[str]:
    yield overview.sums()
    if overview.failure:
        yield f"Not up to date: {overview.failure}"


def _cells(line: Line, *, overview: Overview) -> Iterator[str | table.Cell]:
    yield line.name
    yield table.Cell(line.state or "-", _COLORS[line.health])
    yield line.entries or "-"
    yield line.mode or "-"
    yield overview.soon(line.next) or "-"
    yield str(line.grants)
    yield line.difference or "-"
    yield str(line.foreign)


def picture(overview: Overview, *, width: int, height: int | None = None) -> "RenderableType":
    """The same for a terminal of so many columns, and no more than so many rows."""
    from rich.console import Group
    from rich.text import Text

    notes = [
        _told(each, note, width=width, folds=height is not None)
        for each in overview.lines
        for note in each.notes
    ]
    ends = [Text(line, style="dim") for line in _end(overview)]
    shown, left_out = list(overview.lines), 0
    if height is not None:
        taken = sum(_rows_of(note.plain, width=width) for note in [*notes, *ends]) + 3
        room = max(height - taken, height // 2)
        shown, left_out = shown[:room], max(0, len(shown) - room)
    parts: list[RenderableType] = []
    if shown:
        parts.append(_grid(shown, overview=overview, width=width))
    if left_out:
        parts.append(Text(f"and {left_out} more", style="dim"))
    for group in (notes, ends):
        if group and parts:
            parts.append(Text())
        parts += group
    return Group(*parts)


def _told(line: Line, note: str, *, width: int, folds: bool) -> "Text":
    """A note between whose words lines end; `folds` where a word may not be wider than the screen.

    A terminal folds such a word as well, but what is copied is whole.
    """
    from rich.text import Text

    text = f"{line.name}: {note}"
    if not folds:
        text = "\n".join(wrapped(text, width=width))
    told = Text(text, overflow="fold" if folds else "ignore", no_wrap=not folds)
    told.stylize(f"bold {_COLORS[line.health]}", 0, len(line.name) + 1)
    return told


def _rows_of(text: str, *, width: int) -> int:
    return -(-len(text) // width)


def _grid(lines: Sequence[Line], *, overview: Overview, width: int) -> "Table":
    from rich.table import Table

    rows = [list(_drawn(each, overview=overview, bar=True)) for each in lines]
    kept = _fitting(rows, width=width)
    if kept < len(_TITLES):
        rows = [list(_drawn(each, overview=overview, bar=False)) for each in lines]
        kept = _fitting(rows, width=width)
    grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for title in _TITLES[:kept]:
        grid.add_column(title, justify="right" if title in _NUMBERS else "left", overflow="fold")
    for row in rows:
        grid.add_row(*row[:kept])
    return grid


def _fitting(rows: Sequence[Sequence[Any]], *, width: int) -> int:
    """How many columns fit side by side; never fewer than the least."""
    used, kept = 0, 0
    for number, title in enumerate(_TITLES):
        used += max(len(title), *(len(row[number]) for row in rows)) + _GAP
        if used - _GAP <= width:
            kept = number + 1
    return max(kept, _LEAST)


def _drawn(line: Line, *, overview: Overview, bar: bool) -> Iterator[Any]:
    """The cells as rich's texts."""
    from rich.text import Text

    name, state, _, *others = map(str, _cells(line, overview=overview))
    yield Text(name, style="bold")
    yield Text(f"● {state}", style=_COLORS[line.health])
    yield _capacity(line, bar=bar)
    yield from map(Text, others)


def _capacity(line: Line, *, bar: bool) -> Any:
    from rich.text import Text

    if line.used is None or not line.limit:
        return Text(line.entries or "-", style="red" if line.entries == "open" else "")
    share = line.used / line.limit
    color = "red" if share >= _FULL else "cyan"
    if not bar:
        return Text(line.entries, style="red" if share >= _FULL else "")
    full = min(_BAR, max(1 if line.used else 0, round(share * _BAR)))
    return Text.assemble(
        ("━" * full, color), ("━" * (_BAR - full), "bright_black"), f" {line.entries}"
    )
