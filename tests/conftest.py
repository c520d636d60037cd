"""What all tests share: property tests that judge results, and figures shown at the end.

Tests that may take long are the first of each worker: the last ones of a run would hold it up
while the other workers have nothing left to do.
"""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from tests import figures

settings.register_profile(  # the same examples for the same code: who broke a law is who changed it
    "aks-access", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("aks-access")


LONG = 300
"""Seconds that a test's own time limit allows one of the long ones, or more."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long = sorted((item for item in items if _limit(item) >= LONG), key=_limit, reverse=True)
    others = [item for item in items if _limit(item) < LONG]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = len(items) // workers  # xdist cuts the list into so many pieces as there are workers
    items.clear()
    for worker in range(workers):
        mine = long[worker::workers]
        room = max(0, share - len(mine))
        items += [*mine, *others[:room]]
        del others[:room]
    items += others


def _limit(item: pytest.Item) -> float:
    return max((mark.args[0] for mark in item.own_markers if mark.name == "timeout"), default=0)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: no collection of garbage need go through it again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures.show(terminalreporter)
