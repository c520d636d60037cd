"""The plan as commands of `az`, for the day on which the operator cannot write.

They set the whole list, because Azure takes no less, and so they look first whether the list is
still the one that was planned on. An empty list would open the cluster: there is no command for it.
"""

import shlex
from collections.abc import Iterator
from datetime import datetime

from aks_access.api.arm import ArmId
from aks_access.cli.forecast import Forecast
from aks_access.cli.plan_words import Sign, remarks, rows
from aks_access.errors import UnsafeWrite
from aks_access.plan.guard import refuse_unsafe_list
from aks_access.plan.listing import parsed
from aks_access.plan.sentences import instant

_RANGES = "apiServerAccessProfile.authorizedIpRanges"


def az_lines(known: Forecast, *, now: datetime, read_now: bool) -> Iterator[str]:
    """A script for sh, bash and zsh. Raises UnsafeWrite where there is no list to set.

    `read_now`: the list was read in Azure itself, and not taken from the target's status.
    """
    target, plan, before = known.target, known.plan, known.view.ranges
    source = "Azure had it" if read_now else "the operator last read it"
    yield f"# {target.name}: planned at {instant(now)} on the list as {source}."
    if not known.changes:
        yield "# The list is as it should be: nothing to do."
        return
    if plan.desired is None:
        why = " ".join(each.message for each in remarks(known)) or "There is no list to set."
        raise UnsafeWrite(f"{target.name} cannot be brought there by az. {why}")
    refuse_unsafe_list(current=before, desired=plan.desired, entry_limit=known.view.entry_limit)
    for row in rows(known):
        if row.sign is not Sign.KEPT:
            yield f"# {row.sign} {_plain(row.entry)}  {_plain(row.words)}"
    if any(parsed(entry) is None for entry in plan.desired):
        yield "# The list has a service tag: az takes it with the extension aks-preview only."
    cluster = ArmId.parse(target.resource_id)
    place = shlex.join(
        ["--subscription", cluster.subscription, "-g", cluster.group, "-n", cluster.name]
    )
    yield "("
    yield "  set -eu"
    yield f"  planned={shlex.quote(' '.join(sorted(before or ())))}"
    yield f"  there=$(az aks show {place} --query {_RANGES} -o tsv)"
    yield "  there=$(printf '%s' \"$there\" | tr -d '\\r' | tr '\\t' '\\n' | LC_ALL=C sort | xargs)"
    yield '  if [ "$there" != "$planned" ]; then'
    yield f"    echo {shlex.quote('The list is another one by now; plan again.')} >&2"
    yield "    exit 1"
    yield "  fi"
    wanted = shlex.quote(",".join(plan.desired))
    yield f"  az aks update {place} --api-server-authorized-ip-ranges {wanted} -o none"
    yield ")"


def _plain(text: str) -> str:
    """Text that stays within a comment."""
    return "".join(char if char.isprintable() else " " for char in text)
