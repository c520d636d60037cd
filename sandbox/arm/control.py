"""The typed client of the control API: from any process, without an event loop.

`ArmControl.connect(url)` speaks HTTP; `ArmEmulator.control` is the same client running its
commands directly, for use inside the emulator's own loop.
"""

import dataclasses
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from sandbox.arm.control_clusters import ClusterControl
from sandbox.arm.control_rules import RuleControl
from sandbox.arm.journal import Area, JournalEntry
from sandbox.arm.messages import JsonObject

_TIMEOUT = 30.0
_PAGE = 1000


class ControlError(RuntimeError):
    """The emulator refused a command; the message says why."""


@dataclass(frozen=True, slots=True)
class _Http:
    """Calls commands over HTTP, past any proxy: the emulator is on loopback."""

    url: str

    def __call__(self, name: str, arguments: JsonObject) -> Any:
        request = urllib.request.Request(
            f"{self.url}/commands/{name}",
            data=json.dumps(arguments).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        return self._result(request)

    def entries_after(self, sequence: int, *, seconds: float) -> list[JsonObject]:
        """Return entries after `sequence`, waiting up to `seconds` for the first."""
        query = f"since={sequence}&wait={seconds}&limit={_PAGE}"
        found: list[JsonObject] = self._result(
            urllib.request.Request(f"{self.url}/journal?{query}"), seconds=seconds
        )
        return found

    def _result(self, request: urllib.request.Request, *, seconds: float = 0.0) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT + seconds) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            with error:
                raise ControlError(json.load(error)["error"]) from error


class ArmControl(ClusterControl, RuleControl):
    """Steers an emulator and reads its journal."""

    def __init__(self, call: Callable[[str, JsonObject], Any]) -> None:
        self._run = call

    @classmethod
    def connect(cls, url: str) -> Self:
        """Return a client of the control API at `url`."""
        return cls(_Http(url.rstrip("/")))

    def _call(self, name: str, **arguments: Any) -> Any:
        return self._run(name, arguments)

    def journal(self, *, since: int = 0, bodies: bool = True) -> list[JournalEntry]:
        """Return all entries after number `since`, oldest first."""
        return list(self._pages(since, bodies))

    def last_sequence(self) -> int:
        """Return the number of the newest journal entry, to ask `since` later."""
        last: int = self._call("last_sequence")
        return last

    def damage(self, *, client_id: str | None = None) -> list[JournalEntry]:
        """Return the PUTs that lost or changed anything beside the authorized ranges."""
        return [_entry(plain) for plain in self._call("damage", client_id=client_id)]

    def clear_journal(self) -> None:
        """Forget the journal and the damage; the numbering goes on."""
        self._call("clear_journal")

    def reset(self) -> None:
        """Go back to the state after the start; tokens issued so far stay valid."""
        self._call("reset")

    def wait_for(
        self, where: Callable[[JournalEntry], bool], *, since: int = 0, seconds: float = 10.0
    ) -> JournalEntry:
        """Return the first entry after `since` for which `where` holds.

        Raises TimeoutError after `seconds`, with the entries seen. Not for use in the
        emulator's own loop, which it would block.
        """
        if not isinstance(self._run, _Http):
            raise ControlError("wait_for blocks: use it from another thread or process")
        ends = time.monotonic() + seconds
        seen: list[JournalEntry] = []
        while (left := ends - time.monotonic()) > 0:
            for plain in self._run.entries_after(since, seconds=min(left, 5.0)):
                seen.append(_entry(plain))
                since = seen[-1].sequence
                if where(seen[-1]):
                    return seen[-1]
        lines = [f"{e.sequence} {e.method} {e.path} {e.status} {e.error}" for e in seen[-20:]]
        raise TimeoutError(f"no such journal entry within {seconds} s; seen: {lines}")

    def _pages(self, since: int, bodies: bool) -> Iterator[JournalEntry]:
        while page := self._call("journal", since=since, limit=_PAGE, bodies=bodies):
            yield from (_entry(plain) for plain in page)
            since = page[-1]["sequence"]


def _entry(plain: JsonObject) -> JournalEntry:
    known = {field.name for field in dataclasses.fields(JournalEntry)}
    values = {name: value for name, value in plain.items() if name in known}
    return JournalEntry(**{**values, "area": Area(plain["area"])})
