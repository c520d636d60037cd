"""Requests to the internet, on loopback: IPv4 alone, proxies, and who is trusted."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aks_access.cli.internet.web import Question, get
from aks_access.errors import NameUnknown, NameUnresolved, NoAnswer
from sandbox.arm.tls import TlsFiles, make_tls
from tests.integration.tunnels import Tunnels


class Server(ThreadingHTTPServer):
    """Says who asks, by TLS."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, family: socket.AddressFamily, address: str, *, tls: TlsFiles, port: int):
        self.address_family = family
        super().__init__((address, port), _Handler)
        self.socket = tls.server_context().wrap_socket(self.socket, server_side=True)
        self.asked: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust it hangs up."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        moved = self.path == "/moved"
        body = b"x" * 5000 if self.path == "/long" else self.client_address[0].encode()
        self.send_response(302 if moved else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        if moved:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return make_tls(tmp_path_factory.mktemp("tls"))


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server(tls: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on 127.0.0.1 that is trusted, and no proxy."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.ca))
    with serving(Server(socket.AF_INET, "127.0.0.1", tls=tls, port=0)) as made:
        yield made


def url(server: Server, path: str = "/") -> str:
    return f"https://localhost:{server.server_address[1]}{path}"


def test_an_answer(server: Server) -> None:
    answer = get(Question(url=url(server)))
    assert (answer.status, answer.kind, answer.body, answer.proxy) == (
        200,
        "text/plain",
        b"127.0.0.1",
        "",
    )


def test_a_name_with_both_is_asked_by_ipv4(
    server: Server, tls: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that offers IPv6 first, and something that would answer there."""
    port = server.server_address[1]
    try:
        other = Server(socket.AF_INET6, "::1", tls=tls, port=port)
    except OSError:
        pytest.skip("no IPv6 here")
    real = socket.getaddrinfo

    def both(host: str, *arguments: object, **named: object) -> object:
        if host != "localhost":
            return real(host, *arguments, **named)  # type: ignore[arg-type]
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with serving(other):
        assert get(Question(url=url(server))).body == b"127.0.0.1"
    assert other.asked == []


def test_a_redirection_is_an_answer(server: Server) -> None:
    assert get(Question(url=url(server, "/moved"))).status == 302
    assert server.asked == ["/moved"]


def test_of_a_long_answer_no_more_is_read_than_shows_that(server: Server) -> None:
    assert len(get(Question(url=url(server, "/long"), most=64)).body) == 65


def test_who_is_not_trusted_is_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NoAnswer, match=r"certificate is not trusted.*SSL_CERT_FILE"):
        get(Question(url=url(server)))
    assert get(Question(url=url(server), verified=False)).status == 200


def test_the_proxy_of_kubectl_is_taken_and_its_password_not_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tunnels() as tunnels:
        place = tunnels.url.removeprefix("http://")
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@{place}")
        answer = get(Question(url=url(server)))
        assert (answer.body, answer.proxy) == (b"127.0.0.1", place)
        assert tunnels.opened == [f"localhost:{server.server_address[1]}"]
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert get(Question(url=url(server))).proxy == ""
        assert len(tunnels.opened) == 1


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("socks5://127.0.0.1:9", "the proxy speaks socks5"),
        ("https://127.0.0.1:9", "the proxy speaks https"),
        ("127.0.0.1:9", "Connection refused through the proxy 127.0.0.1:9"),
    ],
)
def test_a_proxy_that_cannot_be_used(
    server: Server, monkeypatch: pytest.MonkeyPatch, proxy: str, why: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(NoAnswer, match=why):
        get(Question(url=url(server)))


def test_a_proxy_that_refuses_is_quoted_on_one_line(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        place = f"127.0.0.1:{proxy.getsockname()[1]}"

        def refuse() -> None:
            with contextlib.closing(proxy.accept()[0]) as client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 407 Who\x1b[31m are you\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://{place}")
        with pytest.raises(NoAnswer) as refused:
            get(Question(url=url(server)))
        thread.join()
    assert str(refused.value) == (
        f"Tunnel connection failed: 407 Who [31m are you through the proxy {place}"
    )


def test_a_server_that_says_nothing(tls: TlsFiles, server: Server) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        place = f"https://localhost:{silent.getsockname()[1]}"
        with pytest.raises(NoAnswer, match="no answer in time"):
            get(Question(url=place, seconds=0.2))


def test_what_is_no_web_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"https://localhost:{closed.getsockname()[1]}"
        with pytest.raises(NoAnswer, match="Connection refused"):
            get(Question(url=place))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (socket.EAI_NONAME, NameUnknown),
        (socket.EAI_NODATA, NameUnknown),
        (socket.EAI_AGAIN, NameUnresolved),
        (socket.EAI_FAIL, NameUnresolved),
    ],
)
def test_a_name_that_is_not_there_differs_from_a_resolver_that_does_not_tell(
    server: Server, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[NoAnswer]
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise socket.gaierror(code, "why")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(NoAnswer, match=r"^why$") as raised:
        get(Question(url="https://nowhere.invalid"))
    assert type(raised.value) is kind
