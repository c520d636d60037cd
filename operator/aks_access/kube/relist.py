"""Complete lists: the truth that watches only hint at.

A watch can stay silent, and after a 410 the informer replays what exists without telling what went
meanwhile. So each kind is listed completely at start, on winning the Lease and from time to time.
A list counts only when its last page has come; one that breaks off is reported as failed, and so
is one that lacks objects which are still there when they are asked for by name.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol

from aks_access.engine.feed import Feed
from aks_access.engine.ports import Kind, ObjectRef
from aks_access.errors import KubeError, KubeNotFound
from aks_access.kube.answers import items_of, meta_text, metadata, without_managed_fields
from aks_access.kube.resources import RESOURCES

PAGE_SIZE: Final = 500
_BREATH: Final = 200  # objects between two turns of the event loop
_EXPIRED: Final = 410
_ATTEMPTS: Final = 3
_MOST_CONFIRMED: Final = 50
"""Objects asked for by name after one list; of a false list any one of them tells."""


class Reader(Protocol):
    """What listing needs of a `Connection`."""

    async def get(
        self, path: str, *, query: Mapping[str, str] | None = None
    ) -> Mapping[str, object]:
        """Read JSON. Raises `KubeError` with the answer's status."""
        ...


class Relist:
    """Lists kinds through our own client and hands them to the store's feed."""

    def __init__(self, *, connection: Reader, page_size: int = PAGE_SIZE) -> None:
        self._connection = connection
        self._page_size = page_size
        self._turn = asyncio.Lock()

    async def relist(
        self, *, feed: Feed, kinds: Collection[Kind] = tuple(Kind)
    ) -> Mapping[Kind, KubeError]:
        """List each kind completely, one after the other.

        Runs take turns: of two side by side, the older list could replace the newer one.
        Returns the failures by kind: empty = every list is complete.
        """
        failures: dict[Kind, KubeError] = {}
        async with self._turn:
            for kind in kinds:
                error = await self._replace(feed=feed, kind=kind)
                if error is not None:
                    failures[kind] = error
        return failures

    async def _replace(self, *, feed: Feed, kind: Kind) -> KubeError | None:
        feed.listing(kind)
        try:
            items, version = await self.complete(kind=kind)
            await self._prepare(feed=feed, kind=kind, items=items)
            await self._confirm(feed.doubtful(kind, items, version), items)
        except KubeError as error:
            feed.list_failed(kind, str(error))
            return error
        except BaseException:
            feed.list_failed(kind, f"the list of {kind} was broken off")
            raise
        feed.replaced(kind, items, version)
        return None

    async def _prepare(
        self, *, feed: Feed, kind: Kind, items: Sequence[Mapping[str, object]]
    ) -> None:
        """Let the feed take the list in by pieces: all at once would hold up the event loop."""
        for start in range(0, len(items), _BREATH):
            feed.prepare(kind, items[start : start + _BREATH])
            await asyncio.sleep(0)

    async def _confirm(
        self, doubtful: Collection[ObjectRef], items: Collection[Mapping[str, object]]
    ) -> None:
        """Ask by name for what the list drops, sets back or brings back: a server that lags or is
        broken lies in lists only, and one that was restored tells the same either way.

        Raises `KubeError` where the list is contradicted, or cannot be confirmed.
        """
        listed = {meta_text(raw, "uid") for raw in items}
        for ref in islice(doubtful, _MOST_CONFIRMED):
            raw = await self._by_name(ref)
            problem = _contradiction(ref, raw=raw, listed=ref.uid in listed)
            if problem:
                where = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
                raise KubeError(
                    f"the list of {ref.kind} {problem.format(where)}: it is not believed"
                )

    async def _by_name(self, ref: ObjectRef) -> Mapping[str, object] | None:
        """That very object; None where it is gone, or has no name that it could be asked for by."""
        try:
            path = RESOURCES[ref.kind].object(namespace=ref.namespace, name=ref.name)
        except ValueError:
            return None
        try:
            raw = await self._connection.get(path)
        except KubeNotFound:
            return None
        return raw if meta_text(raw, "uid") == ref.uid else None

    async def complete(self, *, kind: Kind) -> tuple[list[Mapping[str, object]], str]:
        """All objects of the kind in every namespace, and the list's resourceVersion.

        Raises `KubeError`. Where the pages expire (410) the list starts again from the first.
        """
        for _ in range(_ATTEMPTS):
            try:
                return await self._pages(kind)
            except KubeError as error:
                if error.status != _EXPIRED:
                    raise
                expired = error
        raise KubeError(
            f"the pages of the list of {kind} expired {_ATTEMPTS} times: {expired}",
            status=_EXPIRED,
        )

    async def _pages(self, kind: Kind) -> tuple[list[Mapping[str, object]], str]:
        path = RESOURCES[kind].everywhere
        query = {"limit": str(self._page_size)}
        found: list[Mapping[str, object]] = []
        version = ""
        while True:
            page = await self._connection.get(path, query=query)
            version = version or meta_text(page, "resourceVersion")
            if not version:
                raise KubeError(f"the list of {kind} has no resourceVersion")
            for raw in items_of(page):
                found.append(without_managed_fields(raw))
                if len(found) % _BREATH == 0:
                    await asyncio.sleep(0)
            continue_token = metadata(page).get("continue")
            if not isinstance(continue_token, str) or not continue_token:
                return found, version
            query["continue"] = continue_token


def _contradiction(ref: ObjectRef, *, raw: Mapping[str, object] | None, listed: bool) -> str:
    """How a list and the object itself disagree, "" = they do not."""
    if raw is None:
        return "has {}, which is gone when it is asked for by name" if listed else ""
    if not listed:
        return "lacks {}, which is there when it is asked for by name"
    version = meta_text(raw, "resourceVersion")
    known = ref.resource_version
    if known and version.isascii() and version.isdigit() and int(version) >= int(known):
        return "has an old state of {}, which is newer when it is asked for by name"
    return ""
