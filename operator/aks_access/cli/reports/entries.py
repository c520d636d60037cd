"""Who can get in to one cluster: each entry of its list with each of its owners.

Pure. The entries are those that the target's status tells; what it leaves out (the sixth grant of
an entry, the entries past 200) is added from the grants that say they are in Azure there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from aks_access.api.names import ARGO_DEFAULT_INSTANCE_LABEL
from aks_access.api.ranges import IPv4Range
from aks_access.api.reasons import GrantReason
from aks_access.cli.reports.glimpse import Glimpse
from aks_access.cli.reports.reported import LiveEntry
from aks_access.cli.reports.seen import Gate, SeenGrant, SeenTarget
from aks_access.plan.listing import cidr, parsed
from aks_access.plan.origin import Origin

if TYPE_CHECKING:
    from aks_access.plan.model import RangeSet

EVERYONE: Final = "everyone"
PLATFORM: Final = "Platform"
"""The origin of what is not in the list yet: baseline or egress, which the status does not say."""
UNSAID: Final = "Unsaid"
"""The origin of an entry of which the report does not say where it comes from."""
WORDS: Final[Mapping[str, str]] = {
    Origin.BASELINE: "baseline",
    Origin.EGRESS: "egress",
    Origin.MANAGEMENT: "management",
    Origin.FOREIGN: "foreign",
    Origin.UNATTRIBUTED: "unattributed",
    Origin.REVOKING: "revoking",
    Origin.SENTINEL: "nobody",
    Origin.GRANT: "grants",
    UNSAID: "not said whose",
    "": "no list is set",
}
"""The owner of an entry that no grant holds, in one word."""

_OWNED: Final = frozenset({Origin.GRANT, Origin.REVOKING})
"""Whose: the grants'. Every other entry stands without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One entry and one of those it stands for.

    Attributes:
        range: as written in Azure; `everyone` where no list is set.
        origin: of the status (`plan.outcome.Origin`); "" where no list is set.
        grant: `namespace/name`; "" where it stands for no grant.
        until: the end, UTC; None = `ends` says more.
        ends: `never`, `4h after start`, or "" where nobody knows.
    """

    range: str
    origin: str
    grant: str = ""
    until: datetime | None = None
    ends: str = ""
    requested_by: str = ""
    ticket: str = ""
    reason: str = ""

    @property
    def owner(self) -> str:
        """The grant, or the word for who else."""
        return self.grant or WORDS.get(self.origin, self.origin.lower())

    @property
    def going(self) -> bool:
        """Whether it has to go, and still stands."""
        return self.origin == Origin.REVOKING


def named(target: SeenTarget, *, within: IPv4Range | None = None) -> set[str]:
    """The grants that the target's report names, or those of the entries that meet a range."""
    return {
        path
        for entry in target.status.entries
        if within is None or ((value := parsed(entry.range)) and value.overlaps(within))
        for path in entry.grants
    }


def filling(targets: Iterable[SeenTarget], *, grants: Iterable[Glimpse]) -> set[str]:
    """The grants that may hold, or would, what the reports of these targets leave out."""
    cut = {target.name for target in targets}
    return {
        grant.path
        for grant in grants
        if any(
            each.name in cut and (each.in_azure or each.reason == GrantReason.OBSERVED)
            for each in grant.states
        )
    }


def incomplete(target: SeenTarget) -> bool:
    """Whether the report leaves something out that only the grants can tell."""
    status = target.status
    return bool(
        status.entries_omitted
        or any(entry.grants_omitted for entry in status.entries)
        or (target.observed and status.plan is not None and status.plan.add)
    )


