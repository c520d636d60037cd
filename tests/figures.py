"""What a run of the tests counted and measured, shown at its end.

A test records with `record_property`. Only the root conftest can show it: with `-n` the process
that prints collects nothing, and so loads no conftest of a folder.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.integration import costs
from tests.sim.histories.place import Figures

COUNTED = "figure: "
"""Prefix of a property whose numbers are added up: `("figure: crash points", 120)`."""
MEASURED = "figure"
"""A line of text, shown with the name of its test."""
HISTORIES = "histories"
"""`Figures` of random histories as JSON, added up."""

Property = Callable[[str, object], None]
"""The fixture `record_property`."""
Record = Callable[[str], None]
"""Records a line of text (`MEASURED`)."""


def show(reporter: pytest.TerminalReporter) -> None:
    """Print all that was recorded; nothing where nothing was."""
    counts: Counter[str] = Counter()
    histories = Figures()
    lines = []
    for test, name, value in _recorded(reporter):
        if name.startswith(COUNTED):
            counts[name.removeprefix(COUNTED)] += int(str(value))
        elif name == MEASURED:
            lines.append(f"{test}: {value}")
        elif name == HISTORIES:
            histories.add(Figures.of(json.loads(str(value))))
    if counts or lines or histories.runs:
        reporter.section("figures", sep="-")
    for name, count in sorted(counts.items()):
        reporter.write_line(f"{count:>10,}  {name}")
    for line in sorted(lines):
        reporter.write_line(line)
    if histories.runs:
        reporter.write_line(str(histories))
    costs.summary(reporter)


def _recorded(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, str, object]]:
    """Test, name and value; a test's last report has all of them, those of its fixtures too."""
    for reports in reporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "teardown":
                for name, value in report.user_properties:
                    yield report.nodeid.rpartition("/")[2], name, value
