"""Ties a child process and a scratch directory to the life of the process that started this one.

Runs as a script in a bare interpreter (standard library only): standard input is a pipe whose
other end only the starting process holds, so its end is seen however that process went, SIGKILL
included. Then the child's whole process group is killed and the directory removed. This works
the same on Linux and macOS, where nothing like PR_SET_PDEATHSIG exists.

    python -I -S supervisor.py STATUS_FD DIRECTORY [COMMAND ...]

STATUS_FD gets the child's process id (or the reason why it did not start) and a line break.
Without COMMAND only the directory is guarded. The byte ``s`` on standard input means: stop the
child (SIGTERM, after ``GRACE`` seconds SIGKILL) and leave the directory; ``d``: remove it too.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import time

GRACE = 10.0
STARTER_GONE = b""


def main(status: int, directory: str, command: list[str]) -> int:
    """Run `command` until it ends or the starter says or shows that it must; its exit code."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child = start(command, status) if command else None
    os.close(status)
    if command and child is None:
        return 127
    order = wait(child, wake_read)
    code = end(child, gently=order == b"s") if child else 0
    if order in (STARTER_GONE, b"d") or starter_is_gone():
        remove(directory)
    return code


def start(command: list[str], status: int) -> "subprocess.Popen[bytes] | None":
    """Start the child in a session of its own and report its process id."""
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as problem:
        os.write(status, f"{problem}\n".encode())
        return None
    os.write(status, f"{child.pid}\n".encode())
    return child


def wait(child: "subprocess.Popen[bytes] | None", wake: int) -> bytes:
    """What ended the wait: an order of the starter, its death, or ``x`` for the child's exit."""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if 0 in ready:
            return os.read(0, 1)
        if any(number != signal.SIGCHLD for number in os.read(wake, 64)):
            return STARTER_GONE
        if child and child.poll() is not None:
            return b"x"


def end(child: "subprocess.Popen[bytes]", *, gently: bool) -> int:
    """End the child's process group and return the child's exit code (128 + signal number)."""
    if gently and child.poll() is None:
        signal_group(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while child.poll() is None and time.monotonic() < deadline and not starter_is_gone():
            time.sleep(0.01)
    signal_group(child.pid, signal.SIGKILL)
    code = child.wait()
    return 128 - code if code < 0 else code


def signal_group(group: int, number: int) -> None:
    """Signal every process of the group that is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        return


def starter_is_gone() -> bool:
    """Whether the pipe has ended; the starter holds it open until this process has exited."""
    ready, _, _ = select.select([0], [], [], 0)
    return bool(ready) and os.read(0, 1) == STARTER_GONE


def remove(directory: str) -> None:
    """Remove the directory, although the last files of other children may still appear in it."""
    deadline = time.monotonic() + GRACE
    while os.path.exists(directory) and time.monotonic() < deadline:
        shutil.rmtree(directory, ignore_errors=True)
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
