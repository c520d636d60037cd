"""What is wrong with one object by itself: what the API server would refuse or drop.

The specs are read by the operator's own models. Unknown fields are found with the schema of the
CRDs: the models pass over them, because an object of a newer CRD must still be readable.
"""

import difflib
import functools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aks_access.api.crd import object_schema
from aks_access.api.names import API_VERSION, GROUP, Kind
from aks_access.api.parse import Invalid, parse
from aks_access.api.ranges import quoted
from aks_access.api.reasons import GrantReason
from aks_access.cli.files.documents import Document
from aks_access.cli.files.findings import Check, Finding, Level
from aks_access.cli.files.metadata import problems
from aks_access.cli.files.places import Position
from aks_access.plan.wording import sentence

_METADATA: Final = (
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
_SHOWN: Final = 12
_NEAR: Final = 0.8


def is_ours(document: Document) -> bool:
    """Whether the object belongs to our API group, in whatever version, or is meant to.

    One of our kinds in a group that is none, or nearly ours, would be passed over for a slip.
    """
    group, slash, _ = document.text("apiVersion").partition("/")
    if group == GROUP:
        return True
    is_slip = not slash or bool(difflib.get_close_matches(group.lower(), [GROUP], cutoff=_NEAR))
    return is_slip and document.raw.get("kind") in {kind.value for kind in Kind}


def kind_of(document: Document) -> Kind | None:
    """The object's kind; None for another's, or one that this version does not know."""
    if document.raw.get("apiVersion") != API_VERSION:
        return None
    return next((kind for kind in Kind if kind.value == document.raw.get("kind")), None)


def name_of(document: Document) -> str:
    """`ApiAccessGrant team-a/laptop`, as far as the object says."""
    namespace, name = document.text("metadata", "namespace"), document.text("metadata", "name")
    path = f"{namespace}/{name}" if namespace else name
    return f"{document.text('kind')} {path}".strip()


def finding(
    document: Document,
    *,
    rule: str,
    message: str,
    field: str = "",
    level: Level = Level.ERROR,
    at: Position | None = None,
) -> Finding:
    """A finding about an object; its place is that of the field."""
    return Finding(
        level=level,
        rule=rule,
        message=message,
        source=document.source,
        position=at or document.locate(field),
        object=name_of(document),
        field=field,
    )


def check(document: Document) -> Iterator[Finding]:
    """Everything that is wrong with an object of our API group by itself."""
    for mistake in document.mistakes:
        message = sentence(mistake.message)
        rule = Check.DUPLICATE_KEY if mistake.twice else Check.INVALID_YAML
        yield finding(document, rule=rule, message=message, at=mistake.position)
    kind = kind_of(document)
    if kind is None:
        yield _unknown_kind(document)
        return
    yield from _metadata(document)
    yield from _unknown(document, document.raw, schema=_schema(kind), path="")
    parsed = parse(kind, document.raw)
    if isinstance(parsed, Invalid):
        for problem in parsed.problems:
            if problem.path == "metadata.name" and isinstance(document.raw.get("metadata"), dict):
                continue  # said better by _metadata
            yield finding(
                document,
                rule=GrantReason.INVALID_SPEC,
                message=sentence(str(problem)),
                field=problem.path,
            )
    spec = document.raw.get("spec")
    if kind is Kind.GRANT and isinstance(spec, dict) and spec.get("revoked") is False:
        yield finding(
            document,
            rule=Check.REVOKED_FALSE,
            message=(
                "spec.revoked: false in Git would undo a revocation in an emergency; leave the "
                "field out."
            ),
            field="spec.revoked",
        )


def _unknown_kind(document: Document) -> Finding:
    version, kind = document.text("apiVersion"), document.text("kind")
    if version != API_VERSION:
        message = f"apiVersion: {quoted(version)} is not known; write {API_VERSION}."
        return finding(document, rule=Check.UNKNOWN_KIND, message=message, field="apiVersion")
    hint = _nearest(kind, [each.value for each in Kind])
    message = f"kind: {quoted(kind)} is no kind of {GROUP}; {hint}"
    return finding(document, rule=Check.UNKNOWN_KIND, message=message, field="kind")


def _metadata(document: Document) -> Iterator[Finding]:
    metadata = document.raw.get("metadata")
    if not isinstance(metadata, dict):
        return

    for field, said in problems(metadata):
        message = f"{field}: {said}"
        yield finding(document, rule=GrantReason.INVALID_SPEC, message=message, field=field)


@functools.cache
def _schema(kind: Kind) -> dict[str, Any]:
    schema = object_schema(kind)
    known: dict[str, Any] = {name: {} for name in _METADATA}
    properties = schema["properties"]
    # A status in a file is passed over: the API server takes none from there.
    return {"properties": {**properties, "metadata": {"properties": known}, "status": {}}}


def _unknown(
    document: Document, value: object, *, schema: Mapping[str, Any], path: str
) -> Iterator[Finding]:
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        for name, inner in value.items():
            where = f"{path}.{quoted(name)}" if path else quoted(name)
            if name in known:
                yield from _unknown(document, inner, schema=known[name], path=where)
            else:
                yield finding(
                    document,
                    rule=Check.UNKNOWN_FIELD,
                    message=f"{where}: there is no such field; {_nearest(name, list(known))}",
                    field=where,
                    at=document.locate(where, key=True),
                )
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            where = f"{path}[{index}]"
            yield from _unknown(document, item, schema=schema["items"], path=where)


def _nearest(name: str, known: list[str]) -> str:
    lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), list(lower), n=1)
    if near:
        return f"did you mean {lower[near[0]]}?"
    return f"there are {', '.join(known[:_SHOWN])}."
