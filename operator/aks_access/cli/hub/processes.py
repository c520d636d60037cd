"""Running kubectls: what they say on standard error, and that none outlives the command.

Several are asked at once, each with a log-in of its own: two that ask the person would be one too
many, of whose codes the second is never entered. And nobody waits for those whose answers are not
needed any more; one that went on would read the person's next line.

They stay in the command's own process group: one of its own would be in the background of the
terminal, where a log-in cannot ask for a password and Ctrl-C does not come.
"""

import atexit
import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

_ERRORS: Final = (
    "error:",
    "Error from server",
    "Error in configuration",
    "Unable to connect",
    "The connection to",
    "The ",
)
_RUNNING: Final[set[subprocess.Popen[bytes]]] = set()
_STARTING: Final = threading.Lock()
"""Held while one is started; in the end for good, so that none is that nobody would end."""
_LONGEST_START: Final = 1.0
"""Seconds to wait for that in the end: a start takes milliseconds."""
_PAUSE: Final = 0.05
"""Seconds without a word after which a line's beginning is taken for a question."""
_CHUNK: Final = 1 << 16
_FLOOR: Final = threading.Lock()
"""Held by the one that speaks to the person, until it ends."""


@contextlib.contextmanager
def started(
    command: Sequence[str], *, reads: bool = False, yields: bool = False
) -> Iterator[tuple[subprocess.Popen[bytes], "Said"]]:
    """A running kubectl and what it says on standard error; it ends with the block.

    One that `yields` ends as well where it would speak to the person beside another one.
    """
    with _begun(command, reads=reads) as process:
        said = Said(process, yields=yields)
        try:
            yield process, said
        finally:
            _end(process)
            process.wait()
            _RUNNING.discard(process)
            said()


def _begun(command: Sequence[str], *, reads: bool) -> subprocess.Popen[bytes]:
    with _STARTING:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if reads else None,  # else a log-in may ask the person
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        _RUNNING.add(process)
    return process


@atexit.register
def _end_all() -> None:
    """Those of threads that are cut off by the end of the command.

    One that waits for another's log-in would start as soon as that ends.
    """
    _STARTING.acquire(timeout=_LONGEST_START)
    for process in list(_RUNNING):
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a kubectl that still runs, and the log-in that it waits for.

    A log-in may have hidden what is typed, so it is asked to end. What it started in turn stays:
    that may be the person's browser.
    """
    if process.poll() is not None:
        return
    log_ins = _children(process.pid)
    process.kill()
    for each in log_ins:
        with contextlib.suppress(OSError):
            os.kill(each, signal.SIGTERM)


def _children(pid: int, *, proc: Path = Path("/proc")) -> list[int]:
    """The processes that it started; none where the system does not tell."""
    with contextlib.suppress(OSError, ValueError):
        tasks = proc / str(pid) / "task"
        if tasks.is_dir():
            told = [each.read_text() for each in tasks.glob("*/children")]
            return list(map(int, " ".join(told).split()))
        listed = subprocess.run(
            ["ps", "-A", "-o", "ppid=,pid="], capture_output=True, text=True, check=False
        )
        pairs = (map(int, line.split()) for line in listed.stdout.splitlines())
        return [child for parent, child in pairs if parent == pid]
    return []


def quiet() -> None:
    """Wait until nobody speaks to the person."""
    with _FLOOR:
        pass


class Said:
    """Collects complaints, and shows the rest at once: a log-in's "open this page and enter …".

    Attributes:
        cut_off: it yielded to another one; wait until it is `quiet`, and ask again.
    """

    def __init__(self, process: subprocess.Popen[bytes], *, yields: bool) -> None:
        self.cut_off = False
        self._process = process
        self._yields = yields
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        speaks = False
        try:
            for said in self._texts():
                line = said.decode(errors="replace")
                if self._lines or line.startswith(_ERRORS):
                    self._lines.append(line.strip())
                elif not line.startswith("Warning:") and " memcache.go:" not in line:
                    speaks = speaks or _FLOOR.acquire(blocking=False)
                    if self._yields and not speaks:
                        self.cut_off = True
                        _end(self._process)
                        return
                    with contextlib.suppress(OSError):  # nobody reads it; what follows may matter
                        click.echo(line, err=True, nl=False)
        finally:
            if speaks:
                _FLOOR.release()

    def _texts(self) -> Iterator[bytes]:
        """Lines, and what stands without an end of line and waits for the person.

        They end with kubectl: a browser that its log-in opened may keep the stream open.
        """
        assert self._process.stderr is not None
        stream, rest = self._process.stderr.fileno(), b""
        while True:
            over = self._process.returncode is not None  # what it said is in the stream by then
            heard = bool(select.select([stream], [], [], 0 if over else _PAUSE)[0])
            more = os.read(stream, _CHUNK) if heard else b""
            *lines, rest = (rest + more).split(b"\n")
            yield from (line + b"\n" for line in lines)
            if more:
                continue
            if rest:
                yield rest
                rest = b""
            if heard or over:
                return

    def __call__(self) -> str:
        """All complaints, on one line."""
        self._thread.join()
        return " ".join(line for line in self._lines if line)
