"""Running kubectls: what is shown of what they say, and that none stays behind."""

import os
import select
import subprocess
import sys

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
