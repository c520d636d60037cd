"""An entry's owner and end, in words and for programs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aks_access.api.timestamps import format_timestamp
from aks_access.cli.reports.entries import Holder
from aks_access.plan.origin import Origin

_WORDS: Final[Mapping[str, str]] = {
    Origin.BASELINE: "baseline",
    Origin.EGRESS: "egress of the cluster's own nodes",
    Origin.MANAGEMENT: "egress of the management cluster",
    Origin.FOREIGN: "foreign, not ours",
    Origin.UNATTRIBUTED: "nobody knows whose, since a ledger was lost",
    Origin.REVOKING: "has to go",
}


def moment(when: datetime, *, now: datetime) -> str:
    """An end as people read it: `18:00Z` today, else with the date."""
    return f"{when:%H:%MZ}" if when.date() == now.date() else f"{when:%Y-%m-%dT%H:%MZ}"


def end(holder: Holder, *, now: datetime) -> str:
    """When its owner's access ends, for a column."""
    text = moment(holder.until, now=now) if holder.until is not None else holder.ends
    if holder.going:
        return f"{text}, being removed" if text else "being removed"
    if holder.until is not None and holder.until <= now:
        return f"{text}, over"
    return text or "not known"


def words(holder: Holder, *, now: datetime) -> str:
    """Whose it is and until when, for a sentence."""
    owner = holder.grant or _WORDS.get(holder.origin) or holder.owner
    until = end(holder, now=now)
    ends = "never expires" if until == "never" else f"until {until}"
    return ", ".join(filter(None, (owner, ends, holder.requested_by, holder.ticket)))


def holder_json(holder: Holder) -> dict[str, Any]:
    """For programs."""
    return {
        "range": holder.range,
        "origin": holder.origin,
        "grant": holder.grant or None,
        "until": format_timestamp(holder.until) if holder.until is not None else None,
        "requestedBy": holder.requested_by,
        "ticket": holder.ticket,
        "reason": holder.reason,
    }
