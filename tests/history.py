"""What happened, in order, as somebody who stands outside the operator saw it.

A `History` is a list of lines, each with its time (seconds, one monotonic scale for all of them).
It is neutral: the simulation's recorder and the readers of the emulator's journal and the API
server's audit log fill in the same lines, and hand-made histories try the oracle itself. Objects
are raw JSON; lists are as Azure spells them (None = open to everybody).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

from tests.facts import Raw

Ranges: TypeAlias = tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened, `at` seconds."""

    at: float


class Result(StrEnum):
    """How a request to Azure ended, as far as the judgement differs."""

    OK = "ok"
    INVALID = "invalid"
    """A 400: the list is refused, and another one is to be sent."""
    CHANGED = "changed"
    """A 412: the cluster is not as it was read."""
    MISSING = "missing"
    """A 404: there is no such cluster."""
    UNCERTAIN = "uncertain"
    """No answer, or a 5xx: may or may not have been applied."""
    FAILED = "failed"
    """Anything else: throttled, busy, forbidden, stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Line):
    """A PUT, or somebody else's edit of a list.

    Attributes:
        cluster: ARM id in lower case.
        operator: it was the operator; otherwise somebody else.
        sent: the list in the body; () = an empty one, None = no list at all.
        before, after: the list around it; equal where nothing was applied.
        if_match: the request carried `If-Match`.
        damage: properties other than the list that it changed.
        existed: the cluster was there; `created`: it is there because of this.
        ends: when the operation that it began ends; None where none began.
        failed: that operation ends as Failed or Canceled.
        lease: seconds for which the sender held the Lease at that moment; None = not known.
        needed: seconds that the request may take.
    """

    cluster: str
    operator: bool = True
    sent: Ranges = None
    before: Ranges = ()
    after: Ranges = ()
    if_match: bool = True
    result: Result = Result.OK
    damage: tuple[str, ...] = ()
    existed: bool = True
    created: bool = False
    ends: float | None = None
    failed: bool = False
    lease: float | None = None
    needed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Line):
    """A GET of a cluster by the operator."""

    cluster: str
    result: Result = Result.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster(Line):
    """A cluster as it is from now on; `uid` tells it from an earlier one of the same id."""

    cluster: str
    uid: str = "1"
    exists: bool = True
    ranges: Ranges = ()
    provisioning: str = "Succeeded"
    power: str = "Running"
    outbound: str = "loadBalancer"
    vnet: bool = False
    blocked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Object(Line):
    """A version of a Kubernetes object; `raw` None = it is gone.

    Attributes:
        operator: the operator made it so; otherwise somebody else.
        written: a request was made; False for what the API server did by itself.
    """

    kind: str
    name: str
    namespace: str = ""
    raw: Raw | None = None
    operator: bool = False


@dataclass(frozen=True, slots=True)
class Owned:
    """An entry of a ledger: its state (intended, owned, withdrawn), whose it is, and the debt."""

    state: str
    owners: tuple[str, ...] = ()
    released: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger(Line):
    """A version of a cluster's ledger.

    Attributes:
        entries: by canonical range; None = there is none, or it cannot be read.
        verified: the last list that was read back, as it says.
        operator: the operator wrote it (or deleted it); otherwise somebody else.
    """

    cluster: str
    entries: Mapping[str, Owned] | None = field(default_factory=dict)
    verified: Ranges = None
    operator: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation(Line):
    """A first activation was recorded: `name:NAMESPACE/NAME` or `uid:NAMESPACE/UID`."""

    key: str
    when: datetime


class Sign(StrEnum):
    """What a mark says; `…_BEGINS` lasts until its `…_ENDS`."""

    STARTED = "an operator started"
    KILLED = "an operator was killed"
    FAULT = "something failed that the operator needs"
    FAULT_BEGINS = "a fault begins"
    FAULT_ENDS = "a fault ends"
    BLIND_BEGINS = "watches or lists show less than there is"
    BLIND_ENDS = "watches and lists show everything again"
    CLOCK = "the operator's clock is off by this many seconds"
    DOUBT_BEGINS = "the clock is in doubt"
    DOUBT_ENDS = "the clock is not in doubt"
    ACKNOWLEDGED = "a person acknowledged with this code"
    NO_CHANGE = "the operator wrote what stood there already"
    REST = "at rest"
    QUIET_BEGINS = "from now on nothing changes"
    QUIET_ENDS = "something may change again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Line):
    """A sign about the whole world, or about one cluster or object."""

    sign: Sign
    about: str = ""
    value: float = 0.0


@dataclass(slots=True)
class History:
    """The lines, oldest first.

    Attributes:
        epoch: the wall-clock time at `at` 0.
        management: the management cluster's egress, an operator's setting.
    """

    epoch: datetime = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    management: frozenset[str] = frozenset()
    lines: list[Line] = field(default_factory=list)

    def add(self, *lines: Line) -> None:
        """Append lines."""
        self.lines.extend(lines)
