"""Logging is process-wide: each test gets it back as it was."""

import logging
import threading
import warnings
from collections.abc import Iterator

import pytest

from aks_access.ops.logs import TURNED_DOWN


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    names = [*TURNED_DOWN, "aks_access.audit"]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, level, hook = list(root.handlers), root.level, threading.excepthook
    with warnings.catch_warnings():
        yield
        logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    threading.excepthook = hook
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
