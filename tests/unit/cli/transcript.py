"""Transcripts of the command line: commands after `$`, below each what it said and its exit code.

`python -m tests.unit.cli.transcript` writes those of tests/golden/cli anew.
"""

import contextlib
import functools
import io
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aks_access.__main__ import main
from aks_access.api.crd import definition
from aks_access.api.names import Kind
from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.cli.files.documents import documents
from aks_access.cli.hub.cluster import Cluster
from aks_access.cli.internet.web import Answer, Question
from aks_access.cli.surroundings import Surroundings

GOLDEN: Final = Path(__file__).resolve().parents[2] / "golden" / "cli"
NOW: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
PLANNED: Final = ("plan", "adopt", "doctor")
"""Commands that see the management cluster of hub.yaml; others see that of `scene`."""


def execute(command: str, *, place: Surroundings | None = None) -> tuple[int, str, str]:
    """Run `aks-access … [< file]` here: exit code, standard output and standard error."""
    words, _, file = command.partition(" < ")
    program, *arguments = shlex.split(words)
    if program != "aks-access":
        raise ValueError(f"{command!r} is no command of ours")
    given = Path(file).read_bytes() if file else b""
    machine = Surroundings(
        now=lambda: NOW,
        own_name=lambda: "dev-laptop",
        stdin=lambda: given,
        cluster=lambda _reach: hub(Path("hub.yaml")) if arguments[0] in PLANNED else _scene(),
        web=_web,
    )
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments, surroundings=place or machine)
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue(), err.getvalue()
    raise AssertionError(f"{command!r} did not end the process")


def hub(file: Path) -> FakeCluster:
    """The management cluster that a file describes, with the CRDs of this version."""
    made = FakeCluster(time=NOW)
    made.add(*_objects(file.read_text()))
    return made


@functools.lru_cache(maxsize=16)
def _objects(text: str) -> list[dict[str, Any]]:
    objects = [each.raw for each in documents(text, source="hub")]
    return [*objects, *map(definition, Kind)]


def written(file: Path) -> FakeCluster:
    """The management cluster whose objects a JSON file lists, seen from namespace team-a."""
    made = FakeCluster(context_namespace="team-a")
    made.add(*json.loads(file.read_text()))
    return made


def _scene() -> Cluster:
    from tests.unit.cli import scene  # which takes a run of the operator

    return scene.cluster()


def _web(question: Question) -> Answer:
    from tests.unit.cli.desk import Desk

    return Desk().machine().web(question)


def played(transcript: str, *, place: Surroundings | None = None) -> str:
    """The transcript as the commands in it speak now, in the working directory."""
    asked = [line[2:] for line in transcript.splitlines() if line.startswith("$ ")]
    return "".join(_said(each, place=place) for each in asked)


def place_of(path: Path) -> Surroundings | None:
    """Where a transcript plays, if it needs a hub that remembers."""
    from tests.unit.cli import desk

    return desk.hub_of(Path("hub")).machine() if path.stem in desk.TRANSCRIPTS else None


def _said(command: str, *, place: Surroundings | None) -> str:
    if command.startswith("cat "):
        return f"$ {command}\n{Path(command[4:]).read_text()}\n"
    code, out, err = execute(command, place=place)
    ended = f"[exit {code}]\n" if code else ""
    return f"$ {command}\n{out}{err}{ended}\n"


@contextlib.contextmanager
def files() -> Iterator[None]:
    """A copy of the golden files as the working directory."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "files")
        shutil.copytree(GOLDEN / "files", copy)
        width = os.environ.get("COLUMNS")
        os.environ["COLUMNS"] = "80"
        os.chdir(copy)
        try:
            yield
        finally:
            os.chdir(before)
            if width is None:
                del os.environ["COLUMNS"]
            else:
                os.environ["COLUMNS"] = width


if __name__ == "__main__":
    for path in sorted(GOLDEN.glob("*.txt")):
        with files():
            path.write_text(played(path.read_text(), place=place_of(path)))
        sys.stdout.write(f"{path}\n")
