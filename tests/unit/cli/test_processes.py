"""Running kubectls: what is shown of what they say, and that none stays behind."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aks_access.cli.hub.processes import _children, started
from tests.unit.cli.test_command_line import ENVIRONMENT

SAYS = "to sign in, open a page\nError from server (NotFound): none\n"


LEAVES = """\
import subprocess, threading
from aks_access.cli.hub.processes import _children, started
begun = threading.Event()
def ask():
    with started(COMMAND) as (process, _):
        process.stdout.readline()
        begun.set()
        process.wait()
threading.Thread(target=ask, daemon=True).start()
begun.wait()
"""
"""Ends while a question is asked in a thread."""

TURNS_AWAY = """\
from aks_access.cli.hub.processes import _children, started
with started(COMMAND) as (process, _):
    process.stdout.readline()
"""
"""Ends a question itself."""

COMES_LATE = """\
import atexit, threading
over, begun = threading.Event(), threading.Event()
def end():
    over.set()
    begun.wait(0.5)
atexit.register(end)  # comes after those of what is imported below
from aks_access.cli.hub.processes import started
def ask():
    over.wait()
    with started(COMMAND) as (process, _):
        process.stdout.readline()
        begun.set()
        process.wait()
threading.Thread(target=ask, daemon=True).start()
"""
"""Asks in a thread when the others have been ended: one of those was a log-in it waited for."""

ALONE = ["sh", "-c", "echo; exec sleep 60"]
WITH_LOG_IN = ["sh", "-c", "exec 3<&0; sleep 60 <&3 & echo; wait"]


@pytest.mark.parametrize("code", [LEAVES, TURNS_AWAY, COMES_LATE])
@pytest.mark.parametrize("command", [ALONE, WITH_LOG_IN])
def test_a_question_that_nobody_waits_for_ends_with_its_log_in(
    code: str, command: list[str]
) -> None:
    """What they hold open here is closed once they are gone."""
    ours, theirs = os.pipe()
    try:
        subprocess.run(
            [sys.executable, "-c", f"COMMAND = {command}\n{code}"],
            env=ENVIRONMENT,
            stdin=theirs,
            check=True,
            timeout=30,
        )
        os.close(theirs)
        ended, _, _ = select.select([ours], [], [], 10)
    finally:
        os.close(ours)
    assert ended


OPENS_A_PAGE = """\
sh -c 'trap "exit 0" TERM; sleep 60 >/dev/null 2>&1 <&- & echo $!; wait' &
wait
"""


def test_what_a_log_in_opened_stays() -> None:
    """The person's browser, which a log-in may have started."""
    with started(["sh", "-c", OPENS_A_PAGE]) as (process, _):
        assert process.stdout is not None
        page = int(process.stdout.readline())
    try:
        os.kill(page, 0)
    finally:
        os.kill(page, signal.SIGKILL)


@pytest.mark.parametrize("proc", ["/proc", "/nowhere"])
def test_the_children_of_a_process_are_told_with_and_without_proc(proc: str) -> None:
    if proc == "/nowhere" and shutil.which("ps") is None:
        pytest.skip("ps is not installed")
    with subprocess.Popen(WITH_LOG_IN, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        [child] = _children(parent.pid, proc=Path(proc))
        os.kill(child, signal.SIGKILL)


LOGS_IN = """\
#!/bin/sh
if [ ! -e token ]; then
    echo $$ >> asked
    echo "to sign in, open a page" >&2
    until [ -e token ]; do sleep 0.05; done
fi
echo '{"items": []}'
"""


def one_of_two_gave_up(asked: Path) -> bool:
    numbers = list(map(int, asked.read_text().split()))
    try:
        for each in numbers:
            os.kill(each, 0)
    except ProcessLookupError:
        return len(numbers) == 2
    return False


def test_of_two_log_ins_at_once_the_person_sees_one(tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(LOGS_IN)
    kubectl.chmod(0o755)
    code = (
        "from aks_access.cli.hub.cluster import Resource\n"
        "from aks_access.cli.hub.kubectl import Kubectl\n"
        "from aks_access.cli.hub.together import together\n"
        "print(together([lambda: Kubectl().all(Resource.TARGETS)] * 2))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**ENVIRONMENT, "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == "to sign in, open a page\n"
            until = time.monotonic() + 30
            while not one_of_two_gave_up(tmp_path / "asked"):
                assert time.monotonic() < until, "both wait for the person"
                time.sleep(0.01)
        finally:
            (tmp_path / "token").touch()
        out, err = process.communicate(timeout=20)
    assert (out, err) == ("[[], []]\n", "")


@pytest.mark.parametrize("reader", ["one", "that left", "none"])
def test_complaints_are_known_whoever_reads_the_rest(reader: str) -> None:
    code = (
        "import os, sys\n"
        "from aks_access.cli.hub.processes import started\n"
        "reader, command = sys.argv[1], ['printf', '%s', sys.argv[2]]\n"
        "if reader == 'that left':\n"
        "    ours, theirs = os.pipe()\n"
        "    os.close(ours)\n"
        "    sys.stderr = open(theirs, 'w', buffering=1)\n"
        "if reader == 'none':\n"
        "    sys.stderr = None\n"
        "with started(['sh', '-c', '\"$@\" >&2', '-', *command]) as (process, said):\n"
        "    process.wait()\n"
        "    print(said(), flush=True)\n"
        "os._exit(0)\n"  # what a reader left unread would fail at the end
    )
    done = subprocess.run(
        [sys.executable, "-c", code, reader, SAYS],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Error from server (NotFound): none\n"
    assert done.stderr == ("to sign in, open a page\n" if reader == "one" else "")


HOLDS_OPEN = "sleep 60 & echo $!; echo to sign in, open a page >&2"


def test_a_browser_that_a_log_in_opened_is_not_waited_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It writes to the terminal that the log-in wrote to, as long as it is open."""
    browser = 0
    try:
        with started(["sh", "-c", HOLDS_OPEN]) as (process, said):
            assert process.stdout is not None
            browser = int(process.stdout.readline())
            process.wait()
            assert said() == ""
        os.kill(browser, 0)
        assert capsys.readouterr().err == "to sign in, open a page\n"
    finally:
        os.kill(browser, signal.SIGKILL)


def test_a_question_at_the_end_of_a_line_is_shown_before_it_is_answered() -> None:
    code = (
        "from aks_access.cli.hub.processes import started\n"
        "asks = 'printf Password: >&2; read line; echo >&2'\n"
        "with started(['sh', '-c', asks]) as (process, said):\n"
        "    process.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            shown = select.select([process.stderr], [], [], 20)[0]
        finally:
            process.stdin.close()
        assert shown
        assert process.stderr.read() == b"Password:\n"
