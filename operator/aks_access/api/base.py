"""What all models of the API have in common.

Frozen, camelCase in JSON, and lenient about fields they do not know: such a field comes from a
newer CRD or an older object and must not hide the rest. Specs are strict about what they do
know; a status is read leniently (`LENIENT`), because losing one odd value of it is better than
losing all that the operator wrote down.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

LENIENT: Final = {"lenient": True}
"""Validation context: what does not parse in a `LenientModel` is dropped instead of refused."""

VIOLATIONS: Final = "violations"
"""Type of the pydantic error that carries the broken rules of a `RuledModel`."""


class ApiModel(BaseModel):
    """Base of every object and part of an object of the API group."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        extra="ignore",
        frozen=True,
        defer_build=True,  # a command uses a few models, and waits for each that is built
    )

    def to_json(self) -> dict[str, Any]:
        """The JSON object to send to Kubernetes: camelCase, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Violation(NamedTuple):
    """A rule over several fields that is broken: where (JSON names), what stands there, why."""

    path: tuple[str | int, ...]
    value: object
    message: str


class RuledModel(ApiModel):
    """A model with rules over several fields, the same that its CEL rules state."""

    def violations(self) -> Iterator[Violation]:
        """Every rule this object breaks."""
        yield from ()

    @model_validator(mode="after")
    def _obey(self) -> Self:
        found = tuple(self.violations())
        if found:
            summary = "; ".join(violation.message for violation in found)
            raise PydanticCustomError(VIOLATIONS, "{summary}", {"summary": summary, "found": found})
        return self


class LenientModel(ApiModel):
    """A model that, under `LENIENT`, drops the values it cannot read and keeps the others."""

    @classmethod
    def lenient(cls, value: Mapping[str, Any]) -> Self:
        """What can be read of a JSON object."""
        return cls.model_validate(dict(value), context=LENIENT)

    @model_validator(mode="wrap")
    @classmethod
    def _drop_unreadable(
        cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            if info.context != LENIENT or not isinstance(value, dict):
                raise
            return handler(cls._readable(value, error))

    @classmethod
    def _readable(cls, value: dict[str, Any], error: ValidationError) -> dict[str, Any]:
        """The fields, and of those that did not parse what is left without the bad items.

        A required one stays as it is: without it there is no such object.
        """
        bad: dict[int | str | None, set[int | str | None]] = {}
        for problem in error.errors(include_url=False, include_context=False):
            where = (*problem["loc"], None, None)
            bad.setdefault(where[0], set()).add(where[1])
        found = dict(value)
        for name, field in cls.model_fields.items():
            spellings = {name, field.alias or name}
            for key in spellings & bad.keys():
                remaining = _without(found.get(key), bad[key])
                if remaining is not None:
                    found[key] = remaining
                elif not field.is_required():  # nor does the other spelling count in its place
                    found = {each: found[each] for each in found.keys() - spellings}
        return found


def _without(value: object, bad: set[int | str | None]) -> object:
    """The list or map without the items that did not parse, or None if it is neither."""
    if isinstance(value, list | tuple) and all(isinstance(key, int) for key in bad):
        return [item for index, item in enumerate(value) if index not in bad]
    if isinstance(value, dict) and bad <= value.keys():
        return {key: item for key, item in value.items() if key not in bad}
    return None
