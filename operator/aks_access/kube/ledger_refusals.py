"""The part of the ledger's JSON that says what AKS refused, and what it may have been refused for.

There may be thousands of grants in it: each is its place among the document's owners.
"""

from collections.abc import Mapping, Sequence

from aks_access.kube.ledger_schema import LedgerDocument, RefusalDocument, SearchDocument
from aks_access.plan.ledger import RefusedGrant, Search


def of_refused(
    refused: Mapping[str, RefusedGrant], index: Mapping[str, int]
) -> tuple[RefusalDocument, ...]:
    """Grouped by AKS's sentence: that is the longest, and often said of many at once."""
    by_message: dict[str, list[tuple[int, str]]] = {}
    for uid, known in refused.items():
        by_message.setdefault(known.message, []).append((index[uid], known.asks))
    return tuple(
        RefusalDocument(message=message, grants=tuple(grants))
        for message, grants in by_message.items()
    )


def to_refused(document: LedgerDocument) -> dict[str, RefusedGrant]:
    """Both forms: by the grants' places, and by their uids."""
    former = {
        uid: RefusedGrant(asks=known.asks, message=known.message)
        for uid, known in document.refused.items()
    }
    return former | {
        document.owners[place]: RefusedGrant(asks=asks, message=refusal.message)
        for refusal in document.refusals
        for place, asks in refusal.grants
    }


def of_search(search: Search | None, index: Mapping[str, int]) -> SearchDocument | None:
    """The search with the grants' places in `index`."""
    if search is None:
        return None
    return SearchDocument(
        phase=search.phase,
        message=search.message,
        suspects=tuple((index[uid], asks) for uid, asks in search.suspects.items()),
        trying=tuple(index[uid] for uid in search.trying),
        stood=search.stood,
    )


def to_search(search: SearchDocument | None, owners: Sequence[str]) -> Search | None:
    """Both forms: with the grants' places in `owners`, and with their uids."""
    if search is None:
        return None

    def uid(grant: int | str) -> str:
        return grant if isinstance(grant, str) else owners[grant]

    return Search(
        phase=search.phase,
        message=search.message,
        suspects={uid(grant): asks for grant, asks in search.suspects},
        trying=tuple(uid(grant) for grant in search.trying),
        stood=search.stood,
    )
