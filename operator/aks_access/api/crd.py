"""Writes the CustomResourceDefinitions from the models, or checks that they are in step.

    python -m aks_access.api.crd --write crds/
    python -m aks_access.api.crd --check crds/

Pydantic's JSON schema comes close to a structural schema; what differs (references, nullable
unions, titles, defaults) is taken out here. No default is ever written: a schema default would
show as a difference to what stands in Git. Every field must have a description; examples become
part of it, because `kubectl explain` shows nothing else.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from aks_access.api.base import ApiModel
from aks_access.api.grant import ApiAccessGrant
from aks_access.api.names import CATEGORY, GROUP, PLURALS, SHORT_NAMES, VERSION, Kind
from aks_access.api.rangeset import IPRangeSet
from aks_access.api.target import ApiAccessTarget

Schema: TypeAlias = dict[str, Any]

_KEPT: Final = frozenset(
    {
        "description",
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-validations",
    }
)
_READY_MESSAGE: Final = '.status.conditions[?(@.type=="Ready")].message'


@dataclass(frozen=True, slots=True)
class Column:
    """A printer column; priority 1 shows with `-o wide` only."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0

    def to_json(self) -> Schema:
        """The entry of `additionalPrinterColumns`."""
        column: Schema = {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            "description": self.description,
        }
        return column | ({"priority": self.priority} if self.priority else {})


_AGE: Final = Column("AGE", ".metadata.creationTimestamp", "Time since creation.", type="date")
_MESSAGE: Final = Column("MESSAGE", _READY_MESSAGE, "What is the case, and what to do.", priority=1)

COLUMNS: Final[Mapping[Kind, Sequence[Column]]] = {
    Kind.GRANT: (
        Column("TARGET", ".status.summary.target", "The target, or how many there are."),
        Column("STATE", ".status.summary.state", "Reason of the Ready condition."),
        Column("IN-AZURE", ".status.summary.inAzure", "Targets where the ranges are in Azure."),
        Column("EXPIRES", ".status.summary.expires", "End of access (UTC), or never."),
        _AGE,
        Column("RANGES", ".status.summary.ranges", "The ranges let in.", priority=1),
        Column("REQUESTED-BY", ".spec.requestedBy", "Who asked for access.", priority=1),
        Column("REASON", ".spec.reason", "Why access is needed.", priority=1),
        _MESSAGE,
    ),
    Kind.TARGET: (
        Column("MODE", ".spec.mode", "What the operator may do: Observe, Merge or Exclusive."),
        Column("STATE", ".status.summary.state", "Reason of the Ready condition."),
        Column("ENTRIES", ".status.summary.entries", "Entries used of those possible, or open."),
        Column("GRANTS", ".status.summary.grants", "Live grants.", type="integer"),
        Column("FOREIGN", ".status.summary.foreign", "Entries of others.", type="integer"),
        Column("DIFF", ".status.summary.difference", "Entries to add and to remove."),
        Column("NEXT", ".status.summary.nextTransition", "When a grant next starts or ends (UTC)."),
        _MESSAGE,
    ),
    Kind.RANGE_SET: (
        Column("STATE", ".status.summary.state", "Reason of the Ready condition."),
        Column("RANGES", ".status.summary.ranges", "How many ranges the set holds."),
        _AGE,
        Column("DESCRIPTION", ".spec.description", "What the ranges are.", priority=1),
        _MESSAGE,
    ),
}
_MODELS: Final[Mapping[Kind, type[ApiModel]]] = {
    Kind.GRANT: ApiAccessGrant,
    Kind.TARGET: ApiAccessTarget,
    Kind.RANGE_SET: IPRangeSet,
}


def definition(kind: Kind) -> Schema:
    """The CustomResourceDefinition of a kind, as JSON."""
    plural = PLURALS[kind]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": str(kind),
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": str(kind).lower(),
                "shortNames": [SHORT_NAMES[kind]],
                "categories": [CATEGORY],
            },
            "scope": "Namespaced" if kind is Kind.GRANT else "Cluster",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.to_json() for column in COLUMNS[kind]],
                    "schema": {"openAPIV3Schema": object_schema(kind)},
                }
            ],
        },
    }


