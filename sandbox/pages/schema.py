"""The fields of a kind, read from the schema of its CRD."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aks_access.api import cel
from aks_access.api.ranges import MIN_GRANT_PREFIX, MIN_PLATFORM_PREFIX

Schema = Mapping[str, Any]

_EXAMPLE: Final = " Example: "
_RULES: Final = "x-kubernetes-validations"

_FORMS: Final[tuple[tuple[list[cel.Rule], str], ...]] = (
    (
        cel.range_rules(min_prefix=MIN_GRANT_PREFIX),
        f"public IPv4 range, /{MIN_GRANT_PREFIX} to /32",
    ),
    (
        cel.range_rules(min_prefix=MIN_PLATFORM_PREFIX),
        f"public IPv4 range, /{MIN_PLATFORM_PREFIX} to /32",
    ),
    (cel.range_rules(min_prefix=None), "IPv4 range"),
    (cel.duration_rules(), "duration"),
    (cel.timestamp_rules(), "time"),
)
"""What the rules of a text say together; the forms are explained in formats.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field.

    Attributes:
        path: from spec or status on, `[]` behind lists: `policy.allowedNamespaces.selector`.
        form: what may stand there, in words, with its limits.
        required: whether its parent cannot be without it.
        meaning: what it means, in sentences.
        example: a value as JSON or text; "" = none.
        rules: what the API server refuses about the object around several fields.
    """

    path: str
    form: str
    required: bool
    meaning: str
    example: str
    rules: tuple[str, ...]


def fields(schema: Schema, *, path: str = "") -> Iterator[Field]:
    """Every field below a schema node, parents first."""
    required = schema.get("required", ())
    for name, node in schema.get("properties", {}).items():
        where = f"{path}{name}"
        meaning, _, example = node.get("description", "").partition(_EXAMPLE)
        yield Field(
            path=where,
            form=form(node),
            required=name in required,
            meaning=meaning,
            example=example,
            rules=rules(node) + (rules(node["items"]) if _holds_objects(node) else ()),
        )
        inner = node.get("items", node)
        if "properties" in inner:
            yield from fields(inner, path=f"{where}{'[]' if 'items' in node else ''}.")


def rules(node: Schema) -> tuple[str, ...]:
    """What is refused about an object, whatever its single fields hold."""
    if node.get("type") != "object":
        return ()
    return tuple(rule["message"] for rule in node.get(_RULES, ()))


def form(node: Schema) -> str:
    """What a node may hold, in words."""
    match node:
        case {"type": "array", "items": items}:
            most = f", at most {node['maxItems']:,}" if "maxItems" in node else ""
            noun, _, each = form(items).partition(", ")
            return f"list of {_plural(noun)}{most}{f'; each {each}' if each else ''}"
        case {"enum": choices}:
            return "one of " + ", ".join(f"`{choice}`" for choice in choices)
        case {"type": "boolean"}:
            return "`true` or `false`"
        case {"type": "integer"}:
            return _number(node)
        case {"type": "object", "additionalProperties": extra}:
            noun, _, each = form(extra).partition(", ")
            return f"map of {_plural(noun)}{f'; each {each}' if each else ''}"
        case {"type": "object"}:
            return "object"
        case _:
            return _text(node)


def _number(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    return f"number, {low:,} to {high:,}" if high is not None else "number"


def _text(node: Schema) -> str:
    if node.get("format") == "date-time":
        return "time"
    for known, words in _FORMS:
        if node.get(_RULES) == known:
            return words
    most = node.get("maxLength")
    return f"text, at most {most:,} characters" if most else "text"


def _plural(noun: str) -> str:
    return noun if noun.endswith("s") else f"{noun}s"


def _holds_objects(node: Schema) -> bool:
    return isinstance(node.get("items"), Mapping) and node["items"].get("type") == "object"
