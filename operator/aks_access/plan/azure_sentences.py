"""What a refusal or a silence of Azure means for a target: reason, sentence, and whether it passes.

Azure's own text is quoted, bounded and without request ids; the missing right is named where the
server names it (Azure RBAC documentation: AuthorizationFailed, LinkedAuthorizationFailed).
"""

import re
from typing import NamedTuple

from aks_access.api.reasons import TargetReason
from aks_access.errors import UNSAFE, AzureError, AzureFault
from aks_access.plan.model import Target
from aks_access.plan.wording import azure_text, sentence

READ_ACTION = "Microsoft.ContainerService/managedClusters/read"
WRITE_ACTION = "Microsoft.ContainerService/managedClusters/write"

LINKED = "LinkedAuthorizationFailed"

_NO_TOKEN = "No token for Azure"
"""What the credentials' own sentences begin with; a 401 of Azure's does not."""

_ACTION = re.compile(r"permission to perform action(?:\(s\))? '([^']{1,200})'", re.IGNORECASE)
_LINKED_ACTION = re.compile(r"not have " + _ACTION.pattern, re.IGNORECASE)
_LINKED_SCOPE = re.compile(r"linked scope(?:\(s\))? '([^']{1,400})'", re.IGNORECASE)
_PLAIN_ACTION = re.compile(r"authorization to perform action '([^']{1,200})'", re.IGNORECASE)
_SCOPE = re.compile(r"scope(?:\(s\))? '([^']{1,400})'", re.IGNORECASE)
_LOCKED = re.compile(r"locked: '([^']{1,400})'", re.IGNORECASE)
_CLIENT = re.compile(r"client '([^']{1,200})'", re.IGNORECASE)


class AzureOutcome(NamedTuple):
    """The target's reason, the sentence, and whether it is tried again by itself soon."""

    reason: TargetReason
    message: str
    retries: bool


def azure_sentence(*, error: AzureError, target: Target, writing: bool = True) -> AzureOutcome:
    """What the target says after this error; `writing` tells a failed PUT from a failed read."""
    said = sentence(azure_text(error.message) or "Azure gave no reason")
    match error.fault:
        case AzureFault.FORBIDDEN:
            return _forbidden(error=error, target=target, writing=writing)
        case AzureFault.LOCKED:
            locked = _LOCKED.search(error.message)
            lock = (
                f"A lock on {azure_text(locked[1])} forbids the write."
                if locked
                else f"A lock forbids the write: {said}"
            )
            return AzureOutcome(
                TargetReason.CLUSTER_LOCKED,
                f"{lock} Remove it (CanNotDelete alone does no harm).",
                False,
            )
        case AzureFault.NOT_FOUND:
            return AzureOutcome(
                TargetReason.CLUSTER_NOT_FOUND,
                f"No cluster {target.resource_id}. Mend the subscription, or delete aat/"
                f"{target.name} (resourceId is immutable) and create it with the right id.",
                False,
            )
        case AzureFault.STOPPED:
            return AzureOutcome(
                TargetReason.CLUSTER_STOPPED,
                "The cluster is stopped, and AKS takes no write then. Start it; its entries are "
                "put right afterwards.",
                False,
            )
        case _:
            return _passing(error=error, said=said)


def _passing(*, error: AzureError, said: str) -> AzureOutcome:
    match error.fault:
        case AzureFault.THROTTLED:
            return AzureOutcome(
                TargetReason.THROTTLED,
                "Azure throttles requests for this cluster; tried again as it asks. Nothing to do.",
                True,
            )
        case AzureFault.BUSY | AzureFault.CHANGED:
            return AzureOutcome(
                TargetReason.CLUSTER_BUSY,
                "Another operation runs on the cluster; the write waits. Nothing to do.",
                True,
            )
        case AzureFault.NO_CREDENTIAL:
            words = said if said.startswith(_NO_TOKEN) else f"{_NO_TOKEN}: {said}"
            return AzureOutcome(
                TargetReason.AZURE_UNAVAILABLE,
                f"{words} Check the workload identity (federated credential, "
                "client id, tenant id).",
                False,
            )
        case AzureFault.UNCERTAIN:
            return AzureOutcome(
                TargetReason.AZURE_UNAVAILABLE,
                f"Azure gave no usable answer: {said} Tried again.",
                True,
            )
        case _ if error.code == UNSAFE:
            return AzureOutcome(TargetReason.WRITE_REFUSED, said, False)
        case _:
            code = f" ({error.code})" if error.code else ""
            return AzureOutcome(
                TargetReason.WRITE_REFUSED, f"Azure refused the request{code}: {said}", False
            )


def _forbidden(*, error: AzureError, target: Target, writing: bool) -> AzureOutcome:
    reason = TargetReason.WRITE_FORBIDDEN if writing else TargetReason.READ_FORBIDDEN
    if error.code == "RequestDisallowedByPolicy":
        said = sentence(azure_text(error.message))
        return AzureOutcome(
            reason, f"An Azure Policy forbids it: {said} Exempt the cluster.", False
        )
    client = _CLIENT.search(error.message)
    who = f"Client {client[1]}" if client else "The operator's identity"
    if client is None and target.identity is not None and target.identity.client_id:
        who = f"Client {target.identity.client_id}"
    assignee = client[1] if client else "<client id>"
    if error.code == LINKED or _LINKED_SCOPE.search(error.message):
        return AzureOutcome(
            reason, _linked(message=error.message, who=who, assignee=assignee), False
        )
    actions = [*_PLAIN_ACTION.findall(error.message), *_ACTION.findall(error.message)]
    scopes = _SCOPE.findall(error.message)
    action = actions[-1] if actions else (WRITE_ACTION if writing else READ_ACTION)
    scope = scopes[-1] if scopes else target.resource_id
    lack = f"{azure_text(who)} lacks {azure_text(action)} on {azure_text(scope)}."
    return AzureOutcome(reason, f"{lack} {_assignment(assignee=assignee, scope=scope)}", False)


def _linked(*, message: str, who: str, assignee: str) -> str:
    """The right is missing on something that the cluster uses, not on the cluster."""
    action, scope = _LINKED_ACTION.search(message), _LINKED_SCOPE.search(message)
    kind = "a resource that the cluster uses (subnet, public IP, disk encryption set, workspace …)"
    if action is None or scope is None:
        right = azure_text(action[1]) if action is not None else "a right"
        said = sentence(azure_text(message) or "Azure does not say which")
        return (
            f"{azure_text(who)} lacks {right} on {kind}, not on the cluster itself: {said} Assign "
            "a role with that right on that resource, or on its resource group."
        )
    return (
        f"{azure_text(who)} lacks {azure_text(action[1])} on {azure_text(scope[1])}, {kind}; a "
        "right on the cluster itself does not help. "
        f"{_assignment(assignee=assignee, scope=scope[1])}"
    )


def _assignment(*, assignee: str, scope: str) -> str:
    # az takes the subscription from the scope, so the command needs no other.
    return (
        f"Run: `az role assignment create --assignee {azure_text(assignee)} --role <a role with "
        f"it> --scope {azure_text(scope)}`."
    )
