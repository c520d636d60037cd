"""One thing that `doctor` looked at: how it is, and what to do about it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import click

from aks_access.cli.terminal import table
from aks_access.cli.terminal.saying import folded


class Grade(StrEnum):
    """How it is; only FAIL makes the command fail."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"  # could not be looked at


_COLORS: Final = {
    Grade.PASS: "green",
    Grade.WARN: "yellow",
    Grade.FAIL: "red",
    Grade.SKIP: "yellow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found about one object, with the way out in the sentence."""

    grade: Grade
    about: str
    message: str

    def json(self) -> dict[str, str]:
        """For programs."""
        return {"grade": str(self.grade), "about": self.about, "message": self.message}


def passed(about: str, message: str) -> Checked:
    """It is as it should be."""
    return Checked(grade=Grade.PASS, about=about, message=message)


def warned(about: str, message: str) -> Checked:
    """It works, and should be another way."""
    return Checked(grade=Grade.WARN, about=about, message=message)


def failed(about: str, message: str) -> Checked:
    """It does not work."""
    return Checked(grade=Grade.FAIL, about=about, message=message)


def skipped(about: str, message: str) -> Checked:
    """It could not be looked at."""
    return Checked(grade=Grade.SKIP, about=about, message=message)


def show(found: Sequence[Checked]) -> None:
    """Print a line for each, in columns, and how many there are of each grade."""
    if table.on_terminal():
        rows = [
            (table.Cell(each.grade, _COLORS[each.grade]), each.about, each.message)
            for each in found
        ]
        table.show(rows, titles=("", "", ""))
    else:
        width = max((len(each.about) for each in found), default=0)
        for each in found:
            click.echo(f"{each.grade:<4} {each.about:<{width}}  {each.message}")
    click.echo(folded(_counts(found), stream=sys.stdout))


def _counts(found: Sequence[Checked]) -> str:
    counts = [(grade, sum(each.grade is grade for each in found)) for grade in Grade]
    words = {Grade.PASS: "passed", Grade.WARN: "warned", Grade.FAIL: "failed"}
    return ", ".join(
        f"{count} {words.get(grade, 'skipped')}"
        for grade, count in counts
        if count or grade is not Grade.SKIP
    )
