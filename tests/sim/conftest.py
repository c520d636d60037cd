"""Sums up what the random histories did, over all workers of a run."""

import json

import pytest

from tests.sim.histories.place import Figures


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the totals that the tests recorded as `histories`."""
    figures = Figures()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "histories" and report.when == "call":
                    figures.add(Figures.of(json.loads(value)))
    if figures.runs:
        terminalreporter.write_line(str(figures))
