"""The token endpoint: whose credentials are taken, and Entra ID's codes for the others."""

import base64
import json
from typing import Any

import pytest

from sandbox.arm.identity import ASSERTION_TYPE
from sandbox.arm.messages import ArmRequest, ArmResponse
from tests.unit.sandbox.arm_kit import CLUSTER, TENANT, Kit

ISSUER = "https://kubernetes.default.svc"
SUBJECT = "system:serviceaccount:aks-access:operator"


def assertion(kit: Kit, **claims: Any) -> str:
    values = {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": ["api://AzureADTokenExchange"],
        "exp": kit.clock.wall() + 600,
    } | claims
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, values, "signature")
    )


def login(kit: Kit, *, tenant: str = TENANT, **form: str) -> ArmResponse:
    values = {
        "grant_type": "client_credentials",
        "client_id": "app",
        "scope": "https://management.azure.com/.default",
    } | form
    path = f"/{tenant}/oauth2/v2.0/token"
    return kit.front.handle(ArmRequest(method="POST", path=path, body=values))


def federated(kit: Kit, token: str) -> ArmResponse:
    return login(kit, client_assertion_type=ASSERTION_TYPE, client_assertion=token)


def aadsts(answer: ArmResponse) -> int:
    found: int = answer.body["error_codes"][0]
    assert answer.body["error_description"].startswith(f"AADSTS{found}: ")
    return found


def test_any_secret_until_the_client_is_registered(kit: Kit) -> None:
    answer = login(kit, client_secret="whatever")
    assert answer.status == 200
    assert answer.body["expires_in"] == 3600
    headers = {"authorization": f"Bearer {answer.body['access_token']}"}
    request = ArmRequest(
        method="GET", path=CLUSTER, query={"api-version": "2026-08-01"}, headers=headers
    )
    assert kit.front.handle(request).status == 200
    assert kit.control.journal()[-1].client_id == "app"
    kit.control.register_client("app", tenant_id=TENANT, secret="right")
    assert aadsts(login(kit, client_secret="whatever")) == 7000215
    assert aadsts(login(kit)) == 7000215
    assert login(kit, client_secret="right").status == 200


def test_unknown_client_and_tenant(kit: Kit) -> None:
    kit.control.set_identity(only_registered=True)
    assert aadsts(login(kit, client_secret="x")) == 700016
    kit.control.register_client("app", tenant_id=TENANT, secret="x")
    assert login(kit, client_secret="x").status == 200
    assert aadsts(login(kit, tenant="other", client_secret="x")) == 700016


def test_federated_token(kit: Kit) -> None:
    assert federated(kit, assertion(kit)).status == 200
    assert aadsts(federated(kit, "no jwt")) == 50027
    assert aadsts(federated(kit, assertion(kit, aud="https://else"))) == 700212
    assert aadsts(federated(kit, assertion(kit, exp=kit.clock.wall()))) == 700024
    kit.control.register_client("app", tenant_id=TENANT, federations=[(ISSUER, SUBJECT)])
    assert federated(kit, assertion(kit)).status == 200
    assert aadsts(federated(kit, assertion(kit, sub="system:serviceaccount:x:y"))) == 700213
    assert aadsts(federated(kit, assertion(kit, iss="https://else"))) == 700213
    assert aadsts(login(kit, client_secret="none was given")) == 7000215


def test_other_grants_are_refused(kit: Kit) -> None:
    assert aadsts(login(kit, grant_type="password")) == 70003


def test_secrets_are_not_journaled(kit: Kit) -> None:
    login(kit, client_secret="hidden")
    entry = kit.control.journal()[-1]
    assert (entry.area, entry.client_id, entry.status) == ("identity", "app", 200)
    assert "hidden" not in repr(entry)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (
            f"/{TENANT}/v2.0/.well-known/openid-configuration",
            "token_endpoint",
            f"https://localhost:4711/{TENANT}/oauth2/v2.0/token",
        ),
        (
            "/common/discovery/instance",
            "tenant_discovery_endpoint",
            "https://localhost:4711/common/v2.0/.well-known/openid-configuration",
        ),
        ("/metadata/endpoints", "resourceManager", "https://localhost:4711"),
        (f"/{TENANT}/discovery/v2.0/keys", "keys", []),
    ],
)
def test_discovery(kit: Kit, path: str, name: str, value: object) -> None:
    answer = kit.front.handle(ArmRequest(method="GET", path=path))
    assert answer.status == 200
    assert answer.body[name] == value
