"""How often a feed document wants to be asked for: RSS `ttl`, `skipHours` and `skipDays`, and `sy:updatePeriod`."""

import re
from datetime import timedelta
from typing import Any

from newsclust.model import Wishes

# Bounded, so that hostile text costs no more than its length.
_SKIP_HOURS = re.compile(r"<skipHours>(.{0,2000}?)</skipHours>", re.DOTALL | re.IGNORECASE)
_SKIP_DAYS = re.compile(r"<skipDays>(.{0,2000}?)</skipDays>", re.DOTALL | re.IGNORECASE)
_ITEM = re.compile(r"</?(?:item|entry)\b", re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_LONGEST = timedelta(days=365)


def read_wishes(text: str, channel: Any) -> Wishes:
    """What an XML feed says of when to ask for it; whatever is no number, hour, day or period is no wish.

    `channel` is feedparser's, which keeps only the last of several hours or days: those are taken from the text
    around the items. Hours and days are UTC; 24, as RSS 0.91 writes midnight, is 0. Sources: rssboard.org's RSS
    2.0, and the RSS 1.0 module "syndication", whose period is parted by its frequency.
    """
    items = [tag.start() for tag in _ITEM.finditer(text)]
    around = text[: items[0]] + text[items[-1] :] if items else text
    hours = (int(hour) for hour in _within(_SKIP_HOURS, around, r"\d{1,2}"))
    days = (day.lower() for day in _within(_SKIP_DAYS, around, r"[A-Za-z]+day"))
    return Wishes(
        every=max((wait for wait in (_ttl(channel), _period(channel)) if wait), default=None),
        skip_hours=frozenset(hour % 24 for hour in hours if hour <= 24),
        skip_days=frozenset(_DAYS.index(day) for day in days if day in _DAYS),
    )


def _within(element: re.Pattern[str], text: str, what: str) -> list[str]:
    found = element.search(text)
    return re.findall(rf">\s*({what})\s*<", found[1]) if found else []


def _ttl(channel: Any) -> timedelta | None:
    return min(timedelta(minutes=minutes), _LONGEST) if (minutes := _number(channel.get("ttl"))) else None


def _period(channel: Any) -> timedelta | None:
    period = _PERIODS.get(str(channel.get("sy_updateperiod") or "").strip().lower())
    return period / (_number(channel.get("sy_updatefrequency")) or 1) if period else None


def _number(written: object) -> int:
    """A whole number above zero, else 0."""
    digits = str(written or "").strip()
    return int(digits) if re.fullmatch(r"[0-9]{1,6}", digits) else 0
