"""Child processes, scratch directories and ports that never outlive the process that made them.

Each child runs under a small supervisor (``supervisor.py``) that kills it, with everything it
started, as soon as this process is gone, even by SIGKILL. Scratch directories are guarded the
same way. Ports are reserved by a bound socket, so that sandboxes side by side never collide.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_LOG_TAIL = 20


class ProcessError(RuntimeError):
    """A process of the sandbox did not start, did not become ready or ended by itself."""


class _Supervised:
    """One supervisor process and the pipe that keeps it (and what it guards) alive."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        directory: str,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        status_read, status_write = os.pipe()
        with contextlib.ExitStack() as stack:
            status = stack.enter_context(os.fdopen(status_read))
            output = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
            try:
                supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR)]
                self._supervisor = subprocess.Popen(
                    [*supervisor, str(status_write), directory, *command],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    pass_fds=[status_write],
                    env=None if env is None else dict(env),
                    cwd=cwd,
                    start_new_session=True,
                )
            finally:
                os.close(status_write)
            self.report = status.readline().strip()

    def order(self, order: bytes) -> int:
        """Send one order, wait until the supervisor has carried it out; its exit code."""
        assert self._supervisor.stdin is not None
        if self._supervisor.stdin.closed:
            return self._supervisor.wait()
        with contextlib.suppress(BrokenPipeError):  # it has already ended, as its child has
            self._supervisor.stdin.write(order)
            self._supervisor.stdin.flush()
        code = self._supervisor.wait()
        with contextlib.suppress(BrokenPipeError):
            self._supervisor.stdin.close()
        return code

    def poll(self) -> int | None:
        """Exit code of the supervisor, which is the child's; None while it runs."""
        return self._supervisor.poll()


class Scratch:
    """A private temporary directory that is gone with this process, however it ends."""

    def __init__(self, *, prefix: str = "aks-access-sandbox-") -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        self._guard = _Supervised([], directory=str(self.path))

    def close(self) -> None:
        """Remove the directory and all it holds."""
        self._guard.order(b"d")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


class Process:
    """A running child process, its output in a log file.

    `scratch` is the directory that goes when this process is gone. The child starts a session of
    its own: terminal signals (Ctrl-C) reach it only through `signal` and `stop`.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str,
        scratch: Scratch,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = scratch.path / f"{name}.log"
        self._supervised = _Supervised(
            command, directory=str(scratch.path), log=self.log, env=env, cwd=cwd
        )
        if not self._supervised.report.isdigit():
            reason = self._supervised.report or self.log_tail()
            self._supervised.order(b"s")
            raise ProcessError(f"{name} did not start: {reason}")
        self.pid = int(self._supervised.report)

    def poll(self) -> int | None:
        """Exit code, 128 + number after a signal; None while the process runs."""
        return self._supervised.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process itself (not to what it started)."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, *, timeout: float) -> int:
        """Exit code after the process ended by itself, at most `timeout` seconds from now."""
        wait_until(
            lambda: self.poll() is not None,
            what=f"{self.name} to end",
            timeout=timeout,
            detail=self.log_tail,
        )
        code = self.poll()
        assert code is not None
        return code

    def stop(self) -> int:
        """SIGTERM, SIGKILL after 10 s; returns the exit code. Harmless on an ended process."""
        return self._supervised.order(b"s")

    def kill(self) -> int:
        """SIGKILL, at once; returns the exit code."""
        self.signal(signal.SIGKILL)
        return self.stop()

    def log_tail(self) -> str:
        """The last lines of the log file, for error messages."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-_LOG_TAIL:])

    def ensure_running(self) -> None:
        """Raise ProcessError with the end of the log when the process has ended."""
        code = self.poll()
        if code is not None:
            raise ProcessError(
                f"{self.name} ended with exit code {code}. The end of its log:\n{self.log_tail()}"
            )


class Port:
    """A free TCP port on 127.0.0.1, held for as long as this object is open.

    The socket is bound but never listens, with SO_REUSEPORT: nobody else is given the port, and a
    server of the same user that sets SO_REUSEPORT itself can listen on it, also after a restart.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


def alive(pid: int) -> bool:
    """Whether there is such a process, one that nobody waited for included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(
    condition: Callable[[], bool],
    *,
    what: str,
    timeout: float,
    interval: float = 0.05,
    detail: Callable[[], str] = lambda: "",
) -> None:
    """Return when `condition` holds; ProcessError after `timeout` seconds.

    `what` completes "waited 5 s for …"; `detail` is asked for more text when time is up.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise ProcessError(f"waited {timeout:g} s for {what}. {detail()}".rstrip())
        time.sleep(interval)
