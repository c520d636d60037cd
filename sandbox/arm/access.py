"""Who may do what: RBAC refusals, policies, resource locks.

Everything is allowed until a rule refuses it, but for a client that was assigned a role: that one
may do what its assignments say and nothing else. Scopes are ARM ids; rules and assignments hold at
and below theirs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from sandbox.arm.ids import key
from sandbox.arm.messages import ArmError
from sandbox.arm.tokens import Principal


class Verb(StrEnum):
    """The last part of an ARM action."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    ACTION = "action"


class LockLevel(StrEnum):
    """ReadOnly refuses writes and deletions, CanNotDelete deletions only."""

    READ_ONLY = "ReadOnly"
    CAN_NOT_DELETE = "CanNotDelete"


class Refusal(StrEnum):
    """The error codes a rule can answer with, all of them 403."""

    AUTHORIZATION_FAILED = "AuthorizationFailed"
    LINKED_AUTHORIZATION_FAILED = "LinkedAuthorizationFailed"
    REQUEST_DISALLOWED_BY_POLICY = "RequestDisallowedByPolicy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A right that a client, or every client, does not have at a scope."""

    scope: str
    verb: Verb
    client_id: str | None = None
    refusal: Refusal = Refusal.AUTHORIZATION_FAILED
    linked_action: str = "Microsoft.OperationalInsights/workspaces/sharedkeys/read"
    linked_scope: str = ""
    policy: str = "deny-changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A role's actions (`*` for any characters, as in Azure) at a scope."""

    scope: str
    actions: tuple[str, ...]

    def covers(self, action: str, scope: str) -> bool:
        """Whether it gives this right."""
        wanted = action.lower()
        return _within(scope, self.scope) and any(
            fnmatchcase(wanted, given.lower()) for given in self.actions
        )


@dataclass(slots=True)
class Access:
    """The rules in force."""

    denials: list[Denial] = field(default_factory=list)
    locks: dict[str, LockLevel] = field(default_factory=dict)
    assignments: dict[str, list[Assignment]] = field(default_factory=dict)
    """By client id, in lower case; a client without an entry may do everything."""

    def require(self, *, principal: Principal, verb: Verb, scope: str, resource_type: str) -> None:
        """Raise `ArmError` (403, or 409 for a lock) when the call is refused."""
        if not self._assigned(principal, f"{resource_type}/{verb}", scope):
            denial = Denial(scope=scope, verb=verb)
            raise _refused(denial, principal, f"{resource_type}/{verb}", scope)
        for denial in self.denials:
            if denial.verb is not verb or not _within(scope, denial.scope):
                continue
            if denial.client_id is None or denial.client_id == principal.client_id:
                raise _refused(denial, principal, f"{resource_type}/{verb}", scope)
        if locked := sorted(self._locks(verb=verb, scope=scope)):
            doing = "delete" if verb is Verb.DELETE else "write"
            raise ArmError(
                status=409,
                code="ScopeLocked",
                message=f"The scope '{scope}' cannot perform {doing} operation because following "
                f"scope(s) are locked: '{','.join(locked)}'. "
                "Please remove the lock and try again.",
            )

    def require_linked(
        self, *, principal: Principal, action: str, scope: str, links: Iterable[tuple[str, str]]
    ) -> None:
        """Raise `ArmError` (403) for the first of `links` (action, scope) that is not given.

        `action` at `scope` is what the client is about to do, and may.
        """
        asked = Denial(scope=scope, verb=Verb.WRITE, refusal=Refusal.LINKED_AUTHORIZATION_FAILED)
        for linked_action, linked_scope in links:
            if not self._assigned(principal, linked_action, linked_scope):
                denial = replace(asked, linked_action=linked_action, linked_scope=linked_scope)
                raise _refused(denial, principal, action, scope)

    def _assigned(self, principal: Principal, action: str, scope: str) -> bool:
        given = self.assignments.get(principal.client_id.lower())
        return given is None or any(each.covers(action, scope) for each in given)

    def _locks(self, *, verb: Verb, scope: str) -> Iterator[str]:
        for locked, level in self.locks.items():
            if not _within(scope, locked) or verb is Verb.READ:
                continue
            if level is LockLevel.READ_ONLY or verb is Verb.DELETE:
                yield locked


def _within(scope: str, above: str) -> bool:
    low, high = key(scope), key(above)
    return low == high or low.startswith(high.rstrip("/") + "/")


def _refused(denial: Denial, principal: Principal, action: str, scope: str) -> ArmError:
    who = f"The client '{principal.client_id}' with object id '{principal.object_id}'"
    match denial.refusal:
        case Refusal.AUTHORIZATION_FAILED:
            message = (
                f"{who} does not have authorization to perform action '{action}' over scope "
                f"'{scope}' or the scope is invalid. If access was recently granted, please "
                "refresh your credentials."
            )
        case Refusal.LINKED_AUTHORIZATION_FAILED:
            message = (
                f"{who} has permission to perform action '{action}' on scope '{scope}'; however, "
                f"it does not have permission to perform action '{denial.linked_action}' on the "
                f"linked scope(s) '{denial.linked_scope}' or the linked scope(s) are invalid."
            )
        case Refusal.REQUEST_DISALLOWED_BY_POLICY:
            name = scope.rsplit("/", 1)[-1]
            message = (
                f"Resource '{name}' was disallowed by policy. Policy identifiers: "
                f'\'[{{"policyAssignment":{{"name":"{denial.policy}"}}}}]\'.'
            )
    return ArmError(status=403, code=str(denial.refusal), message=message)
