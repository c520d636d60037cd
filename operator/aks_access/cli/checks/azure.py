"""What `doctor --azure` asks Azure about a cluster: rights, locks, and ways past the list.

Only reads. What the list of permissions does not show (deny assignments, Azure Policy, conditional
access) only a write shows.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from aks_access.api.arm import ArmId
from aks_access.api.modes import Mode
from aks_access.cli.azure.outbound import member, node_egress
from aks_access.cli.checks.checkup import Checked, failed, passed, skipped, warned
from aks_access.cli.checks.targets import run_command
from aks_access.errors import AzureError
from aks_access.plan.cluster import RUNNING, SUCCEEDED, ClusterView
from aks_access.plan.egress import nodes_let_in_by_azure
from aks_access.plan.listing import SENTINEL, parsed
from aks_access.plan.model import Target
from aks_access.plan.wording import az_flags, listed, sentence

if TYPE_CHECKING:
    from aks_access.azure.reads import ArmReads

READ: Final = "Microsoft.ContainerService/managedClusters/read"
WRITE: Final = "Microsoft.ContainerService/managedClusters/write"
OPERATIONS: Final = "Microsoft.ContainerService/locations/operations/read"

_PERMISSIONS: Final = "/providers/Microsoft.Authorization/permissions"
_PERMISSIONS_VERSION: Final = "2022-04-01"
_LOCKS: Final = "/providers/Microsoft.Authorization/locks"
_LOCKS_VERSION: Final = "2020-05-01"
_AT_ONCE: Final = 6
_ROLE: Final = "AKS access operator"
_LINKED_ROLE: Final = "AKS access operator, linked resources"
"""The custom roles of the documentation's page on rights in Azure."""


async def checks_azure(
    reads: "ArmReads", wanted: Sequence[tuple[str, str, Target | None]]
) -> list[Checked]:
    """Every check of each cluster: (what it is called, ARM id, its target if there is one)."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str, resource_id: str, target: Target | None) -> list[Checked]:
        async with turn:
            return [each async for each in _cluster(reads, name, resource_id, target=target)]

    found = await asyncio.gather(*(one(*each) for each in wanted))
    return [_who(await reads.token()), *(each for part in found for each in part)]


def _who(token: str) -> Checked:
    """As whom Azure is asked, which the token itself says."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return passed("Azure", "a token was obtained.")
    who = claims.get("upn") or claims.get("unique_name") or claims.get("appid") or "unknown"
    return passed(
        "Azure",
        f"asked as {who} of tenant {claims.get('tid', 'unknown')}; the rights below are those of "
        "this log-in, and the operator's only where it is the operator's.",
    )


async def _cluster(
    reads: "ArmReads", name: str, resource_id: str, *, target: Target | None
) -> AsyncIterator[Checked]:
    try:
        view = await reads.cluster(resource_id)
    except AzureError as error:
        yield failed(name, f"cannot be read ({error.fault}): {sentence(error.message)}")
        return
    for each in _facts(name, view, resource_id):
        yield each
    async for each in _rights(reads, name, view, observed=_observed(target)):
        yield each
    async for each in _locks(reads, name, resource_id):
        yield each
    if (trusted := await _trusted(reads, resource_id)) is not None:
        yield warned(name, f"Trusted Access passes by the list: {listed(trusted)}.")
    if target is not None and not nodes_let_in_by_azure(view):
        yield _egress(name, view, target=target, known=await node_egress(reads, view.body))


def _observed(target: Target | None) -> bool:
    return target is not None and target.mode is Mode.OBSERVE


def _facts(name: str, view: ClusterView, resource_id: str) -> Iterator[Checked]:
    """What of the cluster itself makes its list pointless, or writes impossible."""
    if view.private:
        yield failed(name, "a private cluster: ranges do not apply. Delete its target.")
    elif view.load_balancer_sku == "basic":
        yield failed(name, "has a Basic load balancer, for which AKS takes no ranges.")
    elif view.ranges is None:
        yield warned(name, "open to everyone: there is no list yet.")
    elif view.ranges == (SENTINEL,):
        yield warned(name, f"its list is {SENTINEL} alone, which lets nobody in.")
    else:
        yield passed(name, f"{len(view.ranges)} of {view.entry_limit} entries in its list.")
    if view.provisioning_state != SUCCEEDED:
        yield warned(name, f"its provisioningState is {view.provisioning_state}.")
    if view.power_state != RUNNING:
        yield warned(name, f"is {view.power_state}: AKS takes no write then. Start it.")
    if view.disable_run_command is not True:
        yield warned(name, run_command(resource_id))
    if view.public_network_access == "Disabled":
        yield warned(name, "publicNetworkAccess is Disabled: the list means nothing.")
    properties = member(view.body, "properties")
    if member(properties, "disableLocalAccounts") is not True:
        yield warned(
            name,
            "local accounts enabled: an admin kubeconfig needs no log-in. Run "
            f"`az aks update {az_flags(resource_id)} --disable-local-accounts`.",
        )
    families = member(member(properties, "networkProfile"), "ipFamilies")
    if isinstance(families, list) and "IPv6" in families:
        yield warned(name, "has IPv6, and ranges are IPv4 only: IPv6 clients do not get in.")


