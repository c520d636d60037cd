"""The way out of a refusal: the operator's words speak to whoever keeps a grant in Git; at a
command line it is a flag or an argument, and what that may say.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from aks_access.api.duration import format_duration
from aks_access.api.timestamps import format_timestamp
from aks_access.plan.model import Policy
from aks_access.plan.outcome import Refusal, Rule, Verdict

Advice = Callable[[Refusal, Verdict | None, Policy | None, datetime], str]
"""What to do instead, at a time, without a full stop; "" = what the operator advises.

Verdict and policy are those on a target; None where there is no such target.
"""

_FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Rule.REASON: "--reason",
        Rule.TICKET: "--ticket",
        Rule.REQUESTED_BY: "--requested-by",
    }
)

_TARGET: Final = "spec.targetRef.name"
_LISTS: Final = "`kubectl get aat` lists those there are"


def the_operators(*_: object) -> str:
    """`Advice` in the operator's words."""
    return ""


def of_grant(
    refusal: Refusal, verdict: Verdict | None, policy: Policy | None, now: datetime
) -> str:
    """`Advice` for who gave the command `grant`."""
    if refusal.field == _TARGET:
        return f"Give another TARGET; {_LISTS}"
    if refusal.rule in _FLAGS:
        return f"Add {_FLAGS[refusal.rule]}"
    return _shorter(refusal, verdict, policy, now)


def of_extend(
    refusal: Refusal, verdict: Verdict | None, policy: Policy | None, now: datetime
) -> str:
    """`Advice` for who gave the command `extend`, which says nothing but an end."""
    if refusal.field == _TARGET:
        return f"Give it by `grant`, with another TARGET and the same --name; {_LISTS}"
    if refusal.rule in _FLAGS:
        return f"Give it by `grant`, with {_FLAGS[refusal.rule]} and the same --name"
    return _shorter(refusal, verdict, policy, now)


def _shorter(
    refusal: Refusal, verdict: Verdict | None, policy: Policy | None, now: datetime
) -> str:
    """The longest that is allowed, where it is to be longer.

    Of access that began already it is a time: what is left grows shorter while the person types.
    """
    is_end = refusal.rule is Rule.MAX_DURATION and refusal.field == "spec.expiresAt"
    if not is_end or policy is None or verdict is None:
        return ""
    if policy.max_duration is None or verdict.starts is None:
        return ""
    last = verdict.starts + policy.max_duration
    if last <= now:
        return "All of that is used up: revoke it, and ask again under another --name"
    until = f"--until {format_timestamp(last)}"
    if verdict.starts == now:
        return f"Use --for {format_duration(policy.max_duration)} at most ({until})"
    return f"Use {until} at most"
