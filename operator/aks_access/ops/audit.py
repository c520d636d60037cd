"""The audit trail: a structured log line for each decision that changes access.

Written at logger `aks_access.audit`, which no log level silences, so that a log store can answer
who could reach which API server, from where, until when, and why.
"""

import logging

from aks_access.api.timestamps import format_timestamp
from aks_access.engine.decisions import AccessDecision, Outcome
from aks_access.ops.logs import AUDIT_LOGGER


class LogAudit:
    """`ports.Audit` as log lines; the fields' names are interface."""

    def __init__(self) -> None:
        self._logger = logging.getLogger(AUDIT_LOGGER)

    def record(self, decision: AccessDecision) -> None:
        """Write the decision's line; never raises for what a decision holds."""
        until = "never" if decision.until is None else format_timestamp(decision.until)
        self._logger.info(
            "%s (%s) %s on %s%s",
            decision.action,
            decision.cause,
            ", ".join(decision.ranges) or "no range",
            decision.target or decision.cluster,
            "" if decision.outcome in (None, Outcome.ACCEPTED) else f": {decision.outcome}",
            extra={
                "action": decision.action,
                "cause": decision.cause.value,
                "outcome": None if decision.outcome is None else decision.outcome.value,
                "cluster": decision.cluster,
                "target": decision.target,
                "ranges": list(decision.ranges),
                "grants": list(decision.grants),
                "until": until,
                "requestedBy": decision.requested_by,
                "reason": decision.reason,
                "ticket": decision.ticket,
                "before": None if decision.before is None else list(decision.before),
                "after": None if decision.after is None else list(decision.after),
            },
        )
