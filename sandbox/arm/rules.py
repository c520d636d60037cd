"""What the control API can do beside clusters: faults, access, identity, limits, journal."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from sandbox.arm.access import Assignment, Denial, LockLevel, Refusal, Verb
from sandbox.arm.buckets import Limit, Size
from sandbox.arm.commands import cluster_options
from sandbox.arm.faults import Fault
from sandbox.arm.identity import Client, Federation
from sandbox.arm.ids import key
from sandbox.arm.journal import JournalEntry
from sandbox.arm.messages import JsonObject
from sandbox.arm.world import World

WIDE = Size(1_000_000, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCommands:
    """Sets what the world does to requests."""

    world: World

    def add_fault(self, **values: Any) -> str:
        """Append a fault rule; return its id."""
        return self.world.faults.add(Fault(**values))

    def remove_fault(self, *, fault_id: str) -> None:
        """Take a fault rule away; requests that it holds go on."""
        self.world.faults.remove(fault_id)

    def clear_faults(self) -> None:
        """Take all fault rules away."""
        self.world.faults.clear()

    def faults(self) -> list[JsonObject]:
        """Return the rules with their counts."""
        return [dataclasses.asdict(rule) for rule in self.world.faults]

    def lock(self, *, scope: str, level: str = LockLevel.READ_ONLY) -> None:
        """Put a lock on a scope."""
        self.world.access.locks[scope] = LockLevel(level)

    def unlock(self, *, scope: str) -> None:
        """Take the lock of a scope away."""
        del self.world.access.locks[scope]

    def deny(self, *, scope: str, verb: str, refusal: str, **details: Any) -> None:
        """Refuse a verb at and below a scope."""
        denial = Denial(scope=scope, verb=Verb(verb), refusal=Refusal(refusal), **details)
        self.world.access.denials.append(denial)

    def allow(self, *, scope: str | None = None) -> None:
        """Take the refusals at a scope away, or all of them."""
        kept = self.world.access.denials if scope is not None else []
        self.world.access.denials = [d for d in kept if key(d.scope) != key(scope or "")]

    def assign(self, *, client_id: str, actions: list[str], scope: str) -> None:
        """Give a client a role's actions at a scope, and nothing but what it is given so."""
        made = Assignment(scope=scope, actions=tuple(actions))
        self.world.access.assignments.setdefault(client_id.lower(), []).append(made)

    def unassign(self, *, client_id: str) -> None:
        """Take all assignments away: the client may do everything again."""
        self.world.access.assignments.pop(client_id.lower(), None)

    def register_client(
        self,
        *,
        client_id: str,
        tenant_id: str,
        secret: str | None = None,
        federations: list[JsonObject] | None = None,
    ) -> None:
        """Make the directory check this client's credentials from here on."""
        self.world.directory.clients[client_id.lower()] = Client(
            client_id=client_id,
            tenant_id=tenant_id,
            secret=secret,
            federations=[Federation(**values) for values in federations or []],
        )

    def set_identity(
        self, *, only_registered: bool | None = None, token_lifetime: float | None = None
    ) -> None:
        """Refuse clients that are not registered; give later tokens another lifetime (s)."""
        if only_registered is not None:
            self.world.directory.only_registered = only_registered
        if token_lifetime is not None:
            self.world.tokens.lifetime = token_lifetime

    def revoke_tokens(self) -> None:
        """Make all tokens issued so far invalid."""
        self.world.tokens.revoke()

    def set_tenant(self, *, subscription: str, tenant_id: str) -> None:
        """Let a subscription belong to a tenant: tokens of others are refused."""
        self.world.tenants[subscription.lower()] = tenant_id

    def put_resource(self, *, resource_id: str, body: JsonObject) -> None:
        """Register any other ARM resource for GETs."""
        resource_id = "/" + resource_id.strip("/")
        named = {"id": resource_id, "name": resource_id.rsplit("/", 1)[-1]}
        self.world.resources[key(resource_id)] = named | body

    def remove_resource(self, *, resource_id: str) -> None:
        """Take a registered resource away."""
        del self.world.resources[key(resource_id)]

    def set_limit(self, *, limit: str, calls: float, per_second: float) -> None:
        """Give a limit another size; its buckets are full again."""
        self.world.buckets.resize(limit=Limit(limit), size=Size(calls, per_second))

    def widen_limits(self) -> None:
        """Make every limit too wide to matter."""
        for limit in Limit:
            self.world.buckets.resize(limit=limit, size=WIDE)

    def set_bucket(self, *, limit: str, bucket: str, calls: float) -> None:
        """Leave exactly so many calls in one bucket (its key as `buckets` shows it)."""
        self.world.buckets.set_level(
            limit=Limit(limit),
            key=bucket.lower(),
            calls=calls,
            now=self.world.clock.monotonic(),
        )

    def buckets(self) -> dict[str, dict[str, float]]:
        """Return the calls left in each bucket used so far, by limit and key."""
        return self.world.buckets.levels(now=self.world.clock.monotonic())

    def set_world(self, *, options: JsonObject) -> None:
        """Change how the emulator as a whole behaves (fields of `WorldOptions`)."""
        if "api_versions" in options:
            options = {**options, "api_versions": tuple(options["api_versions"])}
        self.world.options = dataclasses.replace(self.world.options, **options)

    def set_defaults(self, *, options: JsonObject) -> None:
        """Change the options of clusters made from here on."""
        self.world.defaults = cluster_options(options, base=self.world.defaults)

    def journal(
        self, *, since: int = 0, limit: int = 1000, bodies: bool = True
    ) -> list[JsonObject]:
        """Return up to `limit` entries after number `since`, oldest first."""
        found: list[JsonObject] = []
        for entry in self.world.journal.since(since):
            if len(found) == limit:
                break
            found.append(_plain(entry, bodies=bodies))
        return found

    def last_sequence(self) -> int:
        """Return the number of the newest journal entry."""
        return self.world.journal.last

    def damage(self, *, client_id: str | None = None) -> list[JsonObject]:
        """Return the PUTs that lost or changed something beside the authorized ranges."""
        return [
            _plain(entry, bodies=False)
            for entry in self.world.journal.since(0)
            if entry.damage and client_id in {None, entry.client_id}
        ]

    def clear_journal(self) -> None:
        """Forget the journal, and the damage with it; the numbering goes on."""
        self.world.journal.clear()

    def reset(self) -> None:
        """Go back to the state after the start; tokens issued so far stay valid."""
        self.world.reset()


def _plain(entry: JournalEntry, *, bodies: bool) -> JsonObject:
    plain = {f.name: getattr(entry, f.name) for f in dataclasses.fields(JournalEntry)}
    if not bodies:
        plain["body"] = None
    return plain
