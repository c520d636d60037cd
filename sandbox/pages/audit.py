"""The page of the audit trail: a line's fields, and the words that stand in them."""

from collections.abc import Mapping
from typing import Final

from aks_access.engine.decisions import Outcome, Unplanned
from aks_access.ops.logs import AUDIT_LOGGER
from aks_access.plan.model import Cause
from sandbox.pages.markdown import code, head, table

_INTRODUCTION: Final = f"""
Each decision that changes access is a log line of the logger `{AUDIT_LOGGER}`, written at every log
level. How to keep and read it: [Monitoring](../monitoring.md#audit-trail).

## Fields
"""

_FIELDS: Final[Mapping[str, str]] = {
    "action": "what was done: see below",
    "cause": "why: see below",
    "outcome": "what is known of the write: see below; `null` where nothing is written",
    "cluster, target": (
        "ARM id and name of the target; for `Extended` no ARM id, and the names of all targets"
    ),
    "ranges": "what comes or goes",
    "grants": "`namespace/name` of the grants concerned",
    "until": "end of the access, or `never`",
    "requestedBy, reason, ticket": ("as the grants say, of several joined by `;`; not verified"),
    "before, after": (
        "the whole list around the write, on the first line of each write; of a `confirmed` one "
        "only `after`, as it was read"
    ),
}

_ACTIONS: Final[Mapping[str, str]] = {
    "Granted": "a list with the ranges was sent to AKS",
    "Restored": "the same, of ranges that somebody else had taken out",
    "Revoked": "a list without the ranges was sent to AKS",
    "Extended": "access that stands already ends later; nothing is written to Azure",
    "Released": (
        "the ranges are not the operator's any more: their cluster is gone, or their target was "
        "deleted with `Detach`; nothing is written to Azure"
    ),
}

_OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.ACCEPTED: "AKS took the list",
    Outcome.UNCERTAIN: (
        "no usable answer came, or the operation failed after an earlier leader sent it: the "
        "ranges may have come or gone"
    ),
    Outcome.CONFIRMED: (
        "an `uncertain` write, or one that an earlier leader may not have told of, was read back: "
        "only what is seen in the list"
    ),
}

_CAUSES: Final[Mapping[Cause | Unplanned, str]] = {
    Cause.GRANTED: "a grant asks for it",
    Cause.EXPIRED: "the grant's end came",
    Cause.REVOKED: "the grant says `revoked: true`",
    Cause.DELETED: "the grant was deleted",
    Cause.VANISHED: "the grant, or its namespace, is not there any more, and nobody saw it go",
    Cause.EDITED: "the grant's spec does not ask for it any more, or now until later",
    Cause.INVALID: "the grant's spec cannot be used any more",
    Cause.POLICY: "the target's policy, or another rule, does not let the grant in any more",
    Cause.SELECTOR: "the grant's selector does not match the target's labels any more",
    Cause.RANGE_SET: "a range set shrank, or does not resolve",
    Cause.BASELINE: "the baseline has it, or has it no more",
    Cause.EGRESS: "the cluster's nodes or the management cluster leave by it, or no more",
    Cause.DRIFT: "somebody else had taken it out",
    Cause.WITHDRAWN: "it came back after it had been taken out",
    Cause.EXCLUSIVE: "somebody else's, and the mode is `Exclusive`",
    Cause.CLEARED: "somebody had cleared the whole list",
    Cause.CAPACITY: "the list has no room for it",
    Cause.REFUSED_BY_AZURE: "Azure refuses it",
    Cause.TARGET_DELETED: "the target was deleted",
    Cause.ORPHANED: "the target is gone, or has another name",
    Cause.SENTINEL: "`0.0.0.0/32`, which lets nobody in, stands only where nothing else does",
    Unplanned.CLUSTER_GONE: "the cluster does not exist any more",
    Unplanned.UNKNOWN: (
        "of what was `confirmed`: its cause stands on the `uncertain` line, or died with an "
        "earlier leader"
    ),
}


def page() -> str:
    """The page."""
    causes = [(code(cause), _CAUSES[cause]) for cause in (*Cause, *Unplanned)]
    outcomes = [(code(outcome), _OUTCOMES[outcome]) for outcome in Outcome]
    fields = [(", ".join(map(code, names.split(", "))), text) for names, text in _FIELDS.items()]
    return "".join(
        (
            head(
                "Audit trail",
                source="operator/aks_access/ops/audit.py, engine/decisions.py and plan/model.py",
            ),
            _INTRODUCTION,
            table(("Field", "Meaning"), fields),
            "\n## Actions\n",
            table(("`action`", "Meaning"), ((code(word), text) for word, text in _ACTIONS.items())),
            "\n## Causes\n",
            table(("`cause`", "Meaning"), causes),
            "\n## Outcomes\n",
            table(("`outcome`", "Meaning"), outcomes),
        )
    )
