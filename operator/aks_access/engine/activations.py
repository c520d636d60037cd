"""When the record of a first activation may be forgotten.

It is kept while its grant exists and 90 days more, so that an object that comes back, from Git or
from a backup, does not start its duration over. A record of an absent grant counts as that old
when 90 days have passed since its activation and, where GitOps may create the name again, the
longest duration as well.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from aks_access.api.duration import MAX_DURATION
from aks_access.plan.model import Grant, activation_key

MEMORY = timedelta(days=90)


def forgettable(
    *, activations: Mapping[str, datetime], grants: Iterable[Grant], now: datetime
) -> dict[str, list[str]]:
    """Keys to drop, by namespace."""
    present = {activation_key(grant) for grant in grants}
    result: dict[str, list[str]] = {}
    for key, activated in activations.items():
        kind, _, path = key.partition(":")
        kept = MEMORY if kind == "uid" else MEMORY + MAX_DURATION
        if key not in present and activated + kept < now:
            result.setdefault(path.partition("/")[0], []).append(key)
    return result
