"""Each command of docs/commands does what the page says it does, in a copy of the example."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.unit.cli.repository import ROOT, Repository

ELSEWHERE = {"let-me-in", "adopt-clusters"}
"""Pages whose commands need a management cluster or ask Azure: tests/integration runs these."""
PAGES = sorted(
    page for page in (ROOT / "docs" / "commands").glob("*.md") if page.stem not in ELSEWHERE
)
ASKS_AZURE = "--azure"
"""A flag whose commands tests/integration runs."""
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_MARK = "\x1e"

Step = tuple[str, str]
"""A command and what stands below it."""


def steps(page: str) -> Iterator[Step]:
    """Each command of a page with the output that stands below it."""
    for block in _CONSOLE.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines(keepends=True)
            while lines and lines[0].startswith("> "):
                command += lines.pop(0)[2:]
            yield command, "".join(lines)


def script(expected: Sequence[Step]) -> str:
    """A script that runs the commands, whatever their exit codes, with a mark after each."""
    return "set +e\n" + "".join(
        f"{command}\n_code=$?; printf '{_MARK}'; (exit $_code)\n" for command, _ in expected
    )


def played(expected: Sequence[Step], said: str) -> list[Step]:
    """The commands with what they said, from the script's output."""
    return [(command, out) for (command, _), out in zip(expected, said.split(_MARK), strict=False)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_its_commands_say(page: Path, tmp_path: Path) -> None:
    expected = [each for each in steps(page.read_text()) if ASKS_AZURE not in each[0]]
    if page.stem in ("index", "let-ci-in"):
        assert expected == []
        return
    assert played(expected, Repository(tmp_path).bash(script(expected)).stdout) == expected
