"""Access tokens: JWT-shaped, signed with a key of this emulator's own, with an expiry."""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.arm.messages import ArmError, JsonObject

AUDIENCES = frozenset(
    {
        "https://management.azure.com",
        "https://management.core.windows.net",
        "https://management.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net",
        "https://management.chinacloudapi.cn",
        "https://management.core.chinacloudapi.cn",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls: the application's client id, its object id and its tenant."""

    client_id: str
    object_id: str
    tenant_id: str


def object_id(client_id: str) -> str:
    """Return the object id that the emulator's directory gives a client."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"object:{client_id.lower()}"))


def claims_of(token: str) -> JsonObject:
    """Return a JWT's claims without looking at its signature; raises ValueError for no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("a JWT has three parts")
    claims = json.loads(_unpadded(parts[1]))
    if not isinstance(claims, dict):
        raise ValueError("a JWT's claims are an object")
    return claims


class Tokens:
    """Makes and checks the emulator's tokens."""

    def __init__(self, *, lifetime: float = 3600.0) -> None:
        self.lifetime = lifetime
        """Seconds."""
        self.own_audiences: set[str] = set()
        self._key = secrets.token_bytes(32)

    def revoke(self) -> None:
        """Make every token issued so far invalid."""
        self._key = secrets.token_bytes(32)

    def issue(self, *, client_id: str, tenant_id: str, audience: str, now: float) -> str:
        """Return a token for `audience`, valid from `now` (epoch seconds) for `lifetime`."""
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + self.lifetime),
            "appid": client_id,
            "idtyp": "app",
            "oid": object_id(client_id),
            "sub": object_id(client_id),
            "tid": tenant_id,
            "ver": "1.0",
        }
        head = _part({"typ": "JWT", "alg": "HS256", "kid": "sandbox"})
        signed = f"{head}.{_part(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def principal(self, *, authorization: str, now: float) -> Principal:
        """Return who presents this `Authorization` header; raises `ArmError` (401)."""
        scheme, _, token = authorization.partition(" ")
        if not token or scheme.lower() != "bearer":
            raise unauthorized(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            )
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            raise unauthorized("InvalidAuthenticationToken", "The access token is invalid.")
        claims = claims_of(token)
        if now >= claims["exp"]:
            raise unauthorized(
                "ExpiredAuthenticationToken",
                f"The access token expiry UTC time '{claims['exp']}' is earlier than current UTC "
                f"time '{int(now)}'.",
            )
        audience = str(claims["aud"]).rstrip("/")
        if audience not in AUDIENCES | self.own_audiences:
            raise unauthorized(
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource "
                f"'{audience}'. It should exactly match with one of the allowed audiences.",
            )
        return Principal(
            client_id=claims["appid"], object_id=claims["oid"], tenant_id=claims["tid"]
        )

    def _signature(self, signed: str) -> str:
        return _padless(hmac.new(self._key, signed.encode(), hashlib.sha256).digest())


def unauthorized(code: str, message: str) -> ArmError:
    """Return ARM's 401 with its challenge."""
    error = "invalid_request" if code == "AuthenticationFailed" else "invalid_token"
    challenge = (
        'Bearer authorization_uri="https://login.windows.net/common", '
        f'error="{error}", error_description="{message}"'
    )
    return ArmError(status=401, code=code, message=message, headers={"WWW-Authenticate": challenge})


def _part(value: Any) -> str:
    return _padless(json.dumps(value, separators=(",", ":")).encode())


def _padless(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
