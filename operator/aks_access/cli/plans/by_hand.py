"""The plan as commands of `az`, for the day on which the operator cannot write.

They set the whole list, because Azure takes no less, and so they look first whether the list is
still the one that was planned on. An empty list would open the cluster: there is no command for it.
"""

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime

from aks_access.cli.plans.forecast import Forecast
from aks_access.cli.plans.words import Sign, remarks, rows
from aks_access.cli.terminal.printable import blanked
from aks_access.plan.guard import refuse_unsafe_list
from aks_access.plan.ledger import PLATFORM_OWNERS, EntryState
from aks_access.plan.listing import canonical, parsed, same_entries
from aks_access.plan.sentences import instant
from aks_access.plan.wording import az_flags

_RANGES = "apiServerAccessProfile.authorizedIpRanges"


def az_lines(known: Forecast, *, now: datetime, read_now: bool, adds_grants: bool) -> Iterator[str]:
    """A script for sh, bash and zsh. Raises UnsafeWrite where there is no list to set.

    `read_now`: the list was read in Azure itself, and not taken from the target's status.
    `adds_grants`: also add what grants ask for. The operator takes what appears in the list without
    its doing for somebody else's, and leaves it there when the grant ends.
    """
    target, before = known.target, known.view.ranges
    source = "Azure had it" if read_now else "the operator last read it"
    yield f"# {target.name}: planned at {instant(now)} on the list as {source}."
    left_out = frozenset() if adds_grants else _unowned(known)
    wanted = [entry for entry in known.after or () if canonical(entry) not in left_out]
    for row in rows(known):
        if canonical(row.entry) in left_out:
            yield f"# {blanked(row.entry)} is left out, for {blanked(row.words)}. Added by hand it"
            yield "# would outlive its grant; --add-grants adds it all the same."
        elif row.sign is not Sign.KEPT:
            yield f"# {row.sign} {blanked(row.entry)}  {blanked(row.words)}"
    if same_entries(before, known.after) or same_entries(before, wanted):
        yield from (f"# {blanked(each.message)}" for each in remarks(known))
        yield "# There is nothing to do by hand."
        return
    refuse_unsafe_list(current=before, desired=wanted, entry_limit=known.view.entry_limit)
    if any(parsed(entry) is None for entry in wanted):
        yield "# The list has a service tag: az takes it with the extension aks-preview only."
    yield from _script(known, wanted=wanted)


def _unowned(known: Forecast) -> frozenset[str]:
    """What would come for grants alone and is not the operator's yet, in the ledger's eyes."""
    owned = {name for name, entry in known.plan.entries.items() if entry.state is EntryState.OWNED}
    return frozenset(
        change.entry
        for change in known.plan.additions
        if change.entry not in owned and PLATFORM_OWNERS.isdisjoint(change.owners)
    )


def _script(known: Forecast, *, wanted: Sequence[str]) -> Iterator[str]:
    place = az_flags(known.target.resource_id)
    yield "("
    yield "  set -eu"
    yield f"  planned={shlex.quote(' '.join(sorted(known.view.ranges or ())))}"
    yield f"  there=$(az aks show {place} --query {_RANGES} -o tsv)"
    yield "  there=$(printf '%s' \"$there\" | tr -d '\\r' | tr '\\t' '\\n' | LC_ALL=C sort | xargs)"
    yield '  if [ "$there" != "$planned" ]; then'
    yield f"    echo {shlex.quote('The list is another one by now; plan again.')} >&2"
    yield "    exit 1"
    yield "  fi"
    listed = shlex.quote(",".join(wanted))
    yield f"  az aks update {place} --api-server-authorized-ip-ranges {listed} -o none"
    yield ")"
