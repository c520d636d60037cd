"""What a person asks for, as a grant's manifest, and who knows the addresses (`Addresses`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import yaml

from aks_access.api.names import API_VERSION, Kind
from aks_access.api.parse import Invalid, parse_grant
from aks_access.api.ranges import IPv4Range
from aks_access.api.timestamps import format_timestamp
from aks_access.cli.files.nodes import RESOLVERS
from aks_access.errors import InputError


class Addresses(Protocol):
    """Who knows the public addresses that access is asked for from."""

    def ranges(self) -> Sequence[IPv4Range]:
        """The addresses. Raises AksAccessError where they cannot be told."""


@dataclass(frozen=True, slots=True)
class Given:
    """Addresses that the person named."""

    named: tuple[IPv4Range, ...]

    def ranges(self) -> Sequence[IPv4Range]:
        """Each once, in the order named."""
        return tuple(dict.fromkeys(self.named))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One grant: always with a fixed end, which means the same however often it is applied.

    `namespace`, `ticket` and `requested_by` may be "": the field is left out.
    """

    name: str
    namespace: str
    target: str
    ranges: tuple[IPv4Range, ...]
    ends: datetime
    reason: str
    ticket: str = ""
    requested_by: str = ""

    def manifest(self) -> dict[str, Any]:
        """The object. Raises InputError where the API would refuse it."""
        metadata = {"name": self.name, "namespace": self.namespace}
        made = {
            "apiVersion": API_VERSION,
            "kind": Kind.GRANT.value,
            "metadata": {key: value for key, value in metadata.items() if value},
            "spec": self.spec(),
        }
        found = parse_grant(made)
        if isinstance(found, Invalid):
            raise InputError(f"The grant would be refused: {found.problems[0]}.")
        return made

    def spec(self) -> dict[str, Any]:
        """The spec, without what is empty."""
        fields = {
            "targetRef": {"name": self.target},
            "ipRanges": [_shown(each) for each in self.ranges],
            "expiresAt": format_timestamp(self.ends),
            "reason": self.reason,
            "requestedBy": self.requested_by,
            "ticketRef": self.ticket,
        }
        return {key: value for key, value in fields.items() if value}


_ADDRESS_PREFIX: Final = 32


def _shown(item: IPv4Range) -> str:
    """One address without its /32, as people write it."""
    return str(item).removesuffix("/32") if item.prefix == _ADDRESS_PREFIX else str(item)


class _Dumper(yaml.SafeDumper):
    """Indents lists, as people do, and quotes what kubectl would take for anything but text."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


for _tag, _pattern, _first in RESOLVERS:
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)


def as_yaml(value: object) -> str:
    """YAML as people write it."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
