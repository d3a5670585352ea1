"""The server of `graphspec plot --watch`: one page and its news, on this machine alone.

It answers at 127.0.0.1 only, to browsers that ask for that address (a page of another site that has its name point
here is refused by the `Host` header), and knows two paths. It reads no file.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ADDRESS = "127.0.0.1"

_MAX_READERS = 16
"""The maximum number of pages that are told of news at the same time."""

_ALIVE = 15.0
"""Seconds after which a page without news is told that the server is alive."""

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PlotServer(ThreadingHTTPServer):
    """A server of one page, which is told of each new drawing."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        """Listen at `port`, or at a free port for 0. Raises OSError."""
        super().__init__((ADDRESS, port), _Handler)
        self.page = b""
        self.news = b""
        self.version = 0
        self.readers = 0
        self.is_closed = False
        self.changed = threading.Condition()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}/"

    def publish(self, page: str, news: str) -> None:
        """Set the page that is served from now on, and tell `news`, one line of JSON, to the open ones."""
        with self.changed:
            self.page, self.news = page.encode(), news.encode()
            self.version += 1
            self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore connections that break."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve in another thread within the block; afterwards all connections end."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self.changed:
                self.is_closed = True
                self.changed.notify_all()
            self.shutdown()
            self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: PlotServer
    server_version, sys_version = "graphspec", ""
    timeout = 30

    def do_GET(self) -> None:
        if self.headers.get("Host") not in (f"{ADDRESS}:{self.server.port}", f"localhost:{self.server.port}"):
            self._refuse(403, "this server answers on this machine only")
        elif self.path == "/":
            self._send("text/html; charset=utf-8", self.server.page)
        elif self.path == "/events":
            self._tell()
        else:
            self._refuse(404, "there is one page only: /")

    def _send(self, kind: str, body: bytes) -> None:
        self._head(200, kind, len(body))
        self.wfile.write(body)

    def _refuse(self, status: int, reason: str) -> None:
        body = f"{reason}\n".encode()
        self._head(status, "text/plain; charset=utf-8", len(body))
        self.wfile.write(body)

    def _head(self, status: int, kind: str, size: int | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if size is not None:
            self.send_header("Content-Length", str(size))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def _tell(self) -> None:
        """Send each new drawing as an event, until the page is closed or the server ends."""
        server = self.server
        with server.changed:
            if server.readers >= _MAX_READERS:
                return self._refuse(503, "too many pages are open")
            server.readers += 1
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._head(200, "text/event-stream", None)
            version = -1
            while not server.is_closed:
                with server.changed:
                    if server.version == version and not server.is_closed:
                        server.changed.wait(_ALIVE)
                    news, is_new, version = server.news, server.version != version, server.version
                self.wfile.write(b"data: " + news + b"\n\n" if is_new else b": alive\n\n")
                self.wfile.flush()
        finally:
            with server.changed:
                server.readers -= 1

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: what a request says is no text for a terminal."""
