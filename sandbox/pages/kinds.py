"""A page for each kind: an example, every field of its spec and status, columns and marks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aks_access.api import names
from aks_access.api.crd import COLUMNS, object_schema
from aks_access.api.names import API_VERSION, PLURALS, SHORT_NAMES, Kind
from sandbox.pages.markdown import bullets, code, head, sentence, table
from sandbox.pages.schema import Field, fields, rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is said of a kind beside its schema.

    Attributes:
        model: the module of its model.
        example: a file below examples/.
        marks: what else stands on objects of the kind: finalizers and annotations.
    """

    model: str
    example: str
    marks: Sequence[tuple[str, str]]


_REQUESTED_AT: Final = (
    names.REQUESTED_AT_ANNOTATION,
    "annotation; any new value has the operator look at once, and is echoed in "
    "`status.lastHandledReconcileAt`",
)

PAGES: Final[Mapping[Kind, Page]] = {
    Kind.GRANT: Page(
        model="grant",
        example="plain/grants/laptop.yaml",
        marks=(
            (
                names.GRANT_FINALIZER,
                "finalizer; the object stays until its ranges were read back as gone, and at most "
                "15 minutes longer than they should",
            ),
            _REQUESTED_AT,
        ),
    ),
    Kind.TARGET: Page(
        model="target",
        example="plain/targets.yaml",
        marks=(
            (
                names.TARGET_FINALIZER,
                "finalizer; the object stays until what is ours is out of the cluster's list, or "
                "left there as `deletionPolicy` says",
            ),
            _REQUESTED_AT,
            (
                names.ACKNOWLEDGE_ANNOTATION,
                "annotation; a code that a message prints, to let what waits for a person go on: "
                "[Acknowledgements](../troubleshooting.md#acknowledgements)",
            ),
        ),
    ),
    Kind.RANGE_SET: Page(model="rangeset", example="plain/rangesets.yaml", marks=(_REQUESTED_AT,)),
}


def page(kind: Kind, *, examples: Path) -> str:
    """The page of a kind."""
    schema, about = object_schema(kind), PAGES[kind]
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    example = (examples / about.example).read_text().partition("\n---\n")[0].strip()
    scope = "in a namespace" if kind is Kind.GRANT else "cluster-wide"
    short = SHORT_NAMES[kind]
    return "".join(
        (
            head(str(kind), source=f"operator/aks_access/api/{about.model}.py"),
            f"\n{schema['description']}\n",
            f"\n`{API_VERSION}`, {scope}; `kubectl get {PLURALS[kind]}`, in short `{short}`. What "
            "its states mean: [Conditions and states](conditions.md). How ranges, times and "
            "durations are written: [Formats](formats.md).\n",
            f"\n## Example\n\n```yaml\n{example}\n```\n",
            "\n## Spec\n",
            _rules(rules(spec)),
            *map(_section, fields(spec)),
            "\n## Status\n\nWritten by the operator alone.\n",
            bullets(_line(field) for field in fields(status)),
            "\n## Columns\n\nOf `kubectl get`; those marked wide with `-o wide` only.\n",
            table(("Column", "Meaning", ""), _columns(kind)),
            "\n## Finalizers and annotations\n",
            table(("Name", "Meaning"), ((code(name), text) for name, text in about.marks)),
        )
    )


def _columns(kind: Kind) -> Iterator[tuple[str, str, str]]:
    for column in COLUMNS[kind]:
        yield code(column.name), column.description, "wide" if column.priority else ""


def _section(field: Field) -> str:
    """A field of the spec: a heading, so that it can be linked to."""
    kind = f"{'required, ' if field.required else ''}{field.form}"
    if field.form.startswith("`true`") and not field.required:
        kind += "; absent: `false`"
    example = f"\nExample: {code(field.example)}\n" if field.example else ""
    return (
        f"\n### {code(field.path)}\n\n*{kind}*\n\n{field.meaning}\n{example}{_rules(field.rules)}"
    )


def _line(field: Field) -> str:
    """A field of the status."""
    example = f" Example: {code(field.example)}" if field.example else ""
    return f"{code(field.path)} *({field.form})*: {field.meaning}{example}"


def _rules(messages: Sequence[str]) -> str:
    if not messages:
        return ""
    return "\nThe API server refuses:\n" + bullets(sentence(message) for message in messages)
