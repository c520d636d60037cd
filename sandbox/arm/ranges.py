"""What AKS accepts as `apiServerAccessProfile.authorizedIPRanges`, and how it stores it.

A single address is stored as /32 (Azure/AKS#4085); 200 entries, 2,000 with API Server VNet
Integration; `0.0.0.0/32` stands alone; service tags need a preview feature. The answer to host
bits, IPv6 and junk is not documented: the emulator refuses them.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.arm.messages import ArmError, aks_error

LIST_PATH = "properties.apiServerAccessProfile.authorizedIPRanges"
DENY_SENTINEL = "0.0.0.0/32"
EVERYONE = "0.0.0.0/0"
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
_ADDRESS = re.compile(r"[0-9.]+(/[0-9]{1,2})?")


class Order(StrEnum):
    """In which order the list comes back; clients have to compare it as a set."""

    AS_SENT = "as-sent"
    SORTED = "sorted"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRules:
    """What the cluster at hand accepts."""

    private: bool = False
    vnet_integration: bool = False
    service_tags: bool = False
    refused: Set[str] = field(default_factory=frozenset)

    @classmethod
    def of(
        cls,
        profile: Mapping[str, object] | None,
        *,
        service_tags: bool = False,
        refused: Set[str] = frozenset(),
    ) -> "RangeRules":
        """Return the rules of a cluster with this `apiServerAccessProfile`."""
        profile = profile or {}
        return cls(
            private=bool(profile.get("enablePrivateCluster")),
            vnet_integration=bool(profile.get("enableVnetIntegration")),
            service_tags=service_tags,
            refused=refused,
        )

    @property
    def limit(self) -> int:
        """The largest number of entries."""
        return 2000 if self.vnet_integration else 200


def invalid(message: str) -> ArmError:
    """Return AKS's refusal of a list."""
    return aks_error(status=400, code="InvalidParameter", message=message, target=LIST_PATH)


def stored(values: object, *, rules: RangeRules) -> list[str]:
    """Return the list as AKS stores it; raises `ArmError` (400) for one that it refuses."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise invalid(f"{LIST_PATH} must be a list of strings, not {values!r}.")
    if values and rules.private:
        raise invalid(
            "APIServer Authorized IP Ranges are not supported for private clusters. "
            "Refer to https://aka.ms/aks/auth-ip-ranges for more details"
        )
    if len(values) > rules.limit:
        raise invalid(
            "The number of APIServer Authorized IP Ranges is greater than the allowed value "
            f"{rules.limit}."
        )
    result = [_entry(value, rules=rules) for value in values]
    if sum(_is_tag(value) for value in result) > 1:
        raise invalid(f"{LIST_PATH} may hold one service tag only.")
    if DENY_SENTINEL in result and len(set(result)) > 1:
        raise invalid(
            "Setting apiServerAuthorizedIPRange to 0.0.0.0/32 is not allowed with other IP "
            "ranges. Refer to https://aka.ms/aks/auth-ip-ranges for more details"
        )
    if any(value in rules.refused for value in result):
        # Which entry is at fault is left open on purpose: nothing says that AKS names it.
        raise invalid(f"The value of parameter {LIST_PATH} is invalid.")
    return result


def ordered(values: Sequence[str], *, order: Order) -> list[str]:
    """Return the list in the order in which the cluster answers it."""
    match order:
        case Order.AS_SENT:
            return list(values)
        case Order.SORTED:
            return sorted(values)
        case Order.REVERSED:
            return list(reversed(values))


def _is_tag(value: str) -> bool:
    return _TAG.fullmatch(value) is not None


def _entry(value: str, *, rules: RangeRules) -> str:
    if rules.service_tags and _is_tag(value):
        return value
    if _ADDRESS.fullmatch(value) is None:
        raise invalid(f"The value '{value}' in {LIST_PATH} is not an IPv4 address or CIDR.")
    try:
        return str(ipaddress.IPv4Network(value, strict=True))
    except ValueError as error:
        raise invalid(f"The value '{value}' in {LIST_PATH} is invalid: {error}.") from error
