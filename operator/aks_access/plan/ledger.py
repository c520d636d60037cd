"""What the operator remembers about one cluster: which entries are, or were, ours.

The value types and the pure transitions between them; storage is `kube/ledger.py`. The rules are
those of the documentation's architecture page: entries are recorded before Azure is written, and
shrink only after a removal was read back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from aks_access.api.modes import DeletionPolicy
from aks_access.plan.model import ClusterKey, Identity, Target
from aks_access.plan.pace import Turn

SCHEMA_VERSION = 2
"""What is written; each version from 1 on is read, and becomes this one with the next save."""

BASELINE_OWNER = "baseline"
EGRESS_OWNER = "egress"
SENTINEL_OWNER = "sentinel"
PLATFORM_OWNERS = frozenset({BASELINE_OWNER, EGRESS_OWNER, SENTINEL_OWNER})
"""Owners that are no grants."""


FORMER_NAMES_REMEMBERED = 8
"""Names of earlier targets that a ledger keeps: more renamings than a cluster sees in its life."""


class EntryState(StrEnum):
    """How an entry of ours stands."""

    INTENDED = "intended"  # about to be written, or written without proof
    OWNED = "owned"  # read back
    WITHDRAWN = "withdrawn"  # removed; remembered so that a stale writer's copy is known


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One range that is or was ours.

    Attributes:
        range: canonical CIDR.
        state: see `EntryState`.
        owners: grant uids, `baseline`, `egress` or `sentinel`.
        unsettled: an earlier attempt carried it and may yet be applied: a refusal of a later
            attempt does not void it.
        since: when it entered this state, UTC.
        due: when its removal fell due, UTC; None while it is wanted.
        released: owners whose grants were let go although the entry still stands (the debt).
        sets: names of the range sets that it came through, if through none but sets.
        tenant: of a withdrawn one, whose grants it stood for (`plan/withdrawal.py`); "" = the
            platform's, or unknown.
    """

    range: str
    state: EntryState
    owners: tuple[str, ...]
    since: datetime
    unsettled: bool = False
    due: datetime | None = None
    released: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class WriteInFlight:
    """A PUT that was or is about to be sent and is not proven yet.

    Attributes:
        desired: the list that was sent.
        added, removed: entries (as in Azure) that it adds and takes out.
        started: UTC.
        failed: its operation ended Failed or Canceled: send again even if the list looks right.
        resends: it follows such a one, so a refusal of it leaves that still to be sent again.
        undoes: those of `added` and `removed` by which it undoes what somebody else did.
    """

    desired: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    started: datetime
    failed: bool = False
    resends: bool = False
    undoes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reversal:
    """One write that undid what somebody else did to the list.

    Attributes:
        at: when it was sent, UTC.
        added: the first few entries of ours that it put back.
        removed: the first few that had come back and that it took out again.
    """

    at: datetime
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another writer and we keep undoing each other; see `plan/conflict.py`.

    Attributes:
        since: UTC.
        asked: the target's `requestedAt` at that time; another value ends the conflict.
    """

    since: datetime
    asked: str = ""


class SearchPhase(StrEnum):
    """How far it is known why AKS refuses a list (400)."""

    CONTROL = "control"  # is it the additions at all? the list without any is sent
    PLATFORM = "platform"  # is it the platform's own? these are added alone
    OWN = "own"  # the platform's own are refused
    HALVING = "halving"  # which grant's? half of the suspects are added
    STANDING = "standing"  # the list without any addition is refused too


@dataclass(frozen=True, slots=True)
class Search:
    """Why AKS refuses the list: see `plan/search.py`.

    Attributes:
        message: AKS's sentence on the last refusal.
        suspects: grant uid to what it asked for (`Verdict.asks`), the oldest first: at least one of
            them is to blame, or nothing is known of them.
        trying: those of `suspects` that are let in now; everybody else waits.
        stood: the list that is refused without any addition, as it stood; in the other phases what
            the refused list adds for the platform.
    """

    phase: SearchPhase
    message: str
    suspects: Mapping[str, str] = field(default_factory=dict)
    trying: tuple[str, ...] = ()
    stood: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedGrant:
    """A grant whose ranges AKS refused (400), remembered until it asks for something else.

    Attributes:
        asks: what it asked for when it was refused (`Verdict.asks`).
        message: AKS's sentence.
    """

    asks: str
    message: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of one cluster.

    Attributes:
        key: lower-case ARM id.
        resource_id: ARM id as the target spelled it.
        resource_uid: the cluster's `resourceUID` when last read; None = unknown.
        target_name, target_uid: the ApiAccessTarget that holds this ledger.
        former_names: of the targets that held it before, the latest last: a grant that still names
            one of them lost its target, and was not edited.
        identity, mode: what a removal needs when the target is gone.
        deletion_policy: of the target when its spec could last be used; "" = not known.
        sequence: grows by one with each save; mirrored in the target's status.
        entries: by range.
        names: `namespace/name` of the grants that own entries, by uid.
        in_flight: the write not yet proven.
        writes: times of recent PUTs, UTC, oldest first (at most 40).
        turns: for whom recent PUTs added or took out, oldest first (see `plan/pace.py`).
        verified: the last list that was read back after a write or at first sight; None = open.
        refused: grant uid to what AKS said of its ranges.
        search: why AKS refuses the list, while that is being found out.
        probes: times of the latest refusals (400), UTC, oldest first.
        reversals: the latest writes that undid somebody else's, oldest first.
        conflict: another writer and we keep undoing each other.
        ousted: foreign entries that mode Exclusive took out, and when, UTC.
        lost: why what is ours had to be guessed, until that is acknowledged; "" = it is known.
        foreign: while `lost`, what the last list before the doubt had and was not ours; None = no
            such list is known.
        detached: the target was deleted with Detach: nothing here is ours any more.
        version: resourceVersion of the ConfigMap, "" while it does not exist.
    """

    key: ClusterKey
    resource_id: str
    target_name: str
    target_uid: str
    mode: str
    former_names: tuple[str, ...] = ()
    identity: Identity | None = None
    deletion_policy: str = ""
    resource_uid: str | None = None
    sequence: int = 0
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    in_flight: WriteInFlight | None = None
    writes: tuple[datetime, ...] = ()
    turns: tuple[Turn, ...] = ()
    verified: tuple[str, ...] | None = None
    refused: dict[str, RefusedGrant] = field(default_factory=dict)
    search: Search | None = None
    probes: tuple[datetime, ...] = ()
    reversals: tuple[Reversal, ...] = ()
    conflict: Conflict | None = None
    ousted: dict[str, datetime] = field(default_factory=dict)
    detached: bool = False
    lost: str = ""
    foreign: tuple[str, ...] | None = None
    version: str = ""

    @property
    def ours(self) -> tuple[LedgerEntry, ...]:
        """What stands for us in Azure, or may; what was taken out is only remembered."""
        return tuple(e for e in self.entries.values() if e.state is not EntryState.WITHDRAWN)

    @property
    def content(self) -> "Ledger":
        """The same without what every save changes: two of equal content say the same."""
        return replace(self, version="", sequence=0)


