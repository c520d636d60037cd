"""The ledger's JSON: what goes in comes out, and nothing else is believed."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.api.ranges import IPv4Range
from aks_access.errors import LedgerNewer, LedgerUnreadable
from aks_access.kube.ledger_document import decode, encode, key_in
from aks_access.plan.ledger import (
    SCHEMA_VERSION,
    Conflict,
    EntryState,
    Ledger,
    LedgerEntry,
    RefusedGrant,
    Reversal,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.model import ClusterKey, Identity, cluster_key
from aks_access.plan.pace import Turn

RESOURCE_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/RG"
    "/providers/Microsoft.ContainerService/managedClusters/prod-weu"
)
KEY = cluster_key(RESOURCE_ID)

words = st.text(max_size=20)
times = st.datetimes(datetime(2000, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))
raw_lists = st.lists(words, max_size=5).map(tuple)
ranges = st.builds(
    lambda address, prefix: str(IPv4Range(address >> (32 - prefix) << (32 - prefix), prefix)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
owners = st.lists(st.sampled_from(["baseline", "egress", "sentinel", "u1", "u2", "ü3"]), max_size=4)
entries = st.builds(
    LedgerEntry,
    range=ranges,
    state=st.sampled_from(EntryState),
    owners=owners.map(tuple),
    since=times,
    unsettled=st.booleans(),
    due=st.none() | times,
    released=owners.map(tuple),
    sets=raw_lists,
    tenant=words,
)
identities = st.builds(Identity, client_id=st.none() | words, tenant_id=st.none() | words)
writes = st.builds(
    WriteInFlight,
    desired=raw_lists,
    added=raw_lists,
    removed=raw_lists,
    started=times,
    failed=st.booleans(),
    resends=st.booleans(),
    undoes=raw_lists,
)
reversals = st.builds(Reversal, at=times, added=raw_lists, removed=raw_lists)
conflicts = st.builds(Conflict, since=times, asked=words)
searches = st.builds(
    Search,
    phase=st.sampled_from(SearchPhase),
    message=words,
    suspects=st.dictionaries(words, words, max_size=3),
    trying=raw_lists,
    stood=raw_lists,
)
turns = st.builds(Turn, at=times, added=raw_lists, removed=raw_lists)
ledgers = st.builds(
    Ledger,
    key=st.just(KEY),
    resource_id=st.sampled_from([RESOURCE_ID, RESOURCE_ID.upper()]),
    target_name=words,
    target_uid=words,
    former_names=raw_lists,
    deletion_policy=st.sampled_from(["", "Revoke", "Detach"]),
    mode=st.sampled_from(["Observe", "Merge", "Exclusive"]),
    identity=st.none() | identities,
    resource_uid=st.none() | words,
    sequence=st.integers(0, 2**40),
    entries=st.lists(entries, max_size=6).map(lambda found: {e.range: e for e in found}),
    names=st.dictionaries(words, words, max_size=3),
    in_flight=st.none() | writes,
    writes=st.lists(times, max_size=4).map(tuple),
    turns=st.lists(turns, max_size=4).map(tuple),
    verified=st.none() | raw_lists,
    refused=st.dictionaries(words, st.builds(RefusedGrant, asks=words, message=words), max_size=3),
    search=st.none() | searches,
    probes=st.lists(times, max_size=4).map(tuple),
    reversals=st.lists(reversals, max_size=3).map(tuple),
    conflict=st.none() | conflicts,
    ousted=st.dictionaries(words, times, max_size=3),
    detached=st.booleans(),
    lost=words,
    foreign=st.none() | raw_lists,
    version=st.just("7"),
)


@given(ledger=ledgers)
def test_round_trip(ledger: Ledger) -> None:
    assert decode(encode(ledger), key=KEY, version="7") == ledger


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        (entries, LedgerEntry),
        (writes, WriteInFlight),
        (reversals, Reversal),
        (conflicts, Conflict),
        (searches, Search),
        (turns, Turn),
        (ledgers, Ledger),
    ],
)
def test_the_round_trip_tries_every_field(
    strategy: st.SearchStrategy[Any], kind: type[Any]
) -> None:
    """A field that is added to the ledger and forgotten here would be lost at the next restart."""
    seen: dict[str, set[str]] = {field.name: set() for field in fields(kind)}

    @given(value=strategy)
    def collect(value: Any) -> None:
        for name, values in seen.items():
            values.add(repr(getattr(value, name)))

    collect()
    constant = {name for name, values in seen.items() if len(values) == 1}
    assert constant <= {"key", "version"}


def minimal() -> Ledger:
    entry = LedgerEntry(
        range="20.1.2.0/24",
        state=EntryState.OWNED,
        owners=("u1", "u2"),
        since=datetime(2026, 5, 1, 12, 0, tzinfo=UTC),
        released=("u2",),
    )
    return Ledger(
        key=KEY,
        resource_id=RESOURCE_ID,
        target_name="prod-weu",
        target_uid="t",
        mode="Merge",
        sequence=3,
        entries={entry.range: entry},
    )


FORMAT: dict[str, Any] = {
    "schemaVersion": 2,
    "resourceId": RESOURCE_ID,
    "targetName": "prod-weu",
    "targetUid": "t",
    "mode": "Merge",
    "sequence": 3,
    "owners": ["u1", "u2"],
    "entries": [
        {
            "range": "20.1.2.0/24",
            "state": "owned",
            "owners": [0, 1],
            "since": "2026-05-01T12:00:00Z",
            "released": [1],
        }
    ],
}


def test_the_format_of_version_2() -> None:
    """What an operator of this version wrote must stay readable: a change needs a new version."""
    assert json.loads(encode(minimal())) == FORMAT


def test_version_1_is_read_and_becomes_version_2() -> None:
    refused = {"u1": {"generation": 1, "message": "No."}}  # tried again
    old = json.dumps({**FORMAT, "schemaVersion": 1, "refused": refused})
    assert decode(old, key=KEY, version="7") == replace(minimal(), version="7")
    assert json.loads(encode(decode(old, key=KEY, version="7"))) == FORMAT


def searched() -> Ledger:
    return replace(
        minimal(),
        names={"u2": "team-a/two"},
        refused={"u1": RefusedGrant("1-a", "No."), "u4": RefusedGrant("2-b", "No.")},
        search=Search(
            phase=SearchPhase.HALVING, message="No.", suspects={"u3": "1-c"}, trying=("u3",)
        ),
    )


def test_grants_are_named_by_their_places() -> None:
    written = json.loads(encode(searched()))
    assert written == {
        **FORMAT,
        "owners": ["u2", "u1", "u4", "u3"],
        "entries": [{**FORMAT["entries"][0], "owners": [1, 0], "released": [0]}],
        "paths": ["team-a/two"],
        "refusals": [{"message": "No.", "grants": [[1, "1-a"], [2, "2-b"]]}],
        "search": {
            "phase": "halving",
            "message": "No.",
            "suspects": [[3, "1-c"]],
            "trying": [3],
        },
    }


def test_grants_are_read_where_they_are_named_by_their_uids() -> None:
    former = {
        **FORMAT,
        "names": {"u2": "team-a/two"},
        "refused": {
            "u1": {"asks": "1-a", "message": "No."},
            "u4": {"asks": "2-b", "message": "No."},
        },
        "search": {
            "phase": "halving",
            "message": "No.",
            "suspects": [["u3", "1-c"]],
            "trying": ["u3"],
            "untried": [["u5", "1-d"]],
        },
    }
    assert decode(json.dumps(former), key=KEY, version="") == searched()


@given(later=st.integers(SCHEMA_VERSION + 1, 10**6), rest=st.dictionaries(words, words))
def test_what_a_newer_operator_wrote_is_told_from_what_is_damaged(
    later: int, rest: dict[str, str]
) -> None:
    with pytest.raises(LedgerNewer, match=f"schemaVersion {later}.*run that one"):
        decode(json.dumps({**rest, "schemaVersion": later}), key=KEY, version="7")


def test_two_thousand_entries_of_ten_owners_fit() -> None:
    uids = [f"00000000-0000-0000-0000-{n:012d}" for n in range(1000)]
    many = {
        f"20.{n // 256}.{n % 256}.0/24": LedgerEntry(
            range=f"20.{n // 256}.{n % 256}.0/24",
            state=EntryState.OWNED,
            owners=tuple(uids[(n + m * 7) % 1000] for m in range(10)),
            since=datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC),
        )
        for n in range(2000)
    }
    assert len(encode(replace(minimal(), entries=many))) < 400_000


def _changed(**changes: Any) -> str:
    document = json.loads(encode(minimal()))
    for key, value in changes.items():
        if value is None:
            del document[key]
        else:
            document[key] = value
    return json.dumps(document)


def _searching(**fields: Any) -> str:
    return _changed(search={"phase": "halving", "message": "", **fields})


def _with_entry(**changes: Any) -> str:
    document = json.loads(encode(minimal()))
    document["entries"][0].update(changes)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ('{"schemaVersion": 1', "not JSON"),
        ("[]", "schemaVersion is None"),
        ("{}", "schemaVersion is None"),
        (_changed(schemaVersion=3), "newer operator wrote it .schemaVersion 3"),
        (_changed(schemaVersion=0), "schemaVersion is 0"),
        (_changed(schemaVersion=True), "schemaVersion is True"),
        (_changed(schemaVersion=2.0), "schemaVersion is 2.0"),
        (_changed(schemaVersion=1, probes=[]), "probes is no field of schema 1"),
        (_changed(schemaVersion=1, foreign=[]), "foreign is no field of schema 1"),
        (_changed(schemaVersion=1, paths=[]), "paths is no field of schema 1"),
        (_changed(schemaVersion=1, refusals=[]), "refusals is no field of schema 1"),
        (_changed(schemaVersion="1"), "schemaVersion is '1'"),
        (_changed(paths=["a/b", "a/c", "a/d"]), "more paths than owners"),
        (_changed(refusals=[{"message": "", "grants": [[2, ""]]}]), "AKS refused.*is not listed"),
        (_searching(suspects=[[2, "1-a"]]), "AKS refused, or may have, is not listed"),
        (_searching(trying=[2]), "AKS refused, or may have, is not listed"),
        (_searching(trying=[-1]), "damaged: search.trying.0"),
        (_changed(entries=None), "damaged: entries: Field required"),
        (_changed(owners=None), "damaged: owners"),
        (_changed(surprise=1), "damaged: surprise: Extra inputs"),
        (_changed(sequence=-1), "damaged: sequence"),
        (_changed(sequence="3"), "damaged: sequence"),
        (_changed(detached="yes"), "damaged: detached"),
        (_changed(owners=["u1"]), "20.1.2.0/24 has an owner that is not listed"),
        (_with_entry(state="gone"), "damaged: entries.0.state"),
        (_with_entry(since="2026-05-01T12:00:00"), "RFC 3339"),
        (_with_entry(range="20.1.2.3/24"), "no canonical IPv4 range"),
        (_with_entry(range="AzureCloud"), "no canonical IPv4 range"),
        (_changed(entries=json.loads(encode(minimal()))["entries"] * 2), "the same range"),
        (_changed(resourceId=RESOURCE_ID + "2"), "about another cluster, .*prod-weu2"),
    ],
)
def test_anything_else_is_unreadable(text: str, words: str) -> None:
    with pytest.raises(LedgerUnreadable, match=words):
        decode(text, key=KEY, version="1")


@given(ledger=ledgers, cut=st.integers(1, 10_000))
def test_a_torn_document_is_unreadable(ledger: Ledger, cut: int) -> None:
    text = encode(ledger)
    with pytest.raises(LedgerUnreadable):
        decode(text[: len(text) - 1 - cut % len(text)], key=KEY, version="1")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (encode(minimal()), KEY),
        (_changed(schemaVersion=9, entries=None), KEY),
        ("{}", None),
        ('{"resourceId": ""}', None),
        ('{"resourceId": 1}', None),
        ("[", None),
        ("7", None),
    ],
)
def test_the_cluster_of_an_unreadable_document(text: str, key: ClusterKey | None) -> None:
    assert key_in(text) == key


def test_i5_a_ledger_that_does_not_say_how_its_target_goes_is_read_and_not_guessed() -> None:
    books = Ledger(key=KEY, resource_id=RESOURCE_ID, target_name="t", target_uid="u", mode="Merge")
    text = encode(books)
    assert "deletionPolicy" not in json.loads(text)
    assert decode(text, key=KEY, version="").deletion_policy == ""
    with pytest.raises(LedgerUnreadable):
        decode(text.replace("{", '{"deletionPolicy": "Keep",', 1), key=KEY, version="")
