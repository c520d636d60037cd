"""What a check finds: where, which rule, how bad, and the sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.cli.files.places import Position


class Level(StrEnum):
    """How bad it is; only errors make a check fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Check(StrEnum):
    """Rules of files alone; the others are the operator's own reasons."""

    INVALID_YAML = "InvalidYaml"
    DUPLICATE_KEY = "DuplicateKey"
    UNKNOWN_FIELD = "UnknownField"
    UNKNOWN_KIND = "UnknownKind"
    REVOKED_FALSE = "RevokedFalse"
    PAST_END = "PastEnd"
    NOT_CHECKED = "NotChecked"


RULES: Final[dict[str, str]] = {
    Check.INVALID_YAML: "The file is no YAML, or cannot be read.",
    Check.DUPLICATE_KEY: "A field is there twice; parsers keep either.",
    Check.UNKNOWN_FIELD: "The API has no such field, and would drop it.",
    Check.UNKNOWN_KIND: "The API group has no such kind or version.",
    Check.REVOKED_FALSE: "revoked: false in Git undoes a revocation in an emergency.",
    Check.PAST_END: "A grant that is new or changed has ended already.",
    Check.NOT_CHECKED: "What is needed to judge a rule was not given.",
    GrantReason.INVALID_SPEC: "The API server or the operator refuses the object.",
    GrantReason.POLICY_DENIED: "A target's policy refuses the grant.",
    GrantReason.NAMESPACE_NOT_ALLOWED: "A target takes no grants from the namespace.",
    GrantReason.TARGET_NOT_FOUND: "The grant names or selects no target.",
    GrantReason.TARGET_BLOCKED: "The grant's target lets nobody in.",
    TargetReason.DUPLICATE_TARGET: "Another target holds the cluster already.",
    GrantReason.RANGE_SET_NOT_RESOLVED: "A range set that is referred to does not resolve.",
}
"""Every rule that a finding may name, and what it says in general."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found.

    Attributes:
        object: `kind namespace/name`; "" where the file has none.
        field: such as `spec.ipRanges[2]`; "" where it is about the whole.
    """

    level: Level
    rule: str
    message: str
    source: str
    position: Position
    object: str = ""
    field: str = ""


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """As a person reads them: by file and line."""
    return sorted(findings, key=lambda each: (each.source, each.position, each.rule, each.message))
