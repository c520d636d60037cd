"""Each command of docs/commands does what the page says it does, in a copy of the example."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.repository import ROOT, Repository

ELSEWHERE = {"let-me-in"}
"""Pages whose commands need a management cluster: tests/integration/test_guides.py."""
PAGES = sorted(
    page for page in (ROOT / "docs" / "commands").glob("*.md") if page.stem not in ELSEWHERE
)
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_MARK = "\x1e"


def steps(page: str) -> Iterator[tuple[str, str]]:
    """Each command of a page with the output that stands below it."""
    for block in _CONSOLE.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines(keepends=True)
            while lines and lines[0].startswith("> "):
                command += lines.pop(0)[2:]
            yield command, "".join(lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_its_commands_say(page: Path, tmp_path: Path) -> None:
    expected = list(steps(page.read_text()))
    if page.stem in ("index", "let-ci-in"):
        assert expected == []
        return
    script = "set +e\n" + "".join(
        f"{command}\n_code=$?; printf '{_MARK}'; (exit $_code)\n" for command, _ in expected
    )
    said = Repository(tmp_path).bash(script).stdout.split(_MARK)
    assert [(command, out) for (command, _), out in zip(expected, said, strict=False)] == expected
