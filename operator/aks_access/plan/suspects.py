"""Which grants may be to blame for a list that AKS refused, and who follows once one is found.

A suspect is known by its uid and by what it asked for then: who asks for something else since is
another one. They are ordered by age, so that newcomers never push those aside who came before.
"""

from collections.abc import Collection, Iterable, Sequence

from aks_access.plan.listing import canonical, cidr
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import AccessState, Plan, Verdict


def added_by(plan: Plan) -> dict[str, str]:
    """The grants whose ranges the list adds, with what they ask for, the oldest first."""
    found = {
        owner: verdict
        for change in plan.additions
        for owner in change.owners
        if (verdict := plan.verdicts.get(GrantUid(owner))) is not None
    }
    return _suspected(found.values())


def still_asks(*, plan: Plan, uid: str, what: str) -> bool:
    """Whether the grant asks for what it was suspected of, and waits for no token."""
    verdict = plan.verdicts.get(GrantUid(uid))
    return (
        verdict is not None
        and verdict.state is AccessState.LIVE
        and verdict.let_in
        and verdict.asks == what
    )


def alike(*, plan: Plan, culprit: Verdict, ranges: Sequence[str] | None) -> frozenset[GrantUid]:
    """The culprit, and whoever asks for all that it adds to the list `ranges`."""
    added = _entries(culprit) - set(map(canonical, ranges or ()))
    return frozenset(
        uid
        for uid, verdict in plan.verdicts.items()
        if uid == culprit.grant.uid or (added and _waits(verdict) and added <= _entries(verdict))
    )


def next_after(
    *, plan: Plan, culprit: Verdict, earlier: Collection[str], guilty: Collection[str]
) -> dict[str, str]:
    """Who waits beside the `guilty` ones and is tried next; `earlier` were refused before.

    The culprit's namespace comes after the others, and where it was no first time, every namespace
    of a refused grant: bad ranges of one tenant, however many, keep no other waiting. At a first
    time these come along, or a stream of bad ranges in ever new namespaces would keep them out.
    """
    rest = [v for uid, v in plan.verdicts.items() if uid not in guilty and _waits(v)]
    before = _namespaces(plan, earlier)
    first = culprit.grant.namespace not in before
    later = _namespaces(plan, {*earlier, *guilty}) - (before if first else frozenset())
    others = [verdict for verdict in rest if verdict.grant.namespace not in later]
    return _suspected(others or rest)


def _namespaces(plan: Plan, uids: Collection[str]) -> frozenset[str]:
    return frozenset(v.grant.namespace for uid, v in plan.verdicts.items() if uid in uids)


def _waits(verdict: Verdict) -> bool:
    """Whether the grant would be let in, and is not."""
    return verdict.state is AccessState.LIVE and verdict.let_in and not verdict.present


def _entries(verdict: Verdict) -> frozenset[str]:
    return frozenset(map(cidr, verdict.ranges))


def _suspected(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """What each asks for, by uid, the oldest first."""
    ordered = sorted(verdicts, key=lambda verdict: (verdict.grant.created, verdict.grant.uid))
    return {verdict.grant.uid: verdict.asks for verdict in ordered}
