"""A proxy for HTTPS as companies have them: it opens tunnels (CONNECT) and remembers where to.

One that is `closed` opens none: whoever has it as a proxy reaches nothing, and is found out.
"""

import socket
import socketserver
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 65536


class Tunnels:
    """Listens on loopback while the context lasts; `opened` holds each host and port asked for."""

    def __init__(self, *, closed: bool = False) -> None:
        opened: list[str] = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                where = self.rfile.readline().decode().split()[1]
                while self.rfile.readline().strip():
                    pass
                opened.append(where)
                if closed:
                    self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                    return
                host, _, port = where.rpartition(":")
                with suppress(OSError), socket.create_connection((host, int(port))) as far:
                    self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=_pump, args=(far, self.connection), daemon=True)
                    back.start()
                    _pump(self.connection, far)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self.opened = opened
        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
