"""What the published file says of itself: its views and columns, with their comments, from the catalog alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from newsclust.errors import SettingsError
from newsclust.written import did_you_mean

# By which a row is new since a moment: when a night learned of it, before when it was published.
_TIMES = (
    *("happened_at", "night_at", "replaced_at", "found_at", "linked_at", "moved_at", "made_at", "quarantined_at"),
    *("compared_at", "joined_at", "decided_at", "first_seen_at", "last_at", "first_at", "published_at", "day"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewColumn:
    """A column of a view; `type` is DuckDB's."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedView:
    """A view of the published file."""

    name: str
    comment: str
    columns: tuple[ViewColumn, ...]

    @property
    def time_column(self) -> str | None:
        """The column that says since when a row is there; None when a row is no event and has none."""
        names = {column.name for column in self.columns if column.type in ("TIMESTAMP", "DATE")}
        return next((name for name in _TIMES if name in names), None)


def published_views(connection: duckdb.DuckDBPyConnection, wanted: Sequence[str] = ()) -> list[PublishedView]:
    """Return the views of these names, or all, by name; SettingsError names one that is not there."""
    rows = connection.execute(
        """
        SELECT views.view_name, coalesce(views.comment, ''), columns.column_name, columns.data_type,
               coalesce(columns.comment, '')
        FROM duckdb_views() AS views
        JOIN duckdb_columns() AS columns
        ON columns.table_name = views.view_name AND columns.schema_name = views.schema_name
        WHERE NOT views.internal AND views.schema_name = 'main' AND views.database_name = current_database()
          AND columns.database_name = current_database()
        ORDER BY views.view_name, columns.column_index
        """
    ).fetchall()
    found: dict[str, PublishedView] = {}
    for view, about, column, kind, comment in rows:
        before = found[view].columns if view in found else ()
        columns = (*before, ViewColumn(name=column, type=kind, comment=comment))
        found[view] = PublishedView(name=view, comment=about, columns=columns)
    for name in wanted:
        if name not in found:
            near = did_you_mean(name, found)
            raise SettingsError(f"there is no view {name!r}{near or '; `newsclust views` lists them'}")
    return [found[name] for name in found if not wanted or name in wanted]


def last_good_night(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """Return the moment of the last finished night, in UTC and without a zone, as the file has it."""
    rows: list[tuple[datetime | None]] = connection.execute(
        "SELECT max(night_at) FROM nightly_summary WHERE outcome = 'finished'"
    ).fetchall()
    return rows[0][0]
