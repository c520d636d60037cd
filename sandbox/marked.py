"""Parts of hand-written pages that are generated: what stands between two marks, each on a line."""

from collections.abc import Sequence


class MarksError(ValueError):
    """The page lacks one of the marks."""


def with_part(page: str, *, begin: str, end: str, part: str) -> str:
    """Return the page with `part` between two marks, whole lines. Raises MarksError."""
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise MarksError(f"the page lacks the lines {begin.strip()} and {end.strip()}")
    return before + begin + part + end + after


def table(*, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )
