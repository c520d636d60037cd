"""Which error a complaint of kubectl's stands for, and the way out of it.

kubectl ends with 1 whatever is wrong; only its sentence tells.
"""

import re
from typing import Final

from aks_access.errors import (
    AksAccessError,
    InputError,
    KubeConflict,
    KubeError,
    KubeForbidden,
    KubeNotFound,
    StartupError,
)
from aks_access.plan.wording import sentence

_UNREACHED: Final = (
    "Unable to connect to the server",
    "The connection to the server",
    "Unauthorized",
    "getting credentials",
    "Client.Timeout",
    "no configuration has been provided",
)
_WRONG_FLAG: Final = (
    "cannot locate context",
    "does not exist",
    "no such file",
    "error loading config",
    "unknown flag",
)
_CONFLICTS: Final = (
    "Error from server (Conflict)",
    "error: Apply failed with ",
    "error: Operation cannot be fulfilled on ",
)
_NO_NAMESPACE: Final = re.compile(r'namespaces "([^"]+)" not found')
_NO_CRDS: Final = "the server could not find the requested resource"


def error_of(said: str) -> AksAccessError:
    """What kubectl's complaint stands for."""
    told = said.removeprefix("error: ") or "kubectl failed and said nothing"
    if any(sign in said for sign in _UNREACHED):
        return StartupError(
            f"The management cluster cannot be reached: {sentence(told)} See that `kubectl get "
            "namespaces` works with the same --context, or write a file for a pull request: "
            "aks-access grant … --out DIR"
        )
    if said.startswith("Error from server (Forbidden)"):
        reason = told.partition(": ")[2]
        return KubeForbidden(
            f"You may not: {reason}. Ask whoever runs the management cluster for that right"
        )
    if _NO_CRDS in said:
        return KubeError(
            "This cluster has no ApiAccessGrants, so the operator is not installed here. "
            "Name the management cluster: --context NAME"
        )
    if (missing := _NO_NAMESPACE.search(said)) is not None:
        return KubeNotFound(
            f'No namespace "{missing[1]}" on the management cluster. -n names another one; a new '
            "one is made by whoever runs that cluster"
        )
    if said.startswith("Error from server (NotFound)"):
        return KubeNotFound(told.partition(": ")[2])
    if said.startswith(_CONFLICTS):
        return KubeConflict(told)
    if any(sign in said for sign in _WRONG_FLAG):
        return InputError(f"{told}. `kubectl config get-contexts` lists what there is.")
    return KubeError(told)
