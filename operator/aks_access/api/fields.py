"""The field types of the specs: how a value is read, written, and described in the CRD.

Each type pairs the operator's own check with the schema and CEL rules that say the same, so the
two cannot drift apart unseen.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar

from pydantic import PlainSerializer, PlainValidator, StrictBool, StrictInt, WithJsonSchema

from aks_access.api import arm, cel
from aks_access.api.duration import MAX_DURATION_LENGTH, format_duration, parse_duration
from aks_access.api.instant import Instant
from aks_access.api.ranges import (
    MIN_GRANT_PREFIX,
    MIN_PLATFORM_PREFIX,
    IPv4Range,
    parse_public,
    quoted,
)
from aks_access.api.timestamps import MAX_TIMESTAMP_LENGTH

MAX_RANGE_LENGTH: Final = 50
MAX_NAME_LENGTH: Final = 253

Value = TypeVar("Value")


def _text(read: Callable[[str], Value], *, also: type | None = None) -> PlainValidator:
    """A validator for text (or a value that is already of type `also`)."""

    def validate(value: object) -> Value:
        if also is not None and isinstance(value, also):
            return value  # type: ignore[return-value] # `also` is the type that `read` returns
        if not isinstance(value, str):
            raise ValueError(f"{quoted(value)} is not text; put it in quotes")
        return read(value)

    return PlainValidator(validate)


def _schema(*, rules: Sequence[cel.Rule], max_length: int) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "maxLength": max_length}
    return WithJsonSchema(schema | {"x-kubernetes-validations": list(rules)})


def _matching(pattern: str, message: str, *, max_length: int) -> Callable[[str], str]:
    compiled = re.compile(pattern.strip("^$"), re.ASCII)

    def read(text: str) -> str:
        if len(text) > max_length or compiled.fullmatch(text) is None:
            raise ValueError(f"{quoted(text)} {message}")
        return text

    return read


def _lower_matching(pattern: str, message: str, *, max_length: int) -> Callable[[str], str]:
    check = _matching(pattern, message, max_length=max_length)

    def read(text: str) -> str:
        if not text.isascii():
            raise ValueError(f"{quoted(text)} {message}")
        check(text.lower())
        return text

    return read


def _range(min_prefix: int) -> Callable[[str], IPv4Range]:
    def read(text: str) -> IPv4Range:
        return parse_public(text, min_prefix=min_prefix)

    return read


_DNS_MESSAGE: Final = (
    "is not an object's name; use lower-case letters, digits, hyphens and dots, like prod-weu"
)
_GUID_MESSAGE: Final = "is not a GUID; write one like 5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e"
_CLUSTER_ID_MESSAGE: Final = (
    f"is not a managed cluster's ARM id; its form is {arm.CLUSTER_ID_SHAPE}"
)
_SOURCE_ID_MESSAGE: Final = (
    f"is not the ARM id of a resource to read ranges from; its form is {arm.RANGE_SOURCE_ID_SHAPE}"
)
_RANGE_WRITER: Final = PlainSerializer(str, return_type=str)

GrantRange = Annotated[
    IPv4Range,
    _text(_range(MIN_GRANT_PREFIX), also=IPv4Range),
    _RANGE_WRITER,
    _schema(rules=cel.range_rules(min_prefix=MIN_GRANT_PREFIX), max_length=MAX_RANGE_LENGTH),
]
"""A public range a grant may ask for: nothing wider than /16."""

PlatformRange = Annotated[
    IPv4Range,
    _text(_range(MIN_PLATFORM_PREFIX), also=IPv4Range),
    _RANGE_WRITER,
    _schema(rules=cel.range_rules(min_prefix=MIN_PLATFORM_PREFIX), max_length=MAX_RANGE_LENGTH),
]
"""A public range of a baseline, an egress or a range set: nothing wider than /8."""

PolicyRange = Annotated[
    IPv4Range,
    _text(IPv4Range.parse, also=IPv4Range),
    _RANGE_WRITER,
    _schema(rules=cel.range_rules(min_prefix=None), max_length=MAX_RANGE_LENGTH),
]
"""Any IPv4 range; for policies, which compare and never open anything."""

Time = Annotated[Instant, _schema(rules=cel.timestamp_rules(), max_length=MAX_TIMESTAMP_LENGTH)]
"""A time in a spec."""

StatusTime = Annotated[Instant, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time the operator writes."""

Duration = Annotated[
    timedelta,
    _text(parse_duration, also=timedelta),
    PlainSerializer(format_duration, return_type=str),
    _schema(rules=cel.duration_rules(), max_length=MAX_DURATION_LENGTH),
]
"""A length of time like `4h30m`."""

ObjectName = Annotated[
    str,
    _text(_matching(cel.DNS_NAME_PATTERN, _DNS_MESSAGE, max_length=MAX_NAME_LENGTH)),
    _schema(rules=[cel.matching(cel.DNS_NAME_PATTERN, _DNS_MESSAGE)], max_length=MAX_NAME_LENGTH),
]
"""The name of another object."""

Guid = Annotated[
    str,
    _text(_lower_matching(f"^{arm.GUID_PATTERN}$", _GUID_MESSAGE, max_length=36)),
    _schema(
        rules=[cel.matching(f"^{arm.GUID_PATTERN}$", _GUID_MESSAGE, subject="self.lowerAscii()")],
        max_length=64,
    ),
]
"""A GUID, in any case."""

ClusterId = Annotated[
    str,
    _text(
        _lower_matching(arm.CLUSTER_ID_PATTERN, _CLUSTER_ID_MESSAGE, max_length=arm.MAX_ID_LENGTH)
    ),
    _schema(
        rules=[
            cel.matching(arm.CLUSTER_ID_PATTERN, _CLUSTER_ID_MESSAGE, subject="self.lowerAscii()"),
            cel.rule(
                "self.lowerAscii() == oldSelf.lowerAscii()",
                "resourceId is immutable; delete this target and create one for the other cluster",
                shown=(
                    "'resourceId is immutable (was ' + oldSelf + '); delete this target and create "
                    "one for the other cluster'"
                ),
            ),
        ],
        max_length=arm.MAX_ID_LENGTH,
    ),
]
"""The ARM id of a managed cluster, as written; compared by `plan.model.cluster_key`."""

RangeSourceId = Annotated[
    str,
    _text(
        _lower_matching(
            arm.RANGE_SOURCE_ID_PATTERN, _SOURCE_ID_MESSAGE, max_length=arm.MAX_ID_LENGTH
        )
    ),
    _schema(
        rules=[
            cel.matching(
                arm.RANGE_SOURCE_ID_PATTERN, _SOURCE_ID_MESSAGE, subject="self.lowerAscii()"
            )
        ],
        max_length=arm.MAX_ID_LENGTH,
    ),
]
"""The ARM id of a resource that a range set follows."""

Flag = StrictBool
Count = Annotated[StrictInt, WithJsonSchema({"type": "integer", "format": "int64", "minimum": 0})]
