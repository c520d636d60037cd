"""The write phase: from a plan that asks for a PUT to its answer.

Record the intention, read the cluster again, plan again, and send the list once, with the fence
right before it. What the second read changes is recorded before it is sent; additions may restart
the phase twice, then only removals go.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from aks_access.engine.ports import ClusterRef, Clusters, Leadership, Ledgers, WriteAccepted
from aks_access.errors import (
    UNSAFE,
    AzureError,
    AzureFault,
    FenceClosed,
    KubeError,
    LedgerError,
    UnsafeWrite,
)
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import Ledger
from aks_access.plan.listing import same_entries
from aks_access.plan.outcome import Plan
from aks_access.plan.settlement import doubt, intend, refuse

RESTARTS = 2
FENCE_MARGIN = 1.0
"""Seconds of the Lease that must remain beyond the PUT's own time-out."""

Replan = Callable[[ClusterView, Ledger, bool], Plan]
"""Plan again on the newest snapshot: the cluster as read, the ledger, whether to add."""


class Sent(StrEnum):
    """How the phase ended."""

    ACCEPTED = "Accepted"
    REFUSED = "Refused"  # definitely not applied
    UNCERTAIN = "Uncertain"  # may have been applied
    NOTHING = "Nothing"  # the second look left nothing to write


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The end of a write phase.

    Attributes:
        ledger: as it stands in memory; `problem` tells whether it was saved as well.
        plan: the plan whose list was sent.
        before: the list that was read right before.
        problem: why the ledger could not be saved, "" = it was.
    """

    sent: Sent
    ledger: Ledger
    plan: Plan
    before: tuple[str, ...] | None
    operation_url: str | None = None
    error: AzureError | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Writer:
    """Sends lists; the fence of invariant I6 is here."""

    clusters: Clusters
    ledgers: Ledgers
    leadership: Leadership
    put_timeout: float

    async def write(
        self, *, ref: ClusterRef, plan: Plan, ledger: Ledger, replan: Replan
    ) -> WriteResult:
        """Send what the plan says, if it still says so after a second look.

        Raises `AzureError` where the second look fails (nothing was sent), `FenceClosed`, and
        `KubeError` or `LedgerError` where an addition cannot be recorded and nothing is to be
        taken out.
        """
        self._fence()  # an intention that cannot be sent is not recorded either
        base = ledger
        for attempt in range(RESTARTS + 1):
            try:
                saved = await self.ledgers.save(ledger=_intention(base, plan))
            except (KubeError, LedgerError) as error:
                return await self._unrecorded(ref=ref, base=base, replan=replan, error=error)
            base = replace(base, version=saved.version, sequence=saved.sequence)
            view = await self.clusters.get(ref=ref)
            again = replan(view, base, attempt < RESTARTS)
            if not again.write:
                cleared = replace(refuse(ledger=saved), writes=base.writes)
                return WriteResult(
                    sent=Sent.NOTHING, ledger=cleared, plan=again, before=view.ranges
                )
            if _same(again, plan):
                return await self._send(ref=ref, view=view, plan=again, ledger=saved, problem="")
            plan = again
        # The cluster or the grants moved at every look: what has to go, goes now.
        saved, problem = await self._recorded(_intention(base, plan))
        return await self._send(ref=ref, view=view, plan=plan, ledger=saved, problem=problem)

    def _fence(self) -> None:
        if self.leadership.remaining() < self.put_timeout + FENCE_MARGIN:
            raise FenceClosed("the Lease may end before Azure would answer")

    async def _unrecorded(
        self, *, ref: ClusterRef, base: Ledger, replan: Replan, error: KubeError | LedgerError
    ) -> WriteResult:
        """Send what needs no record: removals, and what a cleared or emptied list gets back."""
        view = await self.clusters.get(ref=ref)
        plan = replan(view, base, False)
        if not plan.write:
            raise error
        return await self._send(
            ref=ref, view=view, plan=plan, ledger=_intention(base, plan), problem=str(error)
        )

    async def _recorded(self, intention: Ledger) -> tuple[Ledger, str]:
        """Save an intention that only takes out; one that cannot be saved delays nothing."""
        try:
            return await self.ledgers.save(ledger=intention), ""
        except (KubeError, LedgerError) as error:
            return intention, str(error)

    async def _send(
        self, *, ref: ClusterRef, view: ClusterView, plan: Plan, ledger: Ledger, problem: str
    ) -> WriteResult:
        self._fence()
        desired = plan.desired or ()
        try:
            accepted: WriteAccepted = await self.clusters.put_ranges(
                ref=ref, view=view, ranges=desired
            )
        except UnsafeWrite as unsafe:
            error = AzureError(f"Not sent: {unsafe}", fault=AzureFault.REFUSED, code=UNSAFE)
        except AzureError as refused:
            error = refused
        else:
            return WriteResult(
                sent=Sent.ACCEPTED,
                ledger=ledger,
                plan=plan,
                before=view.ranges,
                operation_url=accepted.operation_url,
                problem=problem,
            )
        uncertain = error.fault is AzureFault.UNCERTAIN
        return WriteResult(
            sent=Sent.UNCERTAIN if uncertain else Sent.REFUSED,
            ledger=doubt(ledger=ledger) if uncertain else refuse(ledger=ledger),
            plan=plan,
            before=view.ranges,
            error=error,
            problem=problem,
        )


def _same(one: Plan, other: Plan) -> bool:
    """Whether both send the same list, and add the same to it for the same owners.

    An entry that somebody else put in between the two looks is no addition any more; the
    intention must not claim it.
    """
    added = [{(change.entry, change.owners) for change in plan.additions} for plan in (one, other)]
    return same_entries(one.desired, other.desired) and added[0] == added[1]


def _intention(ledger: Ledger, plan: Plan) -> Ledger:
    return intend(ledger=ledger, plan=plan, now=plan.made_at)
