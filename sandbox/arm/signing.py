"""Signed URLs of operations: long, opaque, and refused when anything in them was changed."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from sandbox.arm.messages import ArmError

OPERATION_API_VERSION = "2025-03-01"
_PADDING_BYTES = 1400


class UrlSigner:
    """Signs paths the way ARM does since 2024: query parts t, c, s and h, more than 2 kB."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def signed(self, *, base: str, path: str, ticks: int) -> str:
        """Return the absolute URL of `path`, issued at `ticks`."""
        t = str(ticks)
        padding = hashlib.shake_256(self._key + path.encode() + t.encode()).digest(_PADDING_BYTES)
        c = base64.urlsafe_b64encode(padding).decode().rstrip("=")
        query = {"api-version": OPERATION_API_VERSION, "t": t, "c": c}
        query |= {"s": self._mac("s", path, t, c), "h": self._mac("h", path, t, c)}
        return f"{base}{quote(path)}?{urlencode(query)}"

    def require(self, *, path: str, query: Mapping[str, str]) -> None:
        """Raise `ArmError` (403; the code is assumed) unless the URL is one of ours, unchanged."""
        t, c = query.get("t", ""), query.get("c", "")
        for name in ("s", "h"):
            expected = self._mac(name, path, t, c).encode()
            if not hmac.compare_digest(query.get(name, "").encode(), expected):
                raise ArmError(
                    status=403,
                    code="InvalidRequestSignature",
                    message="The operation URL is not signed, or was changed after it was signed.",
                )

    def _mac(self, name: str, path: str, t: str, c: str) -> str:
        text = "\n".join((name, path.lower(), t, c))
        digest = hmac.new(self._key, text.encode(), hashlib.sha512).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
