"""A naive model of what should stand in the list; shares no code with the planner.

It knows only calm cases: everything known, everything writable, no limits reached, few entries.
"""

from ipaddress import IPv4Network, ip_network

from aks_access.api.target import Mode
from aks_access.plan.model import Grant
from tests.unit.plan.build import NOW
from tests.unit.plan.strategies import Case


def network(text: str) -> IPv4Network | None:
    """The entry as a network, or None where it is something else."""
    try:
        found = ip_network(text)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Network) else None


def spelled(text: str) -> str:
    """One spelling per network."""
    found = network(text)
    return str(found) if found is not None else text


def let_in(item: Grant, case: Case) -> bool:
    """Whether the grant should have access now."""
    on, rules = case.target, case.target.policy
    if item.target_name != on.name or item.deleting or item.revoked:
        return False
    if item.expires_at is None and not rules.allow_permanent:
        return False
    if item.expires_at is not None and item.expires_at <= NOW:
        return False
    if item.not_before is not None and item.not_before > NOW:
        return False
    if not rules.all_namespaces and item.namespace != "team-a":
        return False
    if item.expires_at is not None and rules.max_duration is not None:
        start = item.started or (item.evaluated[1] if item.evaluated else NOW)
        start = max(start, item.not_before or start)
        if item.expires_at - start > rules.max_duration:
            return False
    return all(_range_allowed(str(text), case) for text in item.ranges)


def _range_allowed(text: str, case: Case) -> bool:
    rules, asked = case.target.policy, set(IPv4Network(text))
    if IPv4Network(text).prefixlen < rules.min_prefix_length:
        return False
    if any(asked & set(IPv4Network(str(denied))) for denied in rules.denied_ranges):
        return False
    allowed = [set(IPv4Network(str(item))) for item in rules.allowed_ranges]
    return not allowed or any(asked <= one for one in allowed)


def expected(case: Case) -> set[str]:
    """The entries that should stand, in one spelling each."""
    wanted = {spelled(str(item)) for item in case.target.baseline}
    for item in case.world.grants.values():
        if let_in(item, case):
            wanted |= {spelled(str(text)) for text in item.ranges}
    assert case.view.ranges is not None
    live = {spelled(text) for text in case.view.ranges} - {"0.0.0.0/32"}
    ours = set(case.ledger.entries)
    foreign = set() if case.target.mode is Mode.EXCLUSIVE else live - ours
    return (wanted | foreign) or {"0.0.0.0/32"}


def addresses(entries: set[str]) -> set[int]:
    """Which of the sixteen addresses the entries let in."""
    pool = range(int(IPv4Network("20.0.0.0/28")[0]), int(IPv4Network("20.0.0.0/28")[-1]) + 1)
    networks = [found for text in entries if (found := network(text)) is not None]
    return {a for a in pool if any(int(n[0]) <= a <= int(n[-1]) for n in networks)}
