"""Dataclasses as rows and rows as dataclasses: a field is the column of its name."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from newsclust.errors import StoreError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

Convert = Callable[[Any], Any]


def row_of(
    item: "DataclassInstance", *, named: Mapping[str, str] | None = None, without: Collection[str] = ()
) -> dict[str, Any]:
    """Return the fields of a dataclass instance by column; `named` gives the columns of fields called otherwise."""
    columns = named or {}
    return {
        columns.get(field.name, field.name): getattr(item, field.name)
        for field in fields(item)
        if field.name not in without
    }


def stored(value: Any) -> Any:
    """Return a value as DuckDB takes it: datetimes naive UTC, enums their value, maps as pairs, sets sorted."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise StoreError(f"a datetime without a time zone cannot be stored: {value!r}")
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return value


def aware(value: Any) -> Any:
    """Return a stored timestamp as a datetime in UTC, anything else as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def reader(record: type[T], columns: Sequence[str]) -> Callable[[Sequence[Any]], T]:
    """Return what makes an instance of a row with these columns; columns that are no field are left out.

    Timestamps become aware, lists tuples or frozensets, texts enums and structs dataclasses, as the fields are
    annotated. A field without a default that has no column, and a NULL where the field takes no None, raise
    `StoreError`.
    """
    kind: Any = record
    plan = _plan(kind, tuple(columns))

    def read(row: Sequence[Any]) -> T:
        given: dict[str, Any] = {}
        for name, place, convert, optional in plan:
            value = row[place]
            if value is None:
                if not optional:
                    raise StoreError(f"{record.__name__}.{name} takes no NULL")
            elif convert is not None:
                value = convert(value)
            given[name] = value
        return record(**given)

    return read


@cache
def _plan(record: Any, columns: tuple[str, ...]) -> list[tuple[str, int, Convert | None, bool]]:
    """Return of each field that has a column: its name, the column's place, the conversion, and if it takes None."""
    missing = sorted(field.name for field in fields(record) if _is_needed(field) and field.name not in columns)
    if missing:
        raise StoreError(f"{record.__name__} needs the columns {', '.join(missing)}; there are {', '.join(columns)}")
    hints = get_type_hints(record)
    return [
        (field.name, columns.index(field.name), *_conversion(hints[field.name]))
        for field in fields(record)
        if field.init and field.name in columns
    ]


def _is_needed(field: Any) -> bool:
    return field.init and field.default is MISSING and field.default_factory is MISSING


def _conversion(annotation: Any) -> tuple[Convert | None, bool]:
    """Return how a stored value becomes one of this type (None: it is one), and whether the type takes None."""
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        convert = _conversion(kinds[0])[0] if len(kinds) == 1 else None
        return convert, len(kinds) < len(get_args(annotation))
    if get_origin(annotation) in (tuple, frozenset):
        whole: Convert = get_origin(annotation)
        each = _conversion(get_args(annotation)[0])[0]
        return (whole if each is None else lambda values: whole(map(each, values))), False
    if annotation is datetime:
        return aware, False
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return annotation, False
    if is_dataclass(annotation):
        inner: Any = annotation
        return (lambda struct: reader(inner, list(struct))(list(struct.values()))), False
    return None, False
