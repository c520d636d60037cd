"""What `who` says: each target's entries and owners, and what is to be known about them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from aks_access.cli.hub.cluster import Cluster
from aks_access.cli.reports import entries, looking
from aks_access.cli.reports.entries import Holder
from aks_access.cli.reports.holding import end, holder_json
from aks_access.cli.reports.seen import SeenGrant, SeenTarget, by_name
from aks_access.cli.terminal import table

if TYPE_CHECKING:
    from aks_access.plan.model import RangeSet

_TITLES: Final = ("RANGE", "OWNER", "UNTIL", "REQUESTED BY", "TICKET")
_WIDE: Final = (*_TITLES, "REASON", "ORIGIN")
_MOST_WANTED: Final = 20


@dataclass(frozen=True, slots=True)
class Occupied:
    """One target.

    Attributes:
        holders: what stands in the list, or that there is none.
        wanted: what an observed target's grants and baseline would open.
        unknown: how many entries stand there besides, of which nothing is known.
        notes: sentences.
    """

    target: SeenTarget
    holders: Sequence[Holder]
    wanted: Sequence[Holder]
    unknown: int
    notes: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        target = self.target
        return {
            "name": target.name,
            "mode": target.mode,
            "state": target.ready.reason if target.ready is not None else "",
            "decidedBy": target.gate.value,
            "entries": [holder_json(each) for each in self.holders],
            "entriesNotKnown": self.unknown,
            "notLetIn": [holder_json(each) for each in self.wanted],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Occupants:
    """All targets that were asked for, by name; `hidden` says what could not be read."""

    targets: Sequence[Occupied]
    hidden: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "targets": [each.as_json() for each in self.targets],
            "notes": list(self.hidden),
        }


def occupants(
    raws: Iterable[Mapping[str, Any]],
    *,
    few: Callable[[], looking.Found | None],
    reached: Cluster,
    now: datetime,
) -> Occupants:
    """The answer, of the grants that the targets' reports name or leave out.

    `few` are all grants, where they are few; `reached` is asked where they are not.
    """
    seen = by_name(raws)
    wanted = {path for each in seen for path in entries.named(each)}
    cut = [each for each in seen if entries.incomplete(each)]
    sets: dict[str, RangeSet] = {}
    found = few() if wanted or cut else looking.Found()
    if cut:
        found = found or looking.grants(reached)
        wanted |= entries.filling(cut, grants=found.grants.values())
        sets = looking.range_sets(reached) or {}
    else:
        found = found or looking.grants_named(reached, wanted)
    grants = {path: SeenGrant(each.raw) for path, each in found.grants.items() if path in wanted}
    answers = []
    for target in seen:
        held = entries.holders(target, grants=grants, sets=sets)
        answers.append(
            Occupied(
                target=target,
                holders=held,
                wanted=entries.would_add(target, grants=grants.values(), sets=sets),
                unknown=entries.unknown(target, held) if held else 0,
                notes=list(target.doubts(now=now)),
            )
        )
    return Occupants(targets=answers, hidden=found.hidden)


def show(found: Occupants, *, now: datetime, wide: bool, several: bool) -> None:
    """Print it; `several` puts the target's name before each line."""
    titles = _WIDE if wide else _TITLES
    rows = [
        [each.target.name, *row] if several else row
        for each in found.targets
        for row in _rows(each.holders, now=now, wide=wide)
    ]
    if several:
        titles = ("TARGET", *titles)
    table.show(
        rows, titles=titles, least=None if wide else titles.index("UNTIL") + 1, more="-o wide"
    )
    told = [(each.target.name, note) for each in found.targets for note in _notes(each, now=now)]
    table.sentences([*told, *(("", note) for note in found.hidden)])
    if not found.targets:
        click.echo("There are no targets.")


def _rows(holders: Iterable[Holder], *, now: datetime, wide: bool) -> Iterator[table.Row]:
    for each in holders:
        row = (
            each.range,
            table.Cell(each.owner, color=_color(each)),
            end(each, now=now),
            each.requested_by,
            each.ticket,
        )
        yield (*row, each.reason, each.origin) if wide else row


def _color(holder: Holder) -> str:
    if holder.going or not holder.origin:
        return "red"
    return "green" if holder.grant else ""


def _notes(told: Occupied, *, now: datetime) -> Iterator[str]:
    if told.unknown:
        yield (
            f"{told.unknown} more entries stand there: a status names the first "
            f"{len(told.target.status.entries)}, and no grant tells of these."
        )
    yield from told.notes
    for each in told.wanted[:_MOST_WANTED]:
        until = end(each, now=now)
        ends = "with no end" if until == "never" else f"until {until}"
        yield f"Not let in: {each.range}, {each.owner}, {ends}."
    if len(told.wanted) > _MOST_WANTED:
        yield f"Not let in: {len(told.wanted) - _MOST_WANTED} more."