async def _rights(
    reads: "ArmReads", name: str, view: ClusterView, *, observed: bool
) -> AsyncIterator[Checked]:
    from aks_access.azure.linked import linked_actions

    arm = ArmId.parse(view.resource_id)
    subscription = f"/subscriptions/{arm.subscription}"
    needed = [(READ, str(arm)), (WRITE, str(arm)), *linked_actions(view.body)]
    missing, unknown = 0, 0
    for action, scope in needed:
        given = await _permissions(reads, scope)
        if given is None:
            unknown += 1
        elif not allows(given, action):
            missing += 1
            role = _ROLE if action in (READ, WRITE) else _LINKED_ROLE
            said = f'ARM permissions list lacks {action} on {scope}. Assign "{role}" there.'
            yield (warned if observed and action != READ else failed)(name, said)
    if unknown:
        yield skipped(name, f"{unknown} of {len(needed)} rights could not be looked at.")
    elif not missing:
        yield passed(name, f"all {len(needed)} rights that a write needs are there.")
    given = await _permissions(reads, subscription)
    if given is not None and not allows(given, OPERATIONS):
        yield warned(
            name,
            f"ARM permissions list lacks {OPERATIONS} on {subscription}: how a write ended is "
            "taken from the cluster's own state.",
        )


async def _permissions(reads: "ArmReads", scope: str) -> list[Mapping[str, Any]] | None:
    """What the log-in may do at a scope; None where that may not be asked."""
    try:
        return [
            each
            async for each in reads.pages(
                f"{scope}{_PERMISSIONS}", api_version=_PERMISSIONS_VERSION
            )
        ]
    except AzureError:
        return None


def allows(permissions: Sequence[Mapping[str, Any]], action: str) -> bool:
    """Whether one of the roles behind these gives the action, and does not except it."""

    def named(patterns: object) -> bool:
        every = patterns if isinstance(patterns, list) else ()
        return any(fnmatchcase(action.lower(), str(each).lower()) for each in every)

    return any(
        named(each.get("actions")) and not named(each.get("notActions")) for each in permissions
    )


async def _locks(reads: "ArmReads", name: str, resource_id: str) -> AsyncIterator[Checked]:
    arm = ArmId.parse(resource_id)
    subscription = f"/subscriptions/{arm.subscription}"
    found: dict[str, str] = {}
    unknown = False
    for scope in (subscription, f"{subscription}/resourceGroups/{arm.group}", resource_id):
        try:
            async for each in reads.pages(f"{scope}{_LOCKS}", api_version=_LOCKS_VERSION):
                lock = str(each.get("id", ""))
                locked = lock.lower().partition(_LOCKS.lower())[0]
                if f"{resource_id.lower()}/".startswith(f"{locked}/"):
                    found[lock] = str(member(each.get("properties"), "level"))
        except AzureError:
            unknown = True
    for lock, level in found.items():
        if level == "ReadOnly":
            yield failed(name, f"the lock {lock} forbids every write. Remove it.")
    if unknown:
        yield skipped(
            name, "not all locks could be looked at (Microsoft.Authorization/locks/read)."
        )
    elif "ReadOnly" not in found.values():
        yield passed(name, "no lock forbids a write.")


async def _trusted(reads: "ArmReads", resource_id: str) -> list[str] | None:
    """Names of Trusted Access bindings; None where there are none, or they may not be read."""
    path = f"{resource_id}/trustedAccessRoleBindings"
    try:
        found = [
            str(each.get("name"))
            async for each in reads.pages(path, api_version=reads.options.api_version)
        ]
    except AzureError:
        return None
    return found or None


def _egress(name: str, view: ClusterView, *, target: Target, known: Sequence[str]) -> Checked:
    ranges = [*target.egress, *target.baseline]
    if not known:
        if target.egress:
            return passed(name, "nodeEgress names the addresses that its nodes leave by.")
        return warned(
            name,
            f"outbound type {view.outbound_type}: which addresses its nodes leave by could not be "
            "read. Name them in nodeEgress.",
        )
    values = [(entry, parsed(entry)) for entry in known]
    outside = [
        entry
        for entry, value in values
        if value is not None
        and not any(r.first <= value.first and value.last <= r.last for r in ranges)
    ]
    if outside:
        return failed(
            name,
            f"its nodes leave by {listed(outside)}, which neither nodeEgress nor baseline has. Add "
            "it to nodeEgress.",
        )
    return passed(name, "the addresses that its nodes leave by are always let in.")
