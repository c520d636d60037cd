"""A minimal JSON client for the sandbox's own calls to its API server.

Tests and the operator use real clients; this one spares the sandbox kubectl's start-up time.
"""

import json
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_THROTTLED = 429
_THROTTLED_TRIES = 10
_TIMEOUT = 10.0


class ApiError(RuntimeError):
    """An answer other than 2xx; `code` is the HTTP status."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class JsonClient:
    """Calls one API server with a client certificate."""

    def __init__(self, url: str, *, authority: Path, certificate: Path, key: Path) -> None:
        self._url = url
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._tls.load_cert_chain(certificate, key)
        # No proxy of the environment: everything is on loopback.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._tls)
        )

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """Return the answer as an object, or ``{"text": …}`` where it is not JSON.

        Raises ApiError for an answer other than 2xx, OSError where there is none.
        """
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": content_type, "Accept": "application/json"},
        )
        content = self._content(request)
        try:
            parsed = json.loads(content)
        except json.JSONDecodeError:
            return {"text": content}
        return parsed if isinstance(parsed, dict) else {"text": content}

    def _content(self, request: urllib.request.Request, *, tries: int = _THROTTLED_TRIES) -> str:
        """The answer's text; a 429 is asked again as the server says (a CRD that just changed)."""
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                content: str = answer.read().decode()
                return content
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode(errors="replace")
            wait = error.headers.get("Retry-After")
            if error.code != _THROTTLED or wait is None or tries == 0:
                words = f"{request.get_method()} {request.selector}: {error.code} {text}"
                raise ApiError(words, code=error.code) from None
        time.sleep(min(float(wait), _TIMEOUT))
        return self._content(request, tries=tries - 1)
