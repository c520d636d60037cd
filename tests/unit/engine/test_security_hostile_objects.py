"""Objects that no CRD would let pass: they let nobody in, raise nothing and cost little.

The bound is CPU time, not wall time, so that a busy machine fails nothing.
"""

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from aks_access.api.rangeset import RangeSetStatus
from aks_access.engine.ports import Kind
from aks_access.engine.store import Store
from aks_access.plan.model import Grant, RangeSet, Target

STALL = 0.25
"""Seconds of CPU that one object may take from the loop."""
MEGABYTE = "x" * 1_000_000
EVIL = "\u202eevil\x1b[31m\r\n\x00\u2028é"
MANY = 10_000
CLUSTER = (
    "/subscriptions/5ca1ab1e-0000-4000-8000-0000000000aa/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/prod"
)
SPECS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.GRANT: {"targetRef": {"name": "t"}, "ipRanges": ["20.1.1.1"], "duration": "1h"},
    Kind.TARGET: {
        "resourceId": CLUSTER,
        "mode": "Merge",
        "policy": {"allowedNamespaces": {"from": "All"}},
    },
    Kind.RANGE_SET: {"ipRanges": ["20.1.1.1"]},
    Kind.NAMESPACE: {},
}

Raw = dict[str, Any]


def deep(levels: int) -> object:
    made: object = "end"
    for _ in range(levels):
        made = {"a": made}
    return made


def conditions() -> list[Raw]:
    stamp = "2026-01-01T00:00:00Z"
    return [
        {"type": f"T{n}", "status": "True", "reason": "R", "message": "m", "time": stamp}
        | {"lastTransitionTime": stamp, "name": f"n{n}"}
        for n in range(MANY)
    ]


def many() -> dict[str, str]:
    return {f"example.com/l{n}": "v" for n in range(MANY)}


OPENING: Mapping[str, Callable[[Raw], object]] = {
    "10,000 conditions": lambda o: o.update(status={"conditions": conditions()}),
    "lists of 2,500": lambda o: o.update(
        status=dict.fromkeys(("conditions", "history", "targets", "entries"), conditions()[:2500])
    ),
    "10,000 labels": lambda o: o["metadata"].update(labels=many(), annotations=many()),
    "1 MB annotation": lambda o: o["metadata"].update(
        annotations={"reconcile.aksaccess.dev/requestedAt": MEGABYTE}
    ),
    "50,000 finalizers": lambda o: o["metadata"].update(finalizers=["x"] * 50_000),
    "1 MB status": lambda o: o.update(status={"conditions": MEGABYTE, "summary": MEGABYTE}),
    "deep status": lambda o: o.update(status=deep(900)),
    "deep managedFields": lambda o: o["metadata"].update(managedFields=[deep(500)] * 100),
    "status of wrong types": lambda o: o.update(
        status={"conditions": 5, "targets": [5, None, {"name": deep(9)}], "history": {"a": 1}}
        | {"summary": [], "periodStart": MEGABYTE, "ledgerSequence": "x", "resolvedCount": []}
    ),
    "resourceVersion of other digits": lambda o: o["metadata"].update(resourceVersion="٣²"),
    "resourceVersion of 5,000 digits": lambda o: o["metadata"].update(resourceVersion="9" * 5000),
    "times of wrong types": lambda o: o["metadata"].update(
        creationTimestamp="9" * 100_000, deletionTimestamp=5
    ),
    "bidi labels": lambda o: o["metadata"].update(labels={EVIL: EVIL}, annotations={EVIL: EVIL}),
}
"""What leaves a spec as it is: the object may count, and must not hurt."""