def object_schema(kind: Kind) -> Schema:
    """The structural schema of a kind: its spec and status."""
    source = _MODELS[kind].model_json_schema(by_alias=True)
    definitions = source.get("$defs", {})
    parts = {
        name: _structural(source["properties"][name], definitions=definitions, path=name)
        for name in ("spec", "status")
    }
    return {
        "description": _one_line(source["description"]),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            **parts,
        },
    }


def _structural(node: Schema, *, definitions: Schema, path: str) -> Schema:
    """A schema node without references, unions with null, titles and defaults."""
    node = _resolved(node, definitions=definitions)
    description = _description(node)
    result: Schema = {"description": description} if description else {}
    result |= {key: value for key, value in node.items() if key in _KEPT - {"description"}}
    if "items" in node:
        result.setdefault("x-kubernetes-list-type", "atomic")
        result["items"] = _structural(node["items"], definitions=definitions, path=f"{path}[]")
        result["items"].pop("description", None)
    if isinstance(extra := node.get("additionalProperties"), dict):
        result["additionalProperties"] = _structural(
            extra, definitions=definitions, path=f"{path}.*"
        )
    if "properties" in node:
        result["properties"] = _fields(node, definitions=definitions, path=path)
        if required := node.get("required"):
            result["required"] = required
    return result


def _fields(node: Schema, *, definitions: Schema, path: str) -> Schema:
    fields = {}
    for name, field in node["properties"].items():
        where = f"{path}.{name}"
        if "description" not in field:
            raise ValueError(f"{where} has no description; kubectl explain would say nothing")
        fields[name] = _structural(field, definitions=definitions, path=where)
    return fields


def _resolved(node: Schema, *, definitions: Schema) -> Schema:
    """Follow `$ref` and leave `null` out; what the node itself says goes first."""
    while "$ref" in node or "anyOf" in node:
        own = {key: value for key, value in node.items() if key not in ("$ref", "anyOf")}
        if "$ref" in node:
            found = definitions[node["$ref"].rpartition("/")[2]]
        else:
            found = next(option for option in node["anyOf"] if option.get("type") != "null")
        node = found | own
    return node


def _description(node: Schema) -> str:
    text = _one_line(node.get("description", ""))
    examples = node.get("examples")
    if not text or not examples:
        return text
    shown = (item if isinstance(item, str) else json.dumps(item) for item in examples)
    return f"{text} Example: {', '.join(shown)}"


def _one_line(text: str) -> str:
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(paragraphs)


class _PlainDumper(yaml.SafeDumper):
    """YAML without anchors: the same rule under two fields is written twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def render(kind: Kind) -> str:
    """The YAML file of a kind."""
    body = yaml.dump(
        definition(kind), Dumper=_PlainDumper, sort_keys=False, width=100, allow_unicode=True
    )
    return f"# Generated by `python -m aks_access.api.crd --write crds/`; edit the models.\n{body}"


def file_name(kind: Kind) -> str:
    """The file of a kind inside crds/."""
    return f"{GROUP}_{PLURALS[kind]}.yaml"


def write(folder: Path) -> None:
    """Write all three files."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in Kind:
        (folder / file_name(kind)).write_text(render(kind), encoding="utf-8")


def stale(folder: Path) -> list[Path]:
    """The files that are missing or differ from the models."""
    paths = ((kind, folder / file_name(kind)) for kind in Kind)
    return [
        path
        for kind, path in paths
        if not path.is_file() or path.read_text(encoding="utf-8") != render(kind)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code (1 = out of step)."""
    parser = argparse.ArgumentParser(prog="aks_access.api.crd", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", type=Path, metavar="DIR", help="write the CRDs to DIR")
    action.add_argument("--check", type=Path, metavar="DIR", help="fail if DIR is out of step")
    options = parser.parse_args(arguments)
    if options.write:
        write(options.write)
        return 0
    differing = stale(options.check)
    for path in differing:
        sys.stderr.write(f"{path} differs from the models; run --write {options.check}\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
