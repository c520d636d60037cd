"""The ledger as JSON: strict both ways, because a misread ledger takes away or leaves access.

Owners are interned: two thousand entries with ten owners each fit into a ConfigMap that way, and
do not otherwise. A change of this format needs a new `SCHEMA_VERSION`; the earlier ones are read,
and a document of a later one, with a field too many or too few, or about another cluster is
unreadable, never "empty". What a newer operator wrote is its own: `LedgerNewer`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from aks_access.api.ranges import IPv4Range, RangeError
from aks_access.api.timestamps import Instant
from aks_access.errors import LedgerNewer, LedgerUnreadable
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

_Owner = Annotated[int, Field(ge=0)]
_PROBLEMS_SHOWN: Final = 3
_FIRST_SCHEMA: Final = 1
_SINCE_2: Final = frozenset(
    {
        "search",
        "probes",
        "reversals",
        "conflict",
        "ousted",
        "former_names",
        "deletion_policy",
    }
)
"""Fields that a document of schema 1 does not have."""


class _Document(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class _Identity(_Document):
    client_id: str | None = None
    tenant_id: str | None = None


class _Entry(_Document):
    range: str
    state: EntryState
    owners: tuple[_Owner, ...]
    since: Instant
    unsettled: bool = False
    due: Instant | None = None
    released: tuple[_Owner, ...] = ()
    sets: tuple[str, ...] = ()
    namespace: str = ""


class _Write(_Document):
    desired: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    started: Instant
    failed: bool = False
    resends: bool = False
    undoes: tuple[str, ...] = ()


class _Reversal(_Document):
    at: Instant
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class _Conflict(_Document):
    since: Instant
    asked: str = ""


class _Search(_Document):
    phase: SearchPhase
    message: str
    suspects: tuple[tuple[str, int], ...] = ()
    trying: tuple[str, ...] = ()
    untried: tuple[tuple[str, int], ...] = ()
    stood: tuple[str, ...] = ()


class _Turn(_Document):
    at: Instant
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class _Refused(_Document):
    generation: int
    message: str


class _Ledger(_Document):
    schema_version: int
    resource_id: str
    resource_uid: str | None = None
    target_name: str
    target_uid: str
    former_names: tuple[str, ...] = ()
    mode: str
    identity: _Identity | None = None
    deletion_policy: Literal["", "Revoke", "Detach"] = ""
    sequence: Annotated[int, Field(ge=0)]
    owners: tuple[str, ...]
    entries: tuple[_Entry, ...]
    names: Mapping[str, str] = Field(default_factory=dict)
    in_flight: _Write | None = None
    writes: tuple[Instant, ...] = ()
    turns: tuple[_Turn, ...] = ()
    verified: tuple[str, ...] | None = None
    refused: Mapping[str, _Refused] = Field(default_factory=dict)
    search: _Search | None = None
    probes: tuple[Instant, ...] = ()
    reversals: tuple[_Reversal, ...] = ()
    conflict: _Conflict | None = None
    ousted: Mapping[str, Instant] = Field(default_factory=dict)
    detached: bool = False
    lost: str = ""
    foreign: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not cluster_key(self.resource_id):
            raise ValueError("resourceId is empty")
        early = self.model_fields_set & _SINCE_2 if self.schema_version < SCHEMA_VERSION else ()
        if early:
            raise ValueError(f"{min(early)} is no field of schema {self.schema_version}")
        ranges = [entry.range for entry in self.entries]
        if len(set(ranges)) != len(ranges):
            raise ValueError("two entries have the same range")
        for text in ranges:
            if not _canonical(text):
                raise ValueError(f"the entry {text!r} is no canonical IPv4 range")
        for entry in self.entries:
            if any(index >= len(self.owners) for index in (*entry.owners, *entry.released)):
                raise ValueError(f"the entry {entry.range} has an owner that is not listed")
        return self


def encode(ledger: Ledger) -> str:
    """The ledger as compact JSON; fields at their default are left out."""
    owners = _interned(ledger.entries.values())
    index = {owner: place for place, owner in enumerate(owners)}
    document = _Ledger(
        schema_version=SCHEMA_VERSION,
        resource_id=ledger.resource_id,
        resource_uid=ledger.resource_uid,
        target_name=ledger.target_name,
        target_uid=ledger.target_uid,
        former_names=ledger.former_names,
        mode=ledger.mode,
        identity=_of_identity(ledger.identity),
        deletion_policy=ledger.deletion_policy,
        sequence=ledger.sequence,
        owners=tuple(owners),
        entries=tuple(_of_entry(entry, index) for entry in ledger.entries.values()),
        names=ledger.names,
        in_flight=_of_write(ledger.in_flight),
        writes=ledger.writes,
        turns=tuple(_Turn(at=t.at, added=t.added, removed=t.removed) for t in ledger.turns),
        verified=ledger.verified,
        refused={
            uid: _Refused(generation=refused.generation, message=refused.message)
            for uid, refused in ledger.refused.items()
        },
        search=_of_search(ledger.search),
        probes=ledger.probes,
        reversals=tuple(
            _Reversal(at=item.at, added=item.added, removed=item.removed)
            for item in ledger.reversals
        ),
        conflict=_of_conflict(ledger.conflict),
        ousted=ledger.ousted,
        detached=ledger.detached,
        lost=ledger.lost,
        foreign=ledger.foreign,
    )
    return document.model_dump_json(by_alias=True, exclude_defaults=True)


def decode(text: str, *, key: ClusterKey, version: str) -> Ledger:
    """Read a document that must be about the cluster `key`.

    `version` becomes the ledger's. Raises `LedgerUnreadable` with a sentence; `LedgerNewer` for
    what a newer operator wrote.
    """
    document = _parsed(text)
    if cluster_key(document.resource_id) != key:
        raise LedgerUnreadable(f"it is about another cluster, {document.resource_id}, not {key}")
    return Ledger(
        key=key,
        resource_id=document.resource_id,
        resource_uid=document.resource_uid,
        target_name=document.target_name,
        target_uid=document.target_uid,
        former_names=document.former_names,
        mode=document.mode,
        identity=_to_identity(document.identity),
        deletion_policy=document.deletion_policy,
        sequence=document.sequence,
        entries={entry.range: _to_entry(entry, document.owners) for entry in document.entries},
        names=dict(document.names),
        in_flight=_to_write(document.in_flight),
        writes=document.writes,
        turns=tuple(Turn(at=t.at, added=t.added, removed=t.removed) for t in document.turns),
        verified=document.verified,
        refused={
            uid: RefusedGrant(generation=refused.generation, message=refused.message)
            for uid, refused in document.refused.items()
        },
        search=_to_search(document.search),
        probes=document.probes,
        reversals=tuple(
            Reversal(at=item.at, added=item.added, removed=item.removed)
            for item in document.reversals
        ),
        conflict=_to_conflict(document.conflict),
        ousted=dict(document.ousted),
        detached=document.detached,
        lost=document.lost,
        foreign=document.foreign,
        version=version,
    )


def key_in(text: str) -> ClusterKey | None:
    """The cluster that a document is about, as far as it can be read; None otherwise."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    resource_id = found.get("resourceId") if isinstance(found, dict) else None
    return cluster_key(resource_id) if isinstance(resource_id, str) and resource_id else None


