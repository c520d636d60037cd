"""The ledger as JSON: strict both ways, because a misread ledger takes away or leaves access.

Owners are interned, and grants with them: two thousand entries with ten owners each fit into a
ConfigMap that way, and do not otherwise. A change of this format needs a new `SCHEMA_VERSION`; the
earlier ones are read, and a document of a later one, with a field too many or too few, or about
another cluster is unreadable, never "empty". What a newer operator wrote is its own: `LedgerNewer`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from aks_access.errors import LedgerNewer, LedgerUnreadable
from aks_access.kube.ledger_refusals import of_refused, of_search, to_refused, to_search
from aks_access.kube.ledger_schema import (
    ConflictDocument,
    EntryDocument,
    IdentityDocument,
    LedgerDocument,
    ReversalDocument,
    TurnDocument,
    WriteDocument,
)
from aks_access.plan.ledger import (
    SCHEMA_VERSION,
    Conflict,
    EntryState,
    Ledger,
    LedgerEntry,
    Reversal,
    WriteInFlight,
)
from aks_access.plan.model import ClusterKey, Identity, cluster_key
from aks_access.plan.pace import Turn

DATA_KEY: Final = "ledger.json"
"""Where in its ConfigMap the document stands."""

SIZE_LIMIT: Final = 900_000
"""Bytes of JSON; a ConfigMap holds 1 MiB, metadata included."""

_PROBLEMS_SHOWN: Final = 3
_FIRST_SCHEMA: Final = 1


def encode(ledger: Ledger) -> str:
    """The ledger as compact JSON; fields at their default are left out."""
    owners = _interned(ledger)
    index = {owner: place for place, owner in enumerate(owners)}
    document = LedgerDocument(
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
        entries=tuple(
            _of_entry(entry, index) for entry in ledger.entries.values() if not _brief(entry)
        ),
        withdrawn=tuple(
            (entry.range, int(entry.since.timestamp()), entry.tenant)
            for entry in ledger.entries.values()
            if _brief(entry)
        ),
        paths=tuple(ledger.names.values()),
        in_flight=_of_write(ledger.in_flight),
        writes=ledger.writes,
        turns=tuple(TurnDocument(at=t.at, added=t.added, removed=t.removed) for t in ledger.turns),
        verified=ledger.verified,
        refusals=of_refused(ledger.refused, index),
        search=of_search(ledger.search, index),
        probes=ledger.probes,
        reversals=tuple(
            ReversalDocument(at=item.at, added=item.added, removed=item.removed)
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
        entries={
            entry.range: entry
            for entry in (
                *(_to_entry(entry, document.owners) for entry in document.entries),
                *(_withdrawn(*each) for each in document.withdrawn),
            )
        },
        names={**document.names, **dict(zip(document.owners, document.paths, strict=False))},
        in_flight=_to_write(document.in_flight),
        writes=document.writes,
        turns=tuple(Turn(at=t.at, added=t.added, removed=t.removed) for t in document.turns),
        verified=document.verified,
        refused=to_refused(document),
        search=to_search(document.search, document.owners),
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


def _parsed(text: str) -> LedgerDocument:
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
    if schema == _FIRST_SCHEMA:
        found.pop("refused", None)  # remembered by generation; such a grant is tried again
        text = json.dumps(found)
    try:
        return LedgerDocument.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise LedgerUnreadable(f"it is damaged: {_sentence(error)}") from error


def _sentence(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'document'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
    rest = len(problems) - _PROBLEMS_SHOWN
    return "; ".join(problems[:_PROBLEMS_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")


def _interned(ledger: Ledger) -> list[str]:
    """Everybody whom the document names by a place, those with a name of their own first."""
    owners = (o for entry in ledger.entries.values() for o in (*entry.owners, *entry.released))
    found = dict.fromkeys((*ledger.names, *owners, *ledger.refused))
    if ledger.search is not None:
        found.update(dict.fromkeys((*ledger.search.suspects, *ledger.search.trying)))
    return list(found)


def _of_entry(entry: LedgerEntry, index: Mapping[str, int]) -> EntryDocument:
    return EntryDocument(
        range=entry.range,
        state=entry.state,
        owners=tuple(index[owner] for owner in entry.owners),
        since=entry.since,
        unsettled=entry.unsettled,
        due=entry.due,
        released=tuple(index[owner] for owner in entry.released),
        sets=entry.sets,
        tenant=entry.tenant,
    )


def _to_entry(entry: EntryDocument, owners: tuple[str, ...]) -> LedgerEntry:
    return LedgerEntry(
        range=entry.range,
        state=entry.state,
        owners=tuple(owners[place] for place in entry.owners),
        since=entry.since,
        unsettled=entry.unsettled,
        due=entry.due,
        released=tuple(owners[place] for place in entry.released),
        sets=entry.sets,
        tenant=entry.tenant,
    )


def _brief(entry: LedgerEntry) -> bool:
    """Whether it is withdrawn, and nothing else is known of it."""
    return entry == _withdrawn(entry.range, int(entry.since.timestamp()), entry.tenant)


def _withdrawn(text: str, since: int, tenant: str) -> LedgerEntry:
    return LedgerEntry(
        range=text,
        state=EntryState.WITHDRAWN,
        owners=(),
        since=datetime.fromtimestamp(since, UTC),
        tenant=tenant,
    )


def _of_write(write: WriteInFlight | None) -> WriteDocument | None:
    if write is None:
        return None
    return WriteDocument(
        desired=write.desired,
        added=write.added,
        removed=write.removed,
        started=write.started,
        failed=write.failed,
        resends=write.resends,
        undoes=write.undoes,
    )


def _to_write(write: WriteDocument | None) -> WriteInFlight | None:
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


def _of_conflict(conflict: Conflict | None) -> ConflictDocument | None:
    return (
        None if conflict is None else ConflictDocument(since=conflict.since, asked=conflict.asked)
    )


def _to_conflict(conflict: ConflictDocument | None) -> Conflict | None:
    return None if conflict is None else Conflict(since=conflict.since, asked=conflict.asked)


def _of_identity(identity: Identity | None) -> IdentityDocument | None:
    if identity is None:
        return None
    return IdentityDocument(client_id=identity.client_id, tenant_id=identity.tenant_id)


def _to_identity(identity: IdentityDocument | None) -> Identity | None:
    if identity is None:
        return None
    return Identity(client_id=identity.client_id, tenant_id=identity.tenant_id)
