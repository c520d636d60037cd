"""The fields of the ledger's JSON, and what must hold between them.

A grant is its place in `LedgerDocument.owners` wherever it stands, as its uid is long and there may
be thousands. Where that has not always been so, the uid itself is read as well.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from aks_access.api.instant import Instant
from aks_access.api.ranges import IPv4Range, RangeError
from aks_access.plan.ledger import EntryState, SearchPhase
from aks_access.plan.model import cluster_key

_Owner = Annotated[int, Field(ge=0)]
_Grant = _Owner | str
_SINCE_2: Final = frozenset(
    {
        "search",
        "probes",
        "reversals",
        "conflict",
        "ousted",
        "former_names",
        "deletion_policy",
        "foreign",
        "withdrawn",
        "paths",
        "refusals",
    }
)
"""Fields that a document of schema 1 does not have."""


class Document(BaseModel):
    """A part of the JSON: camelCase, and no field that is not named here."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class IdentityDocument(Document):
    """With which identity the cluster is written to."""

    client_id: str | None = None
    tenant_id: str | None = None


class EntryDocument(Document):
    """`LedgerEntry`."""

    range: str
    state: EntryState
    owners: tuple[_Owner, ...]
    since: Instant
    unsettled: bool = False
    due: Instant | None = None
    released: tuple[_Owner, ...] = ()
    sets: tuple[str, ...] = ()
    tenant: str = ""


class WriteDocument(Document):
    """`WriteInFlight`."""

    desired: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    started: Instant
    failed: bool = False
    resends: bool = False
    undoes: tuple[str, ...] = ()


class ReversalDocument(Document):
    """`Reversal`."""

    at: Instant
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class ConflictDocument(Document):
    """`Conflict`."""

    since: Instant
    asked: str = ""


class SearchDocument(Document):
    """`Search`; grants with what they ask for, in the order they are tried in.

    `untried` was written once, and is of no use.
    """

    phase: SearchPhase
    message: str
    suspects: tuple[tuple[_Grant, str], ...] = ()
    trying: tuple[_Grant, ...] = ()
    untried: tuple[tuple[str, str], ...] = ()
    stood: tuple[str, ...] = ()


class TurnDocument(Document):
    """`Turn`."""

    at: Instant
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class RefusedDocument(Document):
    """`RefusedGrant` as it was written once."""

    asks: str
    message: str


class RefusalDocument(Document):
    """One sentence of AKS, and the grants that it refused with what they asked for."""

    message: str
    grants: tuple[tuple[_Owner, str], ...]


class LedgerDocument(Document):
    """The whole document; see `Ledger`. A withdrawn entry is its range, since when (seconds of the
    epoch) and its tenant: there may be as many of them as a list is long. `paths` are the names of
    the owners at the same places; `names` and `refused` were written once.
    """

    schema_version: int
    resource_id: str
    resource_uid: str | None = None
    target_name: str
    target_uid: str
    former_names: tuple[str, ...] = ()
    mode: str
    identity: IdentityDocument | None = None
    deletion_policy: Literal["", "Revoke", "Detach"] = ""
    sequence: Annotated[int, Field(ge=0)]
    owners: tuple[str, ...]
    entries: tuple[EntryDocument, ...]
    withdrawn: tuple[tuple[str, int, str], ...] = ()
    names: Mapping[str, str] = Field(default_factory=dict)
    paths: tuple[str, ...] = ()
    in_flight: WriteDocument | None = None
    writes: tuple[Instant, ...] = ()
    turns: tuple[TurnDocument, ...] = ()
    verified: tuple[str, ...] | None = None
    refused: Mapping[str, RefusedDocument] = Field(default_factory=dict)
    refusals: tuple[RefusalDocument, ...] = ()
    search: SearchDocument | None = None
    probes: tuple[Instant, ...] = ()
    reversals: tuple[ReversalDocument, ...] = ()
    conflict: ConflictDocument | None = None
    ousted: Mapping[str, Instant] = Field(default_factory=dict)
    detached: bool = False
    lost: str = ""
    foreign: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not cluster_key(self.resource_id):
            raise ValueError("resourceId is empty")
        early = self.model_fields_set & _SINCE_2 if self.schema_version < 2 else ()
        if early:
            raise ValueError(f"{min(early)} is no field of schema {self.schema_version}")
        ranges = [entry.range for entry in self.entries]
        ranges += [text for text, _, _ in self.withdrawn]
        if len(set(ranges)) != len(ranges):
            raise ValueError("two entries have the same range")
        for text in ranges:
            if not _canonical(text):
                raise ValueError(f"the entry {text!r} is no canonical IPv4 range")
        for entry in self.entries:
            if any(index >= len(self.owners) for index in (*entry.owners, *entry.released)):
                raise ValueError(f"the entry {entry.range} has an owner that is not listed")
        if len(self.paths) > len(self.owners):
            raise ValueError("there are more paths than owners")
        if any(type(grant) is int and grant >= len(self.owners) for grant in self._grants()):
            raise ValueError("a grant that AKS refused, or may have, is not listed")
        return self

    def _grants(self) -> Iterator[_Grant]:
        for refusal in self.refusals:
            yield from (grant for grant, _ in refusal.grants)
        if self.search is not None:
            yield from (grant for grant, _ in self.search.suspects)
            yield from self.search.trying


def _canonical(text: str) -> bool:
    try:
        return str(IPv4Range.parse(text)) == text
    except RangeError:
        return False
