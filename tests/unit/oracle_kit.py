"""Hand-made histories: a good one, told step by step, that each test spoils in one place."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.facts import Raw
from tests.history import Cluster, History, Ledger, Mark, Object, Owned, Ranges, Read, Sign, Write
from tests.oracle import Violation, judge

KEY = "/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/weu"
LAPTOP = "81.2.69.142/32"
OFFICE = "51.140.0.0/24"
FOREIGN = "198.41.0.4/32"
BARE = (FOREIGN, OFFICE)
FULL = (FOREIGN, OFFICE, LAPTOP)
CODE = "0123456789"


def target(**spec: Any) -> Raw:
    policy = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True}
    base = {"resourceId": KEY, "mode": "Merge", "baseline": {"ipRanges": [OFFICE]}}
    body = {**base, "policy": policy, **spec}
    return {
        "metadata": {"name": "weu", "uid": "t", "annotations": {}},
        "spec": {name: value for name, value in body.items() if value is not None},
    }


def grant(uid: str = "g1", *ranges: str, **spec: Any) -> Raw:
    body = {"targetRef": {"name": "weu"}, "ipRanges": list(ranges or (LAPTOP,)), **spec}
    meta = {"name": uid, "namespace": "team-a", "uid": uid, "generation": 1}
    return {"metadata": {**meta, "creationTimestamp": "2026-11-22T09:00:00Z"}, "spec": body}


class Tale:
    """A history under construction; `at` moves on by hand."""

    def __init__(self, *, ranges: Ranges = (FOREIGN,), **facts: Any) -> None:
        self.history = History()
        self.at = 0.0
        self.list: Ranges = ranges
        self.history.add(Cluster(at=0.0, cluster=KEY, ranges=ranges, **facts))
        self.mark(Sign.STARTED)

    def after(self, seconds: float) -> "Tale":
        self.at += seconds
        return self

    def mark(self, sign: Sign, **more: Any) -> None:
        self.history.add(Mark(at=self.at, sign=sign, **more))

    def target(self, raw: Raw | None = None, *, gone: bool = False, **spec: Any) -> None:
        found = None if gone else raw or target(**spec)
        self.history.add(Object(at=self.at, kind="ApiAccessTarget", name="weu", raw=found))

    def grant(
        self, uid: str = "g1", *ranges: str, gone: bool = False, operator: bool = False, **spec: Any
    ) -> None:
        raw = None if gone else grant(uid, *ranges, **spec)
        line = Object(at=self.at, kind="ApiAccessGrant", namespace="team-a", name=uid, raw=raw)
        self.history.add(replace(line, operator=operator))

    def range_set(self, *ranges: str) -> None:
        raw = {"metadata": {"name": "home", "uid": "s"}, "spec": {"ipRanges": list(ranges)}}
        self.history.add(Object(at=self.at, kind="IPRangeSet", name="home", raw=raw))

    def ledger(self, *entries: str, owner: str = "g1", **more: Any) -> None:
        held = {entry: Owned("intended", (owner,)) for entry in entries}
        more.setdefault("verified", self.list)
        self.history.add(Ledger(at=self.at, cluster=KEY, entries=held, **more))

    def forget(self, *, operator: bool) -> None:
        self.history.add(Ledger(at=self.at, cluster=KEY, entries=None, operator=operator))

    def put(self, *sent: str, applied: bool = True, **more: Any) -> None:
        after = tuple(sent) if applied else self.list
        more.setdefault("ends", self.at + 60.0 if applied else None)
        line = Write(at=self.at, cluster=KEY, sent=tuple(sent), before=self.list, after=after)
        self.history.add(replace(line, **more))
        self.list = after

    def others(self, *ranges: str, cleared: bool = False) -> None:
        after = None if cleared else tuple(ranges)
        self.history.add(
            Write(at=self.at, cluster=KEY, operator=False, before=self.list, after=after)
        )
        self.list = after

    def look(self) -> None:
        self.history.add(Read(at=self.at, cluster=KEY))

    def judged(self) -> list[Violation]:
        return judge(self.history)

    def broken(self) -> set[str]:
        """The invariants that were broken."""
        return {violation.invariant for violation in self.judged()}


def programmed(*, spec: dict[str, Any] | None = None, **facts: Any) -> Tale:
    """A grant was let in, and the operation is over."""
    tale = Tale(**facts)
    tale.target()
    tale.grant(**(spec or {}))
    tale.after(1.0).ledger(OFFICE, LAPTOP)
    tale.after(1.0).put(*FULL)
    tale.after(62.0).look()
    return tale


def crowd(count: int) -> Sequence[str]:
    """So many addresses of one grant."""
    return [f"81.2.69.{number}/32" for number in range(count)]