CLOSING: Mapping[str, Callable[[Raw], object]] = {
    "1 MB in every text": lambda o: o.update(spec=dict.fromkeys(o["spec"], MEGABYTE)),
    "bidi in every text": lambda o: o.update(spec=dict.fromkeys(o["spec"], EVIL)),
    "a number everywhere": lambda o: o.update(spec=dict.fromkeys(o["spec"], 5)),
    "a list everywhere": lambda o: o.update(spec={key: [[]] for key in o["spec"]}),
    "null everywhere": lambda o: o.update(spec=dict.fromkeys(o["spec"])),
    "70,000 ranges": lambda o: o["spec"].update(
        ipRanges=[f"20.{n >> 8 & 255}.{n & 255}.1" for n in range(70_000)],
        baseline={"ipRanges": ["20.1.1.1"] * 70_000},
    ),
    "3,000 wrong ranges": lambda o: o["spec"].update(
        ipRanges=[EVIL] * 3000, baseline={"ipRanges": [EVIL] * 3000}
    ),
    "200,000 numbers": lambda o: o["spec"].update(
        ipRanges=list(range(200_000)), baseline={"ipRanges": list(range(200_000))}
    ),
    "60,000 fields": lambda o: o["spec"].update({f"f{n}": n for n in range(60_000)}),
    "a spec 900 deep": lambda o: o.update(spec=deep(900)),
    "a spec that is a list": lambda o: o.update(spec=[MEGABYTE] * 3),
    "everything of the wrong type": lambda o: o.update(
        spec=[1],
        status="x",
        metadata={"uid": 5, "name": [], "labels": [1], "annotations": 7, "finalizers": "x"},
    ),
    "no metadata": lambda o: o.update(metadata=[]),
}
"""What must let nobody in."""


def hostile(kind: Kind, change: Callable[[Raw], object]) -> Raw:
    raw: Raw = {
        "metadata": {"uid": "u", "name": "n", "namespace": "ns", "resourceVersion": "5"},
        "spec": copy.deepcopy(dict(SPECS[kind])),
    }
    change(raw)
    return raw


def facts(kind: Kind, raw: Raw) -> tuple[Any, float]:
    """What the store makes of the object, by a watch and by a list; and the CPU seconds of it."""
    store = Store(on_change=lambda _: None, argo_instance_label="example.com/app")
    began = time.thread_time()
    store.changed(kind, raw)
    store.listing(kind)
    store.replaced(kind, [raw], "9")
    spent = time.thread_time() - began
    found: dict[Kind, Callable[[], Iterator[object]]] = {
        Kind.GRANT: lambda: iter(store.grants().values()),
        Kind.TARGET: lambda: iter(store.targets()),
        Kind.RANGE_SET: lambda: iter(store.range_sets().values()),
        Kind.NAMESPACE: lambda: iter(store.namespaces().values()),
    }
    [one] = found[kind]()
    return one, spent


@pytest.mark.parametrize("case", [*OPENING, *CLOSING])
@pytest.mark.parametrize("kind", Kind)
def test_security_no_object_stalls_the_loop_or_raises(
    kind: Kind, case: str, record_property: Callable[[str, object], None]
) -> None:
    raw = hostile(kind, {**OPENING, **CLOSING}[case])
    found, spent = facts(kind, raw)
    record_property("cpu_ms", round(spent * 1000, 1))
    assert spent < STALL, f"{kind} with {case}: {spent * 1000:.0f} ms"
    told = [f"{each.path}{each.value}{each.message}" for each in getattr(found, "problems", ())]
    assert sum(map(len, told)) < 30_000
    assert all(text.isprintable() for text in told), told[:1]


@pytest.mark.parametrize("case", CLOSING)
@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.TARGET, Kind.RANGE_SET])
def test_security_i1_no_hostile_object_lets_anybody_in(kind: Kind, case: str) -> None:
    found, _ = facts(kind, hostile(kind, CLOSING[case]))
    assert isinstance(found, Grant | Target | RangeSet)
    assert found.problems
    if isinstance(found, Target):
        assert (found.baseline, found.mode) == ((), "Observe")
    else:
        assert found.ranges == ()


@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.TARGET, Kind.RANGE_SET])
def test_security_what_is_kept_of_a_hostile_status_is_bounded(kind: Kind) -> None:
    raw = hostile(kind, OPENING["10,000 conditions"])
    raw["status"]["summary"] = {"state": MEGABYTE, "more": deep(900)}
    found, _ = facts(kind, raw)
    assert len(repr(found)) < 2_000_000
    token = hostile(kind, OPENING["1 MB annotation"])
    assert len(facts(kind, token)[0].requested_at) == 256


def test_a_status_that_is_read_leniently_drops_what_does_not_parse() -> None:
    """The context is compared by value: every reader writes it down for itself."""
    raw = {"conditions": [5], "resolvedCount": "many", "summary": {"state": "Resolved"}}
    status = RangeSetStatus.model_validate(raw, context={"lenient": True})
    assert status.conditions == ()
    assert status.summary is not None
