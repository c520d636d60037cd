"""Saving the ledger around a look: before a write, after it, and at rest."""

import logging
from dataclasses import dataclass, replace

from aks_access.api.modes import Mode
from aks_access.engine.claims import Claims
from aks_access.engine.look import Look
from aks_access.engine.memory import ClusterMemory
from aks_access.engine.ports import Ledgers
from aks_access.errors import (
    KubeError,
    LedgerError,
    LedgerNewer,
    LedgerTooLarge,
    LedgerUnreadable,
)
from aks_access.plan.adoption import Adoption
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Records:
    """Loads and saves ledgers."""

    ledgers: Ledgers
    claims: Claims

    async def load(self, *, key: ClusterKey, memory: ClusterMemory) -> tuple[Ledger | None, str]:
        """The cluster's ledger, and why it cannot be used.

        While the API server does not give it out, the last one that was seen serves: removals
        must go on. Raises `KubeError` where none was seen.
        """
        try:
            memory.ledger, memory.ledger_seen = await self.ledgers.load(key=key), True
            memory.ledger_newer = False
        except LedgerUnreadable as error:
            memory.ledger_newer = isinstance(error, LedgerNewer)
            memory.unreadable_version = "" if memory.ledger_newer else error.version
            return None, str(error)
        except KubeError as error:
            if not memory.ledger_seen:
                raise
            log.warning("the ledger of %s cannot be read, the last one seen serves: %s", key, error)
        return memory.ledger, ""

    async def acknowledgement(self, *, key: ClusterKey) -> str:
        """The acknowledgement on the ledger of a target that is gone.

        One that cannot be read counts as not given: what needs none goes on.
        """
        try:
            return await self.ledgers.acknowledgement(key=key) or ""
        except KubeError as error:
            log.warning("the acknowledgement for %s cannot be read: %s", key, error)
            return ""

    async def doubted(self, *, look: Look, adoption: Adoption) -> Adoption:
        """Record that the ledger is in doubt: another leader must not trust it unacknowledged.

        A ledger that is missing or older than its target remembers needs no such mark, and one
        that cannot be written now is marked at a later look. With an unusable target nothing was
        compared yet.
        """
        if look.target is not None and look.target.problems:
            return adoption
        memory, stored = look.memory, look.stored
        if stored is None or not look.trusted or not adoption.lost or stored.lost:
            memory.examined = True
            return adoption
        doubtful = replace(stored, lost=adoption.lost, foreign=adoption.ledger.foreign)
        try:
            marked = await self.ledgers.save(ledger=doubtful)
        except (KubeError, LedgerError) as error:
            log.warning("that the ledger of %s is in doubt was not saved: %s", look.name, error)
            return adoption
        look.stored, memory.ledger, memory.examined = marked, marked, True
        guessed = replace(adoption.ledger, version=marked.version, sequence=marked.sequence)
        return replace(adoption, ledger=guessed)

    async def before_write(self, *, look: Look) -> Ledger:
        """The target's finalizer; returns the ledger to write on."""
        target, ledger = look.target, look.adoption.ledger
        if look.unreadable and not look.adoption.lost:
            ledger = replace(ledger, version=look.memory.unreadable_version)
        if target is not None and not target.finalized and target.deleting is None:
            await self.claims.finalize(target)
        return ledger

    async def save_after(self, *, look: Look, ledger: Ledger, problem: str) -> Ledger:
        """Save what a write that was not accepted left; the write itself is over."""
        if problem:
            return ledger
        try:
            return await self.ledgers.save(ledger=ledger)
        except (KubeError, LedgerError) as error:
            log.warning("ledger of %s not saved after a write: %s", look.name, error)
            return ledger

    async def record(self, *, look: Look) -> None:
        """Save the ledger where the look changed it.

        A cluster that was never but observed has none; one whose loss was acknowledged has again.
        """
        target, plan = look.target, look.plan
        observed = look.adoption.ledger.mode == Mode.OBSERVE.value
        remembered = target is not None and target.ledger_sequence is not None
        if look.adoption.lost or (look.stored is None and observed and not remembered):
            return
        if target is not None and target.deleting is None and not target.finalized and not observed:
            await self.claims.finalize(target)
        ledger = look.rested()
        if (
            look.stored is not None
            and ledger.content == look.stored.content
            and not look.unreadable
        ):
            return
        if look.unreadable:
            ledger = replace(ledger, version=look.memory.unreadable_version)
        try:
            saved = await self.ledgers.save(ledger=ledger)
        except LedgerTooLarge:
            look.memory.ledger_full = True
            return
        look.memory.ledger_full = False
        look.wrote(ledger=saved, plan=plan)