def _parsed(text: str) -> _Ledger:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise LedgerUnreadable(f"it is not JSON: {error}") from error
    schema = found.get("schemaVersion") if isinstance(found, dict) else None
    if type(schema) is int and schema > SCHEMA_VERSION:
        raise LedgerNewer(
            f"a newer operator wrote it (schemaVersion {schema}, this one reads up to "
            f"{SCHEMA_VERSION}): run that one; this one leaves the ledger as it is"
        )
    if type(schema) is not int or schema < _FIRST_SCHEMA:
        raise LedgerUnreadable(
            f"its schemaVersion is {schema!r}; this version of the operator reads "
            f"{_FIRST_SCHEMA} to {SCHEMA_VERSION}"
        )
    try:
        return _Ledger.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise LedgerUnreadable(f"it is damaged: {_sentence(error)}") from error


def _sentence(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'document'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
    rest = len(problems) - _PROBLEMS_SHOWN
    return "; ".join(problems[:_PROBLEMS_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")


def _canonical(text: str) -> bool:
    try:
        return str(IPv4Range.parse(text)) == text
    except RangeError:
        return False


def _interned(entries: Iterable[LedgerEntry]) -> list[str]:
    return list(dict.fromkeys(o for entry in entries for o in (*entry.owners, *entry.released)))


def _of_entry(entry: LedgerEntry, index: Mapping[str, int]) -> _Entry:
    return _Entry(
        range=entry.range,
        state=entry.state,
        owners=tuple(index[owner] for owner in entry.owners),
        since=entry.since,
        unsettled=entry.unsettled,
        due=entry.due,
        released=tuple(index[owner] for owner in entry.released),
        sets=entry.sets,
        namespace=entry.namespace,
    )


def _to_entry(entry: _Entry, owners: tuple[str, ...]) -> LedgerEntry:
    return LedgerEntry(
        range=entry.range,
        state=entry.state,
        owners=tuple(owners[place] for place in entry.owners),
        since=entry.since,
        unsettled=entry.unsettled,
        due=entry.due,
        released=tuple(owners[place] for place in entry.released),
        sets=entry.sets,
        namespace=entry.namespace,
    )


def _of_write(write: WriteInFlight | None) -> _Write | None:
    if write is None:
        return None
    return _Write(
        desired=write.desired,
        added=write.added,
        removed=write.removed,
        started=write.started,
        failed=write.failed,
        resends=write.resends,
        undoes=write.undoes,
    )


def _to_write(write: _Write | None) -> WriteInFlight | None:
    if write is None:
        return None
    return WriteInFlight(
        desired=write.desired,
        added=write.added,
        removed=write.removed,
        started=write.started,
        failed=write.failed,
        resends=write.resends,
        undoes=write.undoes,
    )


def _of_search(search: Search | None) -> _Search | None:
    if search is None:
        return None
    return _Search(
        phase=search.phase,
        message=search.message,
        suspects=tuple(search.suspects.items()),
        trying=search.trying,
        untried=tuple(search.untried.items()),
        stood=search.stood,
    )


def _to_search(search: _Search | None) -> Search | None:
    if search is None:
        return None
    return Search(
        phase=search.phase,
        message=search.message,
        suspects=dict(search.suspects),
        trying=search.trying,
        untried=dict(search.untried),
        stood=search.stood,
    )


def _of_conflict(conflict: Conflict | None) -> _Conflict | None:
    return None if conflict is None else _Conflict(since=conflict.since, asked=conflict.asked)


def _to_conflict(conflict: _Conflict | None) -> Conflict | None:
    return None if conflict is None else Conflict(since=conflict.since, asked=conflict.asked)


def _of_identity(identity: Identity | None) -> _Identity | None:
    if identity is None:
        return None
    return _Identity(client_id=identity.client_id, tenant_id=identity.tenant_id)


def _to_identity(identity: _Identity | None) -> Identity | None:
    if identity is None:
        return None
    return Identity(client_id=identity.client_id, tenant_id=identity.tenant_id)
