"""ServiceAccount tokens from the API server itself, as a kubelet would ask for them."""

from collections.abc import Callable
from typing import Any

TOKEN_SECONDS = 24 * 3600


def token_of(
    request: Callable[[str, str, object], dict[str, Any]],
    service_account: str,
    namespace: str,
    *,
    audience: str = "",
) -> str:
    """Ask for a token for a day, or as long as the server allows (TokenRequest).

    Without `audience` it is for the API server. `request` is `ManagementCluster.request`.
    """
    spec: dict[str, object] = {"expirationSeconds": TOKEN_SECONDS}
    if audience:
        spec["audiences"] = [audience]
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}"
    return str(request("POST", f"{account}/token", body)["status"]["token"])
