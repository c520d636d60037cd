"""Text of files as it may reach a terminal or the log of a pipeline.

Names and fields are written by whoever opens a pull request. Raw, they could move a terminal's
cursor, or give orders to the runner: GitHub takes lines that begin with `::` or hold `##[` for
commands, Azure DevOps what follows `##vso[` anywhere in a line.
"""

import re
from typing import Final

_ORDER: Final = re.compile(r"##(?=\w*\[)")


def printable(text: str) -> str:
    """The text as one line without control characters and orders to a pipeline's runner."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else _escaped(each) for each in text)
    if text.lstrip().startswith("::"):
        text = f"./{text}"
    return _ORDER.sub("# #", text)


def blanked(text: str) -> str:
    """The text with blanks for what is not printable, so that it stays within a comment."""
    return "".join(char if char.isprintable() else " " for char in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
