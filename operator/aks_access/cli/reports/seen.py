"""Targets and grants as the operator last reported them.

Pure. What a status lacks, caps or cannot know any more is said beside it (`doubts`), so that no
command passes an old report off as the present.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from aks_access.api.bounds import clipped
from aks_access.api.ranges import quoted
from aks_access.api.reasons import ConditionType, TargetReason
from aks_access.cli.reports.reported import Condition, GrantReport, Metadata, TargetReport, read
from aks_access.cli.terminal.printable import printable

if TYPE_CHECKING:
    from aks_access.plan.model import Target

_OBSERVE: Final = "Observe"

LATE: Final = timedelta(minutes=5)
"""A start or end that is not reported by then: nobody reports any more."""


class Gate(StrEnum):
    """What decides who reaches an API server."""

    LIST = "list"
    OPEN = "open"  # nothing: no list is set
    PRIVATE = "private"  # its network: lists do not apply
    UNKNOWN = "unknown"  # it was never read


@dataclass(frozen=True)
class _Seen(ABC):
    """An object as the API server serves it."""

    raw: Mapping[str, Any]

    @cached_property
    def metadata(self) -> Metadata:
        """Who it is."""
        return read(Metadata, self._part("metadata"))

    @property
    @abstractmethod
    def status(self) -> TargetReport | GrantReport:
        """What was reported; empty where nothing was."""

    @property
    def ready(self) -> Condition | None:
        """Its state."""
        return self.condition(ConditionType.READY)

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of that type, or None."""
        return next((each for each in self.status.conditions if each.type == kind), None)

    @property
    def current(self) -> bool:
        """Whether the report is about the spec as it stands."""
        seen = self.status.observed_generation
        return seen is not None and seen >= self.metadata.generation

    def _part(self, name: str) -> object:
        """A part of the object with every text as a printable line: it may be anybody's."""
        return _lines(clipped(self.raw.get(name)))

    def _written(self, field: str) -> str:
        """A text of the spec, as a printable line; "" where there is none."""
        spec = self.raw.get("spec")
        value = spec.get(field) if isinstance(spec, Mapping) else None
        return quoted(value) if isinstance(value, str) and value else ""


def _lines(value: object) -> object:
    if isinstance(value, dict):
        return {key: _lines(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_lines(each) for each in value]
    return printable(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class SeenTarget(_Seen):
    """A target."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.metadata.name

    @property
    def mode(self) -> str:
        """`spec.mode`."""
        return self._written("mode")

    @property
    def observed(self) -> bool:
        """Whether nothing is written to its cluster."""
        return self.mode == _OBSERVE

    @cached_property
    def status(self) -> TargetReport:
        """What was reported; empty where nothing was."""
        return read(TargetReport, self._part("status"))

    @cached_property
    def projected(self) -> "Target":
        """What the operator makes of it."""
        from aks_access.projection import project_target  # slow to import, and for few commands

        return project_target(self.raw)

    @property
    def gate(self) -> Gate:
        """What decides who reaches the cluster."""
        cluster = self.status.cluster
        if cluster is None or (not cluster.private and cluster.restricted is None):
            return Gate.UNKNOWN
        if cluster.private or (
            self.ready is not None and self.ready.reason == TargetReason.UNSUPPORTED_CLUSTER
        ):
            return Gate.PRIVATE
        return Gate.LIST if cluster.restricted else Gate.OPEN

    def doubts(self, *, now: datetime) -> Iterator[str]:
        """Sentences about why the report may not be, or is not, how things are meant to be."""
        if self.ready is None:
            yield (
                "The operator has not reported on it yet. See that it runs: "
                f"`kubectl get aat {self.name}` shows a STATE then."
            )
            return
        if not self.current:
            yield "The operator has not seen the last edit of this target yet."
        if self.late(now=now):
            yield (
                f"This is old: a change was due at {self.due:%Y-%m-%dT%H:%MZ}, and nothing was "
                "reported since. See that the operator runs."
            )
        if self.gate is Gate.OPEN and self.ready.reason != TargetReason.CLUSTER_UNRESTRICTED:
            yield f"Anyone can reach {self.name}: no list is set."
        if self.ready.reason != TargetReason.IN_SYNC:
            yield said(self.ready.reason, self.ready.message)
        power = self.status.cluster.power_state if self.status.cluster else None
        if power not in (None, "Running") and self.ready.reason != TargetReason.CLUSTER_STOPPED:
            yield f"The cluster is {quoted(power)}: nobody reaches it."

    def late(self, *, now: datetime) -> bool:
        """Whether something was to change a while ago, and nothing was reported."""
        return self.due is not None and self.due + LATE < now

    @property
    def due(self) -> datetime | None:
        """When the report said that it would change by itself, UTC."""
        summary = self.status.summary
        text = summary.next_transition if summary is not None else ""
        try:
            return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
        except ValueError:
            return None


def said(reason: str, message: str) -> str:
    """A reason and its sentence, which may begin with the same word."""
    return message if message.startswith(reason) else f"{reason}: {message}"


def by_name(raws: Iterable[Mapping[str, Any]]) -> list[SeenTarget]:
    """The targets, sorted."""
    return [SeenTarget(raw) for raw in sorted(raws, key=lambda raw: str(raw["metadata"]["name"]))]


@dataclass(frozen=True)
class SeenGrant(_Seen):
    """A grant."""

    @property
    def path(self) -> str:
        """`namespace/name`."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @cached_property
    def status(self) -> GrantReport:
        """What was reported; empty where nothing was."""
        return read(GrantReport, self._part("status"))

    @property
    def requested_by(self) -> str:
        """Who asked, as a printable line."""
        return self._written("requestedBy")

    @property
    def ticket(self) -> str:
        """The ticket, as a printable line."""
        return self._written("ticketRef")

    @property
    def reason(self) -> str:
        """Why access is needed, as a printable line."""
        return self._written("reason")

    @property
    def ends(self) -> str:
        """`never`, or `4h after start`; meant for where `status.expires_at` is None."""
        return self.status.summary.expires if self.status.summary is not None else ""
