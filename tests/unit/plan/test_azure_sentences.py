"""What Azure's refusals and silences mean for a target, word for word."""

import pytest

from aks_access.api.reasons import TargetReason
from aks_access.errors import UNSAFE, AzureError
from aks_access.errors import AzureFault as F
from aks_access.plan.azure_sentences import AzureOutcome, azure_sentence
from aks_access.plan.model import Identity
from tests.unit.plan.build import ID, target
from tests.unit.plan.test_sentences import LINKED, PLAIN


@pytest.mark.parametrize(
    ("fault", "message", "said"),
    [
        (
            F.LOCKED,
            "The scope is locked",
            "A lock forbids the write: The scope is locked. Remove it (CanNotDelete alone does no "
            "harm).",
        ),
        (
            F.LOCKED,
            "The scope '/a/b' cannot perform write operation because following scope(s) are "
            "locked: '/a'. Please remove the lock and try again.",
            "A lock on /a forbids the write. Remove it (CanNotDelete alone does no harm).",
        ),
        (
            F.NOT_FOUND,
            "",
            f"No cluster {ID}. Mend the subscription, or delete aat/prod (resourceId is "
            "immutable) and create it with the right id.",
        ),
        (
            F.STOPPED,
            "",
            "The cluster is stopped, and AKS takes no write then. Start it; its entries are put "
            "right afterwards.",
        ),
        (
            F.THROTTLED,
            "",
            "Azure throttles requests for this cluster; tried again as it asks. Nothing to do.",
        ),
        (F.BUSY, "", "Another operation runs on the cluster; the write waits. Nothing to do."),
        (F.CHANGED, "", "Another operation runs on the cluster; the write waits. Nothing to do."),
        (
            F.NO_CREDENTIAL,
            "AADSTS700016",
            "No token for Azure: AADSTS700016. Check the workload identity (federated credential, "
            "client id, tenant id).",
        ),
        (
            F.NO_CREDENTIAL,
            "No token for Azure could be had: AADSTS700016",
            "No token for Azure could be had: AADSTS700016. Check the workload identity (federated "
            "credential, client id, tenant id).",
        ),
        (F.UNCERTAIN, "", "Azure gave no usable answer: Azure gave no reason. Tried again."),
        (F.REFUSED, "Bad range", "Azure refused the request: Bad range."),
    ],
)
def test_a_fault_of_azure_is_told_with_what_to_do(fault: F, message: str, said: str) -> None:
    assert azure_sentence(error=AzureError(message, fault=fault), target=target()).message == said


def test_a_refusal_without_a_meaning_of_its_own_is_told_with_its_code() -> None:
    error = AzureError("Bad range.", fault=F.INVALID, code="InvalidParameter")
    assert azure_sentence(error=error, target=target()) == AzureOutcome(
        TargetReason.WRITE_REFUSED,
        "Azure refused the request (InvalidParameter): Bad range.",
        False,
    )


def test_i1_a_list_that_was_never_sent_is_no_refusal_of_azures() -> None:
    error = AzureError("Not sent: The list is empty.", fault=F.REFUSED, code=UNSAFE)
    assert azure_sentence(error=error, target=target()) == AzureOutcome(
        TargetReason.WRITE_REFUSED, "Not sent: The list is empty.", False
    )


@pytest.mark.parametrize(
    ("message", "code", "said"),
    [
        (
            "Denied by initiative x",
            "RequestDisallowedByPolicy",
            "An Azure Policy forbids it: Denied by initiative x. Exempt the cluster.",
        ),
        (
            PLAIN,
            "",
            "Client c1 lacks Microsoft.ContainerService/managedClusters/read on "
            "/subscriptions/s/aks. Run: `az role assignment create --assignee c1 --role <a role "
            "with it> --scope /subscriptions/s/aks`.",
        ),
        (
            "No.",
            "",
            "The operator's identity lacks Microsoft.ContainerService/managedClusters/write on "
            f"{ID}. Run: `az role assignment create --assignee <client id> --role <a role with "
            f"it> --scope {ID}`.",
        ),
        (
            LINKED,
            "",
            "Client c1 lacks Microsoft.OperationalInsights/workspaces/sharedkeys/read on "
            "/subscriptions/s/ws, a resource that the cluster uses (subnet, public IP, disk "
            "encryption set, workspace …); a right on the cluster itself does not help. Run: `az "
            "role assignment create --assignee c1 --role <a role with it> --scope "
            "/subscriptions/s/ws`.",
        ),
        (
            LINKED,
            "LinkedAuthorizationFailed",
            "Client c1 lacks Microsoft.OperationalInsights/workspaces/sharedkeys/read on "
            "/subscriptions/s/ws, a resource that the cluster uses (subnet, public IP, disk "
            "encryption set, workspace …); a right on the cluster itself does not help. Run: `az "
            "role assignment create --assignee c1 --role <a role with it> --scope "
            "/subscriptions/s/ws`.",
        ),
        (
            "",
            "LinkedAuthorizationFailed",
            "The operator's identity lacks a right on a resource that the cluster uses (subnet, "
            "public IP, disk encryption set, workspace …), not on the cluster itself: Azure does "
            "not say which. Assign a role with that right on that resource, or on its resource "
            "group.",
        ),
        (
            LINKED.partition(" on the linked")[0],
            "LinkedAuthorizationFailed",
            "Client c1 lacks Microsoft.OperationalInsights/workspaces/sharedkeys/read on a "
            "resource that the cluster uses (subnet, public IP, disk encryption set, workspace "
            "…), not on the cluster itself: The client 'c1' with object id 'o1' has permission to "
            "perform action 'Microsoft.ContainerService/managedClusters/write' on scope "
            "'/subscriptions/s/aks'; however, it does not have permission to perform action "
            "'Microsoft.OperationalInsights/workspaces/sharedkeys/read'. Assign a role with that "
            "right on that resource, or on its resource group.",
        ),
    ],
)
def test_a_missing_right_is_told_with_where_to_give_it(message: str, code: str, said: str) -> None:
    error = AzureError(message, fault=F.FORBIDDEN, code=code)
    outcome = AzureOutcome(TargetReason.WRITE_FORBIDDEN, said, False)
    assert azure_sentence(error=error, target=target()) == outcome


def test_without_a_name_in_azures_sentence_the_targets_own_identity_is_named() -> None:
    own = target(identity=Identity(client_id="c9"))
    no = AzureError("No.", fault=F.FORBIDDEN)
    said = azure_sentence(error=no, target=own, writing=False).message
    assert said.startswith("Client c9 lacks Microsoft.ContainerService/managedClusters/read on ")
    said = azure_sentence(error=no, target=target(identity=Identity())).message
    assert said.startswith("The operator's identity lacks ")
    plain = AzureError(PLAIN, fault=F.FORBIDDEN)
    assert azure_sentence(error=plain, target=own).message.startswith("Client c1 lacks ")
