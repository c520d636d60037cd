"""A forecast as it is printed: a line for each fact in a pipe, folded on a terminal.

Pure: `width` is how many columns the terminal has, None = it is none.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from aks_access.api.modes import Mode
from aks_access.cli.plans.files import Difference
from aks_access.cli.plans.forecast import Forecast
from aks_access.cli.plans.words import Remark, Row, Sign, few, refused, remarks, rows
from aks_access.cli.terminal.layout import Cell, Line, fitted, stacked

_INDENT: Final = "  "


def text(known: Forecast, *, width: int | None) -> Iterator[str]:
    """What becomes of one target's list."""
    listed = rows(known)
    yield from _cells(known.target.name, *_header(known), width=width)
    yield from _entries(listed, width=width)
    yield from told(refused(known), what="not let in", width=width)
    yield from told(remarks(known), what="note", width=width)
    if known.target.mode is Mode.OBSERVE and known.plan.exclusive_removals:
        removed = few(known.plan.exclusive_removals)
        yield from _cells("note", f"Exclusive would remove as well: {removed}", width=width)
    yield from _cells(_summary(known, listed), width=width)


def difference(known: Difference, *, width: int | None) -> Iterator[str]:
    """What files change on one target; nothing where that is nothing."""
    found, news = known.rows(), known.news()
    if not found and not news:
        return
    sizes = " -> ".join(map(_size, (known.before, known.after)))
    target = known.after.target
    mode = "InvalidSpec" if target.problems else f"mode {target.mode}"
    yield from _cells(known.name, f"{mode}, {sizes}", width=width)
    within = width - len(_INDENT) if width is not None else None
    for line in (*_entries(found, width=within), *told(news, what="note", width=within)):
        yield f"{_INDENT}{line}"


def told(found: Iterable[Remark], *, what: str, width: int | None) -> Iterator[str]:
    """Each remark, as what it is told."""
    for each in found:
        yield from _cells(what, each.about, f"{each.reason}: {each.message}", width=width)


def _header(known: Forecast) -> tuple[str, str]:
    """How full the list is, and the target's mode."""
    target, view = known.target, known.view
    used = "open to everyone" if view.ranges is None else f"{len(view.ranges)}"
    size = used if view.ranges is None else f"{used} of {view.entry_limit} entries"
    if target.problems:
        return size, "InvalidSpec: nobody is let in until its spec is mended"
    mode = f"mode {target.mode}"
    if target.suspend:
        mode += ", suspended: nothing is written"
    elif target.mode is Mode.OBSERVE:
        mode += ": nothing is written, this is what Merge would do"
    return size, mode


def _summary(known: Forecast, listed: Sequence[Row]) -> str:
    """How much changes."""
    if not known.changes:
        return "Nothing changes."
    signs = [each.sign for each in listed]
    size = f"{len(known.after or ())} of {known.view.entry_limit} entries then"
    return f"{signs.count(Sign.ADDED)} to add, {signs.count(Sign.REMOVED)} to remove; {size}."


def _size(known: Forecast) -> str:
    return "open" if known.after is None else f"{len(known.after)}/{known.view.entry_limit}"


def _entries(listed: Sequence[Row], *, width: int | None) -> Iterator[str]:
    """Signs and entries, and beside them the words."""
    if width is None:
        longest = max((len(each.entry) for each in listed), default=0)
        yield from (f"{each.sign} {each.entry:<{longest}}  {each.words}" for each in listed)
    elif listed:
        cells = [(f"{each.sign} {each.entry}", each.words) for each in listed]
        laid = fitted(cells, titles=("", ""), width=width, least=2)
        yield from map(_joined, laid.lines)


def _cells(*texts: str, width: int | None) -> Iterator[str]:
    """Beside one another, or one below another where there is no room."""
    if width is None:
        yield _INDENT.join(texts)
    else:
        yield from map(_joined, stacked([Cell(each) for each in texts], width=width))


def _joined(line: Line) -> str:
    return "".join(map(str, line))
