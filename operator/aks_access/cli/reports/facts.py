"""What a grant is judged by that the operator has not reported on, read only where there is one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aks_access.plan.model import Namespace, RangeSet


@dataclass(frozen=True)
class Facts:
    """What grants are looked at with; namespaces are read only where one has to be judged.

    Attributes:
        namespaces: all by name; None where they may not be read.
    """

    sets: "Mapping[str, RangeSet]"
    namespaces: "Callable[[], Mapping[str, Namespace] | None]"
    now: datetime

    @cached_property
    def every_namespace(self) -> "Mapping[str, Namespace] | None":
        """All namespaces by name, read at the first use; None where they may not be read."""
        return self.namespaces()
