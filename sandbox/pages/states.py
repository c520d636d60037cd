"""The page of conditions: their types, and every state of each kind."""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import Final, TypeVar

from aks_access.api.grant_states import GRANT_STATES
from aks_access.api.reasons import GrantReason, RangeSetReason
from aks_access.api.states import CONDITIONS, RANGE_SET_STATES, State
from aks_access.api.target_states import TARGET_STATES
from aks_access.engine.grant_status import PASSING, READY
from aks_access.engine.notes import CONTENT, TRANSIENT
from sandbox.pages.markdown import code, head, table

Reason = TypeVar("Reason", bound=StrEnum)

_INTRODUCTION: Final = """
The STATE column is the reason of the condition `Ready`. Its message says what is the case with this
object, and ends with what to do next; `kubectl describe` shows it with the other conditions and the
last ten states.

```
kubectl get aag -A -o wide          # grants, with the message
kubectl describe aat prod-weu       # each entry of the list: why it is there, and until when
```

Wait for `Programmed`, not for `Ready`: an expired grant is ready too.

```
kubectl wait --for=condition=Programmed aag/laptop -n team-a --timeout=10m
```

An empty cell means that the operator has not seen the object:
[It does nothing at all](../troubleshooting.md#it-does-nothing-at-all).
"""
_GRANTS: Final = """
Of several targets the worst speaks in `Ready`, and `status.targets` has each. `Stalled` means that
somebody has to act, `Reconciling` that it passes by itself.
"""
_TARGETS: Final = """
Of several things to say the worst is the state, and what a grant waits for is quoted in its own
message. A code to acknowledge is explained in
[Acknowledgements](../troubleshooting.md#acknowledgements), other writers in
[Entries of others](../troubleshooting.md#entries-of-others).
"""
_BY_TARGET: Final = frozenset({GrantReason.TARGET_BLOCKED})
"""States that pass by themselves where what they quote does."""


def page() -> str:
    """The page."""
    return "".join(
        (
            head("Conditions and states", source="operator/aks_access/api/*states.py"),
            _INTRODUCTION,
            "\n## Conditions\n",
            table(
                ("Condition", "True means"),
                ((code(kind), CONDITIONS[kind]) for kind in CONDITIONS),
            ),
            f"\n## Grants\n{_GRANTS}",
            _states(GRANT_STATES, ready=READY, passing=PASSING),
            f"\n## Targets\n{_TARGETS}",
            _states(TARGET_STATES, ready=CONTENT, passing=TRANSIENT),
            "\n## Range sets\n",
            _states(RANGE_SET_STATES, ready={RangeSetReason.RESOLVED}, passing=frozenset()),
        )
    )


def _states(
    states: Mapping[Reason, State],
    *,
    ready: Set[Reason],
    passing: Set[Reason],
) -> str:
    def kind(reason: Reason) -> str:
        if reason in ready:
            return "`Ready`"
        if reason in _BY_TARGET:
            return "`Reconciling` or `Stalled`, as its target"
        return "`Reconciling`" if reason in passing else "`Stalled`"

    rows = (
        (code(reason), state.meaning, state.remedy, kind(reason))
        for reason, state in states.items()
    )
    return table(("State", "What it means", "What to do", "Condition"), rows)
