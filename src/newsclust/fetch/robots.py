"""robots.txt: what a site's file lets us ask for (RFC 9309), and how long it wants us to wait.

Article pages follow it. Feeds are asked for regardless: they are published for programs to poll, at an address that
a person wrote down.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsclust.errors import FetchError, Reason
from newsclust.model import Fetch, Request, RequestKind

if TYPE_CHECKING:
    from protego import Protego

LONGEST_PAUSE_S = 30.0  # of a Crawl-delay: who wants more gets this
_KEPT = timedelta(days=1)  # RFC 9309, 2.4
_UNREACHABLE_KEPT = timedelta(hours=1)

# There is no file, and so no rule (RFC 9309, 2.3.1.3; redirects without an end: 2.3.1.2).
_NO_FILE = {
    Reason.GONE,
    Reason.NOT_FOUND,
    Reason.FORBIDDEN,
    Reason.CLIENT_ERROR,
    Reason.TOO_MANY_REDIRECTS,
    Reason.BAD_URL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsFile:
    """What an origin answered when it was asked for its robots.txt."""

    origin: str
    asked_at: datetime
    body: bytes | None  # empty when there is no file; None when nobody could say whether there is one
    unreachable: str = ""  # why the last request brought no answer; an earlier body is kept for a while


def origin_of(url: str) -> str:
    """The scheme, host and port that share one robots.txt; ValueError when there is no host."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"no host in {url!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")


def robots_request(origin: str) -> Request:
    """The request for the file of an origin."""
    return Request(url=f"{origin}/robots.txt", kind=RequestKind.ROBOTS, item_id=origin)


def product_of(user_agent: str) -> str:
    """The name by which a robots.txt calls us: the User-Agent's first product, without its version."""
    return user_agent.split("/")[0].split()[0]


def read_answer(fetch: Fetch, earlier: RobotsFile | None = None) -> RobotsFile:
    """What the origin's file says now; while it cannot be reached, what it said before (RFC 9309, 2.3.1.4)."""
    found = RobotsFile(origin=fetch.request.item_id, asked_at=fetch.requested_at, body=None)
    if fetch.page is not None:
        return replace(found, body=fetch.page.body)
    if fetch.error is not None and fetch.error.reason in _NO_FILE:
        return replace(found, body=b"")
    said = f"{fetch.error.reason} ({fetch.error.detail})" if fetch.error else f"HTTP {fetch.status}"
    return replace(found, body=earlier.body if earlier else None, unreachable=said)


def holds(file: RobotsFile, now: datetime) -> bool:
    """Whether the file need not be asked for again."""
    return now < file.asked_at + (_UNREACHABLE_KEPT if file.unreachable else _KEPT)


class Rules:
    """A robots.txt as it concerns one product."""

    def __init__(self, file: RobotsFile, product: str) -> None:
        self._file = file
        self._product = product

    @cached_property
    def _read(self) -> "Protego":
        from protego import Protego

        return Protego.parse((self._file.body or b"").decode("utf-8-sig", "replace"))

    def refusal(self, url: str) -> FetchError | None:
        """Why this address is not to be asked for; None when it may be."""
        if self._file.body is None:
            # What may not be dialled for its robots.txt may not be dialled for a page, either.
            refused = self._file.unreachable.startswith(Reason.REFUSED_ADDRESS)
            reason = Reason.REFUSED_ADDRESS if refused else Reason.ROBOTS_UNREACHABLE
            return FetchError(url, reason, f"robots.txt: {self._file.unreachable}")
        if self._read.can_fetch(url, self._product):
            return None
        return FetchError(url, Reason.ROBOTS, f"{self._file.origin}/robots.txt forbids it to {self._product}")

    @property
    def pause_s(self) -> float:
        """Seconds that the site wants between two requests, 30 at most; 0 when it names none.

        By Crawl-delay or Request-rate, whichever is slower; neither is of RFC 9309.
        """
        rate = self._read.request_rate(self._product)
        paced = rate.seconds / rate.requests if rate is not None and rate.requests > 0 else 0.0
        return min(max(self._read.crawl_delay(self._product) or 0.0, paced), LONGEST_PAUSE_S)


def sitemaps_of(body: bytes) -> tuple[str, ...]:
    """The addresses of sitemaps that a robots.txt names, in its order, each once."""
    from protego import Protego

    return tuple(dict.fromkeys(Protego.parse(body.decode("utf-8-sig", "replace")).sitemaps))
