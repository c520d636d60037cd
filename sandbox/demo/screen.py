"""What the demo prints: headings, commands as typed, their output, and what was checked."""

import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPED_WIDTH = 120


class Screen:
    """A terminal or a pipe; no control codes in a pipe, and none where NO_COLOR is set."""

    def __init__(self, console: Console | None = None) -> None:
        plain = bool(os.environ.get("NO_COLOR"))
        self.console = console or Console(color_system=None if plain else "auto", highlight=False)
        if not self.console.is_terminal:
            self.console.width = max(self.console.width, _PIPED_WIDTH)

    def heading(self, text: str) -> None:
        """Begin a step."""
        self._line(f"\n{text}", style="bold")

    def note(self, text: str) -> None:
        """Say what happens."""
        self._line(f"   {text}", style="dim")

    def command(self, text: str) -> None:
        """Show a command as typed."""
        self._line(f"   $ {text}", style="bold cyan")

    def output(self, text: str, *, lines: int | None = None) -> None:
        """Show a command's output; with `lines` no more than these and how many are left out."""
        shown = text.rstrip().splitlines()
        left_out = 0 if lines is None else max(0, len(shown) - lines)
        for line in shown[: len(shown) - left_out]:
            self._line(f"   {line}".rstrip())
        if left_out:
            self._line(f"   … {left_out} more lines", style="dim")

    def passed(self, text: str) -> None:
        """Say that a check held."""
        self.console.print(
            Text("   ok  ", style="bold green").append(text, style="not bold default"),
            soft_wrap=True,
        )

    def failed(self, text: str, *, expected: str, seen: str, log: str) -> None:
        """Say that a check did not hold, and what the operator said last."""
        self.console.print(
            Text("   FAILED  ", style="bold red").append(text, style="not bold default"),
            soft_wrap=True,
        )
        self._line(f"   expected: {expected}")
        self._line(f"   seen:     {seen}")
        if log:
            self._line("   The last lines of the operator's log:", style="dim")
            for line in log.splitlines():
                self._line(f"   | {line}")

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a small table."""
        self._line(f"\n{title}", style="bold")
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        for name in header:
            table.add_column(name, no_wrap=True)
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def result(self, text: str, *, good: bool) -> None:
        """Say how it all ended."""
        self._line(f"\n{text}", style="bold green" if good else "bold red")

    def _line(self, text: str, *, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)
