"""A forecast in words: every entry with what it is there for, what comes, what goes and why.

`plan_lines` prints them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from aks_access.api.reasons import TargetReason
from aks_access.api.timestamps import format_timestamp
from aks_access.cli.plans.forecast import Forecast
from aks_access.plan.ledger import BASELINE_OWNER, PLATFORM_OWNERS, SENTINEL_OWNER
from aks_access.plan.listing import canonical
from aks_access.plan.model import Cause, GrantUid
from aks_access.plan.outcome import AccessState, EntryReport, Origin, Verdict
from aks_access.plan.sentences import (
    contested_sentence,
    finding_sentence,
    instant,
    paced_sentence,
    refusals_sentence,
)

WHY: Final[Mapping[Cause, str]] = {
    Cause.EXPIRED: "expired",
    Cause.REVOKED: "revoked",
    Cause.DELETED: "its grant is being deleted",
    Cause.VANISHED: "its grant is gone",
    Cause.EDITED: "its grant no longer asks for it",
    Cause.INVALID: "its grant cannot be read",
    Cause.POLICY: "refused by the target's policy",
    Cause.SELECTOR: "its grant is for another target",
    Cause.RANGE_SET: "its range set no longer has it",
    Cause.BASELINE: "no longer in the baseline",
    Cause.EGRESS: "no longer egress",
    Cause.WITHDRAWN: "taken out before, and came back",
    Cause.EXCLUSIVE: "not ours, and mode is Exclusive",
    Cause.CAPACITY: "no room in the list",
    Cause.REFUSED_BY_AZURE: "refused by Azure",
    Cause.TARGET_DELETED: "its target is being deleted",
    Cause.ORPHANED: "its target is gone",
    Cause.SENTINEL: "lets nobody in, and is no longer needed",
}
"""Causes of a removal."""

ORIGINS: Final[Mapping[Origin, str]] = {
    Origin.EGRESS: "node egress",
    Origin.MANAGEMENT: "management cluster",
    Origin.FOREIGN: "foreign",
    Origin.BASELINE: "baseline",
    Origin.GRANT: "grant",
    Origin.SENTINEL: "nobody",
    Origin.UNATTRIBUTED: "unattributed",
    Origin.REVOKING: "revoking",
}
_SAID_BY_HEADER: Final = (TargetReason.OBSERVING, TargetReason.SUSPENDED)
_NAMED: Final = 3


class Sign(StrEnum):
    """What becomes of an entry."""

    KEPT = " "
    ADDED = "+"
    REMOVED = "-"
    HELD = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry.

    Attributes:
        what: for whom or for what it is there.
        why: what makes it come or go; "" where that needs no words.
        until: when the last grant that holds it ends, UTC.
    """

    sign: Sign
    entry: str
    what: str
    grants: tuple[str, ...] = ()
    why: str = ""
    until: datetime | None = None

    @property
    def words(self) -> str:
        """What stands beside the entry."""
        until = f" until {instant(self.until)}" if self.until is not None else ""
        return f"{self.what}{until}{f': {self.why}' if self.why else ''}"

    def json(self) -> dict[str, object]:
        """The row for programs."""
        change = self.sign.name.lower()
        return {
            "range": self.entry,
            "change": change,
            "what": self.what,
            "grants": list(self.grants),
            "why": self.why,
            "until": format_timestamp(self.until) if self.until is not None else None,
        }


def rows(known: Forecast) -> list[Row]:
    """Every live entry, and then what comes."""
    after = {canonical(each) for each in known.after or ()}
    removed = {change.entry: change.cause for change in known.plan.removals}
    held = {change.entry: change.cause for change in known.plan.held_removals}
    found = [
        _live(known, each, after=after, removed=removed, held=held) for each in known.plan.report
    ]
    live = {canonical(each.entry) for each in known.plan.report}
    return [*found, *(added(known, each) for each in known.after or () if _new(each, live))]


def _new(entry: str, live: set[str]) -> bool:
    return canonical(entry) not in live


def _live(
    known: Forecast,
    entry: EntryReport,
    *,
    after: set[str],
    removed: Mapping[str, Cause],
    held: Mapping[str, Cause],
) -> Row:
    name = canonical(entry.entry)
    sign, why = Sign.KEPT, ""
    if name not in after:
        sign, why = Sign.REMOVED, WHY.get(removed.get(name, Cause.SENTINEL), "")
    elif name in held or name in removed:
        sign = Sign.HELD
        why = f"{WHY.get(held.get(name) or removed[name], '')}, but held back"
    grants = tuple(sorted(known.names.get(uid, uid) for uid in entry.grants))
    what = ORIGINS[entry.origin]
    if grants and entry.origin in (Origin.GRANT, Origin.REVOKING):
        what = few(grants)
    return Row(sign=sign, entry=entry.entry, what=what, grants=grants, why=why, until=entry.until)


