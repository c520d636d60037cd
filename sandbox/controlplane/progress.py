"""Tells a waiting person how far a long build has come.

On a terminal one line is redrawn; elsewhere (CI logs) a line appears every 15 seconds.
"""

import sys
import time
from typing import TextIO

_QUIET_INTERVAL = 15.0
_TERMINAL_INTERVAL = 0.2


class Progress:
    """A status line on `stream` (standard error when absent)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._redraw = self._stream.isatty()
        self._started = time.monotonic()
        self._shown = float("-inf")
        self._width = 0

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._clear()
        print(f"sandbox: {text}", file=self._stream, flush=True)
        self._shown = time.monotonic()

    def update(self, text: str) -> None:
        """Show the current state, at most as often as the stream deserves it."""
        now = time.monotonic()
        if now - self._shown < (_TERMINAL_INTERVAL if self._redraw else _QUIET_INTERVAL):
            return
        minutes, seconds = divmod(int(now - self._started), 60)
        line = f"{text}, {minutes}:{seconds:02d}"
        if not self._redraw:
            self.say(line)
            return
        self._clear()
        print(f"sandbox: {line}", end="", file=self._stream, flush=True)
        self._width = len(line) + len("sandbox: ")
        self._shown = now

    def _clear(self) -> None:
        if self._width:
            print("\r" + " " * self._width, end="\r", file=self._stream)
            self._width = 0
