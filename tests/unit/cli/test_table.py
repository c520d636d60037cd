"""Tables: columns in a pipe, and on a terminal as it has room for them, with no word cut."""

import contextlib
import functools
import io
import itertools
import os
import pty
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from aks_access.cli.reports import screen
from aks_access.cli.reports.overview import Overview, overview
from aks_access.cli.terminal import table
from aks_access.cli.terminal.layout import Line, columns_of, fitted, wrapped
from aks_access.cli.terminal.table import Cell, lines
from tests.unit.cli import picture, scene
from tests.unit.cli.test_command_line import ENVIRONMENT, ROOT
from tests.unit.cli.transcript import GOLDEN, NOW


def test_columns_are_aligned_without_empty_ones_and_without_space_at_the_end() -> None:
    rows = [("a", "", Cell("long one", "red"), "x"), ("bcd", "", "b", "")]
    assert list(lines([tuple(map(str, row)) for row in rows])) == ["a    long one  x", "bcd  b"]
    assert list(lines(rows)) == ["a    \x1b[31mlong one\x1b[0m  x", "bcd  b"]
    assert list(lines([("", "")])) == [""]


def on_console(thing: object, *, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(thing, crop=False)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    for line in said.splitlines():
        assert len(line) <= width or has_a_wide_word(line, width)
    return str(said)


WORDS = st.sampled_from(
    [
        *("a", "never", "20.50.100.128/28", "team-a/dev-laptop", "等着", "e\u0301t\u0301", "being"),
        *("x" * 63, "`az aks show -n c1`.", "(`kubectl get aat`)", "foreign,", "`"),
    ]
)
CELLS = st.lists(WORDS, max_size=6).map(" ".join)


def closed(text: str) -> str:
    """Without backticks of which one would pair with one of the next cell."""
    return text if text.count("`") % 2 == 0 else text.replace("`", "")


TABLES = st.integers(1, 6).flatmap(
    lambda columns: st.lists(
        st.tuples(*[CELLS.map(closed).map(str.strip)] * columns), min_size=1, max_size=4
    )
)


def shown(line: Line) -> str:
    return "".join(cell.text for cell in line)


def words(text: str) -> list[str]:
    """What stays together: a command between backticks, and whatever has no blank in it."""
    return re.findall(r"[^\s`]*`[^`]*`\S*|\S+", text)


def has_a_wide_word(line: str, width: int) -> bool:
    """One for which there is no room, indented as it may be."""
    indent = max(2, len(line) - len(line.lstrip()))
    return any(columns_of(word) + indent > width for word in words(line))


@given(text=CELLS, width=st.integers(1, 90), indent=st.integers(0, 4))
def test_text_is_folded_between_words(text: str, width: int, indent: int) -> None:
    found = wrapped(text, width=width, indent=indent)
    assert [word for line in found for word in words(line)] == words(text)
    for line in found:
        assert columns_of(line) <= width or len(words(line)) == 1
    for line, following in itertools.pairwise(found):
        assert columns_of(f"{line} {words(following)[0]}") > width, "it had room for more"


@given(rows=TABLES, width=st.integers(1, 160), least=st.integers(1, 6))
def test_no_word_is_cut_and_none_is_lost_without_a_word(
    rows: list[tuple[str, ...]], width: int, least: int
) -> None:
    titles = [f"T{n}" for n in range(len(rows[0]))]
    laid = fitted(rows, titles=titles, width=width, least=least)
    left_out = {titles.index(title) for title in laid.left_out}
    assert all(n >= least for n in left_out)
    wanted = Counter(
        word
        for row in rows
        for n, cell in enumerate(row)
        if n not in left_out
        for word in words(cell)
    )
    said = [shown(line) for line in laid.lines]
    there = Counter(word for line in said for word in words(line))
    assert wanted - there == Counter()
    assert set(there - wanted) <= set(titles)
    for line in said:
        assert line == line.rstrip()
        assert columns_of(line) <= width or any(
            columns_of(word) + 2 > width for word in words(line)
        )


ROWS = [
    ("20.50.1.0/24", "foreign", "never", "", ""),
    ("81.2.69.142/32", Cell("team-a/dev-laptop", "green"), "18:00Z", "dev@contoso.com", "INC-77"),
]
TITLES = ("RANGE", "OWNER", "UNTIL", "REQUESTED BY", "TICKET")


@pytest.mark.parametrize(
    ("width", "least", "expected"),
    [
        (
            80,
            3,
            """\
RANGE           OWNER              UNTIL   REQUESTED BY     TICKET
20.50.1.0/24    foreign            never
81.2.69.142/32  team-a/dev-laptop  18:00Z  dev@contoso.com  INC-77
""",
        ),
        (
            60,
            3,
            """\
RANGE           OWNER              UNTIL   REQUESTED BY
20.50.1.0/24    foreign            never
81.2.69.142/32  team-a/dev-laptop  18:00Z  dev@contoso.com
without TICKET
""",
        ),
        (
            42,
            3,
            """\
RANGE           OWNER              UNTIL
20.50.1.0/24    foreign            never
81.2.69.142/32  team-a/dev-laptop  18:00Z
without REQUESTED BY, TICKET
""",
        ),
        (
            40,
            3,
            """\
20.50.1.0/24  foreign  never
81.2.69.142/32  team-a/dev-laptop
  18:00Z  dev@contoso.com  INC-77
""",
        ),
        (
            60,
            5,
            """\
20.50.1.0/24  foreign  never
81.2.69.142/32  team-a/dev-laptop  18:00Z  dev@contoso.com
  INC-77
""",
        ),
        (
            20,
            3,
            """\
20.50.1.0/24
  foreign  never
81.2.69.142/32
  team-a/dev-laptop
  18:00Z
  dev@contoso.com
  INC-77
""",
        ),
    ],
)
def test_columns_go_before_words_are_cut(width: int, least: int, expected: str) -> None:
    laid = fitted(ROWS, titles=TITLES, width=width, least=least)
    said = "".join(f"{shown(line)}\n" for line in laid.lines)
    told = f"without {', '.join(laid.left_out)}\n" if laid.left_out else ""
    assert said + told == expected


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene in a file, for commands in processes of their own."""
    file = tmp_path_factory.mktemp("scene") / "objects.json"
    scene.write(file)
    return file


@functools.cache
def on_terminal(objects: Path, *command: str, columns: int | str) -> str:
    """What a command says to a terminal of so many columns, in a process of its own."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", SCENE, str(objects), *command],
            env={**ENVIRONMENT, "COLUMNS": str(columns), "NO_COLOR": "1"},
            cwd=ROOT,
            stdout=theirs,
            stderr=theirs,
        ):
            os.close(theirs)
            said = b""
            with contextlib.suppress(OSError):  # how a terminal says that nobody writes any more
                while chunk := os.read(ours, 4096):
                    said += chunk
    finally:
        os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.decode())  # rich keeps what is bold or dim
    return plain.replace("\r\n", "\n")


