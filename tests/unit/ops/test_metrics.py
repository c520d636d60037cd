"""Prometheus figures: names, values, bounded labels."""

import logging

import pytest
from prometheus_client import generate_latest

from aks_access import __version__
from aks_access.engine.ports import Metrics
from aks_access.errors import AzureFault
from aks_access.ops import metrics as module
from aks_access.ops.metrics import PrometheusMetrics


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics(wall=lambda: 1_795_000_000.0)


def value(metrics: PrometheusMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_it_is_the_engines_metrics(metrics):
    port: Metrics = metrics
    port.leader(leading=True)
    assert value(metrics, "aks_access_leader") == 1
    port.leader(leading=False)
    assert value(metrics, "aks_access_leader") == 0


def test_writes_are_counted_by_result(metrics):
    for result in ("accepted", "accepted", "Throttled", "something new"):
        metrics.write(target="prod", result=result)
    count = "aks_access_writes_total"
    assert value(metrics, count, target="prod", result="accepted") == 2
    assert value(metrics, count, target="prod", result="Throttled") == 1
    assert value(metrics, count, target="prod", result="Other") == 1


def test_reconciliations_are_timed_and_failures_counted(metrics):
    metrics.reconciled(controller="target", seconds=0.03, failed=False)
    metrics.reconciled(controller="target", seconds=2, failed=True)
    assert value(metrics, "aks_access_reconcile_seconds_count", controller="target") == 2
    assert value(metrics, "aks_access_reconcile_seconds_sum", controller="target") == 2.03
    assert value(metrics, "aks_access_reconcile_failures_total", controller="target") == 1


def test_a_target_has_one_state_and_its_figures(metrics):
    figures = {"entries": 14, "limit": 200, "grants": 6, "foreign": 3, "overdue": 0}
    metrics.target_state(target="prod", reason="InSync", figures=figures)
    metrics.target_state(target="prod", reason="RevocationOverdue", figures={"overdue": 1})
    state = "aks_access_target_state"
    assert value(metrics, state, target="prod", reason="InSync") is None
    assert value(metrics, state, target="prod", reason="RevocationOverdue") == 1
    assert value(metrics, "aks_access_target_entries", target="prod") == 14
    assert value(metrics, "aks_access_target_entry_limit", target="prod") == 200
    assert value(metrics, "aks_access_target_grants", target="prod") == 6
    assert value(metrics, "aks_access_target_foreign_entries", target="prod") == 3
    assert value(metrics, "aks_access_target_overdue_entries", target="prod") == 1


def test_a_target_that_is_gone_leaves_no_series(metrics):
    for target in ("prod", "lab"):
        metrics.write(target=target, result="accepted")
        metrics.target_state(target=target, reason="InSync", figures={"entries": 1})
    metrics.target_gone(target="prod")
    metrics.target_gone(target="never seen")
    text = generate_latest(metrics.registry).decode()
    assert 'target="prod"' not in text
    assert text.count('target="lab"') >= 3


def test_a_leader_that_stopped_leaves_no_series_of_targets(metrics):
    for target in ("prod", "lab"):
        metrics.write(target=target, result="accepted")
        metrics.target_state(target=target, reason="InSync", figures={"entries": 1})
    metrics.targets_gone()
    assert 'target="' not in generate_latest(metrics.registry).decode()


def test_series_are_bounded(metrics, monkeypatch):
    monkeypatch.setattr(module, "MAX_TARGETS", 2)
    for number in range(5):
        metrics.target_state(target=f"t{number}", reason="InSync", figures={"entries": 1})
        metrics.write(target=f"t{number}", result="accepted")
    text = generate_latest(metrics.registry).decode()
    assert text.count("aks_access_target_entries{") == 2
    assert text.count("aks_access_writes_total{") == 2
    assert value(metrics, "aks_access_targets_unpublished_total") == 3
    metrics.target_gone(target="t0")
    metrics.target_state(target="t4", reason="InSync", figures={"entries": 1})
    assert value(metrics, "aks_access_target_entries", target="t4") == 1


def test_a_figure_without_a_metric_is_logged_once_and_stops_nothing(metrics, caplog):
    caplog.set_level(logging.ERROR, logger="aks_access.ops.metrics")
    for _ in range(2):
        metrics.target_state(target="a", reason="InSync", figures={"new": 1, "entries": 2})
    assert value(metrics, "aks_access_target_entries", target="a") == 2
    assert len(caplog.records) == 1


def test_calls_to_arm_are_counted_by_bounded_labels(metrics):
    metrics.arm_called(operation="get", outcome="ok", seconds=0.3)
    metrics.arm_called(operation="get", outcome=AzureFault.UNCERTAIN.value, seconds=30.0)
    metrics.arm_called(operation="put", outcome="cancelled", seconds=1.0)
    for number in range(3):
        metrics.arm_called(operation=f"x{number}", outcome=f"y{number}", seconds=1.0)
    calls = "aks_access_arm_calls_total"
    assert value(metrics, calls, operation="get", outcome="ok") == 1
    assert value(metrics, calls, operation="get", outcome="Uncertain") == 1
    assert value(metrics, calls, operation="put", outcome="cancelled") == 1
    assert value(metrics, calls, operation="Other", outcome="Other") == 3
    assert value(metrics, "aks_access_arm_call_seconds_count", operation="get") == 2


def test_what_the_edges_count(metrics):
    metrics.queue_depth(queue="targets", depth=7)
    metrics.event_lost()
    metrics.relisted(kind="ApiAccessGrant", failed=False)
    metrics.relisted(kind="ApiAccessGrant", failed=True)
    doubt = [True]
    metrics.clock_in_doubt(lambda: doubt[0])
    assert value(metrics, "aks_access_queue_depth", queue="targets") == 7
    assert value(metrics, "aks_access_events_lost_total") == 1
    kind = {"kind": "ApiAccessGrant"}
    assert value(metrics, "aks_access_relist_timestamp_seconds", **kind) == 1_795_000_000
    assert value(metrics, "aks_access_relist_failures_total", **kind) == 1
    assert value(metrics, "aks_access_clock_in_doubt") == 1
    doubt[0] = False
    assert value(metrics, "aks_access_clock_in_doubt") == 0


def test_the_build_and_the_process_are_described(metrics):
    assert value(metrics, "aks_access_build_info", version=__version__) == 1
    text = generate_latest(metrics.registry).decode()
    for name in ("process_resident_memory_bytes", "process_open_fds", "python_info"):
        assert f"\n{name}" in text


def test_two_of_them_do_not_meet(metrics):
    other = PrometheusMetrics()
    other.leader(leading=True)
    assert value(metrics, "aks_access_leader") == 0
