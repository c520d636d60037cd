"""What all tests share: property tests that judge results, and figures shown at the end."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(  # the same examples for the same code: who broke a law is who changed it
    "aks-access", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("aks-access")

FIGURE = "figure: "
"""Prefix of a test's properties that are added up over the run and shown at its end."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the long attacks counted: `record_property("figure: crash points", 120)`."""
    figures: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, count in getattr(report, "user_properties", ()):
                if name.startswith(FIGURE) and report.when == "call":
                    figures[name.removeprefix(FIGURE)] += count
    if figures:
        terminalreporter.section("figures")
        for name, count in sorted(figures.items()):
            terminalreporter.write_line(f"{count:>10,}  {name}")
