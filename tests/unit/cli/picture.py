"""docs/images/status.svg: the scene as a terminal shows it. `python -m tests.unit.cli.picture`."""

import io
import re
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from aks_access.cli import screen
from aks_access.cli.overview import overview
from tests.unit.cli import scene
from tests.unit.cli.transcript import NOW

FILE: Final = Path(__file__).resolve().parents[3] / "docs" / "images" / "status.svg"
_WIDTH: Final = 110
_FONTS: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Fonts that a browser would fetch from elsewhere; the reader's own do."""


def drawn() -> str:
    """The picture."""
    targets = [each for each in scene.objects() if each["kind"] == "ApiAccessTarget"]
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, highlight=False
    )
    console.print(screen.picture(overview(targets, now=NOW), width=_WIDTH))
    return _FONTS.sub("", console.export_svg(title="kubectl aks-access status")) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(drawn())
    sys.stdout.write(f"{FILE}\n")
