"""Every error that the Kubernetes ports may raise, by the contract of each of their methods.

The engine tells them apart by class alone, and a 403 from no other: the statuses take turns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aks_access.errors import (
    AksAccessError,
    KubeConflict,
    KubeError,
    KubeForbidden,
    KubeNotFound,
    LedgerNewer,
    LedgerTooLarge,
    LedgerUnreadable,
)
from tests.sim.world import Method

READS = frozenset(
    {
        ("objects", "get"),
        ("ledgers", "load"),
        ("ledgers", "keys"),
        ("ledgers", "acknowledgement"),
        ("ledgers", "reference"),
        ("activations", "load_all"),
    }
)
WRITES = frozenset(
    {
        ("objects", "add_finalizer"),
        ("objects", "remove_finalizer"),
        ("objects", "patch_status"),
        ("objects", "delete"),
        ("ledgers", "save"),
        ("ledgers", "delete"),
        ("activations", "record"),
        ("activations", "forget"),
    }
)


class Fails(StrEnum):
    """How a call fails; `LOST` is the only one of which the work is done all the same."""

    ERROR = "no usable answer"
    LOST = "applied, its answer lost"
    CONFLICT = "changed meanwhile"
    MISSING = "not found"
    UNREADABLE = "no use"
    NEWER = "of a newer operator"
    TOO_LARGE = "too large"


KINDS: Mapping[Fails, frozenset[Method]] = {
    Fails.ERROR: READS | WRITES,
    Fails.LOST: WRITES,
    Fails.CONFLICT: WRITES,
    Fails.MISSING: frozenset({("objects", "add_finalizer"), ("objects", "patch_status")}),
    Fails.UNREADABLE: frozenset({("ledgers", "load")}),
    Fails.NEWER: frozenset({("ledgers", "load"), ("ledgers", "delete")}),
    Fails.TOO_LARGE: frozenset({("ledgers", "save")}),
}
"""The methods that may fail in each way."""

ANSWERS = (503, 403, None, 500, 429, 504)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failing call; `turn` picks the status where several mean the same."""

    fails: Fails
    turn: int = 0

    @property
    def applied(self) -> bool:
        return self.fails is Fails.LOST

    def error(self) -> AksAccessError:
        words = f"as simulated: {self.fails}"
        match self.fails:
            case Fails.ERROR:
                status = ANSWERS[self.turn % len(ANSWERS)]
                raised = KubeForbidden if status == 403 else KubeError
                return raised(words, status=status)
            case Fails.LOST:
                return KubeError(words, status=(None, 504)[self.turn % 2])
            case Fails.CONFLICT:
                return KubeConflict(words, status=(409, 422)[self.turn % 2])
            case Fails.MISSING:
                return KubeNotFound(words, status=404)
            case Fails.UNREADABLE:
                return LedgerUnreadable(words)
            case Fails.NEWER:
                return LedgerNewer(words)
            case Fails.TOO_LARGE:
                return LedgerTooLarge(words)
