"""The audit trail's lines: their fields are interface."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aks_access.engine.decisions import AccessDecision, Outcome
from aks_access.ops import logs
from aks_access.ops.audit import LogAudit
from aks_access.plan.model import Cause
from aks_access.settings.monitoring import LogFormat, LogLevel

pytestmark = pytest.mark.usefixtures("logging_restored")

CLUSTER = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c1"
)


def decision(*, until: datetime | None, reason: str = "INC-77") -> AccessDecision:
    return AccessDecision(
        action="Granted",
        cause=Cause.GRANTED,
        cluster=CLUSTER,
        target="prod-weu",
        ranges=("81.2.69.142/32",),
        grants=("team-a/dev-laptop",),
        until=until,
        before=("20.50.1.0/24",),
        after=("20.50.1.0/24", "81.2.69.142/32"),
        requested_by="dev@contoso.com",
        reason=reason,
        ticket="T-1",
        outcome=Outcome.ACCEPTED,
    )


def recorded(what: AccessDecision, *, level: LogLevel = LogLevel.INFO) -> dict[str, object]:
    stream = io.StringIO()
    logs.configure(level=level, form=LogFormat.JSON, stream=stream)
    LogAudit().record(what)
    (line,) = stream.getvalue().splitlines()
    return json.loads(line)


def test_a_decision_says_who_what_where_until_when_and_why():
    line = recorded(decision(until=datetime(2026, 11, 22, 18, tzinfo=UTC)))
    line.pop("time")
    assert line == {
        "level": "INFO",
        "logger": "aks_access.audit",
        "message": "Granted (Granted) 81.2.69.142/32 on prod-weu",
        "action": "Granted",
        "cause": "Granted",
        "outcome": "accepted",
        "cluster": CLUSTER,
        "target": "prod-weu",
        "ranges": ["81.2.69.142/32"],
        "grants": ["team-a/dev-laptop"],
        "until": "2026-11-22T18:00:00Z",
        "requestedBy": "dev@contoso.com",
        "reason": "INC-77",
        "ticket": "T-1",
        "before": ["20.50.1.0/24"],
        "after": ["20.50.1.0/24", "81.2.69.142/32"],
    }


@pytest.mark.parametrize("outcome", [Outcome.UNCERTAIN, Outcome.CONFIRMED])
def test_an_outcome_that_is_not_plain_stands_in_the_message(outcome: Outcome):
    line = recorded(replace(decision(until=None), outcome=outcome))
    assert line["message"] == f"Granted (Granted) 81.2.69.142/32 on prod-weu: {outcome.value}"
    assert line["outcome"] == outcome.value


def test_where_nothing_is_written_there_is_no_outcome():
    line = recorded(replace(decision(until=None), outcome=None))
    assert line["outcome"] is None
    assert line["message"] == "Granted (Granted) 81.2.69.142/32 on prod-weu"


def test_access_without_an_end_says_never():
    assert recorded(decision(until=None))["until"] == "never"


def test_no_log_level_silences_the_audit():
    assert recorded(decision(until=None), level=LogLevel.ERROR)["action"] == "Granted"


def test_a_reason_cannot_forge_a_line():
    forged = 'x"}\n{"logger": "aks_access.audit", "action": "Revoked"'
    assert recorded(decision(until=None, reason=forged))["reason"] == forged
