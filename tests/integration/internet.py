"""What commands meet outside: services that tell an address, and a proxy that leads to AKS.

The proxy is the firewall before the API servers too: it lets nobody through from an address that
the cluster's list does not hold. Whoever asks here comes from `address`.
"""

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path

from sandbox.arm.tls import TlsFiles, make_tls

_CHUNK = 65536


class Internet:
    """A person's way out, while the context lasts.

    Attributes:
        address: where the person seems to come from.
        lists: the authorized ranges that are enforced, by the API server's name; None = open.
        asked: the names of API servers that a connection was asked to.
    """

    def __init__(self, folder: Path, *, lists: Callable[[str], list[str] | None]) -> None:
        self.address = "81.2.69.142"
        self.lists = lists
        self.asked: list[str] = []
        self._tls = make_tls(folder)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Internet":
        told = [_serving(_Web(lambda: (200, self.address), tls=self._tls)) for _ in range(2)]
        api = _serving(_Web(lambda: (401, '{"kind": "Status"}'), tls=self._tls))
        self._services = [self._stack.enter_context(each) for each in told]
        self._api = self._stack.enter_context(api)
        self._proxy = self._stack.enter_context(_serving(_Proxy(self)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def variables(self) -> Mapping[str, str]:
        """What a person sets: the company's services, its authority and its proxy."""
        ports = [each.server_address[1] for each in self._services]
        return {
            "AKS_ACCESS_ADDRESS_SERVICES": ",".join(f"https://localhost:{port}" for port in ports),
            "SSL_CERT_FILE": str(self._tls.ca),
            "HTTPS_PROXY": f"http://127.0.0.1:{self._proxy.server_address[1]}",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def lets_in(self, host: str) -> bool:
        """Whether the API server of that name takes a connection from `address`."""
        ranges = self.lists(host)
        return ranges is None or any(
            ip_address(self.address) in ip_network(each) for each in ranges
        )

    @property
    def api(self) -> tuple[str, int]:
        """Where all API servers are."""
        return "127.0.0.1", self._api.server_address[1]


class _Web(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Callable[[], tuple[int, str]], *, tls: TlsFiles) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answer()
                self.send_response(status)
                self.send_header(
                    "Content-Type", "application/json" if status > 200 else "text/plain"
                )
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.socket = tls.server_context().wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up is gone."""


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, internet: Internet) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                host, _, _ = self.rfile.readline().decode().split()[1].rpartition(":")
                while self.rfile.readline().strip():
                    pass
                internet.asked.append(host)
                if not internet.lets_in(host):
                    self.connection.sendall(b"HTTP/1.1 504 Gateway Timeout\r\n\r\n")
                    return
                with contextlib.suppress(OSError), socket.create_connection(internet.api) as far:
                    self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=_pump, args=(far, self.connection), daemon=True)
                    back.start()
                    _pump(self.connection, far)
                    back.join()

        super().__init__(("127.0.0.1", 0), Handler)


@contextlib.contextmanager
def _serving(server: "_Web | _Proxy") -> Iterator["_Web | _Proxy"]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
