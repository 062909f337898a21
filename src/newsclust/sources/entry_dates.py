"""When the items of one document were published: what they say, else what their addresses and neighbours tell.

Pure. A date that nobody can read must not make old news today's: the moment of first sight stands in only where
nothing else tells.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

from newsclust.model import DateQuality
from newsclust.sources.dates import ParsedDate, day_within, is_day_first, parse_date, year_in
from newsclust.sources.document import SourceItem

_CLOCK_SKEW = timedelta(minutes=15)  # a server's clock may run ahead of ours by as much
_EARLIEST_YEAR = 1995  # RSS is from 1999; what is older is a default (1970, 0001) or a slip
_ORDERED_FROM = 3  # dated items: two are in some order by chance
_LONGEST_PATH = 500  # characters of an address in which a date is looked for
# Of a day: /2026/03/02/, /2026-03-02-, /20260302/, /2026/mar/02/. Numbers of articles are longer, or no day.
_DAY = re.compile(
    r"(?<![\d.])(?P<year>(?:19|20)\d\d)"
    r"(?:(?P<mark>[/_-])(?P<month>\d{1,2}|[a-z]{3})(?P=mark)(?P<day>\d{1,2})|(?P<month_>\d\d)(?P<day_>\d\d))(?![\d.])",
    re.IGNORECASE,
)
_MONTHS = (  # as addresses write them
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDates:
    """When an item was published and updated, how far that can be trusted, and a warning for each oddity."""

    published_at: datetime
    quality: DateQuality
    updated_at: datetime | None = None
    warnings: tuple[str, ...] = ()


def dates_of(
    items: Sequence[SourceItem], links: Sequence[str], language: str | None, now: datetime
) -> list[EntryDates]:
    """Return the dates of a document's items, whose addresses are `links`; none is after `now`.

    An item's date is its own, else that of its update, else the day in its address, else the day or year's end
    that an unreadable date names, else that of its older neighbour in a document that is ordered by date, else `now`.
    03/04/2026 is read as the document's other dates are, else with the month first in English.
    """
    day_first = _day_first([item.published or item.updated or "" for item in items], language)
    dates = [_dates(item, link, now, day_first=day_first) for item, link in zip(items, links, strict=True)]
    return _with_neighbours(dates, now)


def _day_first(written: Sequence[str], language: str | None) -> bool | None:
    """Return how the document writes its dates in numbers; None when nothing tells."""
    if not any(text[:6].count("/") or text[:6].count("-") for text in written):
        return None
    certain = [first for text in written if (first := is_day_first(text)) is not None]
    if certain:
        return sum(certain) * 2 >= len(certain)
    return None if language is None else language != "en"


def _dates(item: SourceItem, link: str, now: datetime, *, day_first: bool | None) -> EntryDates:
    warnings: list[str] = []
    published = _moment(item.published, warnings, day_first=day_first)
    updated = _moment(item.updated, warnings, day_first=day_first)
    updated_at = updated.at if updated and updated.at <= now + _CLOCK_SKEW else None
    if published is None and updated is not None:
        published = replace(updated, exact=False)
    in_future = published is not None and published.at > now + _CLOCK_SKEW
    if in_future:
        warnings.append(f"date in the future: {_shown(item.published or item.updated)}")
    if published is None or in_future:
        at = _day_in(link, now) or _roughly(item.published or item.updated or "", now)
        quality = DateQuality.INFERRED if at else DateQuality.FUTURE if in_future else DateQuality.MISSING
    else:
        at, quality = min(published.at, now), DateQuality.GIVEN if published.exact else DateQuality.GUESSED
    return EntryDates(published_at=at or now, quality=quality, updated_at=updated_at, warnings=tuple(warnings))


def _moment(written: str | None, warnings: list[str], *, day_first: bool | None) -> ParsedDate | None:
    """Return a date; None with a warning when it is unreadable or before 1995."""
    if not written or not written.strip():
        return None
    try:
        moment = parse_date(written, day_first=day_first)
    except ValueError:
        warnings.append(f"date unreadable: {_shown(written)}")
        return None
    if moment.at.year < _EARLIEST_YEAR:
        warnings.append(f"date too early: {_shown(written)}")
        return None
    return moment


def _shown(written: str | None) -> str:
    return " ".join((written or "").split())[:40]


def _day_in(link: str, now: datetime) -> datetime | None:
    """Return the beginning of the day that an address names; None for today, which first sight tells better."""
    try:
        path = urlsplit(link).path[:_LONGEST_PATH]
    except ValueError:
        return None
    for match in _DAY.finditer(path):
        month = (match["month"] or match["month_"]).lower()
        number = int(month) if month.isdigit() else _MONTHS.index(month) + 1 if month in _MONTHS else 0
        try:
            day = datetime(int(match["year"]), number, int(match["day"] or match["day_"]), tzinfo=UTC)
        except ValueError:  # a number that is no day
            continue
        if day.year >= _EARLIEST_YEAR and day.date() < now.date():
            return day
    return None


def _roughly(written: str, now: datetime) -> datetime | None:
    """Return the past day that an unreadable date names, else the last day of a year that is over."""
    day = day_within(written)
    if day is not None and day.year >= _EARLIEST_YEAR and day.date() < now.date():
        return day
    year = year_in(written)
    if year is None or not _EARLIEST_YEAR <= year < now.year:
        return None
    return datetime(year, 12, 31, tzinfo=UTC)


def _with_neighbours(dates: list[EntryDates], now: datetime) -> list[EntryDates]:
    """Return the dates; an item without one, behind newer ones of an ordered document, has its older neighbour's."""
    known = [one.published_at for one in dates if one.quality.has_date]
    if len(known) < _ORDERED_FROM or len(known) == len(dates):
        return dates
    falling = all(one >= other for one, other in pairwise(known))
    rising = all(one <= other for one, other in pairwise(known))
    if falling == rising:  # without an order, or all of one moment
        return dates
    in_order = dates if falling else dates[::-1]  # the newest first
    older: list[datetime | None] = [None]
    for one in reversed(in_order):
        older.append(one.published_at if one.quality.has_date else older[-1])
    found, newer = [], None
    for one, next_older in zip(in_order, older[-2::-1], strict=True):
        newer = one.published_at if one.quality.has_date else newer
        if one.quality.has_date or newer is None:
            found.append(one)
        else:
            found.append(replace(one, published_at=min(next_older or newer, now), quality=DateQuality.INFERRED))
    return found if falling else found[::-1]
