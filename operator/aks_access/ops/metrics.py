"""Figures for Prometheus, under `aks_access_*`, in a registry of their own.

Labels are bounded: results, reasons, controllers and queues come from fixed sets, and there are
series for at most `MAX_TARGETS` targets, so that no object in the cluster can make the series grow
without end.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from aks_access import __version__
from aks_access.api.reasons import TargetReason
from aks_access.errors import AzureFault

logger = logging.getLogger(__name__)

MAX_TARGETS: Final = 2000
OTHER: Final = "Other"

LABELS: Final[Mapping[str, frozenset[str]]] = {
    "result": frozenset({"accepted", *AzureFault}),
    "reason": frozenset(TargetReason),
    "controller": frozenset({"target", "grant", "rangeset"}),
    "operation": frozenset({"get", "put", "operation"}),
    "outcome": frozenset({"ok", "cancelled", *AzureFault}),
}
"""Label to the values that it may have, beside `OTHER`."""

_SECONDS: Final = (0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "entries": ("entries", "Entries in the list of authorized IP ranges."),
    "limit": ("entry_limit", "Entries that the cluster's list can hold."),
    "grants": ("grants", "Grants that are let in."),
    "paced": ("paced_grants", "Grants that wait for their namespace's or cluster's pace."),
    "foreign": ("foreign_entries", "Entries that are not the operator's."),
    "broad": (
        "broad_entries",
        "Entries so wide that the list protects little: service tags, and ranges wider than /16.",
    ),
    "orphaned": (
        "orphaned_entries",
        "Entries that cannot be taken out although the target is gone.",
    ),
    "overdue": ("overdue_entries", "Entries whose removal is overdue."),
    "refused": (
        "refused_grants",
        "Grants whose ranges AKS refused, and that did not change since.",
    ),
    "reversals": (
        "reversals",
        "Writes within an hour that undid somebody else's; three are a conflict.",
    ),
}
"""Figure of `Metrics.target_state` to metric (`aks_access_target_…`) and help."""


class PrometheusMetrics:
    """`ports.Metrics`, and what the edges count themselves."""

    def __init__(self, *, wall: Callable[[], float] = time.time) -> None:
        self.registry = CollectorRegistry()
        self._wall = wall
        self._targets: dict[str, str] = {}  # target to the reason it was last published with
        self._unknown: set[str] = set()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._build_series()
        self._edge_series()
        self._info.labels(version=__version__).set(1)
        self._leader.set(0)

    def _build_series(self) -> None:
        at = self.registry
        self._writes = Counter(
            "aks_access_writes",
            "Writes to AKS by result: accepted, or what was wrong.",
            ["target", "result"],
            registry=at,
        )
        self._reconcile = Histogram(
            "aks_access_reconcile_seconds",
            "Time that one reconciliation took.",
            ["controller"],
            buckets=_SECONDS,
            registry=at,
        )
        self._failures = Counter(
            "aks_access_reconcile_failures",
            "Reconciliations that ended in an error.",
            ["controller"],
            registry=at,
        )
        self._state = Gauge(
            "aks_access_target_state",
            "1 for the state (reason of Ready) that the target is in.",
            ["target", "reason"],
            registry=at,
        )
        self._figures = {
            figure: Gauge(f"aks_access_target_{name}", words, ["target"], registry=at)
            for figure, (name, words) in _FIGURES.items()
        }
        self._unpublished = Counter(
            "aks_access_targets_unpublished",
            f"States not published because there are more than {MAX_TARGETS} targets.",
            registry=at,
        )

    def _edge_series(self) -> None:
        at = self.registry
        self._depth = Gauge("aks_access_queue_depth", "Keys that wait.", ["queue"], registry=at)
        self._leader = Gauge("aks_access_leader", "1 while this process leads.", registry=at)
        self._info = Gauge("aks_access_build_info", "The version.", ["version"], registry=at)
        self._events_lost = Counter(
            "aks_access_events_lost", "Kubernetes Events that could not be written.", registry=at
        )
        self._relisted = Gauge(
            "aks_access_relist_timestamp_seconds",
            "When the kind was last listed completely, Unix time.",
            ["kind"],
            registry=at,
        )
        self._relist_failures = Counter(
            "aks_access_relist_failures", "Lists that failed.", ["kind"], registry=at
        )
        self._watch_ends = Counter(
            "aks_access_watch_restarts",
            "Times that the watches ended by themselves and were started again.",
            registry=at,
        )
        self._arm_calls = Counter(
            "aks_access_arm_calls",
            "Calls to Azure Resource Manager by outcome: ok, cancelled, or what was wrong.",
            ["operation", "outcome"],
            registry=at,
        )
        self._arm_seconds = Histogram(
            "aks_access_arm_call_seconds",
            "Time that one call to Azure Resource Manager took, its token included.",
            ["operation"],
            buckets=_SECONDS,
            registry=at,
        )
        self._doubt = Gauge(
            "aks_access_clock_in_doubt",
            "1 while the clocks of API server or ARM contradict this one.",
            registry=at,
        )

    def write(self, *, target: str, result: str) -> None:
        """Count a PUT by its result."""
        if self._published(target):
            self._writes.labels(target=target, result=_known("result", result)).inc()

    def reconciled(self, *, controller: str, seconds: float, failed: bool) -> None:
        """Count one reconciliation and its duration."""
        name = _known("controller", controller)
        self._reconcile.labels(controller=name).observe(seconds)
        self._failures.labels(controller=name).inc(1 if failed else 0)

    def target_state(self, *, target: str, reason: str, figures: Mapping[str, float]) -> None:
        """Publish a target's state; the series of its last state goes."""
        if not self._published(target):
            self._unpublished.inc()
            return
        reason = _known("reason", reason)
        before = self._targets[target]
        if before not in ("", reason):
            self._state.remove(target, before)
        self._targets[target] = reason
        self._state.labels(target=target, reason=reason).set(1)
        for figure, value in figures.items():
            if figure in self._figures:
                self._figures[figure].labels(target=target).set(value)
            elif figure not in self._unknown:
                self._unknown.add(figure)
                logger.error("There is no metric for the figure %s of a target.", figure)

    def target_gone(self, *, target: str) -> None:
        """Drop a target's series."""
        if self._targets.pop(target, None) is None:
            return
        for series in (self._writes, self._state, *self._figures.values()):
            series.remove_by_labels({"target": target})

    def targets_gone(self) -> None:
        """Drop every target's series."""
        for target in tuple(self._targets):
            self.target_gone(target=target)

    def queue_depth(self, *, queue: str, depth: int) -> None:
        """Publish how many keys wait."""
        self._depth.labels(queue=queue).set(depth)

    def leader(self, *, leading: bool) -> None:
        """Publish whether this process leads."""
        self._leader.set(1 if leading else 0)

    def event_lost(self) -> None:
        """Count an Event that could not be written."""
        self._events_lost.inc()

    def relisted(self, *, kind: str, failed: bool) -> None:
        """Note the end of a list of a kind."""
        if failed:
            self._relist_failures.labels(kind=kind).inc()
        else:
            self._relisted.labels(kind=kind).set(self._wall())

    def watches_ended(self) -> None:
        """Count an end of the watches that nobody asked for."""
        self._watch_ends.inc()

    def arm_called(self, *, operation: str, outcome: str, seconds: float) -> None:
        """Count a call to Azure Resource Manager and its duration."""
        name = _known("operation", operation)
        self._arm_calls.labels(operation=name, outcome=_known("outcome", outcome)).inc()
        self._arm_seconds.labels(operation=name).observe(seconds)

    def clock_in_doubt(self, question: Callable[[], bool]) -> None:
        """Ask `question` at each scrape."""
        self._doubt.set_function(lambda: float(question()))

    def _published(self, target: str) -> bool:
        if target not in self._targets:
            if len(self._targets) >= MAX_TARGETS:
                return False
            self._targets[target] = ""
        return True


def _known(label: str, value: str) -> str:
    return str(value) if value in LABELS[label] else OTHER
