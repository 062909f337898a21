"""What fetching may cost, checked once."""

from dataclasses import dataclass, fields

from newsclust.errors import SettingsError
from newsclust.model import RequestKind

_MAY_BE_ZERO = {"max_redirects", "host_pause_s"}
_ROBOTS_BYTES = 512_000  # what stands behind them need not be read (RFC 9309, 2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times and sizes of one request, redirects included and waiting for its turn not, and of all together.

    Raises SettingsError for a limit that nothing could keep.
    """

    total_timeout_s: float
    connect_timeout_s: float  # DNS, TCP and TLS of one hop
    idle_timeout_s: float  # between two arrivals of bytes
    max_bytes: int  # of a feed's body, as sent and decompressed alike
    max_page_bytes: int  # of a page's
    max_redirects: int
    concurrency: int
    per_host: int
    host_pause_s: float  # between the starts of two requests to one host

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
                raise SettingsError(f"{field.name} is out of range: {value}")

    def bytes_of(self, kind: RequestKind) -> int:
        if kind is RequestKind.ROBOTS:
            return _ROBOTS_BYTES
        return self.max_bytes if kind is RequestKind.FEED else self.max_page_bytes
