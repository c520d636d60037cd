"""One managed cluster: its stored body, its eTags, and the state machine of its operations.

No clock and no I/O: every method takes the time it needs. The rules are those of the recorded
AKS answers; where none is known, the choice is the one that a careless client trips over.
"""

import copy
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sandbox.arm.ids import ClusterId
from sandbox.arm.messages import JsonObject, aks_error
from sandbox.arm.operations import Kind, Operation, Outcome, Status
from sandbox.arm.ranges import Order, RangeRules, ordered

TERMINAL = frozenset({"Succeeded", "Failed", "Canceled"})


@dataclass(slots=True, kw_only=True)
class ClusterOptions:
    """How this cluster behaves; set through the control API."""

    operation_seconds: float = 3.0
    withhold_etag: bool = False
    """Answer without eTags, as api-versions before 2024-09-01 do."""
    etag_in_put: bool = False
    """Show the eTag in the answer of a PUT; the recorded one lacks it."""
    service_tags: bool = False
    """The preview feature that lets one service tag into the list."""
    refused_ranges: frozenset[str] = frozenset()
    """Entries (as stored, CIDR) that make AKS refuse the whole list."""
    order: Order = Order.AS_SENT
    apply_damage: bool = True
    """Off: a PUT changes the authorized ranges only, whatever else it says."""