SCENE = """\
import sys
from pathlib import Path
from aks_access.__main__ import main
from aks_access.cli.surroundings import Surroundings
from tests.unit.cli import transcript
objects, *command = sys.argv[1:]
hub = transcript.hub(transcript.GOLDEN / "files" / "hub.yaml")
reach = lambda _: hub if command[0] in transcript.PLANNED else transcript.written(Path(objects))
main(command, surroundings=Surroundings(now=lambda: transcript.NOW, cluster=reach))
"""
LOOKS = [
    ("status",),
    ("who",),
    ("who", "prod-weu", "-o", "wide"),
    ("explain", "81.2.69.142"),
    ("explain", "office", "-n", "team-a"),
    ("doctor",),
    ("plan", "prod-weu"),
    ("plan", "dev-weu", "lab"),
    ("plan", str(GOLDEN / "files" / "ahead")),
]


@pytest.mark.parametrize("columns", [20, 40, 60])
@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_a_narrow_terminal_gets_whole_words(
    objects: Path, command: tuple[str, ...], columns: int
) -> None:
    said = on_terminal(objects, *command, columns=columns)
    wide = on_terminal(objects, *command, columns=1000)
    assert set(words(said)) <= {*words(wide), *words("Not shown: BY, (-o wide)")}
    for line in said.splitlines():
        assert len(line) <= columns or has_a_wide_word(line, columns)


@pytest.mark.parametrize("columns", ["0", "", "-4", "wide"])
def test_a_terminal_that_does_not_know_its_width_gets_the_usual_one(
    objects: Path, columns: str
) -> None:
    assert on_terminal(objects, "who", columns=columns) == on_terminal(objects, "who", columns=80)


def test_an_output_that_is_closed_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    table.show([("a", "b")], titles=("A", "B"))
    table.sentences([("a", "b")])
    monkeypatch.undo()
    assert capsys.readouterr().out == ""


