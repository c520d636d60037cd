"""What planning answers: structured, so that every sentence, audit line, metric and check of the
command line is rendered from the same facts.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aks_access.api.ranges import IPv4Range
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan.ledger import Conflict, LedgerEntry, Reversal
from aks_access.plan.listing import cidr
from aks_access.plan.model import Cause, Grant, GrantUid
from aks_access.plan.origin import Origin as Origin
from aks_access.plan.pace import Paced


class Rule(StrEnum):
    """The rule that a refusal names."""

    SPEC = "spec"
    NAMESPACE = "policy.allowedNamespaces"
    MAX_DURATION = "policy.maxDuration"
    PERMANENT = "policy.allowPermanent"
    MIN_PREFIX = "policy.minPrefixLength"
    ALLOWED_RANGES = "policy.allowedRanges"
    DENIED_RANGES = "policy.deniedRanges"
    REASON = "policy.requireReason"
    TICKET = "policy.requireTicket"
    REQUESTED_BY = "policy.requireRequestedBy"
    MAX_GRANTS = "policy.maxGrantsPerNamespace"
    MAX_ENTRIES = "policy.maxEntriesPerNamespace"
    RANGE_SET = "rangeSetRefs"
    CAPACITY = "capacity"
    NOT_REVOCABLE = "revocability"
    UNRESTRICTED = "restrictUnrestricted"
    AZURE = "azure"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a grant is not let in: reason, the rule, the field, what stands there and the limit.

    `hint` is a fact that helps to find the way out.
    """

    reason: GrantReason
    rule: Rule
    field: str = ""
    value: str = ""
    limit: str = ""
    hint: str = ""


class AccessState(StrEnum):
    """What a grant asks of a target at this moment, before capacity."""

    LIVE = "Live"
    SCHEDULED = "Scheduled"
    EXPIRED = "Expired"
    REVOKED = "Revoked"
    DELETED = "Deleted"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One grant on one target.

    Attributes:
        ranges: what it asks for, range sets expanded, without duplicates, sorted.
        via_sets: which of `ranges` came through a range set: range to the sets' names.
        starts, ends: of the current period, UTC; `ends` None = permanent.
        refusals: why it is not let in; not empty = REFUSED.
        needs_activation: a `duration` that has not begun to count.
        admitted: it has room in the list, and is let in by this plan unless `paced`.
        keeps: of a grant that grew and does not fit, or whose target broke: the entries that it
            holds and still asks for.
        present: every range of it is in the list as read.
        covered: ranges of a closed grant that something else still admits: range to by what.
        paced: what an admitted grant waits for; None = it is let in at once.
    """

    grant: Grant
    state: AccessState
    ranges: tuple[IPv4Range, ...] = ()
    via_sets: Mapping[IPv4Range, tuple[str, ...]] = field(default_factory=dict)
    starts: datetime | None = None
    ends: datetime | None = None
    refusals: tuple[Refusal, ...] = ()
    needs_activation: bool = False
    admitted: bool = False
    keeps: frozenset[str] = frozenset()
    present: bool = False
    covered: tuple[tuple[str, str], ...] = ()
    paced: Paced | None = None

    @property
    def let_in(self) -> bool:
        """Whether this plan lets all of it in."""
        return self.admitted and self.paced is None

    @property
    def asks(self) -> str:
        """What it asks for, as a word: another one after an edit, or once a range set changed."""
        ranges = " ".join(map(cidr, self.ranges))
        return f"{self.grant.generation}-{hashlib.sha256(ranges.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry that a plan adds or takes out, and why.

    `owners` are ledger owners: grant uids, and the platform's names.
    """

    entry: str
    cause: Cause
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryReport:
    """One live entry: where it comes from and until when (None = no end)."""

    entry: str
    origin: Origin
    grants: tuple[GrantUid, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the target that its status must say.

    Attributes:
        reason: the condition's reason.
        details: the values that its sentence names.
        blocks: True where additions cannot be written because of it.
    """

    reason: TargetReason
    details: Mapping[str, str] = field(default_factory=dict)
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether another writer and we keep undoing each other, at one moment; see `plan/conflict.py`.

    Attributes:
        conflict: None = no conflict.
        reversals: what the ledger should remember of them.
        recent: how many there were within the last hour.
        again: when entries may be added again, UTC; None = at once.
        ends: when it is over if nothing is undone any more, UTC.
    """

    conflict: Conflict | None = None
    reversals: tuple[Reversal, ...] = ()
    recent: int = 0
    again: datetime | None = None
    ends: datetime | None = None

    @property
    def entries(self) -> tuple[str, ...]:
        """The entries that the fight is about, the latest first."""
        found = (e for item in reversed(self.reversals) for e in (*item.added, *item.removed))
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Plan:
    """What should become of a cluster's list.

    Attributes:
        desired: the whole list to write; None = leave the cluster alone.
        write: whether a PUT is due.
        made_at: the world's time, UTC.
        additions, removals: against the list as read; of an Observe target what Merge would do.
        exclusive_removals: what Exclusive would remove besides (Observe only).
        held_removals: removals that wait: for an acknowledgement, for something to be known or to
            come first, or because they would leave the list empty.
        overdue: removals not read back within the revocation bound, with the time they were due.
        verdicts: of the grants that match the target, by uid.
        held: grant uid to the entries in Azure, or perhaps about to be, that the ledger holds for
            it; whether the grant still matches or not.
        entries: the ledger's entries as they should stand, additions of this plan left out.
        report: every live entry.
        findings: the worst first.
        restores: the list was cleared by somebody, and goes back.
        unreturned: what of that list does not: it may not be sent.
        contested: additions that wait because something else keeps undoing them.
        undoes: the entries by which the write undoes somebody else's.
        standing: whether another writer and we keep undoing each other.
        added_for, removed_for: namespaces that this write is charged to (see `plan/pacing.py`).
        acknowledgement: the code that lets held work go on; "" where nothing waits.
        next_transition: when the plan changes by itself, UTC.
        entries_used, entry_limit: of the list as desired.
    """

    desired: tuple[str, ...] | None
    write: bool
    made_at: datetime
    additions: tuple[Change, ...] = ()
    removals: tuple[Change, ...] = ()
    exclusive_removals: tuple[str, ...] = ()
    held_removals: tuple[Change, ...] = ()
    overdue: tuple[tuple[str, datetime], ...] = ()
    verdicts: Mapping[GrantUid, Verdict] = field(default_factory=dict)
    held: Mapping[GrantUid, tuple[str, ...]] = field(default_factory=dict)
    entries: Mapping[str, LedgerEntry] = field(default_factory=dict)
    report: tuple[EntryReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    restores: bool = False
    unreturned: tuple[str, ...] = ()
    contested: tuple[Change, ...] = ()
    undoes: tuple[str, ...] = ()
    standing: Standing = field(default_factory=Standing)
    added_for: tuple[str, ...] = ()
    removed_for: tuple[str, ...] = ()
    acknowledgement: str = ""
    next_transition: datetime | None = None
    entries_used: int = 0
    entry_limit: int = 200
