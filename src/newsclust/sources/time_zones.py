"""Time zones as feeds write them: numbers, names of RFC 822 and Europe, names of the tz database."""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

# RFC 822 section 5.1, and names that mean one zone in what feeds write. IST and the like mean several: not here.
_HOURS = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "met": 1, "mez": 1, "cest": 2,
    "mest": 2, "mesz": 2, "eet": 2, "eest": 3, "msk": 3, "jst": 9, "kst": 9, "hkt": 8, "sgt": 8, "aest": 10,
    "aedt": 11, "nzst": 12, "nzdt": 13, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8,
    "pdt": -7, "akst": -9, "akdt": -8, "hst": -10, "ast": -4, "adt": -3,
}  # fmt: skip
# What Americans write all year round.
_SEASONAL = {"et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles"}
_AMERICAN = re.compile(r"(?:[ecmp]|ak|h)[sd]?t|america/\w+|us/\w+", re.IGNORECASE)

_IN_WORDS = re.compile(r"\b(Eastern|Central|Mountain|Pacific)\s(?:(Standard|Daylight)\s)?Time\b", re.IGNORECASE)
_OFFSET = re.compile(r"(?:GMT|UTC|UT|Z)?([+-])(\d{1,2}):?(\d{2})?(?::?\d{2})?|00(?:00)?", re.IGNORECASE)
_DATABASE_NAME = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+){1,2}")


def zone_of(names: str, local: datetime) -> tzinfo | None:
    """Return the zone that some names, parted by blanks, give a local time; None when none of them is known.

    A number goes before a name ("-0700 MST", "GMT -0700"), else the first name counts.
    """
    known = [(name, zone) for name in names.split() if (zone := _zone(name, local)) is not None]
    numbered = [zone for name, zone in known if _OFFSET.fullmatch(name)]
    return next(iter([*numbered, *(zone for _, zone in known)]), None)


def is_american(names: str) -> bool:
    """Return whether one of the names is a zone of the United States, where the month is written before the day."""
    return any(_AMERICAN.fullmatch(name) for name in names.split())


def abbreviated_zones(line: str) -> str:
    """Return a date with the zones of the United States, written in full, by their letters: PST, ET."""
    return _IN_WORDS.sub(lambda name: f"{name[1][0]}{(name[2] or '')[:1]}T", line)


def _zone(name: str, local: datetime) -> tzinfo | None:
    if match := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(match[2] or 0), minutes=int(match[3] or 0))
        return timezone(-offset if match[1] == "-" else offset) if offset < timedelta(hours=24) else None
    plain = name.lower().removeprefix("etc/")
    if plain in _HOURS:
        return timezone(timedelta(hours=_HOURS[plain]))
    name = _SEASONAL.get(plain, name)
    if not _DATABASE_NAME.fullmatch(name):
        return None
    return _of_database(name, local)


def _of_database(name: str, local: datetime) -> tzinfo | None:
    """Return the offset that a zone of the tz database has at a local time; None without such a zone."""
    try:
        offset = ZoneInfo(name).utcoffset(local)
    except (LookupError, ValueError, OSError):  # no such name; a folder of names; a computer without the database
        return None
    return None if offset is None else timezone(offset)
