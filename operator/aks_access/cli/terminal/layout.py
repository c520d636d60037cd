"""How tables and sentences lie on a terminal of some width: no word is ever cut.

A range, a name or a command that is cut over two lines is hard to read and cannot be copied. What
is wider than the terminal is left to it: its own folding does not end up in what is copied. So a
command between backticks is one word.

Pure.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

GAP: Final = "  "
_INDENT: Final = 2
_LONG: Final = 24
_NARROWEST: Final = 20
"""A column of long texts is not folded into less."""

_TAKE_NONE: Final = frozenset({"Mn", "Me", "Cf"})
_WORD: Final = re.compile(r"[^\s`]*`[^`]*`\S*|\S+")


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in a colour of click's and rich's (`red`, `green`, …); "" = as it comes."""

    text: str
    color: str = ""

    def __str__(self) -> str:
        return self.text


Row = Sequence[str | Cell]

Line = tuple[Cell, ...]
"""Pieces of one line, blanks among them."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A table as it is printed; `left_out` are the titles of columns that have no room."""

    lines: Sequence[Line]
    left_out: Sequence[str] = ()


def columns_of(text: str) -> int:
    """How many columns of a terminal the text takes.

    rich knows more of it, and is imported for what is not plain ASCII only, where it is installed.
    """
    if text.isascii():
        return len(text)
    try:
        from rich.cells import cell_len
    except ImportError:
        return sum(map(_columns_of_one, text))
    return cell_len(text)


def _columns_of_one(character: str) -> int:
    """Marks that stand with the character before, and what only joins others, take none."""
    if unicodedata.category(character) in _TAKE_NONE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(text: str, *, width: int, indent: int = 0) -> list[str]:
    """The text in lines of at most so many columns, those after the first indented.

    A word that is wider has a line of its own.
    """
    if columns_of(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in _WORD.findall(text):
        longer = f"{line} {word}" if line else word
        if line and columns_of(longer) > width - (indent if lines else 0):
            lines.append(line)
            longer = word
        line = longer
    first, *others = [*lines, line]
    return [first, *(" " * indent + each for each in others)]


def aligned(rows: Sequence[Row]) -> Iterator[Line]:
    """Columns as wide as they need to be, without those that are empty."""
    cells = [[_cell(each) for each in row] for row in rows]
    widths = [max(columns_of(each.text) for each in column) for column in zip(*cells, strict=True)]
    kept = [n for n, width in enumerate(widths) if width]
    if not kept:
        yield from [()] * len(rows)
        return
    for row in cells:
        yield from _side_by_side([row[n] for n in kept], [widths[n] for n in kept])


def fitted(rows: Sequence[Row], *, titles: Sequence[str], width: int, least: int) -> Laid:
    """Aligned columns with titles, or, where these do not fit, each row in lines of its own.

    Titles that are all "" are not shown. Columns that are empty are left out. The last ones go
    where there is no room, but never the `least` first ones.
    """
    used = [n for n in range(len(titles)) if any(str(row[n]) for row in rows)]
    spare = sum(n >= least for n in used)
    for dropped in range(spare + 1):
        kept = used[: len(used) - dropped]
        head = [[_cell(titles[n], "dim") for n in kept]] if any(titles) else []
        every = [*head, *([_cell(row[n]) for n in kept] for row in rows)]
        widths = _widths(every, width=width)
        if widths is not None:
            gone = [titles[n] for n in used[len(kept) :]]
            return Laid([line for row in every for line in _side_by_side(row, widths)], gone)
    return Laid(
        [line for row in rows for line in stacked([_cell(row[n]) for n in used], width=width)]
    )


def stacked(row: Sequence[Cell], *, width: int) -> Iterator[Line]:
    """The cells one after another, in as many lines as they need."""
    margin = Cell(" " * _INDENT)
    line: list[Cell] = []
    used = 0
    for cell in row:
        if not cell.text:
            continue
        if line and used + len(GAP) + columns_of(cell.text) <= width:
            line += [Cell(GAP), cell]
            used += len(GAP) + columns_of(cell.text)
            continue
        if line:
            folded = wrapped(cell.text, width=width - _INDENT)
        else:
            first, *others = wrapped(cell.text, width=width, indent=_INDENT)
            folded = [first, *(text.lstrip() for text in others)]
        for text in folded:
            if line:
                yield tuple(line)
            line = [margin, Cell(text, cell.color)] if line else [Cell(text, cell.color)]
            used = sum(columns_of(each.text) for each in line)
    yield tuple(line)


def _cell(cell: str | Cell, color: str = "") -> Cell:
    return cell if isinstance(cell, Cell) else Cell(cell, color)


def _widths(rows: Sequence[Sequence[Cell]], *, width: int) -> list[int] | None:
    """Of each column, if they fit: the one with most to give is folded between its words.

    Nothing has room for a word that is wider than the terminal: at the end of a row it may stick
    out.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(columns_of(each.text) for each in column) for column in columns]
    room = width - len(GAP) * (len(widths) - 1)
    if sum(widths) <= room:
        return widths
    most = [*(len(columns) - 1) * [None], width]
    needed = [
        max(
            _NARROWEST if natural > _LONG else 0, *(_widest_word(each, most=top) for each in column)
        )
        for column, natural, top in zip(columns, widths, most, strict=True)
    ]
    folded = max(range(len(widths)), key=lambda n: widths[n] - needed[n])
    widths[folded] -= sum(widths) - room
    return widths if widths[folded] >= needed[folded] else None


def _widest_word(cell: Cell, *, most: int | None) -> int:
    """Of the words that are no wider than `most`."""
    sizes = map(columns_of, _WORD.findall(cell.text))
    return max((size for size in sizes if most is None or size <= most), default=0)


def _side_by_side(row: Sequence[Cell], widths: Sequence[int]) -> Iterator[Line]:
    folded = [wrapped(cell.text, width=width) for cell, width in zip(row, widths, strict=True)]
    for texts in zip_longest(*folded, fillvalue=""):
        last = max((n for n, text in enumerate(texts) if text), default=0)
        yield tuple(
            piece
            for n, text in enumerate(texts[: last + 1])
            for piece in (
                Cell(text, row[n].color),
                Cell("" if n == last else " " * (widths[n] - columns_of(text)) + GAP),
            )
            if piece.text
        )
