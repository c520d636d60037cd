"""A station: a control plane with the chart, the ARM emulator and an operator, for many tests."""

from collections.abc import Mapping
from typing import Any

from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane
from sandbox.operator import OperatorProcess

PACE: Mapping[str, str] = {
    "first_poll": "200ms",
    "poll_interval": "200ms",
    "drift_interval": "2s",
    "settle_window": "300ms",
    "settle_limit": "1500ms",
    "revocation_bound": "60s",
}
"""Beside the sandbox's own pace."""

STEADY: Mapping[str, str] = {
    "lease_duration": "30s",
    "renew_deadline": "20s",
    "retry_period": "1s",
    "put_timeout": "8s",
}
"""A Lease that a busy machine does not lose, for operators that nobody kills."""


class Station:
    """A control plane with the chart, an emulator, and at most one operator at a time."""

    def __init__(self, *, plane: ControlPlane, arm: ArmProcess, **settings: str) -> None:
        self.plane = plane
        self.arm = arm
        self._settings = {**PACE, **settings}
        self._running: OperatorProcess | None = None
        self._with: dict[str, str] = {}

    @property
    def operator(self) -> OperatorProcess:
        """The operator that was started last, even if it has ended since."""
        assert self._running is not None, "no operator was started on this station"
        return self._running

    @property
    def started(self) -> bool:
        """Whether an operator runs."""
        return self._running is not None and self._running.poll() is None

    def start(self, **settings: str) -> OperatorProcess:
        """Start an operator and wait until it leads; one that runs is ended first."""
        self.stop()
        self._with = settings
        every: dict[str, Any] = {**self._settings, **settings}
        self._running = self.make(**every)
        self._running.wait_ready()
        self._running.wait_leading()
        return self._running

    def make(self, **settings: Any) -> OperatorProcess:
        """A new operator with exactly these settings; does not wait for it."""
        return OperatorProcess(plane=self.plane, arm=self.arm, **settings)

    def ensure(self, **settings: str) -> OperatorProcess:
        """An operator with just these settings: the one that runs, if it has them."""
        if self.started and self._with == settings:
            return self.operator
        return self.start(**settings)

    def stop(self) -> None:
        """End the operator with SIGTERM, if one runs."""
        if self._running is not None:
            self._running.close()
