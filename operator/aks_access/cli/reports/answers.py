"""What `explain` says about an address: a verdict for each target, and the grants that wait."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import click

from aks_access.api.ranges import IPv4Range, special_network
from aks_access.api.reasons import GrantReason
from aks_access.cli.hub.cluster import Cluster
from aks_access.cli.reports import entries, looking
from aks_access.cli.reports.causes import Answer, Cause, Verdicts, answer, asking, causes
from aks_access.cli.reports.facts import Facts
from aks_access.cli.reports.holding import holder_json, words
from aks_access.cli.reports.seen import SeenGrant, SeenTarget, by_name, said
from aks_access.cli.terminal import table

_COLORS: Final = {
    Verdicts.ALLOWED: "green",
    Verdicts.PARTLY: "yellow",
    Verdicts.UNKNOWN: "yellow",
    Verdicts.BLOCKED: "red",
}
_MOST: Final = 5
"""Entries and grants that are named of each target; the others are counted."""


_NO_SETS: Final = "You may not read IPRangeSets: grants that ask through one are left out."


@dataclass(frozen=True, slots=True)
class Told:
    """One target's part."""

    target: SeenTarget
    answer: Answer
    causes: Sequence[Cause]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Report:
    """All targets, sorted by name.

    Attributes:
        notes: sentences about grants that are for no target, and about what could not be read.
    """

    wanted: IPv4Range
    told: Sequence[Told]
    notes: Sequence[str]

    @property
    def allowed(self) -> bool:
        """Whether every target lets the whole range in."""
        return bool(self.told) and all(
            each.answer.verdict is Verdicts.ALLOWED for each in self.told
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "range": str(self.wanted),
            "targets": [
                {
                    "name": each.target.name,
                    "verdict": each.answer.verdict.value,
                    "why": each.answer.why,
                    "entries": [holder_json(holder) for holder in each.answer.by],
                    "grants": [
                        {"grant": cause.grant, "reason": cause.reason, "message": cause.message}
                        for cause in each.causes
                    ],
                    "notes": list(each.notes),
                }
                for each in self.told
            ],
            "notes": list(self.notes),
        }


def report(
    raws: Iterable[Mapping[str, Any]],
    *,
    found: looking.Found,
    reached: Cluster,
    wanted: IPv4Range,
    now: datetime,
) -> Report:
    """Look the range up; asks `reached` for range sets and namespaces where they matter."""
    seen = by_name(raws)
    needed = any(each.range_sets for each in found.grants.values())
    sets = looking.range_sets(reached) if needed else {}
    hidden = [*found.hidden, *([] if sets is not None else [_NO_SETS])]
    facts = Facts(
        sets=sets or {},
        namespaces=partial(looking.namespaces, reached),
        now=now,
    )
    named = {path for target in seen for path in entries.named(target, within=wanted)}
    cut = [target for target in seen if target.status.entries_omitted]
    named |= entries.filling(cut, grants=found.grants.values())
    asks = [
        SeenGrant(each.raw)
        for each in asking(found.grants.values(), wanted=wanted, sets=facts.sets)
    ]
    grants = {path: SeenGrant(found.grants[path].raw) for path in named if path in found.grants} | {
        each.path: each for each in asks
    }
    told = []
    for target in seen:
        held = entries.holders(target, grants=grants, sets=facts.sets)
        more = entries.unknown(target, held)
        given = answer(target, wanted=wanted, holders=held, unknown=more)
        told.append(
            Told(
                target=target,
                answer=given,
                causes=causes(target, wanted=wanted, grants=asks, facts=facts, found=given),
                notes=list(target.doubts(now=now)),
            )
        )
    lost = [
        f"{each.path}: {said(each.ready.reason, each.ready.message)}"
        for each in asks
        if each.current
        and not each.status.targets
        and each.ready is not None
        and each.ready.reason in (GrantReason.TARGET_NOT_FOUND, GrantReason.INVALID_SPEC)
    ]
    return Report(wanted=wanted, told=told, notes=[*_not_public(wanted), *lost[:_MOST], *hidden])


def _not_public(wanted: IPv4Range) -> Iterator[str]:
    """The address of a laptop's own network is not the one that AKS sees."""
    special = special_network(wanted)
    if special is not None and special.range.contains(wanted):
        shown = str(wanted).removesuffix("/32")
        yield (
            f"{shown} is no public address ({special.name}, {special.source}), and lists hold "
            "public ones: AKS sees the one that you leave by. Ask about that one."
        )


def show(report: Report, *, now: datetime) -> None:
    """Print it."""
    if not report.told:
        click.echo("There are no targets.")
    rows = [row for each in report.told for row in _rows(each, now=now)]
    table.show(rows, titles=("TARGET", "VERDICT", "WHY"))
    told = [(each.target.name, line) for each in report.told for line in _lines(each)]
    table.sentences([*told, *(("", note) for note in report.notes)])


def _rows(told: Told, *, now: datetime) -> Iterator[table.Row]:
    given = told.answer
    name, color = told.target.name, _COLORS[given.verdict]
    shown = given.by[:_MOST]
    if given.why:
        yield name, table.Cell(given.verdict, color), given.why
    for holder in shown:
        whole = given.verdict is Verdicts.ALLOWED
        by = f"{given.verdict} by {holder.range}" if whole else f"by {holder.range}"
        yield name, table.Cell(by, "yellow" if holder.going else color), words(holder, now=now)
    if len(given.by) > len(shown):
        yield name, "", f"and {len(given.by) - len(shown)} more"


def _lines(told: Told) -> Iterator[str]:
    for cause in told.causes[:_MOST]:
        yield f"{cause.grant}: {said(cause.reason, cause.message)}"
    if len(told.causes) > _MOST:
        yield f"{len(told.causes) - _MOST} more grants ask for it and do not let it in."
    yield from told.notes