def holders(
    target: SeenTarget, *, grants: Mapping[str, SeenGrant], sets: "Mapping[str, RangeSet]"
) -> list[Holder]:
    """Every entry that stands, in Azure's order, once for each owner."""
    if target.gate is Gate.OPEN:
        return [Holder(range=EVERYONE, origin="", ends="never")]
    if target.gate is not Gate.LIST:
        return []
    status = target.status
    inside = _inside(target, grants=grants.values(), sets=sets) if incomplete(target) else {}
    found = [
        holder
        for entry in status.entries
        for holder in _holders(entry, grants=grants, more=inside.get(entry.range, ()))
    ]
    if status.entries_omitted:
        listed = {entry.range for entry in status.entries}
        found += [
            _of_grant(range=item, origin=Origin.GRANT, path=grant.path, grant=grant)
            for item, owners in sorted(inside.items())
            if item not in listed
            for grant in sorted(owners, key=lambda each: each.path)
            if grant.current  # else what it asks for by now may not stand there
        ]
    return found


def unknown(target: SeenTarget, found: Iterable[Holder]) -> int:
    """How many entries stand there that neither the report nor the grants tell."""
    listed = len({holder.range for holder in found})
    return max(0, len(target.status.entries) + target.status.entries_omitted - listed)


def would_add(
    target: SeenTarget, *, grants: Iterable[SeenGrant], sets: "Mapping[str, RangeSet]"
) -> list[Holder]:
    """What the grants on an observed target would open, and nobody does."""
    plan = target.status.plan
    if not target.observed or plan is None:
        return []
    asking: dict[str, list[SeenGrant]] = {}
    for grant in grants:
        states = [each.reason for each in grant.status.targets if each.name == target.name]
        if GrantReason.OBSERVED in states:
            for item in _asked(grant, sets=sets):
                asking.setdefault(item, []).append(grant)
    return [
        holder
        for item in plan.add
        for holder in (
            [
                _of_grant(range=item, origin=Origin.GRANT, path=grant.path, grant=grant)
                for grant in asking.get(item, ())
            ]
            or [Holder(range=item, origin=PLATFORM, ends="never")]
        )
    ]


def _holders(
    entry: LiveEntry, *, grants: Mapping[str, SeenGrant], more: Iterable[SeenGrant]
) -> Iterator[Holder]:
    paths = dict.fromkeys([*entry.grants, *(sorted(grant.path for grant in more))])
    if entry.origin not in _OWNED or not paths:
        ends = "" if entry.origin in _OWNED else "never"
        origin = entry.origin or UNSAID
        yield Holder(range=entry.range, origin=origin, until=entry.until, ends=ends)
    for path in paths:
        grant = grants.get(path)
        origin = entry.origin if entry.origin in _OWNED else Origin.GRANT
        alone = entry.until if len(paths) == 1 and not entry.grants_omitted else None
        yield _of_grant(range=entry.range, origin=origin, path=path, grant=grant, until=alone)


def _of_grant(
    *,
    range: str,
    origin: str,
    path: str,
    grant: SeenGrant | None,
    until: datetime | None = None,
) -> Holder:
    if grant is None:
        return Holder(range=range, origin=origin, grant=path, until=until)
    return Holder(
        range=range,
        origin=origin,
        grant=path,
        until=grant.status.expires_at or until,
        ends=grant.ends,
        requested_by=grant.requested_by,
        ticket=grant.ticket,
        reason=grant.reason,
    )


def _inside(
    target: SeenTarget, *, grants: Iterable[SeenGrant], sets: "Mapping[str, RangeSet]"
) -> dict[str, list[SeenGrant]]:
    """Entry to the grants that say that all they ask for stands there."""
    found: dict[str, list[SeenGrant]] = {}
    for grant in grants:
        if any(each.in_azure and each.name == target.name for each in grant.status.targets):
            for item in _asked(grant, sets=sets):
                found.setdefault(item, []).append(grant)
    return found


def _asked(grant: SeenGrant, *, sets: "Mapping[str, RangeSet]") -> list[str]:
    """The entries that a grant asks for, its range sets' too."""
    from aks_access.plan.access import expand  # these are for few, and slow to import
    from aks_access.projection import project_grant

    projected = project_grant(grant.raw, argo_instance_label=ARGO_DEFAULT_INSTANCE_LABEL)
    return [cidr(item) for item in expand(grant=projected, sets=sets)[0]]
