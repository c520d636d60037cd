"""Fakes of the ports that only take things in: they remember what they were told."""

from collections import Counter
from collections.abc import Mapping

from aks_access.engine.decisions import AccessDecision
from aks_access.engine.ports import Event


class RecordingEvents:
    """`ports.Events`; `posted` holds every Event, oldest first."""

    def __init__(self) -> None:
        self.posted: list[Event] = []

    def post(self, event: Event) -> None:
        """Remember an Event."""
        self.posted.append(event)

    def reasons(self, name: str) -> list[str]:
        """Reasons of the Events about the object of that name, oldest first."""
        return [event.reason for event in self.posted if event.regarding.name == name]


class RecordingAudit:
    """`ports.Audit`; `decisions` holds every decision, oldest first."""

    def __init__(self) -> None:
        self.decisions: list[AccessDecision] = []

    def record(self, decision: AccessDecision) -> None:
        """Remember a decision."""
        self.decisions.append(decision)

    def of(self, entry: str) -> list[tuple[str, str]]:
        """(action, cause) of the decisions about a range, oldest first."""
        return [(d.action, d.cause.value) for d in self.decisions if entry in d.ranges]


class RecordingMetrics:
    """`ports.Metrics`; counts passes and writes, keeps the last state of each target."""

    def __init__(self) -> None:
        self.writes: Counter[tuple[str, str]] = Counter()
        self.passes: Counter[tuple[str, bool]] = Counter()
        self.states: dict[str, tuple[str, dict[str, float]]] = {}
        self.depths: dict[str, int] = {}
        self.leading = False

    def write(self, *, target: str, result: str) -> None:
        """Count a PUT."""
        self.writes[target, result] += 1

    def reconciled(self, *, controller: str, seconds: float, failed: bool) -> None:
        """Count a pass."""
        self.passes[controller, failed] += 1

    def target_state(self, *, target: str, reason: str, figures: Mapping[str, float]) -> None:
        """Keep a target's state."""
        self.states[target] = (reason, dict(figures))

    def target_gone(self, *, target: str) -> None:
        """Drop a target."""
        self.states.pop(target, None)

    def targets_gone(self) -> None:
        """Drop all targets."""
        self.states.clear()

    def queue_depth(self, *, queue: str, depth: int) -> None:
        """Keep a queue's depth."""
        self.depths[queue] = depth

    def leader(self, *, leading: bool) -> None:
        """Keep whether this process leads."""
        self.leading = leading


class FakeLeadership:
    """`ports.Leadership` with `seconds` left, for as long as nobody changes that."""

    def __init__(self, seconds: float = 30.0) -> None:
        self.seconds = seconds

    def remaining(self) -> float:
        """Seconds for which the Lease is held."""
        return self.seconds
