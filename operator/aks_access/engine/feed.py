"""What the edges tell the store: the seam between watches, re-lists and the engine's memory.

All calls are made on the engine's event loop, never from a watch's own thread. Objects are the API
server's JSON without `metadata.managedFields`; what they mean is the store's business.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from aks_access.engine.ports import Kind, ObjectRef


class Feed(Protocol):
    """Receiver of everything that is seen of the watched kinds."""

    def changed(self, kind: Kind, raw: Mapping[str, object]) -> None:
        """A watch reports that the object exists as it is here (added, modified, or listed)."""
        ...

    def deleted(self, kind: Kind, raw: Mapping[str, object]) -> None:
        """A watch reports the deletion of the object; `raw` is its last state."""
        ...

    def listing(self, kind: Kind) -> None:
        """A complete list of the kind begins now: what is deleted from here on is remembered."""
        ...

    def doubtful(
        self, kind: Kind, items: Collection[Mapping[str, object]], resource_version: str
    ) -> Collection[ObjectRef]:
        """What a complete list would drop, set back or bring back although no watch told of it.

        Each is to be asked for by name before the list is believed. `resource_version` is the one
        that is known, "" for what is listed and not known.
        """
        ...

    def prepare(self, kind: Kind, items: Iterable[Mapping[str, object]]) -> None:
        """A piece of the list that `replaced` will bring: its work is done ahead, bit by bit."""
        ...

    def replaced(
        self, kind: Kind, items: Iterable[Mapping[str, object]], resource_version: str
    ) -> None:
        """A complete list, all its pages, as of `resource_version`."""
        ...

    def list_failed(self, kind: Kind, problem: str) -> None:
        """The list announced by `listing` did not complete; `problem` is a sentence."""
        ...
