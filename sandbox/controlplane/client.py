"""A minimal JSON client for the sandbox's own calls to its API server.

Tests and the operator use real clients; this one spares the sandbox kubectl's start-up time.
"""

import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any, Self

_THROTTLED = 429
_THROTTLED_TRIES = 10
_TIMEOUT = 30.0


class ApiError(RuntimeError):
    """An answer other than 2xx; `code` is the HTTP status, `said` what the server said of it."""

    def __init__(self, message: str, *, code: int, said: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.said = said


class JsonClient:
    """Calls one API server, by `with_certificate` or by `over_socket`."""

    def __init__(self, url: str, *handlers: urllib.request.BaseHandler) -> None:
        self._url = url
        # No proxy of the environment: everything is on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)

    @classmethod
    def with_certificate(cls, url: str, *, authority: Path, certificate: Path, key: Path) -> Self:
        """Call a server on loopback with a client certificate."""
        tls = ssl.create_default_context(cafile=str(authority))
        tls.load_cert_chain(certificate, key)
        return cls(url, urllib.request.HTTPSHandler(context=tls))

    @classmethod
    def over_socket(cls, path: Path) -> Self:
        """Call whoever listens on a Unix socket, in plain HTTP: `kubectl proxy`."""
        return cls("http://localhost", _SocketHandler(path))

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
                raise ApiError(words, code=error.code, said=_said(text)) from None
        time.sleep(min(float(wait), _TIMEOUT))
        return self._content(request, tries=tries - 1)


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, host: str, *, timeout: float) -> None:
        super().__init__(host, timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _SocketHandler(urllib.request.HTTPHandler):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_SocketConnection, self._path), req)


def _said(text: str) -> str:
    """The message of a Status; of anything else its text."""
    try:
        status = json.loads(text)
    except json.JSONDecodeError:
        return text.strip()
    return str(status.get("message", text)) if isinstance(status, dict) else text.strip()
