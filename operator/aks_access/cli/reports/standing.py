"""What `explain` says about a grant: how it stands, its conditions, and what to do next."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from aks_access.api.grant_states import GRANT_STATES
from aks_access.api.reasons import ConditionType, GrantReason
from aks_access.api.states import NOTHING
from aks_access.api.timestamps import format_minute, format_timestamp
from aks_access.cli.reports.seen import SeenGrant
from aks_access.cli.terminal import table
from aks_access.cli.terminal.saying import folded

_ENDED: Final = frozenset(
    {
        *(GrantReason.EXPIRED, GrantReason.REVOKED),
        *(GrantReason.REVOCATION_PENDING, GrantReason.REVOCATION_OVERDUE),
    }
)
_NO_REPORT: Final = (
    "The operator has not reported on it yet. See that it runs: `kubectl get aat` shows a STATE "
    "for each target then."
)
_OLD: Final = "The operator has not seen the last edit yet: this is about the one before."


def let_in(raw: Mapping[str, Any]) -> bool:
    """Whether the grant lets in, on every target, by the operator's report."""
    seen = SeenGrant(raw)
    programmed = seen.condition(ConditionType.PROGRAMMED)
    return (
        seen.current
        and seen.ready is not None
        and seen.ready.reason not in _ENDED
        and programmed is not None
        and programmed.status == "True"
    )


def show(raw: Mapping[str, Any]) -> None:
    """Print it."""
    seen = SeenGrant(raw)
    headline = click.style(_headline(seen), fg="green" if let_in(raw) else "red")
    told = folded(f"{seen.path} {_headline(seen)}: {_facts(seen)}", stream=sys.stdout)
    click.echo(told.replace(_headline(seen), headline, 1))
    for note in _notes(seen):
        click.echo(folded(note, stream=sys.stdout))
    table.show(list(_targets(seen)), titles=("TARGET", "STATE", "RANGES", "WHY"))
    table.show(list(_conditions(seen)), titles=("CONDITION", "STATUS", "REASON", "MESSAGE"))
    for line in _next(seen):
        click.echo(folded(line, stream=sys.stdout))


def _headline(seen: SeenGrant) -> str:
    reason = seen.ready.reason if seen.ready is not None else ""
    there = sum(each.in_azure for each in seen.status.targets)
    if not reason:
        return "is not reported on"
    if reason in (GrantReason.REVOCATION_PENDING, GrantReason.REVOCATION_OVERDUE):
        return "has ended and still lets in"
    if let_in(seen.raw):
        return "lets in"
    if there and reason not in _ENDED:
        return f"lets in on {there} of {len(seen.status.targets) + seen.status.targets_omitted}"
    return "does not let in"


def _facts(seen: SeenGrant) -> str:
    """Which ranges, from when to when, for whom."""
    status = seen.status
    summary = status.summary
    starts = format_minute(status.starts_at) if status.starts_at is not None else ""
    ends = format_minute(status.expires_at) if status.expires_at is not None else seen.ends
    parts = (
        summary.ranges if summary is not None else "",
        f"from {starts}" if starts else "",
        "no end" if ends == "never" else f"until {ends}" if ends else "",
        seen.requested_by,
        seen.ticket,
    )
    return ", ".join(filter(None, parts)) or "no report"


def _notes(seen: SeenGrant) -> Iterator[str]:
    if not seen.current or seen.ready is None or seen.ready.reason == GrantReason.INVALID_SPEC:
        yield from _problems(seen.raw)
    if seen.metadata.deletion_timestamp is not None:
        yield "It is being deleted."
    if seen.ready is None:
        yield _NO_REPORT
    elif not seen.current:
        yield _OLD


def _problems(raw: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with its spec."""
    from aks_access.api.parse import Invalid, parse_grant  # slow to import, and for few grants

    found = parse_grant(dict(raw))
    if isinstance(found, Invalid):
        yield from map(str, found.problems)


def _targets(seen: SeenGrant) -> Iterator[table.Row]:
    for each in seen.status.targets:
        color = "green" if each.reason == GrantReason.ACTIVE else "yellow"
        there = "in Azure" if each.in_azure else "not in Azure"
        yield each.name, table.Cell(each.reason, color), there, each.message
    if seen.status.targets_omitted:
        yield f"{seen.status.targets_omitted} more", "", "", ""


def _conditions(seen: SeenGrant) -> Iterator[table.Row]:
    """Each condition; what was said already is not said again."""
    told = {each.message for each in seen.status.targets if each.message}
    for each in seen.status.conditions:
        bad = (each.status == "True") == (each.type in ("Reconciling", "Stalled"))
        message = "" if each.message in told else each.message
        told.add(each.message)
        yield each.type, table.Cell(each.status, "yellow" if bad else "green"), each.reason, message


def _next(seen: SeenGrant) -> Iterator[str]:
    reason = seen.ready.reason if seen.ready is not None else ""
    for known, state in GRANT_STATES.items():
        if known == reason:
            yield f"{known}: {state.meaning}."
            if state.remedy != NOTHING:
                yield f"Next: {state.remedy}."


def as_json(raw: Mapping[str, Any]) -> dict[str, Any]:
    """For programs."""
    seen = SeenGrant(raw)
    ready = seen.ready
    return {
        "grant": seen.path,
        "letIn": let_in(raw),
        "state": ready.reason if ready is not None else "",
        "until": format_timestamp(seen.status.expires_at) if seen.status.expires_at else None,
        "targets": [each.to_json() for each in seen.status.targets],
        "conditions": [each.to_json() for each in seen.status.conditions],
        "notes": [*_notes(seen)],
    }
