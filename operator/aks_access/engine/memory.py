"""What a TargetReconciler remembers of a cluster between two looks; lost with the process.

Most of it only spares Azure needless calls: what must not be lost stands in the ledger. Two things
stand here because the ledger could not take them: `unrecorded`, without which a write that was sent
would not be looked for, and `guessed`, without which an entry that counted as ours while the ledger
is lost would count as somebody else's once its grant is gone.
"""

from dataclasses import dataclass, field

from aks_access.errors import AzureError
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import Ledger, WriteInFlight
from aks_access.plan.model import GrantUid


@dataclass(slots=True)
class ClusterMemory:
    """One cluster.

    Attributes:
        operation_url: of the write in flight; signed, so it stays here.
        unrecorded: the write in flight where the ledger could not be saved before it.
        guessed: what was taken for ours at the last look, while the ledger is lost.
        view: the last read of the cluster.
        read_error, write_error: the last failure of each kind, None after a success.
        write_failures: failed writes in a row.
        retry_at: loop time before which the same list is not sent again.
        refused_list: the list that failed last; another one may be sent at once.
        gate, read_gate: loop time before which nothing is written, or read, at all (the server's
            Retry-After).
        removals_first: Azure forbade a list with additions: the next write only takes out.
        ledger, ledger_seen: the ledger as last loaded or saved (None = there was none).
        ledger_newer: a newer operator wrote the ledger.
        unreadable_version: of the ledger that could not be read; once that is acknowledged, the
            new one is written over it, so that there is no moment without a record. "" = a newer
            operator's, which nothing is written over.
        ledger_full: the last addition could not be recorded.
        missing_since: loop time of the first 404 in a row.
        holding_since: loop time since when a write waits for finalizers.
        handled: the last value of the target's requestedAt annotation that was acted on.
        examined: the list was held against the ledger since this process leads, and what does not
            fit is recorded there.
        vanished_checked: owners that were asked for by name since they vanished.
    """

    operation_url: str | None = None
    unrecorded: WriteInFlight | None = None
    guessed: Ledger | None = None
    view: ClusterView | None = None
    read_error: AzureError | None = None
    write_error: AzureError | None = None
    write_failures: int = 0
    retry_at: float = 0.0
    refused_list: tuple[str, ...] | None = None
    gate: float = 0.0
    read_gate: float = 0.0
    removals_first: bool = False
    ledger: Ledger | None = None
    ledger_seen: bool = False
    ledger_newer: bool = False
    unreadable_version: str = ""
    ledger_full: bool = False
    missing_since: float | None = None
    holding_since: float | None = None
    handled: str = ""
    examined: bool = False
    vanished_checked: frozenset[GrantUid] = field(default_factory=frozenset)


def kept(error: AzureError) -> AzureError:
    """The error to be remembered, without the frames and causes it was raised through.

    They hold answers of Azure and whole plans, for each cluster that fails, while it fails.
    """
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error