def added(known: Forecast, entry: str) -> Row:
    """An entry that comes, and for whom."""
    change = next((c for c in known.plan.additions if c.entry == canonical(entry)), None)
    owners = change.owners if change is not None else ()
    uids = [GrantUid(owner) for owner in owners if owner not in PLATFORM_OWNERS]
    grants = tuple(sorted(known.names.get(uid, uid) for uid in uids))
    ends = [known.plan.verdicts[uid].ends for uid in uids if uid in known.plan.verdicts]
    fixed = [end for end in ends if end is not None]
    why = ""
    if known.plan.restores:
        why = "somebody cleared the list, and it goes back"
    elif change is not None and change.cause is Cause.DRIFT:
        why = "somebody took it out"
    if grants:
        what = few(grants)
    elif BASELINE_OWNER in owners:
        what = "baseline"
    elif SENTINEL_OWNER in owners or change is None:
        what = "as it stood" if known.plan.restores else "nobody"
    else:
        what = "egress"
    until = max(fixed) if fixed and len(fixed) == len(ends) else None
    return Row(sign=Sign.ADDED, entry=entry, what=what, grants=grants, why=why, until=until)


def few(names: Sequence[str]) -> str:
    """The first, and how many more there are."""
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something beside the list: who is not let in, what waits, what is wrong with the cluster."""

    about: str
    reason: str
    message: str

    def json(self) -> dict[str, object]:
        """The remark for programs."""
        return {"about": self.about, "reason": self.reason, "message": self.message}


def refused(known: Forecast) -> list[Remark]:
    """The grants that are not let in."""
    return [
        refusal(known, verdict)
        for verdict in _by_path(known.plan.verdicts.values())
        if verdict.state is AccessState.REFUSED
    ]


def refusal(known: Forecast, verdict: Verdict) -> Remark:
    """Why a grant is not let in."""
    target = known.target
    return Remark(
        about=verdict.grant.path,
        reason=str(verdict.refusals[0].reason),
        message=refusals_sentence(
            verdict=verdict,
            target=target.name,
            contact=target.policy.contact,
            cluster=target.resource_id,
        ),
    )


def remarks(known: Forecast) -> Iterator[Remark]:
    """What waits, and what is the matter with cluster and target."""
    target, plan = known.target, known.plan
    for verdict in _by_path(plan.verdicts.values()):
        if verdict.paced is not None:
            message = paced_sentence(paced=verdict.paced, target=target.name)
            yield Remark(about=verdict.grant.path, reason="Paced", message=message)
        elif verdict.state is AccessState.SCHEDULED and verdict.starts is not None:
            message = f"Access starts at {instant(verdict.starts)}."
            yield Remark(about=verdict.grant.path, reason="Scheduled", message=message)
    if plan.contested and plan.standing.again is not None:
        entries = tuple(change.entry for change in plan.contested)
        message = contested_sentence(
            entries=entries, again=instant(plan.standing.again), target=target.name
        )
        yield Remark(about=target.name, reason="ConflictingOwner", message=message)
    for finding in plan.findings:
        if finding.reason not in _SAID_BY_HEADER:
            message = finding_sentence(finding=finding, target=target, cluster=target.resource_id)
            yield Remark(about=target.name, reason=str(finding.reason), message=message)
    if known.waits:
        message = "A write or another operation is under way; the plan is made once it is over."
        yield Remark(about=target.name, reason="Progressing", message=message)


def _by_path(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda verdict: verdict.grant.path)


def json_of(known: Forecast) -> dict[str, object]:
    """The forecast for programs."""
    return {
        "target": known.target.name,
        "resourceId": known.target.resource_id,
        "mode": str(known.target.mode),
        "suspended": known.target.suspend,
        "restricted": known.view.ranges is not None,
        "now": list(known.view.ranges or ()),
        "after": list(known.after) if known.after is not None else None,
        "limit": known.view.entry_limit,
        "changes": known.changes,
        "entries": [each.json() for each in rows(known)],
        "notLetIn": [each.json() for each in refused(known)],
        "notes": [each.json() for each in remarks(known)],
    }
