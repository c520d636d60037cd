"""Every request and every change of a list, in order: what the tests' oracle judges by."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LARGEST = 200_000


class Area(StrEnum):
    """Which part of the emulator an entry comes from."""

    ARM = "arm"
    IDENTITY = "identity"
    CONTROL = "control"
    """A change made through the control API: the portal, another tool, a test's set-up."""


@dataclass(slots=True, kw_only=True)
class JournalEntry:
    """One request, or one change of a cluster made through the control API.

    `status` 0 = the connection was reset before an answer; `answered` False = the request was
    handled (`status` says how) and its answer thrown away. `before` and `after` are a cluster's
    authorized ranges around a write; None = unrestricted.
    """

    sequence: int
    area: Area
    method: str
    path: str
    time: float
    """Epoch seconds at which handling began."""
    monotonic: float
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    client_id: str = ""
    object_id: str = ""
    body: Any = None
    status: int = 0
    error: str = ""
    answered: bool = True
    action: str = ""
    """The ARM action that the caller needs; "" where none is asked for."""
    cluster: str = ""
    """Key of the managed cluster: its ARM id in lower case."""
    state: str = ""
    """The cluster's provisioningState in the answer."""
    operation: str = ""
    before: list[str] | None = None
    after: list[str] | None = None
    damage: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    """`unrestricted` = a restricted list went; `everyone` = the list admits 0.0.0.0/0."""
    fault: str = ""
    """Id of the fault rule that was applied."""


class Journal:
    """The newest entries (200,000), numbered from 1."""

    def __init__(self) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=LARGEST)
        self.last = 0

    def next_sequence(self) -> int:
        """Return the number of a new entry."""
        self.last += 1
        return self.last

    def add(self, entry: JournalEntry) -> None:
        """Append an entry."""
        self._entries.append(entry)

    def since(self, sequence: int) -> Iterator[JournalEntry]:
        """Yield the entries after number `sequence`, oldest first."""
        newest: list[JournalEntry] = []
        for entry in reversed(self._entries):
            if entry.sequence <= sequence:
                break
            newest.append(entry)
        return reversed(newest)

    def newest_is_after(self, sequence: int) -> bool:
        """Whether there is an entry after number `sequence`."""
        return bool(self._entries) and self._entries[-1].sequence > sequence

    def clear(self) -> None:
        """Forget the entries; the numbering goes on."""
        self._entries.clear()
