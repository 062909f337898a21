"""Update hints in feed documents: RSS `ttl`, `skipHours` and `skipDays`, and `sy:updatePeriod`."""

import re
from datetime import timedelta
from typing import Any

from newsclust.model import UpdateHints

# Bounded, so that hostile text costs no more than its length.
_SKIP_HOURS = re.compile(r"<skipHours>(.{0,2000}?)</skipHours>", re.DOTALL | re.IGNORECASE)
_SKIP_DAYS = re.compile(r"<skipDays>(.{0,2000}?)</skipDays>", re.DOTALL | re.IGNORECASE)
_ITEM_TAG = re.compile(r"</?(?:item|entry)\b", re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_MAX_INTERVAL = timedelta(days=365)


def read_update_hints(text: str, channel: Any) -> UpdateHints:
    """Return the update hints of an XML feed; whatever is no number, hour, day or period is ignored.

    `channel` is feedparser's, which keeps only the last of several hours or days: those are read from the text
    around the items. Hours and days are UTC; 24, as RSS 0.91 writes midnight, is 0. Sources: rssboard.org's RSS
    2.0, and the RSS 1.0 module "syndication", whose period is divided by its frequency.
    """
    items = [tag.start() for tag in _ITEM_TAG.finditer(text)]
    around = text[: items[0]] + text[items[-1] :] if items else text
    hours = (int(hour) for hour in _child_texts(_SKIP_HOURS, around, r"\d{1,2}"))
    days = (day.lower() for day in _child_texts(_SKIP_DAYS, around, r"[A-Za-z]+day"))
    return UpdateHints(
        interval=max((hint for hint in (_ttl(channel), _period(channel)) if hint), default=None),
        skip_hours=frozenset(hour % 24 for hour in hours if hour <= 24),
        skip_days=frozenset(_DAYS.index(day) for day in days if day in _DAYS),
    )


def _child_texts(element: re.Pattern[str], text: str, pattern: str) -> list[str]:
    """Return the texts of the element's children that match the pattern."""
    found = element.search(text)
    return re.findall(rf">\s*({pattern})\s*<", found[1]) if found else []


def _ttl(channel: Any) -> timedelta | None:
    return min(timedelta(minutes=minutes), _MAX_INTERVAL) if (minutes := _number(channel.get("ttl"))) else None


def _period(channel: Any) -> timedelta | None:
    period = _PERIODS.get(str(channel.get("sy_updateperiod") or "").strip().lower())
    return period / (_number(channel.get("sy_updatefrequency")) or 1) if period else None


def _number(written: object) -> int:
    """Return a whole number above zero, else 0."""
    digits = str(written or "").strip()
    return int(digits) if re.fullmatch(r"[0-9]{1,6}", digits) else 0
