"""A web on loopback whose answers are functions of the request: for what LoopbackServer cannot say."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as the server saw it; header names in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    body: str | bytes = ""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


Answering = Told | Callable[[Asked], Told]


class SmallWeb:
    """Answers for every http host, inside the context: URL, with or without its query -> answer."""

    def __init__(self, pages: dict[str, Answering]) -> None:
        self.pages = pages
        self.asked: list[Asked] = []

    def __enter__(self) -> Self:
        web = self

        class Answerer(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                length = int(self.headers.get("content-length", 0))
                asked = Asked(
                    method=self.command,
                    url=f"http://{self.headers['host']}{self.path}",
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(length).decode(),
                )
                web.asked.append(asked)
                told = web.told(asked)
                body = told.body if isinstance(told.body, bytes) else told.body.encode()
                self.send_response(told.status)
                for name, value in {"content-type": told.content_type, **told.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the name that http.server asks for

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answerer)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    @property
    def connect_to(self) -> dict[str, str]:
        """What leads a fetcher here, as curl's --connect-to does."""
        return {"*:80": f"127.0.0.1:{self._server.server_port}"}

    @property
    def urls(self) -> list[str]:
        return [asked.url for asked in self.asked]

    def told(self, asked: Asked) -> Told:
        """The page of this address, else without its query, else of its whole host ("http://x/*"), else 404."""
        spelled = (asked.url, asked.url.partition("?")[0], "/".join([*asked.url.split("/")[:3], "*"]))
        missing = Told(status=404, body="not found")
        page = next((self.pages[one] for one in spelled if one in self.pages), missing)
        return page if isinstance(page, Told) else page(asked)
