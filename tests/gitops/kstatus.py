"""An object's status as Flux and Helm compute it: kstatus, for kinds that it does not know.

The rules of `pkg/kstatus/status/generic.go` and `status.go` of sigs.k8s.io/cli-utils v0.37.2.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Kstatus(StrEnum):
    """The results. A wait ends with Current and with Failed."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"


def kstatus(raw: Mapping[str, Any]) -> Kstatus:
    """Compute the status."""
    metadata, status = raw["metadata"], raw.get("status", {})
    if metadata.get("deletionTimestamp"):
        return Kstatus.TERMINATING
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return Kstatus.IN_PROGRESS
    conditions = status.get("conditions", [])
    for condition in conditions:  # whichever comes first decides
        if condition["status"] == "True":
            if condition["type"] == "Reconciling":
                return Kstatus.IN_PROGRESS
            if condition["type"] == "Stalled":
                return Kstatus.FAILED
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    if ready is None or ready["status"] == "True":
        return Kstatus.CURRENT
    return Kstatus.IN_PROGRESS
