"""Tables: columns in a pipe, and the same on a terminal."""

import io
import subprocess
import sys

import pytest
from rich.console import Console

from aks_access.cli import screen
from aks_access.cli.overview import overview
from aks_access.cli.table import Cell, lines, rich_table
from tests.unit.cli import picture, scene
from tests.unit.cli.test_command_line import ENVIRONMENT
from tests.unit.cli.transcript import NOW


def test_columns_are_aligned_without_empty_ones_and_without_space_at_the_end() -> None:
    rows = [("a", "", Cell("long one", "red"), "x"), ("bcd", "", "b", "")]
    assert list(lines([tuple(map(str, row)) for row in rows])) == ["a    long one  x", "bcd  b"]
    assert list(lines(rows)) == ["a    \x1b[31mlong one\x1b[0m  x", "bcd  b"]
    assert list(lines([("", "")])) == [""]


def on_console(thing: object, *, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(thing)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(line) <= width for line in said.splitlines())
    return str(said)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_text_is_lost_on_a_narrow_terminal(width: int) -> None:
    rows = [("prod-weu", "", "[bold]no markup[/bold] " * 5), ("x", "", "y")]
    said = on_console(rich_table(rows, titles=("TARGET", "NOTHING", "WHY")), width=width)
    assert "NOTHING" not in said
    assert said.count("markup[/bold]") == 5 or "".join(said.split()).count("[bold]nomarkup") == 5


@pytest.mark.parametrize("width", [50, 80, 140])
def test_the_screen_has_all_that_a_pipe_has(width: int) -> None:
    targets = [each for each in scene.objects() if each["kind"] == "ApiAccessTarget"]
    found = overview(targets, now=NOW)
    said = "".join(on_console(screen.picture(found, width=width), width=width).split())
    for each in found.lines:
        assert "".join(each.notes).replace(" ", "") in said
        assert f"{each.name}●{each.state}" in said
    assert found.sums().replace(" ", "") in said


def test_the_picture_in_the_documentation_is_in_step() -> None:
    assert picture.FILE.read_text() == picture.drawn(), "run: python -m tests.unit.cli.picture"


@pytest.mark.parametrize("installed", [True, False])
def test_a_pipe_needs_no_rich(installed: bool) -> None:
    code = (
        "import sys\n"
        f"if not {installed}: sys.modules['rich'] = None\n"
        "from aks_access.cli import table\n"
        "table.show([('a', 'b')] * 3, titles=('A', 'B'))\n"
        "assert (table.rich_console() is None) is not "
        f"{installed}\n"
        "print('rich.table' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["a  b"] * 3 + ["False"]
