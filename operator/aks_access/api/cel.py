"""CEL rules of the CRDs, built from the same tables and patterns the models check with.

Each function returns `x-kubernetes-validations` entries. A schema `pattern` would be shorter, but
its refusal quotes a regular expression and stops the other rules from running; these say what is
wrong with which value and how to mend it. Functions beyond the CEL standard (`isIP`, `cidr`,
`lowerAscii`) are those of the Kubernetes API server, from 1.31 on.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from aks_access.api.duration import DURATION_PATTERN
from aks_access.api.ranges import SPECIAL_NETWORKS
from aks_access.api.timestamps import TIMESTAMP_PATTERN

if TYPE_CHECKING:
    from pydantic import JsonValue

Rule: TypeAlias = "dict[str, JsonValue]"

DNS_NAME_PATTERN: Final = (
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"  # RFC 1123 subdomain
)
# Wide enough to be far above 8760h, narrow enough not to overflow CEL's duration().
_ABSURD_DURATION: Final = r"[1-9][0-9]{4,}h|[1-9][0-9]{6,}m|[1-9][0-9]{8,}s"


def literal(text: str) -> str:
    """A CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def rule(
    expression: str, message: str, *, shown: str | None = None, field: str | None = None
) -> Rule:
    """One validation.

    `shown` is a CEL expression for a message that quotes values, `field` the field to blame where
    the rule stands on the object around it.
    """
    made: Rule = {"rule": expression, "message": message}
    if shown is not None:
        made["messageExpression"] = shown
    if field is not None:
        made["fieldPath"] = f".{field}"
    return made


def value_rule(expression: str, complaint: str) -> Rule:
    """A validation of a string whose message is the value and what is wrong with it."""
    return rule(expression, f"the value {complaint}", shown=f"self + {literal(' ' + complaint)}")


def matching(pattern: str, complaint: str, *, subject: str = "self") -> Rule:
    """A rule that a string matches a pattern."""
    return value_rule(f"{subject}.matches({literal(pattern)})", complaint)


def range_rules(*, min_prefix: int | None) -> list[Rule]:
    """Rules of one IPv4 range.

    `min_prefix` None leaves out what concerns only ranges that go into an authorized list.
    """
    rules = [_ipv4(), _readable(), _host_bits()]
    if min_prefix is not None:
        rules += [_not_everything(), _not_special(), _not_wider(min_prefix)]
    return rules


def _ipv4() -> Rule:
    return value_rule(
        "!self.contains(':')",
        "is IPv6, and AKS takes IPv4 ranges only; use the client's IPv4 address",
    )


def _readable() -> Rule:
    return value_rule(
        "self.contains(':') || isIP(self) || isCIDR(self)",
        "is not an IPv4 address or network; write one like 20.50.1.7 or 20.50.1.0/24, without "
        "leading zeros",
    )


def _host_bits() -> Rule:
    return rule(
        "self.contains(':') || !isCIDR(self) || cidr(self) == cidr(self).masked()",
        "the range has host bits set; use its network address",
        # format() because the cost estimator cannot bound a sum with string(cidr) in it.
        shown=(
            "'%s has host bits set; use %s for the network or %s/32 for the one address'"
            ".format([self, string(cidr(self).masked()), string(cidr(self).ip())])"
        ),
    )


def _not_everything() -> Rule:
    return value_rule(
        "!isCIDR(self) || cidr(self).prefixLength() > 0",
        "is every address, which opens the API server to the internet; list the clients' public "
        "addresses instead",
    )


def _not_special() -> Rule:
    # One term per network: in a loop over a list the cost estimator loses the literals' sizes.
    hits = [
        (
            f"(isIP(self) ? cidr('{net.range}').containsIP(self) : cidr('{net.range}')"
            f".containsCIDR(self) || cidr(self).containsIP('{str(net.range).partition('/')[0]}'))",
            literal(f"{net.range} ({net.name}, {net.source})"),
        )
        for net in SPECIAL_NETWORKS
    ]
    readable = "isIP(self) || (isCIDR(self) && cidr(self).prefixLength() > 0)"
    named = " : ".join(f"{hit} ? {name}" for hit, name in hits)
    remedy = (
        "where no client of a public API server comes from; use the public address the clients "
        "leave by"
    )
    return rule(
        f"!({readable}) || !({' || '.join(hit for hit, _ in hits)})",
        f"the range overlaps a special-purpose network, {remedy}",
        shown=(
            f"self + ' overlaps ' + ({named} : 'a special-purpose network') + "
            f"{literal(', ' + remedy)}"
        ),
    )


def _not_wider(min_prefix: int) -> Rule:
    return value_rule(
        "self.contains(':') || !isCIDR(self) || cidr(self).prefixLength() == 0 || "
        f"cidr(self).prefixLength() >= {min_prefix}",
        f"is wider than /{min_prefix}, the widest allowed here; list narrower ranges",
    )


def timestamp_rules() -> list[Rule]:
    """Rules of one RFC 3339 time; a string, so that the refusal can say what is missing."""
    return [
        matching(
            TIMESTAMP_PATTERN,
            "is not an RFC 3339 time with a zone; write one like 2026-11-22T18:00:00Z",
        ),
        rule(
            f"!self.matches({literal(TIMESTAMP_PATTERN)}) || timestamp(self) == timestamp(self)",
            "there is no such date or time; write one like 2026-11-22T18:00:00Z",
        ),
    ]


def ordered(*, earlier: str, later: str) -> Rule:
    """A rule that one optional time field lies after another."""
    valid = literal(TIMESTAMP_PATTERN)
    return rule(
        f"!has(self.{earlier}) || !has(self.{later}) || !self.{earlier}.matches({valid}) || "
        f"!self.{later}.matches({valid}) || timestamp(self.{later}) > timestamp(self.{earlier})",
        f"{later} must be after {earlier}",
        shown=(
            f"'{later} ' + self.{later} + ' is not after {earlier} ' + self.{earlier} + "
            f"'; move {later} or leave {earlier} out'"
        ),
        field=later,
    )


def duration_rules() -> list[Rule]:
    """Rules of one duration: the format, more than nothing, at most a year."""
    shape = literal(DURATION_PATTERN)
    readable = f"size(self) > 0 && self.matches({shape})"
    return [
        value_rule(
            readable,
            "is not a duration; write hours, minutes and seconds in that order, like 4h30m, 90m or "
            "45s",
        ),
        value_rule(
            f"!({readable}) || self.matches('[1-9]')",
            "is no time at all; write a duration above zero, like 4h30m",
        ),
        value_rule(
            f"!({readable}) || (!self.matches({literal(_ABSURD_DURATION)}) && "
            "duration(self) <= duration('8760h'))",
            "is longer than 8760h (a year), the longest allowed",
        ),
    ]


def exactly_one(first: str, second: str, *, hint: str) -> Rule:
    """A rule that exactly one of two optional fields is there."""
    return rule(
        f"has(self.{first}) != has(self.{second})",
        f"exactly one of {first} and {second} is needed; {hint}",
        shown=(
            f"(has(self.{first}) ? 'both {first} and {second} are set' : "
            f"'neither {first} nor {second} is set') + "
            f"{literal(f'; exactly one is needed: {hint}')}"
        ),
        field=first,
    )


def any_items(fields: Sequence[str], message: str) -> Rule:
    """A rule that at least one of several optional lists has an item."""
    checks = (f"(has(self.{field}) && size(self.{field}) > 0)" for field in fields)
    return rule(" || ".join(checks), message, field=fields[0])
