"""ARM resource ids: reading them and comparing them as Azure does, case-insensitively.

They name the cluster a target stands for and the resource a range set follows. Shapes from the
Azure documents "Resource naming rules" (resource groups: 90 word characters, dots, hyphens and
parentheses; managed clusters: 63 letters, digits, hyphens and underscores).
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from aks_access.api.ranges import quoted

MAX_ID_LENGTH: Final = 512
GUID_PATTERN: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
CLUSTER_TYPE: Final = "Microsoft.ContainerService/managedClusters"
RANGE_SOURCE_TYPES: Final = (
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/publicIPPrefixes",
    "Microsoft.Network/natGateways",
    "Microsoft.Network/azureFirewalls",
    "Microsoft.Network/ipGroups",
)

_GROUP: Final = r"[a-z0-9_().-]{0,89}[a-z0-9_()-]"
_CLUSTER_NAME: Final = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
_NETWORK_NAME: Final = r"[a-z0-9]([a-z0-9_.-]{0,78}[a-z0-9_])?"


def _pattern(types: str, name: str) -> str:
    return rf"^/subscriptions/{GUID_PATTERN}/resourcegroups/{_GROUP}/providers/{types}/{name}$"


CLUSTER_ID_PATTERN: Final = _pattern(r"microsoft\.containerservice/managedclusters", _CLUSTER_NAME)
"""For the lower-case id of a managed cluster; the same in RE2 (CEL) and Python."""

RANGE_SOURCE_ID_PATTERN: Final = _pattern(
    r"microsoft\.network/("
    + "|".join(t.rpartition("/")[2].lower() for t in RANGE_SOURCE_TYPES)
    + ")",
    _NETWORK_NAME,
)
"""For the lower-case id of a resource that ranges are read from."""

CLUSTER_ID_SHAPE: Final = (
    f"/subscriptions/<guid>/resourceGroups/<group>/providers/{CLUSTER_TYPE}/<name>"
)
RANGE_SOURCE_ID_SHAPE: Final = (
    "/subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Network/"
    "<publicIPAddresses|publicIPPrefixes|natGateways|azureFirewalls|ipGroups>/<name>"
)


class ArmIdError(ValueError):
    """Text that is no id of a supported resource; the message shows the form."""


@dataclass(frozen=True, slots=True)
class ArmId:
    """The parts of a resource id, as written."""

    subscription: str
    group: str
    type: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take apart the id of a managed cluster or of a source of ranges.

        Raises ArmIdError.
        """
        if not (is_cluster_id(text) or is_range_source_id(text)):
            raise ArmIdError(f"{quoted(text)} is not an id of the form {CLUSTER_ID_SHAPE}")
        _, _, subscription, _, group, _, namespace, kind, name = text.split("/")
        return cls(subscription, group, f"{namespace}/{kind}", name)

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/{self.type}/{self.name}"
        )


def is_cluster_id(text: str) -> bool:
    """Whether the text is the id of a managed cluster, in any case."""
    return _matches(CLUSTER_ID_PATTERN, text)


def is_range_source_id(text: str) -> bool:
    """Whether the text is the id of a resource that ranges can be read from, in any case."""
    return _matches(RANGE_SOURCE_ID_PATTERN, text)


def _matches(pattern: str, text: str) -> bool:
    return (
        len(text) <= MAX_ID_LENGTH
        and text.isascii()
        and re.fullmatch(pattern.strip("^$"), text.lower()) is not None
    )
