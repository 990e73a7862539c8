"""A small web site in this process: its pages change, vanish, ask, stall or lead in circles."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Page:
    """What the site answers under one path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    password: str = ""
    """Of the user `reader`; empty for a page that anybody may read."""
    sent_bytes: int | None = None
    """How much of the body goes out before the site falls silent; None for all."""
    has_length: bool = True


@dataclass(slots=True)
class Site:
    """The pages by their paths, and what was asked for."""

    address: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    """What callers showed, in order."""
    is_asked: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"


@contextmanager
def web_site() -> Iterator[Site]:
    """Serve a site on a free port of this machine."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.is_asked.set()
            if self.headers["authorization"]:
                site.credentials.append(self.headers["authorization"])
            self._answer(site.pages.get(self.path, Page(status=404)))

        def _answer(self, page: Page) -> None:
            credentials = {"": None, "pass": "Basic cmVhZGVyOnBhc3M="}[page.password]
            if credentials and self.headers["authorization"] != credentials:
                page = Page(status=401, headers={"www-authenticate": "Basic"})
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if page.has_length:
                self.send_header("content-length", str(len(page.body)))
            else:
                self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(page.body[: page.sent_bytes])
            self.wfile.flush()
            if page.sent_bytes is not None:
                site.is_over.wait(60)
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join(30)
