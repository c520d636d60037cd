"""The page of Events."""

from typing import Final

from aks_access.engine.event_reasons import EVENTS
from aks_access.engine.grants import EVENT_REASONS, SILENT
from aks_access.engine.publisher import UNDER_WAY
from aks_access.kube.events import QUIET_SECONDS
from sandbox.pages.markdown import code, head, table

_INTRODUCTION: Final = f"""
Posted about the grant, target or ledger that they speak of. Targets have no namespace, and their
Events stand in `default`:

```
kubectl get events -n team-a --field-selector involvedObject.kind=ApiAccessGrant
kubectl get events -n default --field-selector involvedObject.kind=ApiAccessTarget
```

The same sentence about the same object comes at most once in {QUIET_SECONDS / 60:.0f} minutes.
Events last an hour, the API server's default: the record of who was let in is the
[audit trail](../monitoring.md#audit-trail).
"""


def page() -> str:
    """The page."""
    rows = [
        (code(reason), each.about, each.type.value, each.meaning) for reason, each in EVENTS.items()
    ]
    silent = " and ".join(code(reason) for reason in sorted(SILENT))
    assert set(map(str, SILENT)) == set(map(str, UNDER_WAY))
    named = ", ".join(code(reason) for reason in EVENT_REASONS)
    return "".join(
        (
            head("Events", source="operator/aks_access/engine/event_reasons.py"),
            _INTRODUCTION,
            table(("Event", "About", "Type", "Meaning"), rows),
            "\nEvery other change of state is an Event named after the "
            "[state](conditions.md) that was entered, with its message: of a target all but "
            f"{silent}, of a grant all but these and {named}, which have the names above. It is a "
            "Warning where somebody has to look.\n",
        )
    )
