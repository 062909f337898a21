"""Limits on the times and sizes of requests.

In a file of its own: both `fetcher` and `client` need it, and `fetcher` must not import aiohttp with `client`.
"""

from dataclasses import dataclass, fields

from newsclust.errors import SettingsError
from newsclust.model import RequestKind

_MAY_BE_ZERO = {"max_redirects", "host_pause_s"}
_ROBOTS_BYTES = 512_000  # the rest need not be read (RFC 9309, 2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Limits of one request (redirects included, waiting for its slot excluded) and of all requests together.

    Raises SettingsError for a limit out of range.
    """

    total_timeout_s: float
    connect_timeout_s: float  # DNS, TCP and TLS of one hop
    idle_timeout_s: float  # between two chunks of bytes
    max_bytes: int  # of a feed's body, both as sent and decompressed
    max_page_bytes: int  # of a page's body, likewise
    max_redirects: int
    concurrency: int
    per_host: int
    host_pause_s: float  # between the starts of two requests to one host

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
                raise SettingsError(f"{field.name} is out of range: {value}")

    def max_body_bytes(self, kind: RequestKind) -> int:
        """Return the limit on a response body of this kind."""
        if kind is RequestKind.ROBOTS:
            return _ROBOTS_BYTES
        return self.max_bytes if kind is RequestKind.FEED else self.max_page_bytes
