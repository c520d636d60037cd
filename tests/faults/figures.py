"""What the long attacks measured, one line each, printed at the end of a run."""

from collections.abc import Callable

import pytest

PROPERTY = "figure"

Record = Callable[[str], None]


def summary(reporter: pytest.TerminalReporter) -> None:
    """Print every figure that a test recorded, by test."""
    lines = sorted(
        f"{report.nodeid.rpartition('/')[2]}: {text}"
        for reports in reporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, text in report.user_properties
        if name == PROPERTY
    )
    if lines:
        reporter.section("figures", sep="-")
        for line in lines:
            reporter.write_line(line)
