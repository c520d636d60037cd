"""Long-running operations: whether a URL may be asked, and what its answer says.

The URL is signed and came in a header; a token must not follow it anywhere but to ARM. Judged by
`status` alone, because an `error` may stand beside any of them (recorded AKS answers).
"""

from typing import Any, Final

from azure.core.exceptions import HttpResponseError

from aks_access.azure.errors import classify
from aks_access.azure.links import leads_elsewhere
from aks_access.engine.ports import OperationState
from aks_access.errors import AzureError, AzureFault

_STATES: Final = {state.lower(): state for state in OperationState}


def refuse_elsewhere(url: str, *, endpoint: str) -> None:
    """Raise `AzureError` (REFUSED) unless the URL has the endpoint's scheme, host and port."""
    if leads_elsewhere(url, endpoint=endpoint):
        raise AzureError(
            "The operation's URL is not one of the Azure Resource Manager that the operator is "
            "set up for, and is not asked; the cluster itself tells how the write ended.",
            fault=AzureFault.REFUSED,
        )


def state_of(answer: Any) -> OperationState:
    """The operation's state, from the SDK's response.

    Raises `AzureError`; for an operation that is not known any more `REFUSED`, because that says
    nothing about the cluster.
    """
    if answer.status_code == 202:
        return OperationState.RUNNING
    if answer.status_code != 200:
        raise _failure(HttpResponseError(response=answer))
    body = answer.json()
    status = body.get("status") if isinstance(body, dict) else None
    if not isinstance(status, str):
        raise AzureError("The operation's answer has no status.", fault=AzureFault.UNCERTAIN)
    return _STATES.get(status.lower(), OperationState.RUNNING)


def _failure(error: HttpResponseError) -> AzureError:
    problem = classify(error)
    if problem.fault is AzureFault.NOT_FOUND:
        return AzureError(
            problem.message, fault=AzureFault.REFUSED, status=problem.status, code=problem.code
        )
    return problem
