"""Dates as feeds write them (RFC 822, RFC 3339, JavaScript, seconds, and by hand in several languages) -> UTC."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from newsclust.sources.time_zones import abbreviated_zones, is_american, zone_of

_LONGEST = 100  # characters; the longest true ones, JavaScript's with the zone's name in full, have about 75
_TIME = (
    r"(?P<hour>\d{1,2})(?:\s?[:hH.]\s?(?P<minute>\d{1,2})(?:[:.m](?P<second>\d{1,2})(?:[.,:]\d+)?s?)?|\s?[hH]\b|(?=\s?[ap]\.?m))"
    r"(?:\s?(?P<half>[ap])\.?m\b\.?)?(?:\s?Uhr\b)?"
)
_OFFSET = r"\(?(?:GMT|UTC|UT|Z)?\s?[+-]\s?\d{1,2}:?\d{0,2}(?::\d\d)?\)?"
_NAME = r"[A-Za-z]{1,5}(?![A-Za-z])|[A-Za-z]+(?:/[A-Za-z0-9_+-]+){1,2}|00(?:00)?(?!\d)"
_ZONES = rf"(?P<zones>(?:\s?(?:{_OFFSET}|{_NAME})){{1,3}})"
_WEEKDAY = r"(?:[^\W\d_]{2,13}\.?\s?,?\s*)??(?:(?:le|el|am|den|on|the)\s)?"
_WORD = r"(?P<month>[^\W\d_]{3,10})\.?,?"
_DAY = r"(?P<day>\d{1,2})(?:er|st|nd|rd|th|º|°)?[.,]?(?:\s(?:of|de)\b)?"
_YEAR = r"(?:(?:de|del)\s)?'?(?P<year>\d{4}|\d{2})(?!\d)"
_TO_TIME = r"(?:[T,|]|\s[-@|]|\s(?:à|at|um|kl\.?|a\slas|alle|ore|om)(?=\s))?\s?"
_AFTER_DATE = rf"(?:,?{_TO_TIME}{_TIME})?(?:{_ZONES})?"
_DATES = (
    r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?:(?P=mark)(?P<day>\d{1,2}))?",  # 2026-02-03, 2026-02
    r"(?P<year>\d{4})\s?年\s?(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?日",
    rf"{_DAY}\s?[\s.-]?\s?{_WORD}\s?[\s-]?\s?{_YEAR}",  # 03 Feb 2026; 3 févr. 2026; 16. November 2020
    rf"{_WORD}\s?{_DAY}(?:\s|(?<=\D)){_YEAR}",  # February 3, 2026
    rf"(?P<year>\d{{4}})[\s-]{_WORD}[\s-]?{_DAY}",  # 2026 Feb 03
    rf"{_WORD}\s(?P<day>)(?P<year>\d{{4}})",  # February 2026
    r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second_>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})(?!\d)",  # 26/06/2020
)
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        *(rf"{_WEEKDAY}{date}{_AFTER_DATE}" for date in _DATES),
        # Tue Feb 3 14:05:00 CET 2026 (asctime, Unix date)
        rf"{_WEEKDAY}{_WORD}\s{_DAY}\s{_TIME}(?:{_ZONES})?\s(?P<year>\d{{4}})(?:\s\w+)?",
        # 14:05, 3 February 2026
        *(rf"{_TIME}(?:\s?{_OFFSET})?\s?[,|-]?\s?{_WEEKDAY}{date}(?:{_ZONES})?" for date in _DATES),
    )
)
_DAYS = tuple(re.compile(rf"(?<![\w.-]){_DATES[number]}(?![\w-])", re.IGNORECASE) for number in (0, 2, 3))
_COMPACT = re.compile(
    r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?:[T\s]?(?P<time>\d{4}|\d{6})(?:\.\d+)?)?(?P<zones>Z|[+-]\d\d:?\d\d)?"
)
_EPOCH = re.compile(r"@?(?P<digits>\d{9,10}|\d{13}|\d{16})(?:\.\d+)?")
_DOTNET = re.compile(r"/Date\((\d+)(?:[+-]\d{4})?\)/")
_LABEL = re.compile(r"[^\W\d_]{2,12}(?:\s(?:on|le|am|el))?\s?:\s?(?=\D{0,14}\d)")
_COMMENT = re.compile(
    r"\s*\((?![^()]*[+-]\d)[^()]*\)$|\s?m=[+-][\d.]+$"
)  # a zone's name in full; Go's monotonic clock
_ZONE_IN_BRACKETS = re.compile(r"\[([\w/+-]+)\]$")  # Java's ZonedDateTime
# Beginnings that no two months share, without accents: English, French, German, Spanish, Italian, Portuguese, Dutch.
_MONTHS = {
    "jan": 1, "ene": 1, "gen": 1, "feb": 2, "fev": 2, "mar": 3, "mrz": 3, "maa": 3, "mrt": 3, "apr": 4, "avr": 4,
    "abr": 4, "may": 5, "mai": 5, "mag": 5, "mei": 5, "jun": 6, "juin": 6, "giu": 6, "jul": 7, "juil": 7, "lug": 7,
    "aug": 8, "aou": 8, "ago": 8, "sep": 9, "set": 9, "oct": 10, "okt": 10, "ott": 10, "out": 10, "nov": 11,
    "dec": 12, "dez": 12, "dic": 12,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDate:
    """A date as read, in UTC; `exact` when a time and a known zone were written with it."""

    at: datetime
    exact: bool


def parse_date(text: str, *, day_first: bool | None = None) -> ParsedDate:
    """Return the moment that a feed's date names; a missing or unknown zone is UTC, a missing time midnight.

    `day_first` says how 03/04/2026 is meant where nothing in it tells (a number over 12, an American clock or
    zone); None takes the day for the first. ValueError when no known shape fits or the calendar has no such day.
    """
    line = _plain(text)
    if len(line) > _LONGEST:
        raise ValueError(f"not a date: {line[:60]}")
    if match := _EPOCH.fullmatch(line):
        digits = match["digits"]
        return _since_1970(int(digits) / 10 ** (3 * ((len(digits) - 10 + 2) // 3)))
    if match := _DOTNET.fullmatch(line):
        return _since_1970(int(match[1]) / 1000)
    if match := _COMPACT.fullmatch(line):
        time = match["time"] or ""
        part = match.groupdict() | {"hour": time[:2] or None, "minute": time[2:4], "second": time[4:], "half": None}
        return _moment(part, day_first=day_first)
    for shape in _SHAPES:
        if match := shape.fullmatch(line):
            return _moment(match.groupdict(), day_first=day_first)
    raise ValueError(f"not a date: {line}")


def is_day_first(text: str) -> bool | None:
    """Return whether a date in numbers has its day before its month; None when it does not tell."""
    match = _SHAPES[len(_DATES) - 1].fullmatch(_plain(text))
    if match is None or max(int(match["first"]), int(match["second_"])) <= 12:
        return None
    return int(match["first"]) > 12


def day_within(text: str) -> datetime | None:
    """Return the beginning of the day that an unreadable date names somewhere, in UTC; None when it names none."""
    line = _plain(text[:_LONGEST])
    for shape in _DAYS:
        if match := shape.search(line):
            try:
                day = _moment(
                    match.groupdict() | {"hour": None, "minute": None, "second": None, "half": None}, day_first=None
                )
            except ValueError:
                continue  # a number that is no day
            return day.at
    return None


def year_in(text: str) -> int | None:
    """Return the year that a text which is no readable date names, if it names one."""
    found = {int(year) for year in re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", text[:_LONGEST])}
    return found.pop() if len(found) == 1 else None


def _plain(text: str) -> str:
    """Return the text on one line, with hyphens for dashes and minus signs, without labels and comments."""
    line = " ".join(re.sub("[\u2010-\u2015\u2212]", "-", text[: 4 * _LONGEST]).split())
    line = _ZONE_IN_BRACKETS.sub(r" \1", _COMMENT.sub("", line.removesuffix(".") if line.endswith(").") else line))
    return abbreviated_zones(_LABEL.sub("", line, count=1).rstrip(".,; ")) if len(line) <= _LONGEST else line


def _since_1970(seconds: float) -> ParsedDate:
    try:
        return ParsedDate(at=datetime.fromtimestamp(seconds, UTC), exact=True)
    except (OverflowError, OSError) as error:
        raise ValueError(f"out of the calendar: {seconds:.0f} seconds") from error


def _moment(part: dict[str, str | None], *, day_first: bool | None) -> ParsedDate:
    year = int(part["year"] or "")
    if len(part["year"] or "") == 2:
        year += 2000 if year < 70 else 1900
    month, day = _month_and_day(part, day_first=day_first)
    hour = int(part["hour"] or 0)
    if part["half"]:
        hour = hour % 12 + (12 if part["half"].lower() == "p" else 0)
    minute, second = int(part["minute"] or 0), min(int(part["second"] or 0), 59)  # a leap second is written :60
    midnight_after = (hour, minute, second) == (24, 0, 0)
    local = datetime(year, month, day, 0 if midnight_after else hour, minute, second)  # noqa: DTZ001 - its zone follows
    try:
        local += timedelta(days=midnight_after)
        zone = zone_of(_spaced_zones(part.get("zones")), local)
        return ParsedDate(
            at=local.replace(tzinfo=zone or UTC).astimezone(UTC), exact=part["hour"] is not None and zone is not None
        )
    except OverflowError as error:
        raise ValueError(f"out of the calendar: {local}") from error


def _spaced_zones(zones: str | None) -> str:
    """Return the zones with blanks between them and none within: "-05:00Z" has two, "GMT + 1" is one."""
    text = re.sub(r"[()]", " ", zones or "")
    text = re.sub(r"\s?([+-])\s?(?=\d)", r"\1", text) if not re.search(r"\w\s[+-]\d{3}", text) else text
    return re.sub(r"(?<=\d)(?=[A-Za-z])(?![A-Za-z]*/)", " ", text)


def _month_and_day(part: dict[str, str | None], *, day_first: bool | None) -> tuple[int, int]:
    if part.get("first") is None:
        return _month(part["month"] or ""), int(part["day"] or 1)
    first, second = int(part["first"] or ""), int(part["second_"] or "")
    if max(first, second) > 12:
        return (first, second) if second > 12 else (second, first)
    american = part["mark"] == "/" and (part["half"] is not None or is_american(part.get("zones") or ""))
    is_first = not american if day_first is None else day_first
    return (second, first) if is_first or part["mark"] == "." else (first, second)


def _month(word: str) -> int:
    if word.isdigit():
        return int(word)
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    month = _MONTHS.get(plain[:4]) or _MONTHS.get(plain[:3])
    if month is None:
        raise ValueError(f"not a month: {word}")
    return month
