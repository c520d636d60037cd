"""What a refusal or a silence of Azure means for a target: reason, sentence, and whether it passes.

Azure's own text is quoted, bounded and without request ids; the missing right is named where the
server names it (Azure RBAC documentation: AuthorizationFailed, LinkedAuthorizationFailed).
"""

import re
from typing import NamedTuple

from aks_access.api.conditions import TargetReason
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.model import Target
from aks_access.plan.wording import azure_text, sentence

READ_ACTION = "Microsoft.ContainerService/managedClusters/read"
WRITE_ACTION = "Microsoft.ContainerService/managedClusters/write"

_ACTION = re.compile(r"permission to perform action '([^']{1,200})'", re.IGNORECASE)
_PLAIN_ACTION = re.compile(r"authorization to perform action '([^']{1,200})'", re.IGNORECASE)
_SCOPE = re.compile(r"scope(?:\(s\))? '([^']{1,400})'", re.IGNORECASE)
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
            return AzureOutcome(
                TargetReason.CLUSTER_LOCKED,
                f"A lock forbids the write: {said} Remove it (CanNotDelete alone does no harm).",
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
            return AzureOutcome(
                TargetReason.AZURE_UNAVAILABLE,
                f"No token for Azure: {said} Check the workload identity (federated credential, "
                "client id, tenant id).",
                False,
            )
        case AzureFault.UNCERTAIN:
            return AzureOutcome(
                TargetReason.AZURE_UNAVAILABLE,
                f"Azure gave no usable answer: {said} Tried again.",
                True,
            )
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
    actions = [*_PLAIN_ACTION.findall(error.message), *_ACTION.findall(error.message)]
    scopes = _SCOPE.findall(error.message)
    action = actions[-1] if actions else (WRITE_ACTION if writing else READ_ACTION)
    scope = scopes[-1] if scopes else target.resource_id
    client = _CLIENT.search(error.message)
    who = f"Client {client[1]}" if client else "The operator's identity"
    if client is None and target.identity is not None and target.identity.client_id:
        who = f"Client {target.identity.client_id}"
    assignee = client[1] if client else "<client id>"
    return AzureOutcome(
        reason,
        f"{azure_text(who)} lacks {azure_text(action)} on {azure_text(scope)}. Run: az role "
        f"assignment create --assignee {azure_text(assignee)} --role <a role with it> --scope "
        f"{azure_text(scope)}",
        False,
    )
