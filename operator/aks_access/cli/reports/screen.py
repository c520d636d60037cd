"""How `status` looks: colours and bars on a terminal, aligned columns in a pipe.

rich draws on terminals where it is installed, and is imported there only.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import click

from aks_access.cli.reports.overview import Health, Line, Overview
from aks_access.cli.terminal import table
from aks_access.cli.terminal.layout import GAP, stacked, wrapped

if TYPE_CHECKING:
    from rich.console import RenderableType
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
_BETWEEN: Final = 1
"""Rows between the table, the notes and the sums."""
_MOST_ROWS: Final = 1_000
"""To draw more takes longer than to read them."""
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
    """The same for a terminal of so many columns, and no more than so many rows.

    Without a number of rows no word is cut: what is wider than the terminal is left to it, and is
    whole where it is copied. With one, what has no room is counted.
    """
    from rich.console import Group
    from rich.text import Text

    head, rows = _rows(overview, width=width)
    own = width if height is None else None
    notes = list(_notes(overview, width=own))
    ends = [Text(_folded(line, width=own), style="dim") for line in _end(overview)]
    if height is None:
        for text in (*rows, *notes, *ends):
            text.no_wrap, text.overflow = True, "ignore"
    else:
        sized = _Sized(width)
        notes = sized.lines(notes)
        room = height - len(sized.lines(ends)) - 2 * _BETWEEN
        most = max(room - len(notes), room // 2)
        rows = sized.fitting(rows, room=most - len(head), called="targets")
        notes = sized.fitting(notes, room=room - len(sized.lines([*head, *rows])), called="lines")
    parts: list[RenderableType] = []
    for part in ([*head, *rows], notes, ends):
        if part and parts:
            parts += [Text()] * _BETWEEN
        parts += part
    return Group(*parts)


class _Sized:
    """How texts lie on a screen of so many columns."""

    def __init__(self, width: int) -> None:
        from rich.console import Console

        self._width = width
        self._console = Console(width=width)

    def lines(self, texts: "Iterable[Text]") -> "list[Text]":
        """As rich folds them."""
        return [line for each in texts for line in each.wrap(self._console, self._width)]

    def fitting(self, texts: "list[Text]", *, room: int, called: str) -> "list[Text]":
        """The first that so many rows hold, and how many there are beside them."""
        from rich.text import Text

        ends = list(accumulate(len(self.lines([each])) for each in texts))
        if not ends or ends[-1] <= room:
            return texts
        shown = sum(end < room for end in ends)
        return [*texts[:shown], Text(f"and {len(texts) - shown} more {called}", style="dim")]


def _notes(overview: Overview, *, width: int | None) -> "Iterator[Text]":
    """In lines that end between words; without a width rich makes them."""
    from rich.text import Text

    for line in overview.lines:
        for note in line.notes:
            told = Text(_folded(f"{line.name}: {note}", width=width))
            told.stylize(f"bold {_COLORS[line.health]}", 0, len(line.name) + 1)
            yield told


def _folded(text: str, *, width: int | None) -> str:
    return text if width is None else "\n".join(wrapped(text, width=width))


def _rows(overview: Overview, *, width: int) -> "tuple[list[Text], list[Text]]":
    """Titles, and each target in columns; without titles in lines of its own where few fit."""
    from rich.text import Text

    if not overview.lines:
        return [], []
    titles = [Text(title, style="dim") for title in _TITLES]
    for bar in (True, False):
        every = [list(_drawn(each, overview=overview, bar=bar)) for each in overview.lines]
        columns = zip(titles, *every, strict=True)
        widths = [max(cell.cell_len for cell in column) for column in columns]
        ends = accumulate(each + len(GAP) for each in widths)
        kept = sum(end - len(GAP) <= width for end in ends)
        if kept == len(_TITLES):
            break
    if kept < _LEAST:
        return [], [_stacked(row[:_LEAST], width=width) for row in every]
    head, *rows = (_side_by_side(row, widths[:kept]) for row in (titles, *every))
    return [head], rows


def _side_by_side(cells: "Iterable[Text]", widths: Sequence[int]) -> "Text":
    from rich.text import Text

    line = Text()
    for cell, width, title in zip(cells, widths, _TITLES, strict=False):
        blank = " " * (width - cell.cell_len)
        parts = (blank, cell) if title in _NUMBERS else (cell, blank)
        line = Text.assemble(line, GAP if line else "", *parts)
    line.rstrip()
    return line


def _stacked(cells: "Iterable[Text]", *, width: int) -> "Text":
    from rich.text import Text

    lines = stacked([table.Cell(each.plain, str(each.style)) for each in cells], width=width)
    return Text("\n").join(
        Text.assemble(*((piece.text, piece.color) for piece in line)) for line in lines
    )


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
