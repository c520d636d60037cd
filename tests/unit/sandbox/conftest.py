"""What tests of the ARM emulator begin with."""

import pytest

from tests.unit.sandbox.arm_kit import Kit


@pytest.fixture
def kit() -> Kit:
    """A world of its own in virtual time, with one cluster."""
    return Kit()
