"""How one value of the published file is written, whatever the format: the only place that decides it."""

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # how a spreadsheet's formulas begin
# What DuckDB's driver makes of 'infinity' and '-infinity'.
_INFINITE = (datetime.max, datetime.min)  # noqa: DTZ901 (it leaves the zone out)
_INFINITE_DATES = (date.max, date.min)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: no NaN or infinity (None), times in ISO 8601 and UTC, bytes as base64.

    A time without a zone is UTC, as every time of the published file is.
    """
    convert = _PLAIN.get(type(value))
    return str(value) if convert is None else convert(value)


def json_text(value: Any) -> str:
    """Return a value as JSON (RFC 8259) on one line."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def cell_text(value: Any) -> str:
    """Return a value as the text of a cell: nothing for None, lists and structures as JSON."""
    found = plain(value)
    if found is None:
        return ""
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, allow_nan=False)


def shown_text(value: Any) -> str:
    """Return a value as a person reads it in a table: lists by commas, times without T and Z."""
    match value:
        case None:
            return ""
        case list() | tuple() if not any(isinstance(item, dict | list | tuple) for item in value):
            return ", ".join(map(shown_text, value))
        case datetime():
            return (_moment(value) or "").rstrip("Z").replace("T", " ")
        case float():
            return str(value)
        case _:
            return cell_text(value)


def defused(value: Any) -> Any:
    """Return a text that no spreadsheet takes for a formula: strangers wrote the titles (CWE-1236)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _decimal(value: Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    return int(value) if value.as_tuple().exponent == 0 else float(value)


def _moment(value: datetime) -> str | None:
    if value.replace(tzinfo=None) in _INFINITE:
        return None
    in_utc = value.astimezone(UTC) if value.tzinfo else value
    return in_utc.replace(tzinfo=None).isoformat() + "Z"


def _day(value: date) -> str | None:
    return None if value in _INFINITE_DATES else value.isoformat()


def _duration(value: timedelta) -> str:
    """Return a duration as ISO 8601 has it: days and seconds, as both are always as long."""
    sign = "-" if value < timedelta(0) else ""
    value = abs(value)
    seconds = f"{value.seconds}{f'.{value.microseconds:06}'.rstrip('0') if value.microseconds else ''}"
    days, rest = (f"{value.days}D" if value.days else ""), (f"T{seconds}S" if seconds != "0" else "")
    return f"{sign}P{days}{rest}" if days or rest else "PT0S"


def _structure(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {cell_text(key): plain(item) for key, item in value.items()}


def _list(value: Any) -> list[Any]:
    return [plain(item) for item in value]


def _same(value: Any) -> Any:
    return value


_PLAIN: Mapping[type, Callable[[Any], Any]] = {
    type(None): _same,
    str: _same,
    bool: _same,
    int: _same,
    float: _number,
    Decimal: _decimal,
    datetime: _moment,
    date: _day,
    time: time.isoformat,
    timedelta: _duration,
    bytes: lambda value: base64.b64encode(value).decode("ascii"),
    UUID: str,
    list: _list,
    tuple: _list,
    dict: _structure,
}
