"""The README's table of values, and that values.yaml and its schema know the same names."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from sandbox import chart, chart_readme
from sandbox.chart_readme import BEGIN, END, ReadmeError, read_values, with_values
from sandbox.marked import MarksError

VALUES = """\
# The file itself.

## First

one:
  # Above it,
  # in two lines.
  inner: text # and behind it
  empty: "" # empty: the default
# A comment that belongs to nobody.

## Second

# About the whole.
group:
  list: [a, b]
  open:
    - name: x # not a comment about open
  choice: a # either a | b
  flow: {b: 1, a: 2}
"""


def test_comments_become_meanings() -> None:
    found = read_values(VALUES)
    assert [(each.path, each.default, each.meaning, each.section) for each in found] == [
        ("one.inner", "`text`", "Above it, in two lines. and behind it", "First"),
        ("one.empty", "empty", "empty: the default", "First"),
        ("group", "", "About the whole.", "Second"),
        ("group.list", "`[a, b]`", "", "Second"),
        ("group.open", "`[{name: x}]`", "", "Second"),
        ("group.choice", "`a`", "either a | b", "Second"),
        ("group.flow", "`{b: 1, a: 2}`", "", "Second"),
    ]


def test_the_rest_of_the_page_stays() -> None:
    page = with_values(f"# Chart\n\n{BEGIN}old\n{END}\nafter\n", values=VALUES)
    assert page.startswith(f"# Chart\n\n{BEGIN}\n### First\n\n| Value | Default | Meaning |\n")
    assert page.endswith(f"\n\n{END}\nafter\n")
    assert r"| `group.choice` | `a` | either a \| b |" in page
    assert with_values(page, values=VALUES) == page


@pytest.mark.parametrize("page", ["", BEGIN, END, END + BEGIN])
def test_a_page_without_marks_is_refused(page: str) -> None:
    with pytest.raises(MarksError, match="lacks the lines"):
        with_values(page, values=VALUES)


@pytest.mark.parametrize(("values", "words"), [("[]", "not a mapping"), ("a: 1", "line 1")])
def test_values_without_a_section_are_refused(values: str, words: str) -> None:
    with pytest.raises(ReadmeError, match=words):
        read_values(values)


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((chart.CHART / "values.schema.json").read_text())
    return found


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: dict[str, Any] = schema()["definitions"][node["$ref"].rpartition("/")[2]]
    return found


def paths(properties: dict[str, Any], *, prefix: str = "") -> Iterator[str]:
    """Every leaf of the schema's objects that name their properties."""
    for name, node in properties.items():
        inner = resolved(node).get("properties")
        if inner is None:
            yield f"{prefix}{name}"
        else:
            yield from paths(inner, prefix=f"{prefix}{name}.")


def defaults(values: dict[str, Any], *, prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from defaults(value, prefix=f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


UNSET = {
    "global",  # Helm's own
    "resources.claims",
    *(f"affinity.{each}" for each in ("nodeAffinity", "podAffinity", "podAntiAffinity")),
}
"""What the schema knows and values.yaml has no default for."""
OPEN = (
    "resources.requests",
    "resources.limits",
    "metrics.dashboard.labels",
    "argocd.healthConfigMap.labels",
)
"""Mappings of Kubernetes, whose keys the schema leaves to the API server."""


def test_the_schema_knows_every_value_and_no_other() -> None:
    values = yaml.safe_load((chart.CHART / "values.yaml").read_text())
    names = set()
    for path in defaults(values):
        [*found] = [each for each in OPEN if path.startswith(f"{each}.")]
        names.add(found[0] if found else path)
    assert set(paths(schema()["properties"])) - UNSET == names - {"affinity"}


def test_every_object_of_the_schema_is_closed() -> None:
    def objects(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if "properties" in node and node.get("type") == "object":
                yield node
            for inner in node.values():
                yield from objects(inner)

    assert all(each["additionalProperties"] is False for each in objects(schema()))


def test_every_value_but_those_of_kubernetes_is_explained() -> None:
    of_kubernetes = {
        "image.pullPolicy",
        "serviceAccount.create",
        "resources.requests",
        "resources.limits",
        "podAnnotations",
        "podLabels",
        "nodeSelector",
        "tolerations",
        "affinity",
    }
    plain = {"rbac.aggregate.view", "rbac.aggregate.edit", "rbac.aggregate.admin"}
    plain |= {"metrics.serviceMonitor.interval"}
    plain |= {f"metrics.{each}.labels" for each in ("prometheusRule", "dashboard")}
    values = chart_readme.read_values((chart.CHART / "values.yaml").read_text())
    silent = {each.path for each in values if not each.meaning}
    assert silent == of_kubernetes | plain
