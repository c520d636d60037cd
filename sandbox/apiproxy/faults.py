"""The faults a proxy can make, and which requests they strike.

Each fault is what a load balancer, an overloaded or restored API server, or a broken network does
to a client. An injection strikes matching requests, watches that are open already among them, until
it is cleared or has struck as often as it was told to.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from sandbox.apiproxy.calls import Call, Verb


@dataclass(frozen=True, slots=True)
class Answer:
    """The proxy answers itself, with a `Status` of this code; open watches are closed."""

    status: int
    reason: str = "Injected"
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset before the request is forwarded; open watches too."""


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """The connection stays, and nothing is behind it any more: it never carries a byte again."""


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """The request is carried out, and its answer is lost with the connection."""


@dataclass(frozen=True, slots=True)
class EmptyList:
    """A list is answered 200 without items, at the resourceVersion of the real one."""


@dataclass(slots=True)
class FrozenList:
    """The first list is kept, and every later one is answered with it."""

    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class ShortPages:
    """Lists have at most this many items a page, whatever was asked for."""

    limit: int


@dataclass(frozen=True, slots=True)
class Foist:
    """Lists have these objects as well, and each watch begins with them as ADDED.

    `objects` are JSON texts, so that they can be what no JSON library would write.
    """

    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stall:
    """A watch stays open and silent; what happened meanwhile comes once the fault is cleared."""


@dataclass(frozen=True, slots=True)
class CutMidEvent:
    """The next event of a watch breaks off in the middle of its JSON, with the connection."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Each event of a watch comes this many seconds late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Suppress:
    """Events of these types never come."""

    types: frozenset[str] = frozenset({"DELETED"})


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """A watch tells an ERROR event with a `Status` of this code, and ends."""

    status: int = 410
    reason: str = "Expired"


RequestFault = Answer | Reset | HalfOpen | LoseAnswer
ListFault = EmptyList | FrozenList | ShortPages | Foist
WatchFault = Stall | CutMidEvent | Delay | Suppress | ErrorEvent
Fault = RequestFault | ListFault | WatchFault

CLOSING: Final = (Answer, Reset)
"""Faults of requests that close a watch which is open already."""

_ONLY_FOR: Final = {
    **dict.fromkeys((EmptyList, FrozenList, ShortPages), Verb.LIST),
    **dict.fromkeys((Stall, CutMidEvent, Delay, Suppress, ErrorEvent), Verb.WATCH),
}


@dataclass(slots=True, kw_only=True)
class Injection:
    """A fault on matching calls, from `Faults.add` to `clear`; as a context manager too.

    Empty `plurals`, `verbs` and `token` match all; `agent` matches the beginning of the User-Agent;
    `times` None = until it is cleared. `struck` counts the calls (and with `Delay` and `Suppress`
    the events) that it struck.
    """

    faults: "Faults"
    fault: Fault
    plurals: frozenset[str] = frozenset()
    verbs: frozenset[Verb] = frozenset()
    client: str = ""
    agent: str = ""
    token: str = field(default="", repr=False)
    continued: bool | None = None
    times: int | None = None
    struck: int = 0

    def matches(self, call: Call) -> bool:
        """Whether it strikes this call, now."""
        return (
            (self.times is None or self.struck < self.times)
            and _ONLY_FOR.get(type(self.fault), call.verb) == call.verb
            and (not self.plurals or call.plural in self.plurals)
            and (not self.verbs or call.verb in self.verbs)
            and self.client in ("", call.client)
            and call.agent.startswith(self.agent)
            and self.token in ("", call.token)
            and self.continued in (None, call.continued)
        )

    def strike(self) -> None:
        """Count one strike. On the proxy's loop."""
        self.struck += 1
        self.faults.struck[type(self.fault).__name__] = (
            self.faults.struck.get(type(self.fault).__name__, 0) + 1
        )

    def clear(self) -> None:
        """End the fault; from any thread, more than once too."""
        self.faults.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()


@dataclass(slots=True)
class Faults:
    """The injections in force, and how often each kind of fault has struck.

    They are changed by the test's thread and read by the proxy's loop: the tuple is replaced as a
    whole, and `changed` is set anew on the loop.
    """

    loop: asyncio.AbstractEventLoop
    struck: dict[str, int] = field(default_factory=dict)
    _active: tuple[Injection, ...] = ()
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(
        self,
        fault: Fault,
        *,
        plurals: Collection[str] = (),
        verbs: Collection[Verb] = (),
        client: str = "",
        agent: str = "",
        token: str = "",
        continued: bool | None = None,
        times: int | None = None,
    ) -> Injection:
        """Begin a fault; from any thread. The one added last wins."""
        made = Injection(
            faults=self,
            fault=fault,
            plurals=frozenset(plurals),
            verbs=frozenset(verbs),
            client=client,
            agent=agent,
            token=token,
            continued=continued,
            times=times,
        )
        self._replace((made, *self._active))
        return made

    def remove(self, injection: Injection) -> None:
        """End a fault; from any thread."""
        self._replace(tuple(each for each in self._active if each is not injection))

    def clear(self) -> None:
        """End every fault; from any thread."""
        self._replace(())

    def of(self, call: Call) -> tuple[Injection, ...]:
        """What strikes this call now."""
        return tuple(each for each in self._active if each.matches(call))

    @property
    def changed(self) -> asyncio.Event:
        """Set once injections are added or removed; take it before `of`. On the loop."""
        return self._changed

    def _replace(self, active: tuple[Injection, ...]) -> None:
        self._active = active
        self.loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
