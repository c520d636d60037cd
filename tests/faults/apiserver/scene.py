"""A cluster whose list depends on an object of every kind, and the promises that no fault breaks.

Baseline from a range set, grants directly and by a set, a namespace let in by its label: a partial
view of any kind would take something away. One grant ends while the fault lasts.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aks_access.engine.ports import Kind
from sandbox.apiproxy import ApiProxy
from sandbox.apiproxy.faults import Injection
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.processes import wait_until
from tests.integration.station import Station
from tests.integration.things import DEADLINE, MERGE_PATCH, Cluster, Mark, Object
from tests.integration.world import World, sent_ranges

FOREIGN = "51.140.8.0/24"
BASELINE = "20.60.0.0/28"
STAYS = "20.50.1.1/32"
BY_SET = "20.50.1.2/32"
ENDS = "20.50.1.3/32"
LATE = "20.50.1.4/32"
KEPT = frozenset({FOREIGN, BASELINE, STAYS, BY_SET})
"""What nothing in a scene ever takes away."""

PLURALS = {
    Kind.GRANT: "apiaccessgrants",
    Kind.TARGET: "apiaccesstargets",
    Kind.RANGE_SET: "iprangesets",
    Kind.NAMESPACE: "namespaces",
}
PROMPT = 10.0
"""Seconds after its end within which an entry's removal is sent, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Proxied:
    """A station, and the proxy before its API server."""

    station: Station
    proxy: ApiProxy


@dataclass(slots=True)
class Scene:
    """See the module. `build` makes it, and `check_safe` judges what was written since."""

    world: World
    proxy: ApiProxy
    begun: Mark | None = None
    end: datetime | None = None
    cluster: Cluster = field(init=False)
    target: Object = field(init=False)
    baseline: Object = field(init=False)
    ranges: Object = field(init=False)
    home: str = ""

    def build(self, *, ends_in: float = 3.0) -> None:
        """Everything stands in Azure; one grant ends `ends_in` seconds after that."""
        world = self.world
        self.wait_readyz("ok", ready=True, seconds=60)
        self.home = world.namespace(labels={"access": "yes"})
        self.cluster = world.cluster(ranges=(FOREIGN,))
        self.baseline = world.range_set(BASELINE)
        self.ranges = world.range_set(BY_SET)
        self.target = world.target(
            self.cluster,
            baseline={"rangeSetRefs": [{"name": self.baseline.name}]},
            policy={
                "allowedNamespaces": {
                    "from": "Selector",
                    "selector": {"matchLabels": {"access": "yes"}},
                }
            },
        )
        world.grant(self.target, STAYS)
        world.grant(self.target, rangeSetRefs=[{"name": self.ranges.name}])
        ends = world.grant(self.target, ENDS, expiresAt=world.at(600))
        self.cluster.wait_ranges(*KEPT, ENDS)
        at = world.at(ends_in)
        self.end = datetime.fromisoformat(at)
        ends.patch(expiresAt=at)
        ends.until(
            lambda o: o["status"].get("observedGeneration") == o["metadata"]["generation"],
            what="to be known to end soon",
        )
        self.begun = world.mark()

    def grant(self, entry: str) -> Object:
        """One more permanent grant."""
        return self.world.grant(self.target, entry)

    def wait_struck(self, *injections: Injection, times: int = 1) -> None:
        """Return once each of them has struck."""
        for each in injections:
            wait_until(
                lambda each=each: each.struck >= times,  # type: ignore[misc]
                what=f"{each.fault} on {sorted(each.plurals)} to strike",
                timeout=DEADLINE,
                detail=self.world.operator.log_tail,
            )

    def wait_ended(self, *, promptly: bool = True) -> None:
        """Return once the grant that ends is out; checks that its removal was sent on time."""
        assert self.end is not None
        left = (self.end - datetime.now(UTC)).total_seconds()
        self.wait_without(ENDS, seconds=max(0.0, left) + DEADLINE)
        removal = next(
            e for e in self.cluster.puts(self.begun) if ENDS not in (sent_ranges(e) or ())
        )
        late = removal.time - self.end.timestamp()
        assert late >= 0, f"{ENDS} was taken away {-late:.1f} s before its end"
        assert not promptly or late <= PROMPT, f"{ENDS} went {late:.1f} s after its end"

    def wait_without(
        self, entry: str, *, of: Cluster | None = None, seconds: float = DEADLINE
    ) -> None:
        """Return once the entry is not in the list of the scene's cluster, or of another one."""
        cluster = of or self.cluster
        self.world.eventually(
            lambda: entry not in (cluster.ranges or ()),
            what=f"{entry} to be out of the list",
            about=self.target,
            seconds=seconds,
        )

    def wait_equal(self, *more: str, seconds: float = DEADLINE) -> None:
        """Return once the list is exactly what is kept and `more`."""
        self.cluster.wait_ranges(*KEPT, *more, seconds=seconds)

    def wait_in(self, entry: str) -> None:
        """Return once the entry is in the list, and enforced."""
        self.world.eventually(
            lambda: entry in (self.cluster.view().applied or ()),
            what=f"{entry} to be in the list",
            about=self.target,
        )

    def check_safe(self, *may: str, kept: frozenset[str] = KEPT) -> None:
        """No write since `build` lost what is kept, or let in more than `may` and what ended."""
        for put in self.cluster.puts(self.begun):
            sent = set(sent_ranges(put) or ())
            assert sent >= kept, f"a write took {sorted(kept - sent)} away: {put}"
            extra = sent - KEPT - {ENDS} - set(may)
            assert not extra, f"a write let {sorted(extra)} in: {put}"
        assert set(self.cluster.ranges or ()) >= kept

    def wait_readyz(self, words: str, *, ready: bool, seconds: float = DEADLINE) -> str:
        """Return the answer of `/readyz` once it has these words and says ready, or not."""
        seen = {"text": ""}

        def holds() -> bool:
            status, seen["text"] = self.world.operator.get("/readyz")
            return (status == 200) is ready and words in seen["text"]

        wait_until(
            holds,
            what=f"/readyz {'' if ready else 'not '}ready with {words!r}",
            timeout=seconds,
            detail=lambda: seen["text"] + self.world.operator.log_tail(),
        )
        return seen["text"]

    def metric(self, line: str) -> float:
        """The value of a series, 0 where there is none."""
        for each in self.world.operator.get("/metrics")[1].splitlines():
            if each.startswith(line + " "):
                return float(each.rpartition(" ")[2])
        return 0.0

    def wait_metric(self, line: str, condition: Callable[[float], bool]) -> None:
        """Return once the series' value fulfils the condition."""
        wait_until(lambda: condition(self.metric(line)), what=line, timeout=DEADLINE)

    def relabel(self, namespace: str, label: str | None) -> None:
        """Set or remove the label that lets a namespace in."""
        body = {"metadata": {"labels": {"access": label}}}
        path = f"/api/v1/namespaces/{namespace}"
        self.world.plane.request("PATCH", path, body, content_type=MERGE_PATCH)

    @property
    def token(self) -> str:
        """What the operator's kubeconfig has for a credential."""
        file = Path(self.world.operator.invocation.settings["kubeconfig"])
        return str(json.loads(file.read_text())["users"][0]["user"]["token"])

    def rotate(self) -> None:
        """Write a new token into the operator's kubeconfig."""
        self.proxy.kubeconfig(self.world.plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE))

    def rest(self, *, looks: int = 2) -> None:
        """Let the operator look at the cluster some more times."""
        self.cluster.wait_looks(looks)

    @staticmethod
    def now() -> float:
        """Seconds of a steady clock."""
        return time.monotonic()
