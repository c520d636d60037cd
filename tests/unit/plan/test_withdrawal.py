"""What is remembered of removed entries: bounded, shared by namespaces, never what stands (I3)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aks_access.azure.errors import LONGEST_MESSAGE
from aks_access.kube.ledger_document import SIZE_LIMIT, encode
from aks_access.plan.ledger import (
    EntryState,
    LedgerEntry,
    RefusedGrant,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.pace import Turn
from aks_access.plan.withdrawal import MEMORY, MOST, remembered, withdrawn
from tests.unit.plan.build import NOW, cluster, entry, grant, ledger, planned, wanted_entries


def gone(number: int, namespace: str = "", first: int = 90) -> LedgerEntry:
    """The higher the number, the longer ago."""
    text = f"{first}.{number // 62_500}.{number // 250 % 250}.{number % 250}"
    return entry(
        text,
        state=EntryState.WITHDRAWN,
        since=NOW - timedelta(seconds=number),
        tenant=namespace,
    )


def kept(*entries: LedgerEntry, present: frozenset[str] = frozenset()) -> list[LedgerEntry]:
    known = {item.range: item for item in entries}
    return list(remembered(entries=known, present=present, now=NOW).values())


def test_threat_17_who_fills_the_memory_forgets_his_own() -> None:
    flood = [gone(number, "team-b") for number in range(3 * MOST)]
    others = [gone(number, "team-a", first=91) for number in range(5 * 10**6, 5 * 10**6 + 30)]
    platform = [gone(5 * 10**6 + 99, first=92)]
    found = kept(*flood, *others, *platform)
    assert len(found) == MOST
    assert set(found) == {*flood[: MOST - 31], *others, *platform}


def test_threat_01_the_longest_list_is_known_when_all_of_it_comes_back() -> None:
    whole = [gone(number, f"team-{number % 7}") for number in range(2000)]
    assert kept(*whole) == whole


def test_two_that_fill_it_share_it() -> None:
    found = kept(
        *(gone(number, "team-a") for number in range(MOST)),
        *(gone(number, "team-b", first=91) for number in range(MOST)),
    )
    assert sum(item.tenant == "team-a" for item in found) == MOST / 2


def test_i3_what_stands_in_azure_is_never_forgotten() -> None:
    old = [gone(number) for number in range(MOST + 10)]
    ancient = replace(gone(1, first=91), since=NOW - 2 * MEMORY)
    standing = frozenset((ancient.range, old[-1].range))
    found = kept(*old, ancient, present=standing)
    assert {ancient, old[-1]} <= set(found)
    assert len(found) == MOST + 2
    assert kept(ancient) == []


def test_what_is_no_memory_is_not_counted() -> None:
    ours = [entry(f"20.{n // 250}.{n % 250}.1", "u1") for n in range(MOST + 10)]
    assert kept(*ours) == ours


def test_a_removed_entry_is_its_namespaces_first() -> None:
    names = {"u1": "team-b/laptop", "u2": "team-a/laptop", "u4": "team-b/office"}

    def of(*owners: str, **fields: object) -> str:
        return withdrawn(entry=entry("20.1.1.1", *owners, **fields), names=names, now=NOW).tenant

    assert of("u1") == of("u3", "u1") != of("u2") != ""
    assert of("u4") == of("u1"), "one memory for all grants of a namespace"
    assert of("u2", "u1") == of("u2")
    assert of("u1", "baseline") == ""
    assert of("u3") == ""
    assert of(released=("u1",)) == of("u1")
    assert of(state=EntryState.WITHDRAWN, tenant="team-c") == "team-c"


def test_i3_a_plan_forgets_no_entry_that_came_back() -> None:
    memory = [gone(number, "team-b") for number in range(MOST + 50)]
    back = memory[-1].range
    plan = planned(
        grant("a", "20.0.0.1"),
        view=cluster("30.0.0.0/24", "20.0.0.1/32", back),
        with_ledger=ledger(entry("20.0.0.1", "a"), *memory),
    )
    assert wanted_entries(plan) == {"30.0.0.0/24", "20.0.0.1/32"}
    assert len(plan.entries) == MOST + 2


def test_a_full_memory_beside_a_full_list_of_2000_can_be_saved() -> None:
    uids = [f"00000000-0000-0000-0000-{number:012d}" for number in range(1000)]
    live = [
        entry(f"20.{n // 250}.{n % 250}.0/24", *(uids[(n + m * 7) % 1000] for m in range(10)))
        for n in range(2000)
    ]
    memory = [gone(number, f"{number:08x}") for number in range(MOST)]
    listed = tuple(item.range for item in live)
    flight = WriteInFlight(desired=listed, added=listed, removed=listed, started=NOW)
    full = ledger(
        *live,
        *memory,
        names=dict.fromkeys(uids, "a-namespace-of-a-team/a-grant-of-somebody"),
        verified=listed,
        in_flight=flight,
    )
    assert len(encode(full)) < SIZE_LIMIT


@pytest.mark.parametrize("refused", [False, True])
def test_threat_17_the_longest_names_fit_beside_a_full_memory(refused: bool) -> None:
    """While it is searched for what AKS refuses as well, and once it is known."""
    space, name = "n" * 59, "g" * 63
    live = [
        entry(f"{100 + n // 250}.{n % 250}.100.128/25", f"{n:08d}-8a3d-4b7e-9a51-0d6f2b3c4d5e")
        for n in range(2000)
    ]
    memory = [gone(number, f"{number:08x}", first=190) for number in range(MOST)]
    listed = tuple(item.range for item in live)
    full = ledger(
        *live,
        *memory,
        names={item.owners[0]: f"{space}{n:04}/{name}" for n, item in enumerate(live)},
        verified=listed,
        foreign=listed,
        in_flight=WriteInFlight(desired=listed, added=(), removed=(), started=NOW),
        turns=tuple(
            Turn(at=NOW, added=tuple(f"{space}{n * 5 + k:04}" for k in range(5)))
            for n in range(200)
        ),
    )
    said, asks = "x" * LONGEST_MESSAGE, {item.owners[0]: f"17-{'a' * 12}" for item in live}
    if refused:
        known = {uid: RefusedGrant(asks=asked, message=said) for uid, asked in asks.items()}
        full = replace(full, refused=known)
    else:
        search = Search(phase=SearchPhase.HALVING, message=said, suspects=asks, trying=tuple(asks))
        full = replace(full, search=search)
    assert len(encode(full)) < SIZE_LIMIT
