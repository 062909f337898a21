"""Write docs/schema.md: the entity-relationship diagram and the columns of every table, from the catalog itself.

    python docs/make_schema.py

There are no foreign keys to read (DuckDB refuses some deletes of parent and child in one transaction), so a
relation is what a column's name says: `article_id` names a row of `articles`. Names that say it otherwise stand in
`_ALIASES`. `tests/store/test_schema_document.py` fails when the document is not what this writes.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from newsclust.store import Database

DOCUMENT = Path(__file__).with_name("schema.md")
_ALIASES = {  # columns that name a row of another table by another word than its key
    "article_a": "articles",
    "article_b": "articles",
    "original_id": "articles",
    "merged_into": "stories",
    "other_story_id": "stories",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table as the catalog describes it."""

    name: str
    type: str
    is_key: bool
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table with its columns in order."""

    name: str
    comment: str
    columns: tuple[Column, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the columns of the primary key."""
        return tuple(column.name for column in self.columns if column.is_key)


def read_tables() -> list[Table]:
    """Return the tables of an empty database of this version, by name."""
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "newsclust.duckdb") as db:
        names = db.rows("SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY table_name")
        columns = db.rows(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
            "WHERE NOT internal AND schema_name = 'main' ORDER BY table_name, column_index"
        )
        keys = db.rows(
            "SELECT table_name, unnest(constraint_column_names) AS column_name FROM duckdb_constraints() "
            "WHERE constraint_type = 'PRIMARY KEY'"
        )
    is_key = {(row["table_name"], row["column_name"]) for row in keys}
    return [
        Table(
            name=table["table_name"],
            comment=table["comment"] or "",
            columns=tuple(
                Column(
                    name=row["column_name"],
                    type=row["data_type"],
                    is_key=(row["table_name"], row["column_name"]) in is_key,
                    comment=row["comment"] or "",
                )
                for row in columns
                if row["table_name"] == table["table_name"]
            ),
        )
        for table in names
    ]


def relations(tables: list[Table]) -> list[tuple[str, str, str]]:
    """Return (parent, child, column) for each column that names a row of another table."""
    owners = {key: table.name for table in tables for key in table.keys if table.name in _plurals(key)} | _ALIASES
    known = {table.name for table in tables}
    return [
        (owners[column.name], table.name, column.name)
        for table in tables
        for column in table.columns
        if owners.get(column.name) in known - {table.name} and column.name != "run_id"
    ]


def _plurals(key: str) -> set[str]:
    """Return what the table of a key may be called: feed_id -> feeds, story_id -> stories."""
    stem, suffix, _ = key.rpartition("_id")
    if not suffix:
        return set()
    return {f"{stem}s", f"{stem.removesuffix('y')}ies"}


def diagram(tables: list[Table]) -> str:
    """Return the Mermaid diagram: keys and references only, since all columns would not fit on a screen."""
    lines = ["erDiagram"]
    found = relations(tables)
    for parent, child, column in found:
        lines.append(f"    {parent} ||--o{{ {child} : {column}")
    for table in tables:
        shown = [
            column
            for column in table.columns
            if column.is_key or (table.name, column.name) in {(child, name) for _, child, name in found}
        ]
        lines.append(f"    {table.name} {{")
        for column in shown:
            kind = column.type.partition("(")[0].replace("[]", "_list").replace(" ", "_").lower()
            marks = ["PK"] * column.is_key + ["FK"] * ((table.name, column.name) in {(c, n) for _, c, n in found})
            lines.append(f"        {kind} {column.name} {', '.join(marks)}".rstrip())
        lines.append("    }")
    return "\n".join(lines)


def document() -> str:
    """Return the whole document as Markdown."""
    tables = read_tables()
    parts = [
        "# The tables",
        "",
        "Written by `python docs/make_schema.py` from the catalog of an empty database; a test holds it true.",
        "Analysts read the [views](views.md); these tables stand behind them, each with one writing step.",
        "Nearly every table has a `run_id`, the run that wrote the row; it is left out of the picture.",
        "",
        "```mermaid",
        diagram(tables),
        "```",
        "",
    ]
    for table in tables:
        parts += [f"## {table.name}", ""]
        if table.comment:
            parts += [table.comment, ""]
        parts += ["| column | type | what it says |", "|---|---|---|"]
        parts += [
            f"| {'**' if column.is_key else ''}`{column.name}`{'**' if column.is_key else ''} "
            f"| {column.type} | {column.comment.replace('|', chr(92) + '|')} |"
            for column in table.columns
        ]
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
