"""The chart's alerts and dashboard use figures there are, in PromQL that Prometheus would take.

The expressions are read by a parser that checks functions and types as Prometheus does; names,
labels and reasons are compared with the operator's own registry.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from aks_access.api.reasons import TargetReason
from aks_access.errors import AzureFault
from aks_access.ops.metrics import PrometheusMetrics

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "charts" / "aks-access-operator" / "monitoring"
OF_SCRAPES = {"job", "instance", "namespace", "pod", "le"}
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
EXPRESSIONS = [
    *(pytest.param(rule["expr"], id=rule["alert"]) for rule in RULES),
    *(
        pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
        for panel in PANELS
        for target in panel["targets"]
    ),
]
VALUES = {"reason": set(map(str, TargetReason)), "result": {"accepted", *map(str, AzureFault)}}


def registered() -> dict[str, set[str]]:
    """Every series of ours to its labels."""
    registry = PrometheusMetrics().registry
    found: dict[str, set[str]] = {}
    for family in registry.collect():
        collector = registry._names_to_collectors.get(family.name)
        labels = collector._labelnames if isinstance(collector, MetricWrapperBase) else ()
        names = [family.name]
        if family.type == "counter":
            names = [f"{family.name}_total"]
        elif family.type == "histogram":
            names = [f"{family.name}{end}" for end in ("_bucket", "_sum", "_count")]
        found |= {name: set(labels) for name in names}
    return found


def parse(expression: str) -> promql_parser.Expr:
    """Read an expression, with Grafana's variables filled in."""
    return promql_parser.parse(
        expression.replace("$__rate_interval", "5m").replace("$target", "weu")
    )


def selectors(expression: promql_parser.Expr) -> Iterator[promql_parser.VectorSelector]:
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    elif isinstance(expression, promql_parser.MatrixSelector):
        yield expression.vector_selector
    elif isinstance(expression, promql_parser.BinaryExpr):
        yield from selectors(expression.lhs)
        yield from selectors(expression.rhs)
    elif isinstance(expression, promql_parser.Call):
        for argument in expression.args:
            yield from selectors(argument)
    elif isinstance(expression, promql_parser.AggregateExpr | promql_parser.ParenExpr):
        yield from selectors(expression.expr)
    else:
        assert isinstance(expression, promql_parser.NumberLiteral), type(expression)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_uses_series_and_labels_there_are(expression: str) -> None:
    known = registered()
    used = list(selectors(parse(expression)))
    assert used
    for selector in used:
        assert selector.name in known
        for matcher in selector.matchers.matchers:
            assert matcher.name in known[selector.name]
            if matcher.name in VALUES:
                assert set(matcher.value.split("|")) <= VALUES[matcher.name]
    grouped = {
        label.strip()
        for labels in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in labels.split(",")
    }
    assert grouped <= set().union(*(known[each.name] for each in used)) | OF_SCRAPES


def test_a_wrong_expression_would_be_noticed() -> None:
    for wrong in ("rate(aks_access_leader)", "max by target (aks_access_leader)", "sum("):
        with pytest.raises(ValueError, match=r".+"):
            parse(wrong)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_is_the_case(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description"}
    told = " ".join(rule["annotations"].values())
    expression = rule["expr"]
    kept = re.findall(r"\bby \(([^)]*)\)", expression)
    labels = {label.strip() for label in kept[0].split(",")} if kept else set()
    assert set(re.findall(r"\$labels\.(\w+)", told)) <= labels
    assert not re.search(r"\{\{(?! \$(labels\.\w+|value( \| \w+)?) \}\})", told)


def test_a_state_that_needs_a_person_has_an_alert() -> None:
    alerted = set()
    for rule in RULES:
        for reasons in re.findall(r'reason=~?"([^"]+)"', rule["expr"]):
            alerted |= set(reasons.split("|"))
    assert alerted == {
        "ClusterUnrestricted",
        "LedgerLost",
        "LedgerFull",
        "MassRemovalHeld",
        "ConflictingOwner",
        "NotRevocable",
        "WriteRefused",
        "WriteForbidden",
        "ReadForbidden",
        "ClusterLocked",
    }


def test_panels_fit_the_grid_and_have_one_data_source() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    [source, target] = DASHBOARD["templating"]["list"]
    assert source["type"] == "datasource"
    name = re.fullmatch(r"label_values\((\w+), target\)", target["query"]["query"])
    assert name is not None
    assert "target" in registered()[name[1]]


def test_every_figure_of_a_target_is_on_the_dashboard() -> None:
    text = json.dumps(PANELS)
    missing = [
        name
        for name, labels in registered().items()
        if name.startswith("aks_access_") and "target" in labels and name not in text
    ]
    assert missing == []
