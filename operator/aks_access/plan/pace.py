"""How often a cluster's list may grow for grants: token buckets over what the ledger remembers.

A tenant who flaps a grant must not keep a cluster updating. The times stand in the ledger, or each
restart would fill the buckets again. Only additions ever wait for them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

WRITES_PACED = 200
"""Writes that a ledger remembers for this; the bursts of `Pace` stay below."""

NAMESPACES_PACED = 1000
"""Namespaces that a ledger names for this, all its writes together."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One write's part in pacing.

    Attributes:
        at: when the write started, UTC.
        added: namespaces for whose grants it adds entries.
        removed: namespaces whose grants ended, or were changed, so that it takes entries out.
    """

    at: datetime
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bucket:
    """`burst` tokens, and one more each `every`."""

    burst: int
    every: timedelta

    def free_at(self, *, turns: Iterable[tuple[datetime, bool, bool]], now: datetime) -> datetime:
        """When the next addition has its token, UTC, in whole seconds; not after `now` = it has.

        `turns` are (time, whether it adds, whether it removes), oldest first. An addition costs a
        token and pays for one removal as well; further removals cost one each: they never wait
        themselves, but an apply of many grants that end one by one counts. A turn in the future
        was timed by a clock that was wrong, and does not count.
        """
        empty, paid = datetime.min.replace(tzinfo=now.tzinfo), 0
        for when, adds, removes in turns:
            if when > now:
                continue
            costs = int(adds)
            paid += costs
            if removes:
                costs, paid = (costs, paid - 1) if paid else (costs + 1, 0)
            if costs:
                empty = max(empty, when) + costs * self.every
        if empty.year == 1:
            return now
        free = empty - (self.burst - 1) * self.every
        return free if not free.microsecond else free.replace(microsecond=0) + timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """The buckets of each namespace on a cluster, and of the cluster for all namespaces.

    Removals count for the namespace alone: nobody waits for what another's grants cost there.
    """

    namespace: Bucket = Bucket(burst=10, every=timedelta(minutes=6))
    cluster: Bucket = Bucket(burst=20, every=timedelta(minutes=2))


@dataclass(frozen=True, slots=True)
class Paced:
    """An addition that waits.

    Attributes:
        until: when it is let in, UTC.
        namespace: whose tokens are used up; "" = those of the whole cluster.
        bucket: which one it waits for.
    """

    until: datetime
    namespace: str
    bucket: Bucket


def waiting(
    *, pace: Pace | None, turns: tuple[Turn, ...], namespace: str, now: datetime
) -> Paced | None:
    """What an addition for grants of this namespace waits for; None = nothing."""
    if pace is None or not turns:
        return None
    own = (
        (turn.at, namespace in turn.added, namespace in turn.removed)
        for turn in turns
        if namespace in turn.added or namespace in turn.removed
    )
    everybody = ((turn.at, True, False) for turn in turns if turn.added)
    of_namespace = pace.namespace.free_at(turns=own, now=now)
    of_cluster = pace.cluster.free_at(turns=everybody, now=now)
    if max(of_namespace, of_cluster) <= now:
        return None
    if of_namespace >= of_cluster:
        return Paced(until=of_namespace, namespace=namespace, bucket=pace.namespace)
    return Paced(until=of_cluster, namespace="", bucket=pace.cluster)


def remembered(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The newest turns, as many as a ledger keeps."""
    kept: list[Turn] = []
    names = 0
    for turn in reversed(tuple(turns)[-WRITES_PACED:]):
        names += len(turn.added) + len(turn.removed)
        if names > NAMESPACES_PACED and kept:
            break
        kept.append(turn)
    return tuple(reversed(kept))
