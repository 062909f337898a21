"""When a response may be requested again, by its own headers: HTTP freshness and Retry-After (RFC 9110, 9111)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_FRESHNESS = timedelta(days=1)  # what is fresh for a year is mostly a server's default
MAX_RETRY_AFTER = timedelta(days=30)  # longer is a mistake, or a site that wants no requests at all

# Starts at a comma only and never backtracks: in 32 kB without a comma every position would be tried as a start.
_DIRECTIVE = re.compile(r'(?:^|,)\s*+([\w-]++)\s*+(?:=\s*+(?:"([^"]*+)"|([^,\s]*+)))?\s*+(?=,|$)')
_NEVER_FRESH = {"no-cache", "no-store"}


def fresh_until(headers: Mapping[str, str], at: datetime) -> datetime | None:
    """Return until when a response received `at` is fresh, at most one day; None when it names no future moment.

    By max-age less Age, else by Expires less Date. `private` allows our cache, `s-maxage` is for shared caches, and
    `no-cache` or `no-store` forbid reuse. Header names in lower case. Source: RFC 9111, 4.2 and 5.2.2.
    """
    directives = {
        name.lower(): quoted or plain for name, quoted, plain in _DIRECTIVE.findall(headers.get("cache-control", ""))
    }
    if directives.keys() & _NEVER_FRESH:
        return None
    if "max-age" in directives:
        lifetime = _seconds(directives["max-age"]) - _seconds(headers.get("age", ""))
    elif "expires" in headers:
        ends = _moment(headers["expires"])
        sent = _moment(headers.get("date", "")) or at
        lifetime = ends - sent if ends else timedelta()
    else:
        return None
    return at + min(lifetime, MAX_FRESHNESS) if lifetime > timedelta() else None


def retry_at(headers: Mapping[str, str], at: datetime) -> datetime | None:
    """Return the moment of Retry-After, given in seconds or as a date; at most 30 days ahead.

    None when the header is absent, unreadable or in the past. Source: RFC 9110, 10.2.3.
    """
    written = headers.get("retry-after", "").strip()
    wanted = at + _seconds(written) if written.isdecimal() else _moment(written)
    return min(wanted, at + MAX_RETRY_AFTER) if wanted and wanted > at else None


def _seconds(written: str) -> timedelta:
    """Return a whole number of seconds, at most 1,000 days; zero for anything else."""
    digits = written.strip()
    return timedelta(seconds=min(int(digits[:12]), 86_400_000)) if re.fullmatch(r"[0-9]+", digits) else timedelta()


def _moment(written: str) -> datetime | None:
    """Return an HTTP date in UTC, or None when it is none."""
    try:
        moment = parsedate_to_datetime(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 in the east of Greenwich lies before the calendar
        return None
