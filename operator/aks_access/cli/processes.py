"""Running kubectls: what they say on standard error, and that none outlives the command.

Questions are asked in threads that nobody waits for once the command knows enough to end. A kubectl
that went on would read the person's next line for a log-in.
"""

import atexit
import contextlib
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import IO, Final

import click

_ERRORS: Final = ("error:", "Error from server", "Unable to connect", "The connection to", "The ")
_RUNNING: Final[set[subprocess.Popen[str]]] = set()


@contextlib.contextmanager
def started(
    command: Sequence[str], *, reads: bool = False
) -> Iterator[tuple[subprocess.Popen[str], "Said"]]:
    """A running kubectl and what it says on standard error; it ends with the block."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE if reads else None,  # else a log-in may ask the person
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        _RUNNING.add(process)
        assert process.stderr is not None
        said = Said(process.stderr)
        try:
            yield process, said
        finally:
            process.kill()
            process.wait()
            _RUNNING.discard(process)
            said()


@atexit.register
def _end() -> None:
    """Those of threads that are cut off by the end of the command."""
    for process in list(_RUNNING):
        process.kill()


class Said:
    """Collects complaints, and shows the rest at once: a log-in's "open this page and enter …"."""

    def __init__(self, stream: IO[str]) -> None:
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            if self._lines or line.startswith(_ERRORS):
                self._lines.append(line.strip())
            elif not line.startswith("Warning:") and " memcache.go:" not in line:
                with contextlib.suppress(OSError):  # nobody reads it; what follows is to be known
                    click.echo(line, err=True, nl=False)

    def __call__(self) -> str:
        """All complaints, on one line."""
        self._thread.join()
        return " ".join(line for line in self._lines if line)
