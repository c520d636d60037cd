"""Running kubectls: what is shown of what they say, and that none stays behind."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.cli.test_command_line import ENVIRONMENT

SAYS = "to sign in, open a page\nError from server (NotFound): none\n"


def test_a_question_that_nobody_waits_for_ends_with_the_command() -> None:
    """What it holds open here is closed once it is gone."""
    code = (
        "import threading\n"
        "from aks_access.cli.processes import started\n"
        "begun = threading.Event()\n"
        "def ask():\n"
        "    with started(['sleep', '60']) as (process, _):\n"
        "        begun.set()\n"
        "        process.wait()\n"
        "threading.Thread(target=ask, daemon=True).start()\n"
        "begun.wait()\n"
    )
    ours, theirs = os.pipe()
    try:
        subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, stdin=theirs, check=True)
        os.close(theirs)
        ended, _, _ = select.select([ours], [], [], 10)
    finally:
        os.close(ours)
    assert ended


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
        "from aks_access.cli.cluster import Resource\n"
        "from aks_access.cli.kubectl import Kubectl\n"
        "from aks_access.cli.together import together\n"
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
        "from aks_access.cli.processes import started\n"
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
