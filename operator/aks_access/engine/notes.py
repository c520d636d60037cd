"""Everything a target has to say at this moment, the worst first.

The plan's findings, ARM's last refusals and the engine's own waits become one list; its first
member is the target's state, and the first that blocks is what its grants wait for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aks_access.api.reasons import TargetReason
from aks_access.engine.ports import Kind
from aks_access.engine.verdicts import Blocker
from aks_access.errors import AzureError
from aks_access.plan import sentences
from aks_access.plan.model import Target
from aks_access.plan.outcome import Finding
from aks_access.plan.severity import SEVERITY
from aks_access.plan.wording import listed

TRANSIENT = frozenset(
    {
        TargetReason.CLUSTER_BUSY,
        TargetReason.THROTTLED,
        TargetReason.AZURE_UNAVAILABLE,
        TargetReason.PROGRESSING,
        TargetReason.REVOCATION_PENDING,
    }
)
"""States that pass by themselves: `Reconciling`, not `Stalled`."""

CONTENT = frozenset(
    {
        TargetReason.IN_SYNC,
        TargetReason.OBSERVING,
        TargetReason.SUSPENDED,
        TargetReason.BROAD_ENTRY,
    }
)
"""States in which all is done that was asked for."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to say.

    Attributes:
        blocks: additions cannot be written because of it.
    """

    reason: TargetReason
    message: str
    blocks: bool = False

    @property
    def transient(self) -> bool:
        """Whether it passes by itself."""
        return self.reason in TRANSIENT


def finding_note(*, finding: Finding, target: Target | None, cluster: str) -> Note:
    """What a finding says."""
    return Note(
        reason=finding.reason,
        message=sentences.finding_sentence(finding=finding, target=target, cluster=cluster),
        blocks=finding.blocks,
    )


def kept_by(*, finding: Finding, keeping: Sequence[Note]) -> Finding:
    """The finding; an overdue removal with the first of the notes as what keeps it."""
    if finding.reason is not TargetReason.REVOCATION_OVERDUE or not keeping:
        return finding
    kept = f"{keeping[0].reason}: {keeping[0].message}"
    return replace(finding, details={**finding.details, "kept": kept})


def withheld_note(
    *, entries: Sequence[str], problems: Mapping[Kind, str], unasked: Sequence[str]
) -> Note:
    """Removals that wait because nobody can tell whether they are meant.

    `problems`: why the lists of these kinds fail; `unasked`: owners of which the API server did
    not say whether they are gone.
    """
    if problems:
        lists = "; ".join(
            f"{kind} ({sentences.azure_text(why)})" for kind, why in sorted(problems.items())
        )
        why = (
            f"the operator cannot list {lists}. Give it the right to, or mend the API server; "
            "what ends by the clock is taken out meanwhile"
        )
    else:
        why = (
            f"the API server does not say what became of {listed(unasked)}. Asked again within a "
            "minute; nothing to do"
        )
    message = f"{listed(entries)} must go, and cannot yet: {why}."
    return Note(reason=TargetReason.REVOCATION_PENDING, message=message)


def azure_note(*, error: AzureError, target: Target, writing: bool) -> Note:
    """What an error of ARM says."""
    outcome = sentences.azure_sentence(error=error, target=target, writing=writing)
    return Note(reason=outcome.reason, message=outcome.message, blocks=True)


def worst_first(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The notes in order of severity; one per reason."""
    by_reason: dict[TargetReason, Note] = {}
    for note in notes:
        by_reason.setdefault(note.reason, note)
    return tuple(
        sorted(by_reason.values(), key=lambda note: SEVERITY.get(note.reason, len(SEVERITY)))
    )


def blocker(notes: Sequence[Note]) -> Blocker | None:
    """What the target's grants wait for."""
    found = next((note for note in notes if note.blocks), None)
    if found is None:
        return None
    return Blocker(reason=found.reason, message=found.message, retries=found.transient)
