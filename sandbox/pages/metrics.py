"""The page of metrics and alerts: the operator's registry, and the chart's rules."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from prometheus_client.metrics import MetricWrapperBase

from aks_access.errors import AzureFault
from aks_access.ops.metrics import LABELS, MAX_TARGETS, OTHER, PrometheusMetrics
from sandbox.pages.markdown import code, head, table

_INTRODUCTION: Final = f"""
In the Prometheus text format at `/metrics`, beside `/livez` and `/readyz`
([Monitoring](../monitoring.md)). `target` is the name of an ApiAccessTarget; there are series for
at most {MAX_TARGETS:,} targets, and a target's series go with it. Only the leader publishes figures
of targets: take the maximum or the sum over the pods. The usual `process_*` and `python_*` figures
stand beside these.
"""
_LABELS: Final = f"""
## Labels

Labels have values from fixed sets, and `{OTHER}` for anything outside.
"""
_ALERTS: Final = """
## Alerts

The chart brings these as a PrometheusRule (`metrics.prometheusRule.enabled`) and a Grafana
dashboard beside them (`metrics.dashboard.enabled`). For any other Prometheus take
[rules.yaml](../../charts/aks-access-operator/monitoring/rules.yaml) as a rule file, and
[dashboard.json](../../charts/aks-access-operator/monitoring/dashboard.json).
"""

_FAULTS: Final[Mapping[AzureFault, str]] = {
    AzureFault.BUSY: "another operation runs on the cluster (409)",
    AzureFault.CHANGED: "the cluster is not as it was read: its eTag had moved (412)",
    AzureFault.THROTTLED: "too many requests (429)",
    AzureFault.INVALID: "the list or another value is refused (400)",
    AzureFault.FORBIDDEN: "a right is missing, or an Azure Policy refuses (403)",
    AzureFault.LOCKED: "a ReadOnly lock (409)",
    AzureFault.STOPPED: "the cluster is stopped",
    AzureFault.NOT_FOUND: "the cluster or its resource group does not exist (404)",
    AzureFault.NO_CREDENTIAL: "no token could be had, or it was refused (401)",
    AzureFault.REFUSED: "another definite refusal (4xx)",
    AzureFault.UNCERTAIN: "no usable answer: it may have been applied or not",
}
_WORDS: Final[Mapping[str, str]] = {
    "accepted": "AKS took the write",
    "ok": "answered",
    "cancelled": "the operator stopped waiting for the answer",
    "get": "read a cluster, or something that belongs to it",
    "put": "write a cluster",
    "operation": "ask how a write stands",
}
_PLACEHOLDERS: Final = re.compile(r"\{\{ \$(?:labels\.)?(\w+)[^}]*\}\}")


def page(*, rules: Path) -> str:
    """The page; `rules` is the chart's rule file."""
    return "".join(
        (
            head("Metrics and alerts", source="operator/aks_access/ops/metrics.py and rules.yaml"),
            _INTRODUCTION,
            "\n## Metrics\n",
            table(("Metric", "Type", "Labels", "Meaning"), _metrics()),
            _LABELS,
            table(("Label", "Values"), _labels()),
            "\nWhat the values of `operation`, `result` and `outcome` say:\n",
            table(("Value", "Meaning"), _values()),
            _ALERTS,
            *map(_alert, _read(rules)),
        )
    )


def _metrics() -> Iterator[tuple[str, str, str, str]]:
    registry = PrometheusMetrics().registry
    for family in registry.collect():
        if not family.name.startswith("aks_access_"):
            continue
        collector = registry._names_to_collectors[family.name]
        assert isinstance(collector, MetricWrapperBase)
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(map(code, collector._labelnames))
        yield code(name), family.type, labels, family.documentation


def _labels() -> Iterator[tuple[str, str]]:
    for label, values in LABELS.items():
        if label == "reason":
            yield code(label), "a [state of a target](conditions.md#targets)"
        elif values > frozenset(AzureFault):
            own = ", ".join(map(code, sorted(values - frozenset(AzureFault))))
            yield code(label), f"{own}, or what was wrong (below)"
        else:
            yield code(label), ", ".join(map(code, sorted(values)))
    yield code("kind"), "a kind that the operator lists"
    yield code("queue"), "as `controller`"


def _values() -> Iterator[tuple[str, str]]:
    for word, meaning in _WORDS.items():
        yield code(word), meaning
    for fault in AzureFault:
        yield code(fault), _FAULTS[fault]


def _read(rules: Path) -> Iterator[Mapping[str, Any]]:
    for group in yaml.safe_load(rules.read_text())["groups"]:
        yield from group["rules"]


def _alert(rule: Mapping[str, Any]) -> str:
    severity, since = rule["labels"]["severity"], rule.get("for")
    when = f"after {since}" if since else "at once"
    said = ". ".join(
        _PLACEHOLDERS.sub(lambda found: f"*{found[1]}*", rule["annotations"][name]).rstrip(".")
        for name in ("summary", "description")
    )
    return f"\n### {rule['alert']}\n\n*{severity}, {when}*\n\n{said}.\n\n```\n{rule['expr']}\n```\n"
