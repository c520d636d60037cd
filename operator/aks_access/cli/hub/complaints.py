"""Which error a complaint of kubectl's stands for, and the way out of it.

kubectl ends with 1 whatever is wrong; only its sentence tells.
"""

import re
from typing import Final

from aks_access.cli.hub.reach import pod_namespace
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
    "does not exist",
    "no such file",
    "error loading config",
    "Error in configuration",
    "invalid configuration",
    "unknown flag",
)
_UNDEFINED: Final = re.compile(
    r"cannot locate (?P<kind>context|cluster|user) (?P<name>\S+)"
    r"|(?P<quoted_kind>context|cluster|auth info) \"(?P<quoted>[^\"]+)\" does not exist"
    r"|context was not found for specified context: (?P<context>\S+)"
)
_NOBODY: Final = ("error: EOF", "EOF")
_NOWHERE: Final = "The connection to the server localhost:8080 was refused"
_OUT: Final = "write a file for a pull request: aks-access grant … --out DIR"
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
    if (undefined := _UNDEFINED.search(said)) is not None:
        return InputError(_undefined(undefined))
    if said in _NOBODY:
        return InputError(
            "kubectl asks for a user name, and nobody answers: the kubeconfig has no user for its "
            "context, or nothing to log in by. Name another: --context NAME or --user NAME"
        )
    if _NOWHERE in said:
        return StartupError(_nowhere())
    if any(sign in said for sign in _UNREACHED):
        return StartupError(
            f"The management cluster cannot be reached: {sentence(told)} See that `kubectl get "
            f"namespaces` works with the same --context, or {_OUT}"
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


def _undefined(found: re.Match[str]) -> str:
    """What a context or a flag names and the kubeconfig does not have."""
    kind = found["kind"] or found["quoted_kind"] or "context"
    name = found["name"] or found["quoted"] or found["context"]
    by = "" if kind == "context" else ", which a context or a flag names"
    kind = "user" if kind == "auth info" else kind
    return (
        f'The kubeconfig has no {kind} "{name}"{by}. `kubectl config get-contexts` lists what '
        "there is."
    )


def _nowhere() -> str:
    """What kubectl does where it knows no cluster."""
    pod = (
        " In a pod without a kubeconfig its ServiceAccount is taken: unset KUBECONFIG."
        if pod_namespace()
        else ""
    )
    return (
        "The management cluster cannot be reached: kubectl asks localhost:8080, as it does where "
        "no kubeconfig names another server, and nothing answers. Name one: --context NAME or "
        f"--kubeconfig FILE.{pod} Or {_OUT}"
    )
