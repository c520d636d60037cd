"""Grants of which most do not matter: each as its JSON, and what tells whether it does.

Ten thousand grants take Python half a second to parse; what is looked at in all of them, a tenth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from aks_access.cli.hub.cluster import Piece


class _Part(msgspec.Struct, rename="camel", gc=False):
    """Base of what is read."""


class _Name(_Part):
    name: str = ""
    namespace: str = ""


class _Spec(_Part):
    ip_ranges: list[str] = []
    range_set_refs: list[_Name] = []


class State(_Part):
    """How the grant stands on one target, by its report."""

    name: str = ""
    reason: str = ""
    in_azure: bool = False


class _Status(_Part):
    targets: list[State] = []


class _Grant(_Part):
    metadata: _Name
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_DECODER: Final = msgspec.json.Decoder(_Grant)


@dataclass(frozen=True)
class Glimpse:
    """One grant."""

    _seen: _Grant
    _whole: Piece | Mapping[str, Any]

    @classmethod
    def of(cls, whole: Piece | Mapping[str, Any]) -> "Glimpse":
        """A grant as its JSON, or parsed."""
        if isinstance(whole, Mapping):
            return cls(_readable(whole), whole)
        try:
            return cls(_DECODER.decode(whole), whole)
        except msgspec.ValidationError:
            return cls(_readable(msgspec.json.decode(whole)), whole)

    @cached_property
    def raw(self) -> Mapping[str, Any]:
        """All of it."""
        if isinstance(self._whole, Mapping):
            return self._whole
        parsed: dict[str, Any] = msgspec.json.decode(self._whole)
        return parsed

    @property
    def path(self) -> str:
        """`namespace/name`."""
        return f"{self._seen.metadata.namespace}/{self._seen.metadata.name}"

    @property
    def ranges(self) -> list[str]:
        """What it asks for, as written."""
        return self._seen.spec.ip_ranges

    @property
    def range_sets(self) -> list[str]:
        """The range sets that it asks through, by name."""
        return [each.name for each in self._seen.spec.range_set_refs]

    @property
    def states(self) -> list[State]:
        """How it stands, of each target that its report has."""
        return self._seen.status.targets


def _readable(raw: Mapping[str, Any]) -> _Grant:
    """What can be read of a grant that no API server takes with the CRD as it is."""
    metadata, spec, status = (_mapping(raw.get(part)) for part in ("metadata", "spec", "status"))
    return _Grant(
        metadata=_name(metadata),
        spec=_Spec(
            ip_ranges=[each for each in _items(spec.get("ipRanges")) if isinstance(each, str)],
            range_set_refs=[_name(_mapping(each)) for each in _items(spec.get("rangeSetRefs"))],
        ),
        status=_Status(
            targets=[
                State(
                    name=_text(each.get("name")),
                    reason=_text(each.get("reason")),
                    in_azure=each.get("inAzure") is True,
                )
                for each in map(_mapping, _items(status.get("targets")))
            ]
        ),
    )


def _name(value: Mapping[str, Any]) -> _Name:
    return _Name(name=_text(value.get("name")), namespace=_text(value.get("namespace")))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
