"""Every verb that reads the published file says which version published it, when that is what it lacks."""

from pathlib import Path

import duckdb
import pytest

from newsclust.store import Database
from newsclust.store.database import migrations
from tests.terminal import Terminal

NEWEST = migrations()[-1].number
PUBLISHED = Path("data/published/newsclust.duckdb")
VERBS = [
    ("query", "from current_stories"),
    ("query", "select no_such_column from internal.runs"),
    ("top",),
    ("views", "current_stories"),
    ("why", "0123456789abcdef"),
    ("story", "rename", "0123456789abcdef", "A name"),
    ("feeds", "refresh", "0123456789abcdef"),
    ("duplicate", "list"),
    ("feeds", "schedule"),
    ("feeds", "moved"),
]


def made(number: int | None) -> None:
    """A published file that this migration made last, or nobody, without the views and columns of today."""
    PUBLISHED.parent.mkdir(parents=True)
    if number is None:
        with duckdb.connect(str(PUBLISHED)) as connection:
            connection.execute("CREATE TABLE migrations (name TEXT); CREATE TABLE runs (a INTEGER)")
        return
    with Database(PUBLISHED) as db:
        for view in db.rows(
            "SELECT view_name AS name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"
        ):
            db.execute(f"DROP VIEW {view['name']}")
        for table in db.rows("SELECT table_name AS name FROM duckdb_tables() WHERE table_name <> 'migrations'"):
            db.execute(f"DROP TABLE {table['name']}")
        db.execute("CREATE TABLE runs (a INTEGER)")
        db.execute("DELETE FROM migrations WHERE number > $1", [number])
        if number > NEWEST:
            db.execute("INSERT INTO migrations VALUES ($1, 'later', 'x', now())", [number])


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (6, f"it was published with schema 6, this newsclust reads {NEWEST}; the next night publishes it anew"),
        (NEWEST + 9, f"a newer newsclust published it (schema {NEWEST + 9}, this one reads {NEWEST}): upgrade"),
        (None, "no newsclust published this file"),
    ],
    ids=["older", "newer", "none"],
)
def test_a_file_of_another_version_is_named_as_such(
    terminal: Terminal,
    verb: tuple[str, ...],
    number: int | None,
    message: str,
) -> None:
    made(number)
    ended = terminal(*verb)
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert ended.code in (2, 3)


def test_what_a_file_of_another_version_can_answer_it_answers(terminal: Terminal) -> None:
    made(NEWEST + 9)
    assert terminal(
        "query", "--format", "csv", "select max(number) as newest from internal.migrations"
    ).out.split() == [
        "newest",
        str(NEWEST + 9),
    ]
    assert terminal("views").code == 0


def test_a_mistake_in_a_query_stays_the_queries_own_where_the_version_is_ours(terminal: Terminal) -> None:
    PUBLISHED.parent.mkdir(parents=True)
    Database(PUBLISHED).close()
    ended = terminal("query", "from current_storys")
    assert (ended.code, "the query cannot be answered" in ended.err, "schema" in ended.err) == (2, True, False)


@pytest.mark.parametrize("verb", [("query", "from internal.runs"), ("top",), ("views",), ("why", "a")], ids=" ".join)
def test_a_file_that_is_no_database_is_named_as_such(terminal: Terminal, verb: tuple[str, ...]) -> None:
    PUBLISHED.parent.mkdir(parents=True)
    for content in (b"", b"a text, and no database at all"):
        PUBLISHED.write_bytes(content)
        ended = terminal(*verb)
        assert (ended.code, "is no DuckDB file: name another one" in ended.err) == (3, True)
    PUBLISHED.unlink()
    PUBLISHED.mkdir()
    assert "is a folder: name the published file in it" in terminal(*verb).err
