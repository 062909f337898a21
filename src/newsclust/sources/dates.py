"""Dates as feeds write them (RFC 822, RFC 3339, W3C-DTF, and by hand in English or French) -> UTC."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_TIME = (
    r"(?P<hour>\d{1,2})\s?[:hH]\s?(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"(?:\s?(?P<half>[ap])\.?m\b\.?)?"
)
_ZONE = r"(?P<zone>(?:GMT|UTC)?[+-]\d{1,2}:?\d{0,2}|[A-Za-z]{1,5}(?:/[A-Za-z_]+)?)"
_END = r"(?:\s*\([^()]*\))?\.?"
_WEEKDAY = r"(?:[^\W\d_]{2,9}\.?,?\s*)??(?:le\s)?"
_WORD = r"(?P<month>[^\W\d_]{3,9})\.?,?"
_DAY = r"(?P<day>\d{1,2})(?:er|st|nd|rd|th)?,?"
_SHAPES = tuple(
    re.compile(shape + _END, re.IGNORECASE)
    for shape in (
        # 2026-02-03T14:05:00+01:00, 2026-02-03 14:05, 2026-02
        rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}})(?:[-/](?P<day>\d{{1,2}}))?(?:(?:T|\s|,\s){_TIME})?\s?{_ZONE}?",
        # Tue, 03 Feb 2026 14:05:00 GMT; mar. 3 févr. 2026 à 14h05
        rf"{_WEEKDAY}{_DAY}[\s-]{_WORD}[\s-](?P<year>\d{{4}}|\d{{2}})(?:,?\s(?:(?:à|at|-)\s)?{_TIME})?\s?{_ZONE}?",
        # February 3, 2026 2:05 pm
        rf"{_WEEKDAY}{_WORD}\s{_DAY}\s(?P<year>\d{{4}})(?:,?\s(?:(?:at|-)\s)?{_TIME})?\s?{_ZONE}?",
        # Tue Feb 3 14:05:00 CET 2026 (asctime, Unix date)
        rf"{_WEEKDAY}{_WORD}\s{_DAY}\s{_TIME}\s(?:{_ZONE}\s)?(?P<year>\d{{4}})",
    )
)
# Beginnings that no two months share, without accents: "juil" and "juin" need four letters, "aout" is French.
_MONTHS = {
    "jan": 1, "feb": 2, "fev": 2, "mar": 3, "apr": 4, "avr": 4, "may": 5, "mai": 5, "jun": 6, "juin": 6,
    "jul": 7, "juil": 7, "aug": 8, "aou": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
# RFC 822 section 5.1, and the names used in Europe. IST and the like mean several zones: not here.
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "met": 1, "cest": 2,
    "mest": 2, "eet": 2, "eest": 3, "msk": 3, "jst": 9, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7,
    "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8, "hst": -10, "ast": -4, "adt": -3,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDate:
    """A date as read, in UTC; `exact` when a time and a known zone were written with it."""

    at: datetime
    exact: bool


def parse_date(text: str) -> ParsedDate:
    """Return the moment that a feed's date names; a missing zone is UTC, a missing time midnight.

    ValueError when no known shape fits or the calendar has no such day.
    """
    line = " ".join(text.split())
    if len(line) > 60:  # the longest true ones have about 45 characters
        raise ValueError(f"not a date: {line[:60]}")
    for shape in _SHAPES:
        if match := shape.fullmatch(line):
            return _moment(match.groupdict())
    raise ValueError(f"not a date: {line}")


def _moment(part: dict[str, str | None]) -> ParsedDate:
    year = int(part["year"] or "")
    if len(part["year"] or "") == 2:
        year += 2000 if year < 70 else 1900
    hour = int(part["hour"] or 0)
    if part["half"]:
        hour = hour % 12 + (12 if part["half"].lower() == "p" else 0)
    zone = _offset(part["zone"])
    local = datetime(
        year,
        _month(part["month"] or ""),
        int(part["day"] or 1),
        hour,
        int(part["minute"] or 0),
        min(int(part["second"] or 0), 59),  # a leap second is written :60
        tzinfo=zone or UTC,
    )
    try:
        return ParsedDate(at=local.astimezone(UTC), exact=part["hour"] is not None and zone is not None)
    except OverflowError as error:
        raise ValueError(f"out of the calendar: {local}") from error


def _month(word: str) -> int:
    if word.isdigit():
        return int(word)
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    month = _MONTHS.get(plain[:4]) or _MONTHS.get(plain[:3])
    if month is None:
        raise ValueError(f"not a month: {word}")
    return month


def _offset(zone: str | None) -> timezone | None:
    """Return the zone; None when none is written or its name is ambiguous."""
    if not zone:
        return None
    if match := re.fullmatch(r"(?:GMT|UTC)?([+-])(\d{1,2}):?(\d{2})?", zone, re.IGNORECASE):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(-offset if match[1] == "-" else offset)
    hours = _ZONES.get(zone.lower().removeprefix("etc/"))
    return None if hours is None else timezone(timedelta(hours=hours))
