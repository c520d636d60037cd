"""When a failed write is sent again, and what is changed before.

Two gates: the server's (`Retry-After`), which nothing shortens, and our back-off for the same list,
which another list resets. While a removal is due the back-off stays short.
"""

from dataclasses import replace

from aks_access.engine.budget import REFILL_SECONDS
from aks_access.engine.config import EngineConfig
from aks_access.engine.look import Look
from aks_access.engine.memory import ClusterMemory, kept
from aks_access.engine.ports import Clock
from aks_access.engine.writer import WriteResult
from aks_access.errors import AzureError, AzureFault
from aks_access.plan import search
from aks_access.plan.clearing import revokes
from aks_access.plan.ledger import Ledger, WriteInFlight
from aks_access.plan.listing import same_entries
from aks_access.plan.pacing import with_culprits

THROTTLED_DEFAULT = 60.0
"""Seconds to wait after a 429 that does not say how long (AKS refills one PUT a minute)."""

OF_THE_LIST = frozenset({AzureFault.REFUSED, AzureFault.FORBIDDEN})
"""Refusals beside a 400 that may be about what the list adds (an Azure policy answers 403)."""
QUICK = frozenset({AzureFault.CHANGED})
PASSING = frozenset({AzureFault.UNCERTAIN, AzureFault.NO_CREDENTIAL})


def after_success(memory: ClusterMemory) -> None:
    """A write was read back: every gate of ours is open again."""
    memory.write_error = None
    memory.write_failures = 0
    memory.retry_at = 0.0
    memory.refused_list = None
    memory.removals_first = False


def with_unrecorded(*, memory: ClusterMemory, ledger: Ledger) -> Ledger:
    """The ledger with the write in flight that could not be saved in it before it was sent."""
    flight = memory.unrecorded
    if flight is None or ledger.in_flight is not None:
        memory.unrecorded = None
        return ledger
    return replace(ledger, in_flight=flight, writes=(*ledger.writes, flight.started))


def asked(*, memory: ClusterMemory, requested_at: str) -> None:
    """Somebody asks for a look (`requestedAt`): our own back-off ends, the server's gate stands."""
    if requested_at != memory.handled:
        memory.handled = requested_at
        memory.retry_at = 0.0


def after_failed_operation(
    *,
    memory: ClusterMemory,
    flight: WriteInFlight,
    cleared: bool,
    config: EngineConfig,
    now: float,
) -> None:
    """AKS took the write and its operation ended Failed or Canceled: again, ever more slowly."""
    memory.write_failures += 1
    memory.refused_list = flight.desired
    memory.write_error = AzureError(
        "The operation that writes the list ended Failed or Canceled.", fault=AzureFault.UNCERTAIN
    )
    memory.retry_at = now + _delay(
        error=memory.write_error,
        failures=memory.write_failures,
        config=config,
        urgent=cleared or bool(flight.removed),
    )


def held_back(*, look: Look, now: float, clock: Clock) -> bool:
    """Whether the plan's list must not be sent yet; `now` is loop time."""
    memory = look.memory
    if memory.gate > now:
        return True
    if memory.retry_at > now and same_entries(look.plan.desired, memory.refused_list):
        return True
    return look.budget_wait(clock.now()) > 0.0


def after_refusal(
    *, look: Look, result: WriteResult, config: EngineConfig, now: float, removing: bool
) -> Ledger:
    """Set the gates after a failed write; returns the ledger, with what is known of the culprit.

    After a refusal that may be about an addition, what the list takes out goes first, alone: a
    bad addition must never delay somebody else's revocation. What a 400 leads to: `plan/search.py`.
    """
    removing = removing or revokes(result.plan.removals)
    urgent = removing or result.plan.restores
    memory, error = look.memory, result.error
    assert error is not None
    memory.write_error = kept(error)
    memory.write_failures += 1
    memory.refused_list = result.plan.desired
    if error.fault is AzureFault.INVALID:
        after = search.refused(
            ledger=result.ledger,
            plan=result.plan,
            before=result.before,
            message=error.message,
            now=result.plan.made_at,
        )
        # The very same list waits; the next one of the search is another, and goes at once.
        adds = bool(result.plan.additions)
        memory.removals_first = adds and removing
        soon = _learned(before=result.ledger, after=after) if adds else removing
        memory.retry_at = now + (config.due_retry if soon else search.PACE.total_seconds())
        return with_culprits(before=result.ledger, after=after, plan=result.plan)
    first = False
    if error.fault in OF_THE_LIST and result.plan.additions:
        first = removing and not memory.removals_first
        memory.removals_first = removing
    delay = _delay(error=error, failures=memory.write_failures, config=config, urgent=urgent)
    memory.retry_at = now if first else now + delay
    if error.fault is AzureFault.THROTTLED:
        memory.gate = memory.retry_at
    return result.ledger


def _learned(*, before: Ledger, after: Ledger) -> bool:
    """Whether the refusal moved the search on, whatever words AKS chose this time."""
    if before.search is None or after.search is None:
        return before.search is not after.search
    return replace(after.search, message=before.search.message) != before.search


def _delay(*, error: AzureError, failures: int, config: EngineConfig, urgent: bool) -> float:
    """Seconds until the same list is sent again; `urgent`: it revokes, or closes the cluster."""
    doubled = 2.0 ** min(failures - 1, 12)
    if error.fault is AzureFault.THROTTLED:
        return error.retry_after if error.retry_after is not None else THROTTLED_DEFAULT
    if error.fault is AzureFault.BUSY:
        return min(config.poll * doubled, REFILL_SECONDS)  # a refused PUT empties the bucket too
    if error.fault in QUICK:
        return min(0.25 * doubled, config.due_retry)
    if error.fault in PASSING:
        limit = config.due_retry if urgent else config.slow_retry
        return min(1.0 * doubled, limit)
    return config.due_retry if urgent else config.slow_retry
