"""The part of the control client that sets what happens to requests."""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from sandbox.arm.control_clusters import Options
from sandbox.arm.faults import Fault
from sandbox.arm.messages import JsonObject


class FaultRule(TypedDict, total=False):
    """A fault rule's fields; see `faults.Fault`."""

    fault_id: str
    method: str
    path: str
    skip: int
    count: int | None
    status: int
    code: str
    message: str
    bare: bool
    headers: dict[str, str]
    body: Any
    delay: float
    answer_delay: float
    reset: bool
    lose_answer: bool
    hold: bool


class WorldSettings(TypedDict, total=False):
    """How the whole emulator behaves; see `world.WorldOptions`."""

    api_versions: Sequence[str]
    date_offset: float
    operation_retry_after: int | None
    missing_from_provider: bool
    page_size: int


class DenialDetails(TypedDict, total=False):
    """What a refusal says; see `access.Denial`."""

    client_id: str
    linked_action: str
    linked_scope: str
    policy: str


class RuleControl:
    """Commands on faults, access, identity, limits and other resources."""

    def _call(self, name: str, **arguments: Any) -> Any:
        raise NotImplementedError

    def add_fault(self, **rule: Unpack[FaultRule]) -> str:
        """Append a fault rule; return its id. It applies once unless `count` says more."""
        fault_id: str = self._call("add_fault", **rule)
        return fault_id

    def remove_fault(self, fault_id: str) -> None:
        """Take a fault rule away; requests that it holds go on."""
        self._call("remove_fault", fault_id=fault_id)

    def clear_faults(self) -> None:
        """Take all fault rules away."""
        self._call("clear_faults")

    def faults(self) -> list[Fault]:
        """Return the rules with `matched` and `hits`."""
        return [Fault(**plain) for plain in self._call("faults")]

    def lock(self, scope: str, *, level: str = "ReadOnly") -> None:
        """Put a lock (`ReadOnly` or `CanNotDelete`) on a scope."""
        self._call("lock", scope=scope, level=level)

    def unlock(self, scope: str) -> None:
        """Take the lock of a scope away."""
        self._call("unlock", scope=scope)

    def deny(
        self,
        scope: str,
        *,
        verb: str,
        refusal: str = "AuthorizationFailed",
        **details: Unpack[DenialDetails],
    ) -> None:
        """Refuse `read`, `write`, `delete` or `action` at and below a scope, with a 403.

        `refusal`: AuthorizationFailed, LinkedAuthorizationFailed or RequestDisallowedByPolicy.
        """
        self._call("deny", scope=scope, verb=verb, refusal=refusal, **details)

    def allow(self, scope: str | None = None) -> None:
        """Take the refusals at a scope away, or all of them."""
        self._call("allow", scope=scope)

    def assign(self, client_id: str, *, actions: Sequence[str], scope: str) -> None:
        """Give a client a role's actions at a scope; from the first on it may do nothing else.

        Its PUTs are then held to ARM's linked access checks too (see `linked.py`).
        """
        self._call("assign", client_id=client_id, actions=list(actions), scope=scope)

    def unassign(self, client_id: str) -> None:
        """Take all assignments away: the client may do everything again."""
        self._call("unassign", client_id=client_id)

    def register_client(
        self,
        client_id: str,
        *,
        tenant_id: str,
        secret: str | None = None,
        federations: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Make the directory check this client: its secret, or (issuer, subject) pairs."""
        self._call(
            "register_client",
            client_id=client_id,
            tenant_id=tenant_id,
            secret=secret,
            federations=[{"issuer": issuer, "subject": subject} for issuer, subject in federations],
        )

    def set_identity(
        self, *, only_registered: bool | None = None, token_lifetime: float | None = None
    ) -> None:
        """Refuse unregistered clients; give later tokens another lifetime in seconds."""
        self._call("set_identity", only_registered=only_registered, token_lifetime=token_lifetime)

    def revoke_tokens(self) -> None:
        """Make all tokens issued so far invalid (401)."""
        self._call("revoke_tokens")

    def set_tenant(self, subscription: str, *, tenant_id: str) -> None:
        """Let a subscription belong to a tenant: tokens of others are refused."""
        self._call("set_tenant", subscription=subscription, tenant_id=tenant_id)

    def put_resource(self, resource_id: str, *, body: JsonObject) -> None:
        """Register any other ARM resource for GETs."""
        self._call("put_resource", resource_id=resource_id, body=body)

    def put_public_ip(self, resource_id: str, *, address: str | None) -> None:
        """Register a public IP address; None = not allocated."""
        properties: JsonObject = {
            "publicIPAddressVersion": "IPv4",
            "provisioningState": "Succeeded",
        }
        if address is not None:
            properties["ipAddress"] = address
        self.put_resource(
            resource_id,
            body={"type": "Microsoft.Network/publicIPAddresses", "properties": properties},
        )

    def put_public_ip_prefix(self, resource_id: str, *, prefix: str) -> None:
        """Register a public IP prefix (CIDR)."""
        properties = {"ipPrefix": prefix, "provisioningState": "Succeeded"}
        self.put_resource(
            resource_id,
            body={"type": "Microsoft.Network/publicIPPrefixes", "properties": properties},
        )

    def remove_resource(self, resource_id: str) -> None:
        """Take a registered resource away."""
        self._call("remove_resource", resource_id=resource_id)

    def set_limit(self, limit: str, *, calls: float, per_second: float) -> None:
        """Give a limit (a value of `buckets.Limit`) another size; its buckets are full again."""
        self._call("set_limit", limit=limit, calls=calls, per_second=per_second)

    def widen_limits(self) -> None:
        """Make every limit too wide to matter."""
        self._call("widen_limits")

    def set_bucket(self, limit: str, *, bucket: str, calls: float) -> None:
        """Leave exactly so many calls in one bucket (`aks-put`: the cluster's ARM id)."""
        self._call("set_bucket", limit=limit, bucket=bucket, calls=calls)

    def buckets(self) -> dict[str, dict[str, float]]:
        """Return the calls left in each bucket used so far, by limit and key."""
        levels: dict[str, dict[str, float]] = self._call("buckets")
        return levels

    def set_world(self, **settings: Unpack[WorldSettings]) -> None:
        """Change how the emulator as a whole behaves."""
        self._call("set_world", options=settings)

    def set_defaults(self, **options: Unpack[Options]) -> None:
        """Change the options (`clusters.ClusterOptions`) of clusters made from here on."""
        self._call("set_defaults", options=options)
