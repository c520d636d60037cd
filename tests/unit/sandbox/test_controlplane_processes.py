"""Nothing outlives the process that started it, however that process goes."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.processes import Port, Process, ProcessError, Scratch, alive, wait_until

ROOT = Path(__file__).resolve().parents[3]
ECHO_PIDS = 'sleep 60 & echo $$ $! > "$1/pids.new"; mv "$1/pids.new" "$1/pids"; wait'
STARTER = f"""
import signal, time
from sandbox.processes import Process, Scratch, wait_until
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell put us behind
scratch = Scratch()
Process(["sh", "-c", {ECHO_PIDS!r}, "sh", str(scratch.path)], name="family", scratch=scratch)
pids = scratch.path / "pids"
wait_until(pids.exists, what="the family", timeout=30)
print(scratch.path, pids.read_text(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    with Scratch() as made:
        yield made


def shell(scratch: Scratch, script: str) -> Process:
    return Process(["sh", "-c", script, "sh", str(scratch.path)], name="child", scratch=scratch)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_family_and_its_directory_go_with_their_starter(number: signal.Signals):
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert starter.stdout is not None
    with starter.stdout:
        directory, *pids = starter.stdout.readline().split()
    assert len(pids) == 2
    assert all(alive(int(pid)) for pid in pids)
    starter.send_signal(number)
    starter.wait()
    wait_until(
        lambda: not any(alive(int(pid)) for pid in pids) and not Path(directory).exists(),
        what="the family to go",
        timeout=30,
    )


def test_stop_is_gentle_and_leaves_the_directory(scratch: Scratch):
    process = shell(
        scratch, 'trap "echo bye; exit 3" TERM; touch "$1/up"; while :; do sleep 0.01; done'
    )
    wait_until((scratch.path / "up").exists, what="the trap", timeout=30)
    assert process.poll() is None
    assert process.stop() == 3
    assert process.stop() == 3
    assert process.log.read_text().endswith("bye\n")
    assert scratch.path.exists()


def test_kill_and_signals_reach_the_child(scratch: Scratch):
    assert shell(scratch, "exec sleep 60").kill() == 128 + signal.SIGKILL
    process = shell(scratch, "exec sleep 60")
    process.signal(signal.SIGHUP)
    assert process.wait(timeout=30) == 128 + signal.SIGHUP
    assert process.stop() == 128 + signal.SIGHUP


def test_what_a_child_leaves_behind_goes_when_it_ends(scratch: Scratch):
    process = shell(scratch, 'sleep 60 & echo $! > "$1/pid"')
    assert process.wait(timeout=30) == 0
    pid = int((scratch.path / "pid").read_text())
    wait_until(lambda: not alive(pid), what="the grandchild to go", timeout=30)
    process.stop()


def test_an_end_is_told_with_the_log(scratch: Scratch):
    process = shell(scratch, "echo the reason; exit 7")
    process.wait(timeout=30)
    with pytest.raises(ProcessError, match=r"child ended with exit code 7.*\nthe reason"):
        process.ensure_running()
    process.stop()


def test_a_missing_program_is_told_by_name(scratch: Scratch):
    with pytest.raises(ProcessError, match=r"tool did not start: .*'/no/such/program'"):
        Process(["/no/such/program"], name="tool", scratch=scratch)


def test_scratch_directories_are_private_and_removed():
    with Scratch() as scratch:
        assert scratch.path.stat().st_mode & 0o777 == 0o700
        (scratch.path / "deep" / "er").mkdir(parents=True)
    assert not scratch.path.exists()


def test_a_port_is_held_and_still_free_to_listen_on():
    port = Port()
    try:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port.number))
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            server.bind(("127.0.0.1", port.number))
            server.listen()
            with socket.create_connection(("127.0.0.1", port.number)):
                pass
    finally:
        port.close()


def test_waiting_in_vain_says_for_what():
    with pytest.raises(ProcessError, match=r"waited 0 s for a miracle\. None came"):
        wait_until(lambda: False, what="a miracle", timeout=0, detail=lambda: "None came")
