"""What all tests share: property tests that judge results, and figures shown at the end."""

import gc

import pytest
from hypothesis import HealthCheck, settings

from tests import figures

settings.register_profile(  # the same examples for the same code: who broke a law is who changed it
    "aks-access", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("aks-access")


def pytest_collection_finish() -> None:
    """What was imported and collected stays: no collection of garbage need go through it again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures.show(terminalreporter)
