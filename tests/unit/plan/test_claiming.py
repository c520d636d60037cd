"""I2: whose grants may speak for an entry while the ledger is in doubt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from aks_access.plan.claiming import claims, known_foreign
from aks_access.plan.ledger import EntryState
from aks_access.plan.model import Grant
from tests.unit.plan.build import HOUR, NOW, entry, grant, ledger, target

SEEN = NOW - 2 * HOUR
"""When the doubt was seen."""
BEFORE, SINCE = SEEN - HOUR, SEEN + HOUR
STOOD = frozenset({"20.0.0.1/32"})
OTHER = {"range": "9.9.9.9/32", "origin": "Foreign"}


def shown(*entries: dict[str, Any], omitted: int = 0) -> dict[str, Any]:
    """A status of a target that is not ready since then."""
    return {
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "LedgerLost",
                "message": "it is gone",
                "lastTransitionTime": "2026-11-22T10:00:00Z",
            }
        ],
        "entries": list(entries),
        "entriesOmitted": omitted,
    }


def claimants(
    *grants: Grant, status: dict[str, Any], foreign: frozenset[str] | None = None
) -> dict[str, list[str]]:
    return claims(
        grants={item.uid: item for item in grants},
        sets={},
        target=target(status=status),
        present=STOOD,
        foreign=foreign,
    )


def edited(*, generation: int = 2, evaluated: tuple[int, datetime] | None) -> Grant:
    return grant("a", "20.0.0.1", created=BEFORE, generation=generation, evaluated=evaluated)


@pytest.mark.parametrize(
    ("item", "claims_it"),
    [
        (edited(evaluated=(2, BEFORE)), True),
        (edited(evaluated=(2, SEEN)), True),
        (edited(evaluated=(2, SINCE)), False),
        (edited(evaluated=(1, BEFORE)), False),
        (edited(evaluated=None), True),
        (edited(generation=1, evaluated=(1, SINCE)), True),
        (grant("a", "20.0.0.1", created=SINCE), False),
        (grant("a", "20.0.0.1", created=SEEN), True),
    ],
)
def test_i2_who_made_or_edited_a_grant_since_claims_nothing_that_stood(
    item: Grant, claims_it: bool
) -> None:
    assert claimants(item, status=shown(OTHER)) == ({"20.0.0.1/32": ["a"]} if claims_it else {})


@pytest.mark.parametrize(("entries", "omitted"), [((), 0), ((OTHER,), 1), ((), 1)])
def test_i9_a_status_that_does_not_show_the_list_convicts_no_edit(
    entries: Sequence[dict[str, Any]], omitted: int
) -> None:
    late = edited(evaluated=(2, SINCE))
    assert claimants(late, status=shown(*entries, omitted=omitted)) == {"20.0.0.1/32": ["a"]}


@pytest.mark.parametrize(
    ("origin", "path", "claims_it"),
    [
        ("Grant", "team-a/a", True),
        ("Revoking", "team-a/a", True),
        ("Foreign", "team-a/a", False),
        ("Grant", "team-a/another", False),
    ],
)
def test_i2_what_the_status_shows_as_a_grants_stays_its(
    origin: str, path: str, claims_it: bool
) -> None:
    status = shown({"range": "20.0.0.1", "origin": origin, "grants": [path]})
    found = claimants(edited(evaluated=(2, SINCE)), status=status)
    assert found == ({"20.0.0.1/32": ["a"]} if claims_it else {})


def test_i2_a_late_grant_claims_what_did_not_stand() -> None:
    late = grant("a", "20.0.0.1", "20.0.0.2", created=SINCE)
    assert claimants(late, status=shown(OTHER)) == {"20.0.0.2/32": ["a"]}


@pytest.mark.parametrize("created", [BEFORE, SINCE])
@pytest.mark.parametrize("ready", [True, False])
def test_i2_nobody_claims_what_was_somebody_elses_in_the_last_known_list(
    created: datetime, ready: bool
) -> None:
    item = grant("a", "20.0.0.1", "20.0.0.2", created=created)
    status = {**shown(OTHER), **({"conditions": []} if ready else {})}
    found = claimants(item, status=status, foreign=STOOD)
    assert found == {"20.0.0.2/32": ["a"]}
    mine = {"range": "20.0.0.1", "origin": "Grant", "grants": ["team-a/a"]}
    found = claimants(item, status=shown(mine), foreign=STOOD)
    assert found == {"20.0.0.1/32": ["a"], "20.0.0.2/32": ["a"]}


def test_every_claimant_of_an_entry_is_named() -> None:
    both = (grant("b", "20.0.0.1", created=BEFORE), grant("a", "20.0.0.1", created=BEFORE))
    assert claimants(*both, status=shown(OTHER)) == {"20.0.0.1/32": ["a", "b"]}


def test_what_was_known_to_be_somebody_elses() -> None:
    books = ledger(
        entry("20.0.0.1", "a"),
        entry("20.0.0.2", state=EntryState.WITHDRAWN),
        verified=("20.0.0.1", "20.0.0.2/32", "30.0.0.0/24", "AzureCloud"),
    )
    assert known_foreign(books) == {"30.0.0.0/24", "AzureCloud"}
    assert known_foreign(ledger(verified=None)) is None


def test_i9_what_was_known_before_a_doubt_is_not_what_was_read_back_since() -> None:
    since = ledger(verified=("30.0.0.0/24", "20.0.0.9"), lost="why", foreign=("30.0.0.0/24",))
    assert known_foreign(since) == {"30.0.0.0/24"}
    assert known_foreign(ledger(verified=("30.0.0.0/24",), lost="why")) is None
