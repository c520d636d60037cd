"""One HTTPS request from here, by IPv4, and by the proxy that kubectl would take.

AKS judges a client by the IPv4 address that its API server sees, so an answer by IPv6 would speak
of another way. A proxy reaches the server by itself: by which address, its answer shows.
"""

import http.client
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aks_access.errors import NameUnknown, NameUnresolved, NoAnswer

_ANY_IPV4: Final = ("0.0.0.0", 0)
_AGENT: Final = "aks-access"
_WORDS: Final = 300
_NO_ADDRESS: Final = frozenset(
    getattr(socket, code)
    for code in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")
    if hasattr(socket, code)
)
"""How resolvers say that a name is not there, or has no address of the kind; others pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask.

    Attributes:
        url: https.
        verified: whether the server must prove that it is the one named.
        seconds: how long each step may take.
        most: bytes of the body to read; one more, where there are more.
    """

    url: str
    verified: bool = True
    seconds: float = 4.0
    most: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said.

    Attributes:
        kind: media type without parameters, lower case.
        proxy: host and port of the proxy that the answer came by; "" = none.
    """

    status: int
    kind: str
    body: bytes
    proxy: str = ""


def get(question: Question) -> Answer:
    """Ask once; a redirection is an answer. Raises NoAnswer."""
    proxies = urllib.request.getproxies_environment()  # never the system's: kubectl has none
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler(proxies))
    opener.add_handler(_ByIPv4(_context(verified=question.verified)))
    request = urllib.request.Request(
        question.url, headers={"User-Agent": _AGENT, "Accept": "text/plain, application/json"}
    )
    try:
        with opener.open(request, timeout=question.seconds) as response:
            return Answer(
                status=response.status,
                kind=response.headers.get_content_type(),
                body=response.read(question.most + 1),
                proxy=_proxy(request),
            )
    except urllib.error.URLError as error:
        if isinstance(error.reason, socket.gaierror) and not _proxy(request):
            lasts = error.reason.errno in _NO_ADDRESS
            kind = NameUnknown if lasts else NameUnresolved
            raise kind(_told(error.reason, by="")) from error
        raise NoAnswer(_told(error.reason, by=_proxy(request))) from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(_told(error, by=_proxy(request))) from error


class _ByIPv4(urllib.request.HTTPSHandler):
    """Connects from an IPv4 address, so to IPv4 addresses alone; to a proxy as it likes."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._tls = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        scheme = urlsplit(_variable()).scheme if _proxy(req) else "http"
        if scheme not in ("", "http"):
            raise NoAnswer(f"the proxy speaks {scheme}, and only http proxies can be used here")
        return self.do_open(
            http.client.HTTPSConnection,
            req,
            context=self._tls,
            source_address=None if _proxy(req) else _ANY_IPV4,
        )


def _variable() -> str:
    found = urllib.request.getproxies_environment().get("https", "")
    return found if "://" in found else f"http://{found}"


def _proxy(request: urllib.request.Request) -> str:
    """The proxy that the request was turned to."""
    return request.host if request.host != urlsplit(request.full_url).netloc else ""


def _context(*, verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _told(error: object, *, by: str) -> str:
    """In one printable line: proxies word their refusals as they like."""
    words = "".join(each if each.isprintable() else " " for each in _worded(error, by=by))
    return " ".join(words.split())[:_WORDS]


def _worded(error: object, *, by: str) -> str:
    through = f" through the proxy {by}" if by else ""
    match error:
        case TimeoutError():
            return f"no answer{through} in time"
        case ssl.SSLCertVerificationError():
            return (
                f"its certificate is not trusted{through} ({error.verify_message}); where TLS is "
                "inspected, SSL_CERT_FILE names the authority"
            )
        case OSError() if error.strerror:
            return f"{error.strerror}{through}"
        case _:
            return f"{error}{through}"
