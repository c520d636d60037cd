"""What applying files would change: the plan of now beside the plan with them."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from aks_access.api.names import Kind
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.cli.plans.forecast import Forecast
from aks_access.cli.plans.snapshot import Facts, Paths
from aks_access.cli.plans.words import (
    ORIGINS,
    WHY,
    Remark,
    Row,
    Sign,
    added,
    refusal,
    remarks,
)
from aks_access.plan.access import ended, matches
from aks_access.plan.holders import blocked
from aks_access.plan.listing import canonical
from aks_access.plan.model import Grant, Problem, Target
from aks_access.plan.offers import not_found
from aks_access.plan.outcome import AccessState
from aks_access.plan.sentences import refusal_sentence
from aks_access.plan.wording import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One target, without the files and with them."""

    before: Forecast
    after: Forecast

    @property
    def name(self) -> str:
        """The target's."""
        return self.after.target.name

    def rows(self) -> list[Row]:
        """What stands in one list and not in the other."""
        old, new = _list(self.before), _list(self.after)
        causes = {change.entry: change.cause for change in self.after.plan.removals}
        holders = {change.entry: change.owners for change in self.before.plan.additions}
        live = {canonical(each.entry): each for each in self.before.plan.report}
        found = [added(self.after, new[entry]) for entry in new if entry not in old]
        for entry in (each for each in old if each not in new):
            known = live.get(entry)
            uids = known.grants if known is not None else holders.get(entry, ())
            names = tuple(sorted(self.before.names.get(uid, uid) for uid in uids))
            cause = causes.get(entry)
            why = WHY.get(cause, "") if cause is not None else "no longer asked for"
            what = ", ".join(names) or (ORIGINS[known.origin] if known is not None else "nobody")
            row = Row(sign=Sign.REMOVED, entry=old[entry], what=what, grants=names, why=why)
            found.append(row)
        return found

    def news(self) -> list[Remark]:
        """What is remarkable with the files and was not without."""
        known = {each.message for each in remarks(self.before)}
        return [each for each in remarks(self.after) if each.message not in known]

    def json(self) -> dict[str, object]:
        """The difference for programs."""
        return {
            "target": self.name,
            "before": list(self.before.after) if self.before.after is not None else None,
            "after": list(self.after.after) if self.after.after is not None else None,
            "limit": self.after.view.entry_limit,
            "changes": [each.json() for each in self.rows()],
            "notes": [each.json() for each in self.news()],
        }


def _list(known: Forecast) -> dict[str, str]:
    return {canonical(each): each for each in known.after or ()}


def affected(*, before: Facts, after: Facts, given: Paths) -> list[Target]:
    """The targets whose list the files may change, as they are with them."""
    every = list(after.targets.values())
    if given[Kind.RANGE_SET] or given[None]:
        return every
    grants = [
        grant
        for facts in (before, after)
        for grant in facts.grants.values()
        if grant.path in given[Kind.GRANT]
    ]
    return [
        target
        for target in every
        if target.name in given[Kind.TARGET]
        or any(matches(grant=grant, target=target) for grant in grants)
    ]


def invalid(after: Facts, *, given: Paths) -> list[Remark]:
    """What of the files the API server would refuse."""
    every: list[tuple[Kind, str, tuple[Problem, ...]]] = [
        *((Kind.GRANT, each.path, each.problems) for each in after.grants.values()),
        *((Kind.TARGET, name, each.problems) for name, each in after.targets.items()),
        *((Kind.RANGE_SET, name, each.problems) for name, each in after.sets.items()),
    ]
    return [
        Remark(
            about=path,
            reason=str(GrantReason.INVALID_SPEC),
            message=sentence(f"{problems[0].path}: {problems[0].message}"),
        )
        for kind, path, problems in every
        if problems and path in given[kind]
    ]


def denied(
    differences: Sequence[Difference],
    *,
    after: Facts,
    given: Paths,
    skip: Set[str],
    now: datetime,
) -> list[Remark]:
    """What of the files would not be let in: by a policy, or for want of a target."""
    found: list[Remark] = []
    asked = given[Kind.GRANT] - skip
    for each in differences:
        found += [
            refusal(each.after, verdict)
            for verdict in each.after.plan.verdicts.values()
            if verdict.state is AccessState.REFUSED and verdict.grant.path in asked
        ]
    here = [each for each in after.targets.values() if each.deleting is None]
    found += [
        _untargeted(grant, open_targets=after.open_to(grant.namespace))
        for grant in after.grants.values()
        if grant.path in asked
        and not (grant.expires_at is not None and grant.expires_at <= now)
        and not any(matches(grant=grant, target=each) for each in here)
    ]
    found += _barred(after, given=given, asked=asked, now=now)
    return sorted(found, key=lambda each: (each.about, each.message))


def _barred(after: Facts, *, given: Paths, asked: Set[str], now: datetime) -> Iterator[Remark]:
    """The grants for targets that judge none, and targets whose cluster another one holds."""
    for name, barrier in after.barred.items():
        target = after.targets[name]
        refused = blocked(target, by=barrier)
        if barrier.reason is TargetReason.DUPLICATE_TARGET and name in given[Kind.TARGET]:
            yield Remark(about=name, reason=str(barrier.reason), message=refused.limit)
        for grant in after.grants.values():
            over = ended(grant=grant, activations={}, now=now) is not None
            if grant.path in asked and not over and matches(grant=grant, target=target):
                message = refusal_sentence(refusal=refused, target=name)
                yield Remark(about=grant.path, reason=str(refused.reason), message=message)


def _untargeted(grant: Grant, *, open_targets: Sequence[str]) -> Remark:
    said = not_found(grant)
    message = refusal_sentence(
        refusal=said, target=grant.target_name or "", open_targets=open_targets
    )
    return Remark(about=grant.path, reason=str(said.reason), message=message)