def test_what_has_no_room_is_named_with_the_flag_that_shows_it(objects: Path) -> None:
    said = on_terminal(objects, "who", "prod-weu", columns=50)
    assert said.splitlines()[-1] == "Not shown: REQUESTED BY, TICKET (-o wide)"
    assert "INC-77" in on_terminal(objects, "who", "prod-weu", "-o", "wide", columns=50)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("team-a", 6),
        ("等着", 4),
        ("e\u0301", 1),
        ("ที่นี่", 2),
        ("नमस्ते", 4),
        ("a\u20dd", 1),
        ("가", 2),
    ],
)
@pytest.mark.parametrize("installed", [True, False])
def test_marks_take_no_column_and_wide_characters_two(
    text: str, columns: int, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        monkeypatch.setitem(sys.modules, "rich.cells", None)
    assert columns_of(text) == columns


def test_an_emoji_of_several_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert columns_of("👨\u200d👩\u200d👧 on call") == 10


def test_columns_are_aligned_below_names_in_any_script() -> None:
    rows = [("ที่นี่", "x"), ("दिल्ली", "x"), ("等着", "x"), ("plain", "x")]
    assert {columns_of(line.removesuffix("x")) for line in lines(rows)} == {7}


LONG = "prod-westeurope-platform-shared-services-0001"


def wide_overview() -> Overview:
    """The scene's, and targets with long names."""
    targets = [each for each in scene.objects() if each["kind"] == "ApiAccessTarget"]
    found = overview(targets, now=NOW)
    fine = replace(found.lines[-1], notes=())
    more = (replace(fine, name=LONG), replace(fine, name="x" * 63))
    return replace(found, lines=(*found.lines, *more))


@pytest.mark.parametrize("width", [10, 20, 40, 60, 80, 110])
def test_no_word_of_the_picture_is_cut(width: int) -> None:
    found = wide_overview()
    said = on_console(screen.picture(found, width=width), width=width)
    everything = on_console(screen.picture(found, width=10_000), width=10_000)
    assert set(words(said)) <= set(words(everything))
    assert {LONG, "x" * 63, "RevocationOverdue", "ClusterUnrestricted"} <= set(words(said))


@pytest.mark.parametrize("width", [20, 40, 60, 80, 110])
@pytest.mark.parametrize("height", [12, 20, 30, 60])
def test_a_screen_is_never_taller_than_the_terminal_and_counts_what_has_no_room(
    width: int, height: int
) -> None:
    found = wide_overview()
    said = on_console(screen.picture(found, width=width, height=height), width=width)
    rows = [line.rstrip() for line in said.splitlines()]
    assert len(rows) <= height
    assert " ".join(rows).endswith(found.sums())
    shown = [each.name for each in found.lines if any(row.startswith(each.name) for row in rows)]
    wider = [each.name for each in found.lines if len(each.name) > width]
    left_out = re.search(r"and (\d+) more targets", said)
    assert len({*shown, *wider}) + int(left_out[1] if left_out else 0) >= len(found.lines)
    if height == 60 and width > 40:
        assert left_out is None
        assert " more lines" not in said


@pytest.mark.parametrize("width", [50, 80, 140])
def test_the_screen_has_all_that_a_pipe_has(width: int) -> None:
    targets = [each for each in scene.objects() if each["kind"] == "ApiAccessTarget"]
    found = overview(targets, now=NOW)
    said = "".join(on_console(screen.picture(found, width=width), width=width).split())
    for each in found.lines:
        assert "".join(each.notes).replace(" ", "") in said
        assert f"{each.name}●{each.state}" in said
    assert found.sums().replace(" ", "") in said


@pytest.mark.parametrize("name", picture.PICTURES)
def test_the_pictures_in_the_documentation_are_in_step(name: str) -> None:
    written = (picture.FOLDER / name).read_text()
    assert written == picture.PICTURES[name](), "run: python -m tests.unit.cli.picture"


def test_every_picture_is_shown_somewhere() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs").rglob("*.md"))
    assert {each.name for each in picture.FOLDER.glob("*.svg")} == set(picture.PICTURES)
    for name in picture.PICTURES:
        assert f"images/{name})" in pages


@pytest.mark.parametrize("installed", [True, False])
def test_status_in_a_pipe_needs_no_rich(installed: bool) -> None:
    code = (
        "import sys\n"
        f"if not {installed}: sys.modules['rich'] = None\n"
        "from aks_access.cli.reports import overview, screen\n"
        "from tests.unit.cli import scene, transcript\n"
        "screen.show(overview.overview([], now=transcript.NOW))\n"
        "print('rich.table' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["There are no targets.", "False"]
