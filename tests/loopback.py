"""Two ways to say what the loopback server answers: by path, to the byte, and by URL, in pages."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from newsclust.demo.server import LoopbackServer, RawConnection, ReceivedRequest, Reply, Stream

FEED = b"<rss><channel><title>Printed circuits</title></channel></rss>"

Route = Callable[[ReceivedRequest], Stream]
"""What one path answers, to the byte."""


@dataclass(slots=True)
class RoutedServer:
    """The loopback server by paths, whatever the host; `/` and unknown paths answer FEED.

    `routes` may be added while it runs. `running` counts the answers under way by Host header, `most` its maximum.
    """

    routes: dict[str, Route] = field(default_factory=dict)
    running: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    visits: list[ReceivedRequest] = field(default_factory=list)
    port: int = 0
    tls_port: int = 0
    ca_file: Path = Path()

    def respond(self, request: ReceivedRequest) -> Stream:
        """Return the answer of the request's path, counted as running until it ends."""
        self.visits.append(request)
        stream = self.routes.get(request.path, answering(body=FEED))(request)
        host = request.headers["host"]

        async def counted(connection: RawConnection) -> None:
            self.running[host] += 1
            self.most[host] = max(self.most[host], self.running[host])
            try:
                await stream(connection)
            finally:
                self.running[host] -= 1

        return counted


@contextmanager
def routed_server() -> Iterator[RoutedServer]:
    """Run a server by paths inside the context."""
    routed = RoutedServer()
    with LoopbackServer(routed.respond, certified_hosts={"secure.test"}) as server:
        routed.port, routed.tls_port, routed.ca_file = server.port, server.tls_port, server.ca_file
        yield routed


def answering(status: str = "200 OK", body: bytes = b"", **headers: str) -> Route:
    """Return a route with one fixed answer; header names are written with underscores."""
    sent = {"Content_Length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
    return raw("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1") + body)


def raw(*parts: bytes, pause_s: float = 0.0, then_wait: bool = False) -> Route:
    """Return a route that writes these bytes as they stand, and then closes or waits for the client to go."""

    async def stream(connection: RawConnection) -> None:
        for part in parts:
            await connection.write(part)
            await asyncio.sleep(pause_s)
        if then_wait:
            await connection.wait_closed()

    return lambda _: stream


def reply(
    body: str | bytes = "",
    *,
    status: int = 200,
    content_type: str = "text/html; charset=utf-8",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Return a reply that is sent as it stands: no validators, no compression."""
    sent = body if isinstance(body, bytes) else body.encode()
    return Reply(body=sent, status=status, content_type=content_type, headers=headers or {}, verbatim=True)


PageAnswer = Reply | Callable[[ReceivedRequest], Reply]
"""What one URL answers: always the same, or by the request."""


class PageServer(LoopbackServer):
    """The loopback server by URLs: with or without the query, else by whole host ("http://x/*"), else 404."""

    def __init__(self, pages: dict[str, PageAnswer]) -> None:
        self.pages = pages
        super().__init__(self.respond)

    @property
    def urls(self) -> list[str]:
        """Return the requested URLs, in order."""
        return [request.url for request in self.requests]

    def respond(self, request: ReceivedRequest) -> Reply:
        """Return the answer of the request's URL."""
        spelled = (request.url, request.url.partition("?")[0], "/".join([*request.url.split("/")[:3], "*"]))
        found = next((self.pages[url] for url in spelled if url in self.pages), reply("not found", status=404))
        return found if isinstance(found, Reply) else found(request)
