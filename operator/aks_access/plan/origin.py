"""Why an entry stands in a cluster's list, as plans report it and statuses tell it."""

from enum import StrEnum


class Origin(StrEnum):
    """Why an entry stands in the list."""

    EGRESS = "Egress"
    MANAGEMENT = "Management"
    FOREIGN = "Foreign"
    BASELINE = "Baseline"
    GRANT = "Grant"
    SENTINEL = "Sentinel"
    UNATTRIBUTED = "Unattributed"
    REVOKING = "Revoking"
