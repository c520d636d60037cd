"""The directory: OIDC discovery and the token endpoint, as azure-identity and msal use them.

Any client may log in until it is registered; a registered one has to bring its secret, or a
federated token that matches one of its credentials. Error codes are Entra ID's (AADSTS…).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.arm.messages import ArmResponse, JsonObject
from sandbox.arm.tokens import Tokens, claims_of

FEDERATED_AUDIENCE = "api://AzureADTokenExchange"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DISCOVERY = re.compile(r"/([^/]+)(?:/v2\.0)?/\.well-known/openid-configuration")
_TOKEN = re.compile(r"/([^/]+)/oauth2(?:/v2\.0)?/token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """A federated identity credential: whose tokens stand for the client."""

    issuer: str
    subject: str


@dataclass(slots=True, kw_only=True)
class Client:
    """A registered application."""

    client_id: str
    tenant_id: str
    secret: str | None = None
    federations: list[Federation] = field(default_factory=list)


class _RefusedError(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, *, status: int, error: str, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: JsonObject = {
            "error": error,
            "error_description": f"AADSTS{code}: {message}",
            "error_codes": [code],
        }


class Directory:
    """Answers what belongs to Entra ID rather than to ARM."""

    def __init__(self, *, tokens: Tokens) -> None:
        self.tokens = tokens
        self.clients: dict[str, Client] = {}
        self.only_registered = False
        """Refuse clients that were never registered."""

    def answer(
        self, *, base: str, method: str, path: str, form: Mapping[str, str], now: float
    ) -> ArmResponse | None:
        """Return the answer, or None when the path is none of the directory's.

        `base` is the emulator's own URL, `now` is in epoch seconds.
        """
        if path == "/common/discovery/instance":
            return ArmResponse(status=200, body=_instances(base))
        if path == "/metadata/endpoints":
            return ArmResponse(status=200, body=_clouds(base))
        if match := _DISCOVERY.fullmatch(path):
            return ArmResponse(status=200, body=_configuration(base, match[1]))
        if path.endswith("/discovery/v2.0/keys"):
            return ArmResponse(status=200, body={"keys": []})
        if method == "POST" and (match := _TOKEN.fullmatch(path)):
            return self._token(tenant=match[1], form=form, now=now)
        return None

    def _token(self, *, tenant: str, form: Mapping[str, str], now: float) -> ArmResponse:
        try:
            self._check(tenant=tenant, form=form, now=now)
        except _RefusedError as refused:
            return ArmResponse(status=refused.status, body=refused.body)
        scope = form.get("scope", "")
        audience = form.get("resource") or scope.split(" ")[0].removesuffix("/.default")
        token = self.tokens.issue(
            client_id=form["client_id"], tenant_id=tenant, audience=audience, now=now
        )
        lifetime = int(self.tokens.lifetime)
        body = {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": token,
        }
        return ArmResponse(status=200, body=body, headers={"Cache-Control": "no-store"})

    def _check(self, *, tenant: str, form: Mapping[str, str], now: float) -> None:
        if form.get("grant_type") != "client_credentials":
            raise _RefusedError(
                status=400,
                error="unsupported_grant_type",
                code=70003,
                message=f"The app requested an unsupported grant type '{form.get('grant_type')}'.",
            )
        client_id = form.get("client_id", "")
        client = self.clients.get(client_id.lower())
        if not client_id or (
            (client is None and self.only_registered)
            or (client is not None and client.tenant_id.lower() != tenant.lower())
        ):
            raise _RefusedError(
                status=400,
                error="unauthorized_client",
                code=700016,
                message=f"Application with identifier '{client_id}' was not found in the "
                f"directory '{tenant}'.",
            )
        if form.get("client_assertion_type") == ASSERTION_TYPE:
            _check_assertion(form.get("client_assertion", ""), client=client, now=now)
        elif not form.get("client_secret") or (
            client is not None and form["client_secret"] != client.secret
        ):
            raise _RefusedError(
                status=401,
                error="invalid_client",
                code=7000215,
                message=f"Invalid client secret provided for app '{client_id}'.",
            )


def _check_assertion(assertion: str, *, client: Client | None, now: float) -> None:
    def refuse(code: int, message: str) -> _RefusedError:
        return _RefusedError(status=401, error="invalid_client", code=code, message=message)

    try:
        claims = claims_of(assertion)
    except ValueError as error:
        raise refuse(50027, f"JWT token is invalid or malformed: {error}.") from error
    audience = claims.get("aud", [])
    if FEDERATED_AUDIENCE not in ([audience] if isinstance(audience, str) else audience):
        raise refuse(700212, f"No matching federated identity record for audience '{audience}'.")
    if now >= claims.get("exp", 0):
        raise refuse(700024, "Client assertion is not within its valid time range.")
    presented = Federation(issuer=claims.get("iss", ""), subject=claims.get("sub", ""))
    if client is not None and presented not in client.federations:
        raise refuse(
            700213,
            "No matching federated identity record found for presented assertion subject "
            f"'{presented.subject}' of issuer '{presented.issuer}'.",
        )


def _configuration(base: str, tenant: str) -> JsonObject:
    return {
        "issuer": f"{base}/{tenant}/v2.0",
        "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "EU",
    }


def _instances(base: str) -> JsonObject:
    host = base.removeprefix("https://")
    return {
        "tenant_discovery_endpoint": f"{base}/common/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {"preferred_network": host, "preferred_cache": host, "aliases": [host]},
        ],
    }


def _clouds(base: str) -> JsonObject:
    """Return the endpoints document that `az cloud register` asks for."""
    return {
        "name": "AksAccessSandbox",
        "portal": base,
        "graphEndpoint": base,
        "galleryEndpoint": base,
        "resourceManager": base,
        "microsoftGraphResourceId": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base, "https://management.azure.com"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "acrLoginServer": "azurecr.sandbox",
            "keyVaultDns": "vault.sandbox",
            "storage": "core.sandbox",
            "sqlServerHostname": "database.sandbox",
        },
        "media": base,
        "batch": base,
    }
