"""Searches for who is to blame for a refused list: five grants, plans that add them, ledgers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from aks_access.plan.ledger import BASELINE_OWNER, Ledger, Search, SearchPhase
from aks_access.plan.model import Cause, GrantUid
from aks_access.plan.outcome import AccessState, Change, Plan, Verdict
from aks_access.plan.search import QUICK, advanced, refused
from tests.unit.plan.build import HOUR, NOW, grant, ledger

MINUTE = timedelta(minutes=1)
LIST = ("30.0.0.0/24",)
BASE = "40.0.0.0/24"
PHASES = list(SearchPhase)
GRANTS = {
    name: grant(name, f"20.0.0.{number}", created=NOW - (9 - number) * HOUR, generation=number)
    for number, name in enumerate("abcde", start=1)
}
ASKS = {
    name: Verdict(grant=item, state=AccessState.LIVE, ranges=item.ranges).asks
    for name, item in GRANTS.items()
}


def of(names: str) -> dict[str, str]:
    """What these grants ask for."""
    return {name: ASKS[name] for name in names}


FIVE = of("abcde")


def ago(*minutes: float) -> tuple[datetime, ...]:
    return tuple(NOW - minute * MINUTE for minute in minutes)


def plan_of(*adding: str, platform: tuple[str, ...] = (), **changed: Mapping[str, object]) -> Plan:
    """A plan that adds these grants' ranges and the platform's; `changed` fields of verdicts."""
    verdicts = {
        GrantUid(name): replace(
            Verdict(grant=item, state=AccessState.LIVE, ranges=item.ranges, admitted=True),
            **changed.get(name, {}),  # type: ignore[arg-type]
        )
        for name, item in GRANTS.items()
    }
    additions = (
        *(Change(entry, Cause.BASELINE, (BASELINE_OWNER,)) for entry in platform),
        *(Change(str(GRANTS[name].ranges[0]), Cause.GRANTED, (name,)) for name in adding),
    )
    return Plan(desired=LIST, write=True, made_at=NOW, additions=additions, verdicts=verdicts)


def searching(phase: SearchPhase, *, probes: tuple[datetime, ...] = (), **fields: object) -> Ledger:
    values: dict[str, object] = {"phase": phase, "message": "Bad range.", **fields}
    return ledger(search=Search(**values), probes=probes)  # type: ignore[arg-type]


def refuse(
    books: Ledger, plan: Plan, *, before: tuple[str, ...] | None = LIST, message: str = "No."
) -> Ledger:
    return refused(ledger=books, plan=plan, before=before, message=message, now=NOW)


def advance(books: Ledger, plan: Plan, ranges: tuple[str, ...] | None = LIST) -> Ledger:
    return advanced(ledger=books, plan=plan, ranges=ranges, now=NOW)


IN, OUT = {"present": True}, {"present": False}
SPENT = tuple(NOW - (QUICK - number) * MINUTE for number in range(QUICK))
