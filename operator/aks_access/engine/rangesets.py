"""The RangeSetReconciler: says of each IPRangeSet whether it can be used."""

from dataclasses import dataclass

from aks_access.api.rangeset import RangeSetStatus, RangeSetSummary
from aks_access.api.reasons import ConditionType, RangeSetReason
from aks_access.engine.conditions import Wanted, conditions
from aks_access.engine.look import Next
from aks_access.engine.ports import Clock, Kind, Objects
from aks_access.engine.refs import range_set_ref
from aks_access.engine.store import Store
from aks_access.plan.model import RangeSet


@dataclass(frozen=True, slots=True)
class RangeSetReconciler:
    """Reconciles range sets by name."""

    store: Store
    objects: Objects
    clock: Clock

    async def reconcile(self, name: str) -> Next:
        """Write the set's status if it differs; raises `KubeError`."""
        found = self.store.range_sets().get(name)
        if found is None or found.deleting is not None:
            return Next()
        status = self._status(found)
        if status == dict(found.status):
            return Next()
        ref = range_set_ref(found)
        raw = await self.objects.patch_status(ref=ref, status=status)
        self.store.changed(Kind.RANGE_SET, raw)
        return Next()

    def _status(self, found: RangeSet) -> dict[str, object]:
        previous = RangeSetStatus.lenient(found.status)
        reason, message = _words(found)
        good = reason is RangeSetReason.RESOLVED
        wanted = [Wanted(ConditionType.READY, good, reason, message)]
        if not good:
            wanted.append(Wanted(ConditionType.STALLED, True, reason, message))
        return RangeSetStatus(
            observed_generation=found.generation,
            conditions=conditions(
                previous=previous.conditions,
                wanted=wanted,
                generation=found.generation,
                now=self.clock.now(),
            ),
            last_handled_reconcile_at=found.requested_at or None,
            resolved_ranges=found.ranges if good else (),
            resolved_count=len(found.ranges) if good else 0,
            summary=RangeSetSummary(state=reason.value, ranges=str(len(found.ranges))),
        ).to_json()


def _words(found: RangeSet) -> tuple[RangeSetReason, str]:
    if found.problems:
        problem = found.problems[0]
        return RangeSetReason.INVALID_SPEC, f"{problem.path}: {problem.message}"
    if found.from_azure is not None:
        return (
            RangeSetReason.NOT_IMPLEMENTED,
            "spec.fromAzure is not resolved by this version. List the addresses in spec.ipRanges.",
        )
    count = len(found.ranges)
    return RangeSetReason.RESOLVED, f"{count} range{'' if count == 1 else 's'}."
