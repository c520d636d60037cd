"""What conditions and states mean and what to do about them: the one source for the reference.

A reason in a status is one word. What it stands for is said here once, for the pages of the
documentation and for commands; what is the case with one object, its condition's message says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aks_access.api.reasons import ConditionType, GrantReason, RangeSetReason, TargetReason


@dataclass(frozen=True, slots=True)
class State:
    """One reason of `Ready`: what is the case, and what to do about it (Markdown, one line)."""

    meaning: str
    remedy: str


NOTHING: Final = "nothing"
"""The remedy where all is well."""

PART_REASONS: Final = frozenset(
    {
        *(GrantReason.ACCEPTED, GrantReason.RESOLVED_REFS),
        *(GrantReason.PROGRAMMED, GrantReason.NOT_PROGRAMMED),
        *(TargetReason.ACCEPTED, TargetReason.RESOLVED_REFS),
        *(TargetReason.PROGRAMMED, TargetReason.NOT_PROGRAMMED),
    }
)
"""Reasons of the conditions beside `Ready`: never a state."""

CONDITIONS: Final[Mapping[ConditionType, str]] = {
    ConditionType.READY: (
        "all is as the spec wants it, also where that is `Expired` or `Observing`; its reason is "
        "the STATE column"
    ),
    ConditionType.RECONCILING: (
        "not as wanted yet, and that passes by itself; absent where it is not the case"
    ),
    ConditionType.STALLED: (
        "not as wanted, and somebody has to act; absent where it is not the case, and never "
        "together with `Reconciling`"
    ),
    ConditionType.ACCEPTED: (
        "the spec can be used; of a grant also: every target lets it in, by policy and room"
    ),
    ConditionType.RESOLVED_REFS: "the targets and range sets that it names exist and can be used",
    ConditionType.PROGRAMMED: (
        "read back from Azure, on every target that is not in mode `Observe`: the one to wait for"
    ),
}

RANGE_SET_STATES: Final[Mapping[RangeSetReason, State]] = {
    RangeSetReason.RESOLVED: State("its ranges can be used", NOTHING),
    RangeSetReason.INVALID_SPEC: State(
        "the spec cannot be used; the message names the field", "mend it"
    ),
    RangeSetReason.NOT_IMPLEMENTED: State(
        "`fromAzure` is not resolved by this version", "list the addresses in `ipRanges`"
    ),
}