@dataclass(slots=True, kw_only=True)
class Cluster:
    """A managed cluster as AKS stores it, and the operation that runs on it."""

    id: ClusterId
    body: JsonObject
    """Stored body; states, power and eTags are laid over it in answers."""
    new_id: Callable[[], str]
    options: ClusterOptions = field(default_factory=ClusterOptions)
    provisioning_state: str = "Succeeded"
    power_state: str = "Running"
    etag: str = ""
    pool_states: dict[str, str] = field(default_factory=dict)
    """Pools with an operation of their own: name → state. They block writes of the cluster."""
    applied: list[str] | None = None
    """What the API server enforces: the list of the last operation that succeeded."""
    operation: Operation | None = None
    outcomes: deque[Outcome] = field(default_factory=deque)
    deleted: bool = False

    def __post_init__(self) -> None:
        self.applied = self.ranges
        self.touch()

    @property
    def properties(self) -> JsonObject:
        """The stored `properties`."""
        found: JsonObject = self.body.setdefault("properties", {})
        return found

    @property
    def pools(self) -> list[JsonObject]:
        """The stored agent pools."""
        found: list[JsonObject] = self.properties.get("agentPoolProfiles") or []
        return found

    @property
    def ranges(self) -> list[str] | None:
        """The stored list; None = unrestricted."""
        profile = self.properties.get("apiServerAccessProfile") or {}
        found: list[str] | None = profile.get("authorizedIPRanges") or None
        return None if found is None else list(found)

    def rules(self) -> RangeRules:
        """Return what decides which lists are accepted."""
        return self.rules_of(self.properties)

    def rules_of(self, properties: JsonObject) -> RangeRules:
        """Return what would decide it if `properties` were stored."""
        return RangeRules.of(
            properties.get("apiServerAccessProfile"),
            service_tags=self.options.service_tags,
            refused=self.options.refused_ranges,
        )

    def set_ranges(self, ranges: Sequence[str] | None) -> None:
        """Store the list; an empty one goes, and with it a profile that holds nothing else."""
        profile = dict(self.properties.get("apiServerAccessProfile") or {})
        profile.pop("authorizedIPRanges", None)
        if ranges:
            profile["authorizedIPRanges"] = list(ranges)
        if profile:
            self.properties["apiServerAccessProfile"] = profile
        else:
            self.properties.pop("apiServerAccessProfile", None)

    def touch(self) -> None:
        """Change the cluster's eTag and those of its pools: a cluster operation does both."""
        self.etag = self.new_id()
        for pool in self.pools:
            pool["eTag"] = self.new_id()

    def touch_pool(self, name: str) -> None:
        """Change one pool's eTag alone: an agent pool operation leaves the cluster's as it is."""
        self.pool(name)["eTag"] = self.new_id()

    def pool(self, name: str) -> JsonObject:
        """Return the stored pool `name`; raises KeyError when there is none."""
        for pool in self.pools:
            if pool.get("name") == name:
                return pool
        raise KeyError(f"cluster {self.id.name} has no agent pool {name!r}")

    def busy(self) -> str | None:
        """Return the state that refuses a write at present, or None."""
        if self.provisioning_state not in TERMINAL:
            return self.provisioning_state
        return next(iter(self.pool_states.values()), None)

    def require_idle(self) -> None:
        """Raise 409 while another operation runs, whatever the new one would do."""
        state = self.busy()
        if state is not None:
            raise aks_error(
                status=409,
                code="OperationNotAllowed",
                message=f"Operation is not allowed: Another operation ({state}) is in progress, "
                "please wait for it to finish before starting a new operation. "
                "See https://aka.ms/aks-pending-operation for more details",
            )

    def require_running(self, doing: str) -> None:
        """Raise 409 on a stopped cluster: it can be started or deleted only."""
        if self.power_state == "Stopped":
            raise aks_error(
                status=409,
                code="OperationNotAllowed",
                message="managed cluster is in Provisioning State("
                f"{self.provisioning_state}) and Power State({self.power_state}), "
                f"{doing} cannot be performed",
            )

    def begin(
        self, *, kind: Kind, wall: float, now: float, list_before: list[str] | None = None
    ) -> Operation:
        """Start an operation: the cluster leaves its terminal state, the eTags change."""
        plain = kind in {Kind.ABORT, Kind.DELETE} or not self.outcomes
        outcome = Outcome() if plain else self.outcomes.popleft()
        operation = Operation(
            operation_id=self.new_id(),
            kind=kind,
            cluster_key=self.id.key,
            subscription=self.id.subscription,
            location=self.body.get("location", ""),
            started=wall,
            ends=now + self.options.operation_seconds,
            seconds=self.options.operation_seconds,
            outcome=outcome,
            list_before=list_before,
        )
        if outcome.status is Status.SUCCEEDED and outcome.code:
            operation.error = (outcome.code, outcome.message)
        self.operation = operation
        self.provisioning_state = str(kind)
        self.touch()
        return operation

    def settle(self, *, now: float) -> None:
        """Let an operation whose time has come take its effect."""
        operation = self.operation
        if operation is None or not operation.running or now < operation.ends:
            return
        outcome = operation.outcome
        operation.finish(
            status=outcome.status,
            ended=operation.started + operation.seconds,
            code=outcome.code,
            message=outcome.message,
        )
        self.provisioning_state = str(operation.status)
        if operation.status is not Status.SUCCEEDED:
            if not outcome.keep_list:
                self.set_ranges(operation.list_before)
            self.touch()
            return
        match operation.kind:
            case Kind.CREATE | Kind.UPDATE | Kind.SCALE:
                self.applied = self.ranges
            case Kind.START:
                self.power_state = "Running"
            case Kind.STOP:
                self.power_state = "Stopped"
            case Kind.DELETE:
                self.deleted = True
            case Kind.ABORT:
                self.provisioning_state = str(Status.CANCELED)
        self.touch()

    def answer(self, *, with_etag: bool = True, with_access_profile: bool = True) -> JsonObject:
        """Return the body as the API shows it: a copy that the caller may change."""
        tagged = with_etag and not self.options.withhold_etag
        properties: JsonObject = {
            "provisioningState": self.provisioning_state,
            "powerState": {"code": self.power_state},
        }
        hidden = {"provisioningState", "powerState"}
        if not with_access_profile:
            hidden.add("apiServerAccessProfile")
        properties |= {k: v for k, v in self.properties.items() if k not in hidden}
        if self.pools:
            properties["agentPoolProfiles"] = [self._pool(pool, tagged) for pool in self.pools]
        if with_access_profile and self.ranges is not None:
            properties["apiServerAccessProfile"] = {
                **self.properties["apiServerAccessProfile"],
                "authorizedIPRanges": ordered(self.ranges, order=self.options.order),
            }
        named: JsonObject = {
            "id": self.id.answered,
            "location": self.body.get("location"),
            "name": self.id.name,
            "type": "Microsoft.ContainerService/ManagedClusters",
        }
        result = named | {k: v for k, v in self.body.items() if k not in named}
        result["properties"] = properties
        result.pop("eTag", None)
        if tagged:
            result["eTag"] = self.etag
        return copy.deepcopy(result)

    def _pool(self, pool: JsonObject, tagged: bool) -> JsonObject:
        state = self.pool_states.get(str(pool.get("name")))
        if state is None:
            busy = self.provisioning_state not in TERMINAL
            state = self.provisioning_state if busy else "Succeeded"
        shown = {**pool, "provisioningState": state}
        if not tagged:
            shown.pop("eTag", None)
        return shown

    def copied(self) -> JsonObject:
        """Return a deep copy of the stored body."""
        return copy.deepcopy(self.body)
