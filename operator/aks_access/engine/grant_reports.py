"""What the targets report of a grant, gathered; of one that no target matches its own report."""

from dataclasses import dataclass

from aks_access.api.reasons import GrantReason
from aks_access.engine.aims import status_targets
from aks_access.engine.board import Board
from aks_access.engine.ports import Clock
from aks_access.engine.reports import GrantReport
from aks_access.engine.store import Store
from aks_access.engine.worlds import Worlds
from aks_access.plan import offers, sentences
from aks_access.plan.access import over, period
from aks_access.plan.model import Grant
from aks_access.plan.outcome import AccessState, Refusal, Rule, Verdict


@dataclass(frozen=True, slots=True)
class GrantReports:
    """Gathers reports from the board."""

    store: Store
    worlds: Worlds
    board: Board
    clock: Clock

    def gather(self, grant: Grant) -> list[GrantReport] | None:
        """One report per matching target; None while one is missing or of another generation.

        None as well while a target that the grant was moved away from has not reported: until
        then the status must go on naming it, because that may be all that remembers it.
        """
        targets = self.store.aimed_at(grant)
        left = filter(self.store.target, status_targets(grant))
        if any(self.board.planned_at(name) < 0.0 for name in left):
            self.board.wait(grant.uid)
            return None
        if not targets:
            return [self._untargeted(grant)] if self.store.complete else None
        reports = [self.board.report(target=t.name, uid=grant.uid) for t in targets]
        ready = [r for r in reports if r is not None and r.generation == grant.generation]
        return ready if len(ready) == len(targets) else None

    def _untargeted(self, grant: Grant) -> GrantReport:
        """The report of a grant that matches no target."""
        span = period(grant=grant, activations=self.worlds.activations, now=self.clock.now())
        held = self.board.held(grant.uid)
        if grant.problems:
            problem = grant.problems[0]
            refusal = Refusal(
                reason=GrantReason.INVALID_SPEC,
                rule=Rule.SPEC,
                field=problem.path,
                value=problem.value,
                limit=problem.message,
            )
        elif not held and over(grant=grant, ends=span.ends, now=self.clock.now()):
            verdict = Verdict(
                grant=grant, state=AccessState.EXPIRED, starts=span.starts, ends=span.ends
            )
            return GrantReport(
                target="",
                generation=grant.generation,
                reason=GrantReason.EXPIRED,
                message=sentences.verdict_sentence(verdict=verdict, target="no target"),
                state=AccessState.EXPIRED,
                starts=span.starts,
                ends=span.ends,
            )
        else:
            refusal = offers.not_found(grant)
        message = sentences.refusal_sentence(
            refusal=refusal,
            target=grant.target_name or "",
            open_targets=offers.open_to(
                grant.namespace,
                targets=self.store.targets(),
                namespaces=self.store.namespaces(),
            ),
        )
        return GrantReport(
            target="",
            generation=grant.generation,
            reason=refusal.reason,
            message=message,
            held=bool(held),
        )
