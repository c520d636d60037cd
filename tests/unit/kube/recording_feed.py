"""A `Feed` that remembers what it was told."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from aks_access.engine.ports import Kind, ObjectRef


class RecordingFeed:
    """`calls` holds (method, kind, name or names, …); `until` waits for a condition on it.

    `pieces` has how many objects of a list were prepared at a time.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.raw: list[Mapping[str, object]] = []
        self.doubts: list[ObjectRef] = []
        self.pieces: list[int] = []
        self._news = asyncio.Event()

    def changed(self, kind: Kind, raw: Mapping[str, object]) -> None:
        self._told("changed", kind, name_of(raw))
        self.raw.append(raw)

    def deleted(self, kind: Kind, raw: Mapping[str, object]) -> None:
        self._told("deleted", kind, name_of(raw))
        self.raw.append(raw)

    def listing(self, kind: Kind) -> None:
        self._told("listing", kind)

    def doubtful(
        self, kind: Kind, items: Collection[Mapping[str, object]], resource_version: str
    ) -> Collection[ObjectRef]:
        return self.doubts

    def prepare(self, kind: Kind, items: Iterable[Mapping[str, object]]) -> None:
        self.pieces.append(len(list(items)))

    def replaced(
        self, kind: Kind, items: Iterable[Mapping[str, object]], resource_version: str
    ) -> None:
        listed = list(items)
        self._told("replaced", kind, [name_of(raw) for raw in listed], resource_version)
        self.raw.extend(listed)

    def list_failed(self, kind: Kind, problem: str) -> None:
        self._told("failed", kind, problem)

    async def until(self, condition: Callable[[], bool], *, within: float = 30.0) -> None:
        """Wait until the condition holds; it is looked at after each call."""
        async with asyncio.timeout(within):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _told(self, *call: object) -> None:
        self.calls.append(call)
        self._news.set()


def name_of(raw: Mapping[str, object]) -> str:
    metadata = raw["metadata"]
    assert isinstance(metadata, dict)
    return str(metadata["name"])
