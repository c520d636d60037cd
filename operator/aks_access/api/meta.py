"""The part of `metadata` the operator reads, and the references objects make to others."""

from collections.abc import Mapping

from pydantic import Field, StrictInt, StrictStr

from aks_access.api.base import ApiModel, LenientModel
from aks_access.api.fields import ObjectName, StatusTime


class ObjectMeta(LenientModel):
    """`metadata` of an object; what is missing (a file has no uid) is empty."""

    name: StrictStr = ""
    namespace: StrictStr = ""
    uid: StrictStr = ""
    resource_version: StrictStr = ""
    generation: StrictInt = 0
    creation_timestamp: StatusTime | None = None
    deletion_timestamp: StatusTime | None = None
    finalizers: tuple[StrictStr, ...] = ()
    annotations: Mapping[StrictStr, StrictStr] = Field(default_factory=dict[str, str])
    labels: Mapping[StrictStr, StrictStr] = Field(default_factory=dict[str, str])

    @property
    def key(self) -> str:
        """`namespace/name`, or the name alone for a cluster-scoped object."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class TargetRef(ApiModel):
    """One target, by name."""

    name: ObjectName = Field(
        description="Name of the ApiAccessTarget.",
        examples=["prod-weu"],
    )


class RangeSetRef(ApiModel):
    """One range set, by name."""

    name: ObjectName = Field(
        description="Name of the IPRangeSet.",
        examples=["office"],
    )
