"""Waiting until the operator has done what was asked of a grant: let in, or taken out again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from aks_access.api.conditions import Condition, find_condition
from aks_access.api.grant import GrantStatus
from aks_access.api.parse import status_of
from aks_access.api.reasons import ConditionStatus, ConditionType, GrantReason
from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.cli.surroundings import Surroundings
from aks_access.errors import KubeError, KubeForbidden, StartupError
from aks_access.plan.wording import sentence

_PAUSE: Final = 2.0
_UNSEEN: Final = "Written; the operator has not looked at it yet."
_CLOSED: Final = frozenset({GrantReason.EXPIRED, GrantReason.REVOKED})


class Outcome(Enum):
    """How a wait ended."""

    REACHED = auto()
    OBSERVED = auto()  # its targets only watch: nothing is written
    REFUSED = auto()  # it will not come by itself
    GONE = auto()  # the object was deleted
    LATE = auto()  # the time is over


@dataclass(frozen=True, slots=True)
class End:
    """The end of a wait, and the sentence that belongs to it."""

    outcome: Outcome
    said: str = ""


Judge = Callable[[Mapping[str, Any]], End | None]
"""What a state of the object means; None = wait on."""


def let_in(raw: Mapping[str, Any]) -> End | None:
    """Whether the grant is in Azure, on every target."""
    ready = _condition(raw, ConditionType.READY)
    if ready is None:
        return None
    reason, said = ready.reason, ready.message
    if reason == GrantReason.OBSERVED:
        return End(Outcome.OBSERVED, said)
    stands = reason in (GrantReason.ACTIVE, GrantReason.SUSPENDED)
    if stands and _is_true(_condition(raw, ConditionType.PROGRAMMED)):
        return End(Outcome.REACHED)
    ended = reason in (*_CLOSED, GrantReason.SCHEDULED, GrantReason.SUSPENDED)
    if ended or _is_true(_condition(raw, ConditionType.STALLED)):
        return End(Outcome.REFUSED, said)
    return None


def taken_out(raw: Mapping[str, Any]) -> End | None:
    """Whether a grant that ended is out of Azure."""
    ready = _condition(raw, ConditionType.READY)
    if ready is None:
        return None
    if ready.reason in _CLOSED:
        return End(Outcome.REACHED, ready.message)
    if _is_true(_condition(raw, ConditionType.STALLED)):
        return End(Outcome.REFUSED, ready.message)
    return None


def progress(raw: Mapping[str, Any]) -> str:
    """Where it stands meanwhile."""
    ready = _condition(raw, ConditionType.READY)
    return ready.message if ready is not None else _UNSEEN


def status(raw: Mapping[str, Any]) -> GrantStatus:
    """The status, however old."""
    return GrantStatus.lenient(status_of(raw))


def _condition(raw: Mapping[str, Any], kind: ConditionType) -> Condition | None:
    """A condition that speaks of the spec as it is now."""
    found = status(raw)
    if found.observed_generation != raw["metadata"].get("generation"):
        return None
    return find_condition(found.conditions, kind)


def _is_true(condition: Condition | None) -> bool:
    return condition is not None and condition.status is ConditionStatus.TRUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One that began already.

    Attributes:
        until: by the machine's `clock`.
        tell: takes lines about what it waits for.
    """

    cluster: Cluster
    machine: Surroundings
    until: float
    tell: Callable[[str], None]

    def end(self, *, namespace: str, name: str, judge: Judge) -> End:
        """Watch the grant until it is as it should be, or never will, or the time is over."""
        last = _UNSEEN
        told = ""
        while (left := self.until - self.machine.clock()) > 0:
            try:
                for raw in self.cluster.watch(
                    Resource.GRANTS, namespace=namespace, name=name, seconds=left
                ):
                    end = judge(raw)
                    if end is not None:
                        return end
                    last = progress(raw)
                    told = self._tell(last, told)
                if self.cluster.get(Resource.GRANTS, namespace=namespace, name=name) is None:
                    return End(Outcome.GONE)
            except KubeForbidden:
                raise
            except (KubeError, StartupError) as error:
                # An API server that restarts, or a way there that the new list cuts for a moment.
                told = self._tell(str(error), told)
            self.machine.pause(min(_PAUSE, max(0.0, self.until - self.machine.clock())))
        return End(Outcome.LATE, last)

    def _tell(self, said: str, told: str) -> str:
        """Say what is new."""
        if said != told:
            self.tell(f"waiting: {sentence(said)}")
        return said
