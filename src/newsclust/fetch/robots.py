"""robots.txt (RFC 9309): which pages of a site may be fetched, and at what rate.

Article pages obey it. Feeds are fetched regardless: they are published for programs to poll, at a URL that a person
configured.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsclust.errors import FetchError, Reason
from newsclust.model import Fetch, Request, RequestKind

if TYPE_CHECKING:
    from protego import Protego

# A version behind the product's name says nothing of whose group it is (RFC 9309, 2.2.1).
_AGENT_VERSION = re.compile(
    r"^([ \t]*user[- ]?agent[ \t]*:[ \t]*[^\s/#]+)(?:/|[ \t]+(?=[(v]?\d|\())[^\r\n#]*", re.IGNORECASE | re.MULTILINE
)
_AGENT = re.compile(r"^(\s*user[- ]?agent(?:\s*:|\s))(.*)$", re.IGNORECASE | re.DOTALL)
_OTHERS = "others-than-us"
MAX_CRAWL_DELAY_S = 30.0  # longest Crawl-delay that is obeyed
_MAX_AGE = timedelta(days=1)  # RFC 9309, 2.4
_MAX_AGE_UNREACHABLE = timedelta(hours=1)

# There is no file, and so no rules (RFC 9309, 2.3.1.3; redirects without an end: 2.3.1.2).
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
    """Response of an origin to the request for its robots.txt."""

    origin: str
    fetched_at: datetime
    body: bytes | None  # empty when there is no file; None when it is unknown whether there is one
    unreachable: str = ""  # why the last request brought no answer; an earlier body is kept for a while


def origin_of(url: str) -> str:
    """Return the scheme, host and port that share one robots.txt; raises ValueError when there is no host."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"no host in {url!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, default) else "")


def robots_request(origin: str) -> Request:
    """Return the request for the robots.txt of an origin."""
    return Request(url=f"{origin}/robots.txt", kind=RequestKind.ROBOTS, item_id=origin)


def product_of(user_agent: str) -> str:
    """Return the product token that robots.txt groups match: the User-Agent's first product, without its version."""
    return user_agent.split("/")[0].split()[0]


def robots_file_from(fetch: Fetch, earlier: RobotsFile | None = None) -> RobotsFile:
    """Return the origin's robots.txt as fetched; while unreachable, the earlier body stays (RFC 9309, 2.3.1.4)."""
    file = RobotsFile(origin=fetch.request.item_id, fetched_at=fetch.requested_at, body=None)
    if fetch.page is not None:
        return replace(file, body=fetch.page.body)
    if fetch.error is not None and fetch.error.reason in _NO_FILE:
        return replace(file, body=b"")
    why = f"{fetch.error.reason} ({fetch.error.detail})" if fetch.error else f"HTTP {fetch.status}"
    return replace(file, body=earlier.body if earlier else None, unreachable=why)


def is_current(file: RobotsFile, now: datetime) -> bool:
    """Return whether the stored file need not be fetched again."""
    return now < file.fetched_at + (_MAX_AGE_UNREACHABLE if file.unreachable else _MAX_AGE)


class RobotsRules:
    """Rules of one robots.txt for one product."""

    def __init__(self, file: RobotsFile, product: str) -> None:
        self._file = file
        self._product = product

    @cached_property
    def _parsed(self) -> "Protego":
        from protego import Protego

        text = (self._file.body or b"").decode("utf-8-sig", "replace")
        return Protego.parse(_without_others(_AGENT_VERSION.sub(r"\1", text), self._product.lower()))

    def refusal(self, url: str) -> FetchError | None:
        """Return why this URL must not be fetched; None when it may be."""
        if self._file.body is None:
            # A host that SSRF protection refuses for its robots.txt is refused for a page, too.
            refused = self._file.unreachable.startswith(Reason.REFUSED_ADDRESS)
            reason = Reason.REFUSED_ADDRESS if refused else Reason.ROBOTS_UNREACHABLE
            return FetchError(url, reason, f"robots.txt: {self._file.unreachable}")
        if self._parsed.can_fetch(url, self._product):
            return None
        return FetchError(url, Reason.ROBOTS, f"{self._file.origin}/robots.txt forbids it to {self._product}")

    @property
    def pause_s(self) -> float:
        """Return the seconds that the site wants between two requests, at most 30; 0 when it names none.

        By Crawl-delay or Request-rate, whichever is slower; neither is part of RFC 9309.
        """
        rate = self._parsed.request_rate(self._product)
        by_rate = rate.seconds / rate.requests if rate is not None and rate.requests > 0 else 0.0
        return min(max(self._parsed.crawl_delay(self._product) or 0.0, by_rate), MAX_CRAWL_DELAY_S)


def sitemaps_of(body: bytes) -> tuple[str, ...]:
    """Return the sitemap URLs that a robots.txt names, in its order, each once."""
    from protego import Protego

    return tuple(dict.fromkeys(Protego.parse(_without_others(body.decode("utf-8-sig", "replace"), "")).sitemaps))


def _without_others(text: str, product: str) -> str:
    """Return a robots.txt in which all agents but `*` and ours have one name.

    Protego gives each rule to each agent of its group, one after the other: 8,000 agents and 8,000 rules are 64
    million, in 300 kB.
    """

    def named(found: re.Match[str]) -> str:
        agent = found[2].partition("#")[0].strip().lower()
        plain = agent if agent == "*" else agent.replace("*", "")
        return f"{found[1]}{plain if plain == '*' or plain in product else _OTHERS}"

    return "\n".join(_AGENT.sub(named, line) for line in text.splitlines())
