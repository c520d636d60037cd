"""How a target is kept: the choices of its spec.

Apart from the models, because planning needs the choices alone.
"""

from enum import StrEnum


class Mode(StrEnum):
    """What the operator may do to the cluster's list."""

    OBSERVE = "Observe"
    MERGE = "Merge"
    EXCLUSIVE = "Exclusive"


class EgressMode(StrEnum):
    """How the addresses that the cluster's own nodes leave by are known."""

    AUTO = "Auto"
    STATIC = "Static"
    NOT_NEEDED = "NotNeeded"


class DeletionPolicy(StrEnum):
    """What happens to our entries when the target is deleted."""

    REVOKE = "Revoke"
    DETACH = "Detach"
