"""Access that stands although its target is gone, and that nobody takes away: says so.

There is no object to carry a status: an Event on the ledger's ConfigMap, a line of the log and a
figure have to do. The same sentence comes at most once in ten minutes.
"""

import logging
from dataclasses import dataclass, field

from aks_access.api.reasons import TargetReason
from aks_access.engine.event_reasons import EventReason
from aks_access.engine.look import Look
from aks_access.engine.looptime import loop_time
from aks_access.engine.ports import Event, Events, EventType, Ledgers
from aks_access.errors import KubeError
from aks_access.plan import sentences
from aks_access.plan.ledger import PLATFORM_OWNERS, Ledger
from aks_access.plan.model import ClusterKey, GrantUid

log = logging.getLogger(__name__)

QUIET_SECONDS = 600.0


@dataclass(slots=True)
class Orphans:
    """Tells of orphaned ledgers."""

    ledgers: Ledgers
    events: Events
    _told: dict[ClusterKey, tuple[str, float]] = field(default_factory=dict)

    async def tell(self, *, key: ClusterKey, message: str) -> None:
        """Log it, and post the Event."""
        before, when = self._told.get(key, ("", 0.0))
        if before == message and loop_time() - when < QUIET_SECONDS:
            return
        self._told[key] = (message, loop_time())
        log.error("orphaned access: %s", message, extra={"cluster": key})
        try:
            ledger = await self.ledgers.reference(key=key)
        except KubeError as error:
            log.warning("the ledger of %s has no Event: %s", key, error)
            return
        if ledger is not None:
            self.events.post(
                Event(
                    regarding=ledger,
                    type=EventType.WARNING,
                    reason=EventReason.ORPHANED_ACCESS,
                    action="Reconcile",
                    note=message,
                )
            )

    def forget(self, key: ClusterKey) -> None:
        """The ledger is done with."""
        self._told.pop(key, None)


def standing(look: Look) -> tuple[str, ...]:
    """Entries of ours that the list still holds, or may hold."""
    plan = look.plan
    held = {entry for entries in plan.held.values() for entry in entries}
    held |= {change.entry for change in (*plan.removals, *plan.held_removals)}
    return tuple(sorted(held | {entry for entry, _ in plan.overdue}))


def standing_in(ledger: Ledger) -> tuple[str, ...]:
    """Entries of ours that stand, or may stand, where only the ledger can tell."""
    return tuple(sorted(entry.range for entry in ledger.ours))


def held_for_grants(ledger: Ledger) -> dict[GrantUid, tuple[str, ...]]:
    """What the ledger holds for each grant, where only the ledger can tell."""
    held: dict[GrantUid, tuple[str, ...]] = {}
    for entry in standing_in(ledger):
        for owner in ledger.entries[entry].owners:
            if owner not in PLATFORM_OWNERS:
                held[GrantUid(owner)] = (*held.get(GrantUid(owner), ()), entry)
    return held


def orphaned(look: Look) -> tuple[str, ...]:
    """Entries that an orphaned ledger cannot take out: a removal was refused, waits or is late."""
    plan, memory = look.plan, look.memory
    if look.target is not None:
        return ()
    failed = memory.read_error is not None or memory.write_error is not None
    blocked = any(finding.blocks for finding in plan.findings)
    kept = failed or blocked or plan.held_removals or plan.overdue or look.adoption.lost
    return standing(look) if kept else ()


def left_open(look: Look) -> bool:
    """Whether somebody cleared an orphaned ledger's list: with a target it would go back."""
    ledger = look.ledger
    cleared = look.view.ranges is None and ledger.verified is not None
    ours = look.target is None and not ledger.detached
    kinds = {finding.reason for finding in look.plan.findings}
    return ours and cleared and TargetReason.UNSUPPORTED_CLUSTER not in kinds


def orphan_message(*, look: Look, why: str) -> str:
    """What stands, and what keeps it; an error of Azure says more than what follows from it."""
    if left_open(look) and not orphaned(look):
        return why
    error = look.memory.read_error or look.memory.write_error
    return sentences.orphan_sentence(
        entries=orphaned(look),
        target=look.name,
        cluster=look.ref.resource_id,
        why=sentences.azure_text(error.message) if error is not None else why,
    )
