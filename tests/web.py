"""A web server in a thread that answers as a test wants: by the byte, slowly, or never."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trustme

FEED = b"<rss><channel><title>Printed circuits</title></channel></rss>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    sni: str | None = None


Route = Callable[[Visit, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Server:
    """A server in a thread; `routes` may be added while it runs; `/` and unknown paths answer FEED."""

    routes: dict[str, Route] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    running: Counter[str] = field(default_factory=Counter)  # by Host header
    most: Counter[str] = field(default_factory=Counter)
    port: int = 0
    tls_port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = ""
        try:
            first = await reader.readexactly(1)
            if first == b"\x16":  # a TLS handshake on the plain port: answered as web servers do
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            tls = writer.get_extra_info("ssl_object")
            visit = Visit(path=head[0].split()[1], headers=headers, sni=tls and getattr(tls, "seen_sni", None))
            host = headers["host"]
            self.visits.append(visit)
            self.running[host] += 1
            self.most[host] = max(self.most[host], self.running[host])
            await self.routes.get(visit.path, answering(body=FEED))(visit, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, as many tests want
        finally:
            self.running[host] -= 1
            writer.close()


def answering(status: str = "200 OK", body: bytes = b"", **headers: str) -> Route:
    """A route with one fixed answer; header names are written with underscores."""

    async def route(visit: Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = {"Content_Length": str(len(body))} | headers
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
        writer.write("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1") + body)
        await writer.drain()

    return route


def raw(*parts: bytes, pause_s: float = 0.0, then_wait: bool = False) -> Route:
    """A route that writes these bytes as they stand, and then closes or waits for the client to go."""

    async def route(visit: Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        if then_wait:
            await reader.read()

    return route


@contextmanager
def serving(authority: trustme.CA) -> Iterator[Server]:
    server = Server()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("secure.test", "127.0.0.1").configure_cert(tls)

    def remember(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        connection.seen_sni = name

    tls.sni_callback = remember
    ready = threading.Event()
    stopping = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)  # refused handshakes are wanted here
        plain = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        secure = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
        server.port, server.tls_port = (s.sockets[0].getsockname()[1] for s in (plain, secure))
        loops.append(loop)
        ready.set()
        await stopping.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loops[0].call_soon_threadsafe(stopping.set)
        thread.join(10)
        assert not thread.is_alive()
