"""Small pieces of Markdown that GitHub and the site show alike."""

from collections.abc import Iterable, Sequence


def head(title: str, *, source: str) -> str:
    """The title, and where to edit what the page says."""
    return f"# {title}\n\n<!-- Made by `make generate` from {source}. -->\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a blank line before it."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n" + "\n".join(lines) + "\n"


def bullets(items: Iterable[str]) -> str:
    """A list with a blank line before it."""
    return "\n" + "".join(f"- {item}\n" for item in items)


def code(text: str) -> str:
    """Text as written in code."""
    return f"`{text}`"


def sentence(text: str) -> str:
    """The text with a full stop, and a capital letter unless it begins with a field's name."""
    closed = text if text.endswith((".", "!", "?")) else f"{text}."
    return closed[:1].upper() + closed[1:] if closed.partition(" ")[0].islower() else closed


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())
