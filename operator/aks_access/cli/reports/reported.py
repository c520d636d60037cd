"""What commands read of objects and of the operator's reports, without the API's models.

The models take longer to import than a local API server to answer. What the operator wrote fits
here as it is; what does not goes through the models, which keep of it what can be read.
"""

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from aks_access.api.reasons import ConditionStatus
from aks_access.api.timestamps import format_timestamp, parse_timestamp


class Instant(datetime):
    """A time in UTC."""

    @classmethod
    def read(cls, text: object) -> "Instant":
        """From RFC 3339. Raises ValueError."""
        if not isinstance(text, str):
            raise ValueError("a time is text")
        return cls.fromisoformat(parse_timestamp(text).isoformat())


class Part(msgspec.Struct, rename="camel"):
    """Base of all: camelCase in JSON; what a newer operator writes besides is passed over."""

    def to_json(self) -> dict[str, Any]:
        """The JSON object, absent fields left out."""
        made: dict[str, Any] = msgspec.to_builtins(self, enc_hook=_written)
        return {name: value for name, value in made.items() if value is not None}


class Metadata(Part):
    """Who an object is."""

    name: str = ""
    namespace: str = ""
    generation: int = 0
    deletion_timestamp: Instant | None = None


class Condition(Part, kw_only=True):
    """One fact about an object."""

    type: str
    status: ConditionStatus
    reason: str
    message: str
    observed_generation: int | None = None
    last_transition_time: Instant


class LiveEntry(Part):
    """One entry of a cluster's list."""

    range: str
    origin: str
    grants: tuple[str, ...] = ()
    grants_omitted: int = 0
    until: Instant | None = None


class ClusterFacts(Part):
    """What Azure says about a cluster."""

    power_state: str | None = None
    private: bool | None = None
    restricted: bool | None = None


class TargetSummary(Part):
    """A target's columns."""

    entries: str = ""
    grants: int = 0
    foreign: int = 0
    difference: str = ""
    next_transition: str = ""


class PlanPreview(Part):
    """What the next write would change."""

    add: tuple[str, ...] = ()


class TargetReport(Part):
    """The status of a target."""

    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()
    summary: TargetSummary | None = None
    cluster: ClusterFacts | None = None
    entries: tuple[LiveEntry, ...] = ()
    entries_omitted: int = 0
    entries_used: int | None = None
    entries_limit: int | None = None
    plan: PlanPreview | None = None


class GrantSummary(Part):
    """A grant's columns."""

    expires: str = ""
    ranges: str = ""


class TargetState(Part):
    """How a grant stands on one target."""

    name: str
    reason: str
    message: str = ""
    in_azure: bool = False


class GrantReport(Part):
    """The status of a grant."""

    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()
    summary: GrantSummary | None = None
    targets: tuple[TargetState, ...] = ()
    targets_omitted: int = 0
    starts_at: Instant | None = None
    expires_at: Instant | None = None


Report = TypeVar("Report", Metadata, TargetReport, GrantReport)


def read(kind: type[Report], value: object) -> Report:
    """As far as it can be read; empty where it is nothing."""
    found = value if isinstance(value, dict) else {}
    try:
        return msgspec.convert(found, kind, dec_hook=_read)
    except msgspec.ValidationError:
        return msgspec.convert(_readable(kind, found), kind, dec_hook=_read)


def _readable(kind: type[Report], found: dict[str, Any]) -> dict[str, Any]:
    # Slow to import, and for what no operator wrote.
    from aks_access.api.base import LenientModel
    from aks_access.api.grant import GrantStatus
    from aks_access.api.meta import ObjectMeta
    from aks_access.api.target_status import TargetStatus

    models: dict[type, type[LenientModel]] = {
        Metadata: ObjectMeta,
        TargetReport: TargetStatus,
        GrantReport: GrantStatus,
    }
    return models[kind].lenient(found).to_json()


def _read(kind: type, value: object) -> object:
    assert kind is Instant
    return Instant.read(value)


def _written(value: object) -> str:
    assert isinstance(value, Instant)
    return format_timestamp(value)