def held_by(*, ledger: Ledger, name: str, uid: str) -> Ledger:
    """The ledger in this target's hands, which remembers under what other names it was held."""
    names = dict.fromkeys((*ledger.former_names, ledger.target_name))
    former = tuple(known for known in names if known != name)
    return replace(
        ledger, target_name=name, target_uid=uid, former_names=former[-FORMER_NAMES_REMEMBERED:]
    )


def departure(*, target: Target, ledger: Ledger | None) -> DeletionPolicy | None:
    """What becomes of the list when the target goes; None = nobody knows.

    An unusable spec counts as far as it names that, and else what the last usable one said.
    """
    if target.deletion_policy is not None or ledger is None or not ledger.deletion_policy:
        return target.deletion_policy
    return DeletionPolicy(ledger.deletion_policy)


def leaves(*, target: Target, ledger: Ledger | None) -> bool:
    """Whether the target is being deleted, and what it put into the list goes with it."""
    known = departure(target=target, ledger=ledger)
    return target.deleting is not None and known is DeletionPolicy.REVOKE


def unlisted(ledger: Ledger) -> Ledger:
    """The ledger without what it knows of one cluster beside its entries: its list, and what AKS
    and others did to it.
    """
    return replace(
        ledger,
        names={},
        in_flight=None,
        verified=None,
        refused={},
        search=None,
        reversals=(),
        conflict=None,
        ousted={},
    )
