"""From the JSON of an object to a model, or to a precise account of why it is none.

An object can be stored that this version would refuse: written before a rule was tightened, or
past a CRD that somebody edited. It must neither crash the operator nor let anybody in, and it
keeps its finalizers and status, so that what it once opened can still be closed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aks_access.api.base import LENIENT, VIOLATIONS, ApiModel
from aks_access.api.bounds import clipped, excess
from aks_access.api.grant import ApiAccessGrant, GrantSpec, GrantStatus
from aks_access.api.meta import ObjectMeta
from aks_access.api.names import Kind
from aks_access.api.ranges import quoted
from aks_access.api.rangeset import IPRangeSet, RangeSetSpec, RangeSetStatus
from aks_access.api.target import ApiAccessTarget, TargetSpec
from aks_access.api.target_status import TargetStatus

Model: TypeAlias = ApiAccessGrant | ApiAccessTarget | IPRangeSet
Status: TypeAlias = GrantStatus | TargetStatus | RangeSetStatus
ModelT = TypeVar("ModelT", bound=ApiModel)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that is wrong: its path, its value as text (shortened), and a sentence."""

    path: str
    value: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Invalid:
    """An object that does not parse: who it is, what it once did, and what is wrong with it."""

    kind: Kind
    metadata: ObjectMeta
    problems: tuple[FieldProblem, ...]
    status: Status | None = None


_MOST_PROBLEMS: Final = 50

_NAMELESS: Final = FieldProblem("metadata.name", "", "the object needs a name")


def parse(kind: Kind, raw: object) -> Model | Invalid:
    """Read an object of that kind; never raises, whatever the JSON is and however large.

    Metadata and status are read as far as they go; a spec is taken whole or not at all.
    """
    match kind:
        case Kind.GRANT:
            return parse_grant(raw)
        case Kind.TARGET:
            return parse_target(raw)
        case Kind.RANGE_SET:
            return parse_range_set(raw)


def parse_grant(raw: object) -> ApiAccessGrant | Invalid:
    """Read an `ApiAccessGrant`; never raises."""
    metadata, status = _metadata(raw), _lenient(GrantStatus, status_of(raw))
    spec, problems = _strict(GrantSpec, raw=raw, metadata=metadata)
    if spec is None:
        return Invalid(Kind.GRANT, metadata, problems, status)
    return ApiAccessGrant(metadata=metadata, spec=spec, status=status)


def parse_target(raw: object) -> ApiAccessTarget | Invalid:
    """Read an `ApiAccessTarget`; never raises."""
    metadata, status = _metadata(raw), _lenient(TargetStatus, status_of(raw))
    spec, problems = _strict(TargetSpec, raw=raw, metadata=metadata)
    if spec is None:
        return Invalid(Kind.TARGET, metadata, problems, status)
    return ApiAccessTarget(metadata=metadata, spec=spec, status=status)


def parse_range_set(raw: object) -> IPRangeSet | Invalid:
    """Read an `IPRangeSet`; never raises."""
    metadata, status = _metadata(raw), _lenient(RangeSetStatus, status_of(raw))
    spec, problems = _strict(RangeSetSpec, raw=raw, metadata=metadata)
    if spec is None:
        return Invalid(Kind.RANGE_SET, metadata, problems, status)
    return IPRangeSet(metadata=metadata, spec=spec, status=status)


def _part(raw: object, name: str) -> object:
    return raw.get(name) if isinstance(raw, dict) else None


def status_of(raw: object) -> dict[str, object]:
    """The object's `status`, of a size that can be worked with; empty where it is none."""
    found = clipped(_part(raw, "status"))
    return found if isinstance(found, dict) else {}


def _metadata(raw: object) -> ObjectMeta:
    return _lenient(ObjectMeta, _part(raw, "metadata")) or ObjectMeta()


def _lenient(model: type[ModelT], raw: object) -> ModelT | None:
    return model.model_validate(raw, context=LENIENT) if isinstance(raw, dict) else None


def _strict(
    model: type[ModelT], *, raw: object, metadata: ObjectMeta
) -> tuple[ModelT | None, tuple[FieldProblem, ...]]:
    """The spec, or None and every problem with it."""
    problems = [] if metadata.name else [_NAMELESS]
    spec = _part(raw, "spec")
    if not isinstance(spec, dict):
        return None, (*problems, FieldProblem("spec", quoted(spec), "the object needs a spec"))
    if too_large := excess(spec):
        return None, (*problems, FieldProblem("spec", "", too_large))
    try:
        parsed = model.model_validate(spec)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            problems.extend(_problems(details))
        return None, tuple(problems[:_MOST_PROBLEMS])
    return (None if problems else parsed), tuple(problems)


def _problems(details: ErrorDetails) -> Iterator[FieldProblem]:
    if details["type"] == VIOLATIONS:
        for violation in details["ctx"]["found"]:
            where = (*details["loc"], *violation.path)
            yield FieldProblem(_path(where), quoted(violation.value), violation.message)
    else:
        value = "" if details["type"] == "missing" else quoted(details["input"])
        yield FieldProblem(_path(details["loc"]), value, _message(details))


def _path(parts: tuple[str | int, ...]) -> str:
    """`spec.ipRanges[2]`, as Kubernetes writes it."""
    path = "spec"
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{quoted(part)}"
    return path


def _message(details: ErrorDetails) -> str:
    """Pydantic's sentence, or a better one that names the value and the way out."""
    context = details.get("ctx", {})
    value = quoted(details["input"])
    match details["type"]:
        case "missing":
            return "the field is required"
        case "value_error":
            return str(context["error"])
        case "enum":
            return f"{value} is not one of {context['expected']}"
        case "too_long":
            return f"more than {context['max_length']} items; split the list"
        case "string_too_long":
            return f"longer than {context['max_length']} characters; shorten it"
        case "bool_type":
            return f"{value} is not true or false (without quotes)"
        case "tuple_type":
            return f"{value} is not a list; start each item with a hyphen on a line of its own"
        case "int_type" | "int_parsing":
            return f"{value} is not a whole number (without quotes)"
        case "model_type" | "mapping_type" | "dict_type":
            return f"{value} is not an object; write its fields indented below it"
        case "string_type":
            return f"{value} is not text; put it in quotes"
        case "greater_than_equal" | "less_than_equal":
            return f"{value} is out of bounds: {details['msg']}"
        case _:
            return f"{value}: {details['msg']}"
