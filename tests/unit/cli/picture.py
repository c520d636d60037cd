"""docs/images: what a terminal shows of some commands. `python -m tests.unit.cli.picture`."""

import contextlib
import dataclasses
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from unittest import mock

from rich.console import Console, RenderableType
from rich.text import Text

from aks_access.__main__ import main
from aks_access.cli.reports import screen
from aks_access.cli.reports.overview import overview
from tests.unit.cli import desk, scene
from tests.unit.cli.transcript import GOLDEN, NOW

FOLDER: Final = Path(__file__).resolve().parents[3] / "docs" / "images"
_WIDTH: Final = 110
_FONTS: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Fonts that a browser would fetch from elsewhere; the reader's own do."""


_GRANT: Final = 'grant prod-weu --my-ip --for 4h --reason "INC-77: debug the ingress" --wait'
_ENFORCED: Final = 84.0
"""Seconds after which the API server answers; Azure has the list after 71."""


def _svg(shown: RenderableType, *, title: str) -> str:
    """The picture of what is printed; a terminal folds what is wider than it."""
    file = io.StringIO()
    Console(width=_WIDTH, file=file, force_terminal=True, highlight=False).print(shown, crop=False)
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, highlight=False
    )
    for line in Text.from_ansi(file.getvalue()).split("\n", allow_blank=True):
        for part in line.divide(range(_WIDTH, max(len(line), 1), _WIDTH)):
            console.print(part)
    return _FONTS.sub("", console.export_svg(title=title)) + "\n"


def status() -> str:
    """All targets."""
    targets = [each for each in scene.objects() if each["kind"] == "ApiAccessTarget"]
    shown = screen.picture(overview(targets, now=NOW), width=_WIDTH)
    return _svg(shown, title="kubectl aks-access status")


class _Terminal(io.StringIO):
    """Output and errors as they come."""

    def isatty(self) -> bool:
        return True


class _Seen(BaseException):
    """Somebody looked at the screen meanwhile, and it was so."""


def _granted(*, title: str, seconds: float) -> str:
    """The screen so many seconds after `grant --wait` began."""
    around = desk.hub_of(GOLDEN / "files" / "hub")
    around.after = _ENFORCED
    clock, passed = around.hub.clock, around.hub.clock.pause
    terminal = _Terminal()

    def pause(length: float) -> None:
        if clock() + length > seconds:
            raise _Seen(terminal.getvalue())
        passed(length)

    machine = dataclasses.replace(around.machine(), pause=pause)
    try:
        with (
            mock.patch.dict(os.environ, {"COLUMNS": str(_WIDTH)}),
            mock.patch.object(sys, "argv", ["kubectl-aks_access"]),
            contextlib.redirect_stdout(terminal),
            contextlib.redirect_stderr(terminal),
        ):
            main(shlex.split(_GRANT), surroundings=machine)
    except SystemExit:
        shown = terminal.getvalue()
    except _Seen as seen:
        [shown] = seen.args
    told = Text.assemble(("$ ", "dim"), f"kubectl aks-access {_GRANT}\n")
    told.append_text(Text.from_ansi(shown))
    return _svg(told, title=title)


PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "status.svg": status,
    "grant-waits.svg": lambda: _granted(title="after 75 s", seconds=75),
    "grant.svg": lambda: _granted(title="at the end", seconds=600),
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, drawn in PICTURES.items():
        (FOLDER / name).write_text(drawn())
        sys.stdout.write(f"{FOLDER / name}\n")
