"""What an answer's headers say about when to come again (RFC 9110, 9111)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_FRESH = timedelta(days=1)  # what is fresh for a year is mostly a server's default
LONGEST_RETRY = timedelta(days=30)  # longer is a slip of the pen, or a wish to be taken off the list

# Only from a comma on, and without backtracking: of 32 kB without one it would take every place for a beginning.
_DIRECTIVE = re.compile(r'(?:^|,)\s*+([\w-]++)\s*+(?:=\s*+(?:"([^"]*+)"|([^,\s]*+)))?\s*+(?=,|$)')
_NEVER_FRESH = {"no-cache", "no-store"}


def fresh_until(headers: Mapping[str, str], at: datetime) -> datetime | None:
    """The moment up to which an answer that came `at` need not be asked for again, a day on at most.

    By max-age less Age, else by Expires less Date; None when the answer names none, or nothing but an end that
    has passed. `private` is us, `s-maxage` is for caches that many share; under `no-cache` every use has to be
    asked for. Header names in lower case. Source: RFC 9111, 4.2 and 5.2.2.
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
    return at + min(lifetime, LONGEST_FRESH) if lifetime > timedelta() else None


def retry_at(headers: Mapping[str, str], at: datetime) -> datetime | None:
    """The moment before which the site wants no request, by Retry-After in seconds or as a date; 30 days on at most.

    None when it says nothing, nothing readable, or a moment that has passed. Source: RFC 9110, 10.2.3.
    """
    written = headers.get("retry-after", "").strip()
    wanted = at + _seconds(written) if written.isdecimal() else _moment(written)
    return min(wanted, at + LONGEST_RETRY) if wanted and wanted > at else None


def _seconds(written: str) -> timedelta:
    """A whole number of seconds; none at all for anything else, a thousand days at most."""
    digits = written.strip()
    return timedelta(seconds=min(int(digits[:12]), 86_400_000)) if re.fullmatch(r"[0-9]+", digits) else timedelta()


def _moment(written: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 in the east of Greenwich lies before the calendar
        return None
