"""The database file: its schema, its transactions, its checks, and the copy that everybody else reads."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from pathlib import Path
from textwrap import dedent
from typing import Any

import duckdb
import numpy as np
import pytest

from newsclust.errors import CheckError, FetchError, Reason, StoreError
from newsclust.model import Count, Run
from newsclust.store import Database, articles, open_published, publish, runs
from newsclust.store import database as database_module
from newsclust.store.database import Migration, migrations, shipped_checksums

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SQL = resources.files("newsclust").joinpath("sql")


@pytest.fixture
def db(tmp_path: Path):
    with Database(tmp_path / "work.duckdb", now=NOON) as opened:
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory):
    """One database for all tests that leave it as it was."""
    with Database(tmp_path_factory.mktemp("empty") / "work.duckdb", now=NOON) as opened:
        yield opened


def begun(db: Database, night_at: datetime = NOON) -> Run:
    return runs.begin_run(db, flow="test", night_at=night_at, started_at=night_at, settings={"a": 1})


def put(db: Database, table: str, **given: Any) -> None:
    """Insert a row; columns that are not given but must be hold something of their type."""
    anything = {"VARCHAR": "x", "TIMESTAMP": NOON, "BOOLEAN": True, "JSON": "{}", "MAP(VARCHAR, DOUBLE)": {}}
    needed = db.rows(
        "SELECT column_name AS name, data_type AS type FROM duckdb_columns() "
        "WHERE table_name = $1 AND NOT is_nullable",
        [table],
    )
    row = {c["name"]: anything.get(c["type"], [] if c["type"].endswith("[]") else 1) for c in needed}
    db.save(table, [row | given])


def elsewhere(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run Python code in another process."""
    command = [sys.executable, "-c", dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def contents(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def use_migrations(monkeypatch: pytest.MonkeyPatch, *sql: str) -> None:
    known = [Migration(number=n, name=f"step {n}", sql=text) for n, text in enumerate(sql, start=1)]
    monkeypatch.setattr(database_module, "migrations", lambda: known)
    monkeypatch.setattr(database_module, "sql_files", lambda folder: [])


# --- migrations


def test_migrations_are_applied_once_and_recorded(tmp_path: Path) -> None:
    path = tmp_path / "work.duckdb"
    for now in (NOON, NOON + timedelta(days=1)):
        with Database(path, now=now) as db:
            applied = db.rows("SELECT number, name, checksum, applied_at FROM migrations ORDER BY number")
            assert applied == [
                {"number": m.number, "name": m.name, "checksum": m.checksum, "applied_at": NOON} for m in migrations()
            ]


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_migration_that_fails_leaves_nothing_of_itself_and_all_of_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "work.duckdb"
    broken = "CREATE TABLE second (i INTEGER); INSERT INTO nowhere VALUES (1)"
    use_migrations(monkeypatch, "CREATE TABLE first (i INTEGER)", broken)
    with pytest.raises(StoreError, match=r"migration 2 failed.*nowhere"):
        Database(path, now=NOON)
    assert contents(path, "SELECT table_name FROM duckdb_tables() ORDER BY 1") == [("first",), ("migrations",)]
    assert contents(path, "SELECT number FROM migrations") == [(1,)]
    use_migrations(monkeypatch, "CREATE TABLE first (i INTEGER)", "CREATE TABLE second (i INTEGER)")
    with Database(path, now=NOON) as db:
        assert db.rows("FROM second") == []


def test_a_file_made_by_a_newer_version_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "work.duckdb"
    with Database(path, now=NOON) as db:
        put(db, "migrations", number=99, name="later")
        db.execute("DROP VIEW feed_health")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"made by a newer newsclust \(schema 99; this one knows \d+\): upgrade"):
        Database(path)
    assert path.read_bytes() == before


def test_an_edited_migration_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "work.duckdb"
    use_migrations(monkeypatch, "CREATE TABLE first (i INTEGER)")
    Database(path).close()
    use_migrations(monkeypatch, "CREATE TABLE first (i BIGINT)")
    with pytest.raises(StoreError, match="migration 1 is not the one this newsclust knows"):
        Database(path)


def test_no_shipped_migration_was_edited_and_each_has_its_checksum_written_down() -> None:
    """A failure here means: leave the shipped file as it was, and write a new migration with a line in CHECKSUMS."""
    assert {name: forms[-1] for name, forms in shipped_checksums().items()} == {
        f"{migration.number:04}_{migration.name}": migration.checksum for migration in migrations()
    }


@pytest.mark.parametrize(
    ("number", "checksum"),
    [
        (int(name.partition("_")[0]), checksum)
        for name, forms in shipped_checksums().items()
        for checksum in forms[:-1]
    ],
)
def test_a_database_made_with_an_earlier_shipped_form_of_a_migration_opens(
    tmp_path: Path, number: int, checksum: str
) -> None:
    path = tmp_path / "work.duckdb"
    with Database(path) as db:
        put(db, "feeds", feed_id="f")
        db.execute("UPDATE migrations SET checksum = $1 WHERE number = $2", [checksum, number])
    with Database(path) as db:
        assert db.rows("SELECT feed_id FROM feeds") == [{"feed_id": "f"}]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Milk, bread, candles.\n" * 400)
    with pytest.raises(StoreError, match=r"notes\.txt is no DuckDB file"):
        Database(path)
    assert path.read_text() == "Milk, bread, candles.\n" * 400


def test_a_database_in_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot open"):
        Database(tmp_path / "file" / "work.duckdb")


def test_a_file_that_another_process_has_open_is_refused_naming_the_published_copy(db: Database) -> None:
    told = elsewhere(
        """
        import sys, pathlib
        from newsclust.errors import StoreError
        from newsclust.store import Database
        try:
            Database(pathlib.Path(sys.argv[1]))
        except StoreError as error:
            print(error)
        """,
        db.path,
    )
    assert re.search("is open in another process .*; read the published copy instead", told.stdout), told.stderr


# --- rows


def test_a_datetime_comes_back_as_the_same_moment_in_utc(db: Database) -> None:
    tokyo = datetime(2026, 3, 2, 21, tzinfo=timezone(timedelta(hours=9)))
    run = begun(db, tokyo)
    (row,) = db.rows("SELECT night_at, finished_at FROM runs WHERE run_id = $1 AND night_at = $2", [run.id, tokyo])
    assert row == {"night_at": NOON, "finished_at": None}
    assert row["night_at"].tzinfo is UTC


def test_a_datetime_without_a_zone_is_refused_in_rows_and_in_parameters(db: Database) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(StoreError, match="without a time zone"):
        put(db, "feeds", added_at=naive)
    with pytest.raises(StoreError, match="without a time zone"):
        db.rows("FROM feeds WHERE added_at = $1", [naive])


def test_a_transaction_that_fails_leaves_nothing(db: Database) -> None:
    def fail() -> None:
        with db.transaction():
            put(db, "feeds", feed_id="f")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert db.rows("FROM feeds") == []
    with db.transaction():
        put(db, "feeds", feed_id="f")
    assert len(db.rows("FROM feeds")) == 1


def test_a_row_without_a_needed_column_leaves_nothing_of_its_batch(db: Database) -> None:
    put(db, "feeds", feed_id="before")
    full = db.rows("SELECT * REPLACE ('one' AS feed_id) FROM feeds")[0]
    with pytest.raises(duckdb.ConstraintException):
        db.save("feeds", [full, full | {"feed_id": "two", "url": None}])
    assert [row["feed_id"] for row in db.rows("FROM feeds")] == ["before"]


def test_vectors_saved_twice_are_stored_once_as_they_were_last_given(db: Database) -> None:
    run = begun(db)
    first, last = np.eye(3, dtype=np.float32)[:2], np.eye(3, dtype=np.float32)[1:]
    for vectors, of_titles in ((first, last), (last, first)):
        articles.save_embeddings(db, run, "model", ["a", "b"], vectors, of_titles)
    ids, stored = articles.vectors_of(db, "model", ["b", "a", "c"])
    assert ids == ["a", "b"]
    np.testing.assert_array_equal(stored, last)
    ids, stored, of_titles = articles.both_vectors_of(db, "model", ["b", "c", "a"])
    assert ids == ["a", "b"]
    np.testing.assert_array_equal(stored, last)
    np.testing.assert_array_equal(of_titles, first)
    assert articles.vectors_of(db, "another", ["a"])[0] == []
    assert len(db.rows("FROM embeddings")) == 2


def test_a_run_left_running_by_a_killed_process_is_marked_failed_by_the_next(db: Database) -> None:
    killed = begun(db)
    after = begun(db, NOON + timedelta(hours=1))
    runs.finish_run(db, after, finished_at=NOON + timedelta(hours=2))
    told = {row["run_id"]: (row["outcome"], row["error"]) for row in db.rows("FROM runs")}
    assert told == {killed.id: ("failed", "killed before its end"), after.id: ("finished", None)}


def test_each_attempt_at_a_step_is_kept(db: Database) -> None:
    run = begun(db)
    for error in ("no network", None):
        runs.save_step(db, run, "fetch_feeds", started_at=NOON, seconds=1, count=Count(done=2), error=error)
    told = [(row["attempt"], row["error"]) for row in db.rows("FROM steps ORDER BY attempt")]
    assert told == [(1, "no network"), (2, None)]


def test_a_failure_told_twice_in_one_night_is_stored_once(db: Database) -> None:
    run = begun(db)
    failure = ("f", FetchError("https://site.example/feed", Reason.TIMEOUT, "30 s"))
    runs.save_failures(db, run, "fetch_feeds", [failure, failure], at=NOON)
    runs.save_failures(db, run, "fetch_feeds", [failure], at=NOON)
    (row,) = db.rows("FROM failures")
    assert (row["item"], row["item_id"], row["reason"]) == ("https://site.example/feed", "f", "timeout")


def test_a_process_killed_while_writing_loses_no_transaction_and_leaves_no_half_of_one(tmp_path: Path) -> None:
    path = tmp_path / "work.duckdb"
    writer = """
        import itertools, pathlib, sys
        from newsclust.store import Database
        db = Database(pathlib.Path(sys.argv[1]))
        db.execute("CREATE TABLE pairs (n INTEGER)")
        for n in itertools.count():
            with db.transaction():
                db.save("pairs", [{"n": n}])
                db.save("pairs", [{"n": n}])
            print(n, flush=True)
        """
    with subprocess.Popen([sys.executable, "-c", dedent(writer), str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(30)]
        process.kill()
        said += [int(line) for line in process.stdout.readlines() if line.endswith(b"\n")]
    with Database(path) as db:
        stored = {row["n"]: row["times"] for row in db.rows("SELECT n, count(*) AS times FROM pairs GROUP BY n")}
    assert set(said) <= stored.keys()
    assert set(stored.values()) == {2}


# --- publication


def test_the_published_copy_holds_what_was_committed_after_the_last_checkpoint(db: Database, tmp_path: Path) -> None:
    target = tmp_path / "out" / "published.duckdb"
    db.execute("CHECKPOINT")
    put(db, "feeds", feed_id="late")
    assert publish(db, target) == target.stat().st_size
    with open_published(target) as published:
        assert published.execute("SELECT feed_id FROM internal.feeds").fetchall() == [("late",)]
        assert published.execute("FROM feed_health").fetchall()
    put(db, "feeds", feed_id="later")
    assert len(db.rows("FROM feeds")) == 2
    assert [path.name for path in target.parent.iterdir()] == ["published.duckdb"]


def test_nothing_published_yet_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been published yet"):
        open_published(tmp_path / "published.duckdb").__enter__()


def test_a_reader_of_the_published_copy_can_reach_no_other_file_and_write_nothing(
    db: Database, tmp_path: Path
) -> None:
    publish(db, tmp_path / "published.duckdb")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with open_published(tmp_path / "published.duckdb") as published:
        for statement in (
            f"FROM '{tmp_path / 'secret.csv'}'",
            f"ATTACH '{db.path}' AS other",
            "SET enable_external_access = true",
            "DELETE FROM internal.feeds",
        ):
            with pytest.raises(duckdb.Error):
                published.execute(statement)


def test_readers_keep_the_old_copy_and_block_nobody_while_new_ones_are_published(
    db: Database, tmp_path: Path
) -> None:
    target = tmp_path / "published.duckdb"
    put(db, "feeds", feed_id="one")
    publish(db, target)
    reader = """
        import duckdb, sys
        connection = duckdb.connect(sys.argv[1], read_only=True)
        for _ in sys.stdin:
            print(connection.execute("SELECT count(*) FROM internal.feeds").fetchone()[0], flush=True)
        """
    command = [sys.executable, "-c", dedent(reader), str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def counted() -> int:
            print("count", file=process.stdin, flush=True)
            return int(process.stdout.readline())

        assert counted() == 1
        put(db, "feeds", feed_id="two")
        publish(db, target)
        put(db, "feeds", feed_id="three")
        assert counted() == 1
        process.stdin.close()
    assert contents(target, "SELECT count(*) FROM internal.feeds") == [(2,)]


def test_no_other_process_can_open_the_working_file_after_it_was_published(db: Database, tmp_path: Path) -> None:
    publish(db, tmp_path / "published.duckdb")
    told = elsewhere("import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True)", db.path)
    assert "lock" in told.stderr
    assert told.returncode


def test_what_somebody_wrote_into_the_old_copy_is_not_replayed_into_the_new_one(db: Database, tmp_path: Path) -> None:
    target = tmp_path / "published.duckdb"
    publish(db, target)
    died = elsewhere(
        """
        import duckdb, os, sys
        connection = duckdb.connect(sys.argv[1])
        connection.execute("CREATE TABLE mine AS SELECT 1 AS i")
        os._exit(9)
        """,
        target,
    )
    assert died.returncode == 9
    publish(db, target)
    assert contents(target, "SELECT table_name FROM duckdb_tables() WHERE table_name = 'mine'") == []


def test_a_publication_overwrites_what_a_killed_one_left(db: Database, tmp_path: Path) -> None:
    (tmp_path / ".published.duckdb.partial").write_bytes(b"half" * 100)
    publish(db, tmp_path / "published.duckdb")
    assert contents(tmp_path / "published.duckdb", "SELECT count(*) FROM internal.feeds") == [(0,)]
    assert not list(tmp_path.glob(".*"))


def test_a_target_that_cannot_be_written_is_an_error_after_which_work_goes_on(db: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot publish"):
        publish(db, tmp_path / "file" / "published.duckdb")
    put(db, "feeds", feed_id="f")
    assert len(db.rows("FROM feeds")) == 1


# --- views


def names_of(folder: str) -> list[str]:
    return sorted(file.name.removesuffix(".sql") for file in SQL.joinpath(folder).iterdir())


def test_every_view_and_every_column_of_a_view_has_a_comment(empty: Database) -> None:
    silent = empty.rows(
        """
        SELECT view_name AS name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' AND comment IS NULL
        UNION ALL
        SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE table_name IN (SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main')
          AND schema_name = 'main' AND comment IS NULL
        """
    )
    assert silent == []


def test_every_table_has_a_comment_and_what_is_commented_on_stands_in_the_files_once(empty: Database) -> None:
    files = "".join(SQL.joinpath("comments", f"{name}.sql").read_text() for name in names_of("comments"))
    subjects = re.findall(r"^COMMENT ON (?:TABLE|COLUMN) (\S+) IS '", files, re.MULTILINE)
    commented = empty.rows(
        """
        SELECT table_name AS subject FROM duckdb_tables() WHERE comment IS NOT NULL
        UNION ALL
        SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE table_name IN (SELECT table_name FROM duckdb_tables()) AND comment IS NOT NULL
        """
    )
    assert sorted(subjects) == sorted(row["subject"] for row in commented)
    assert files.count("COMMENT ON") == len(subjects)
    assert {row["name"] for row in empty.rows("SELECT table_name AS name FROM duckdb_tables()")} <= set(subjects)


def test_comments_follow_their_files_at_every_opening(tmp_path: Path) -> None:
    with Database(tmp_path / "work.duckdb") as db:
        db.execute("COMMENT ON TABLE feeds IS 'by hand'")
        db.execute("COMMENT ON COLUMN articles.text IS NULL")
    with Database(tmp_path / "work.duckdb") as db:
        (text,) = db.rows(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'articles' AND column_name = 'text' "
            "AND schema_name = 'main'"
        )
        (feeds,) = db.rows("SELECT comment FROM duckdb_tables() WHERE table_name = 'feeds'")
    assert text["comment"].startswith("Plain text without markup")
    assert feeds["comment"] == "Every feed that was ever listed"


def test_migrations_hold_no_comments_but_the_two_that_were_shipped_with_some() -> None:
    """Comments are reworded, shipped migrations are not: comments stand in sql/comments and sql/views."""
    assert [m.number for m in migrations() if re.search(r"\bCOMMENT\s+ON\b", m.sql, re.IGNORECASE)] == [11, 14]


def test_every_view_file_makes_the_view_or_macro_it_is_named_after(empty: Database) -> None:
    made = empty.rows(
        "SELECT view_name AS name FROM duckdb_views() WHERE NOT internal "
        "AND (schema_name = 'main' OR view_name NOT IN (SELECT table_name FROM duckdb_tables())) "
        "UNION SELECT function_name FROM duckdb_functions() WHERE NOT internal"
    )
    assert sorted(row["name"] for row in made) == sorted(name.partition("_")[2] for name in names_of("views"))


@pytest.mark.parametrize("name", names_of("views"))
def test_every_view_can_be_asked_of_an_empty_database(empty: Database, name: str) -> None:
    view = name.partition("_")[2]
    given = {
        "todo_feeds": "'x'",
        "todo_embeddings": "'x', TIMESTAMP '2026-02-04 06:00'",
        "todo_rewrites": "'x', 5, 12",
        "stories_as_of": "TIMESTAMP '2026-02-04 06:00'",
        "changes_since": "TIMESTAMP '2026-02-04 06:00'",
        "story_page": "'s'",
        "search_articles": "'words'",
        "search_stories": "'words'",
        "similar_articles": "'a'",
        "similar_stories": "'s'",
    }
    asked = f"{view}({given[view]})" if view in given else view
    if "REPLACE VIEW internal." in SQL.joinpath("views", f"{name}.sql").read_text():
        asked = f"internal.{view}"
    assert empty.rows(f"FROM {asked}") == []


def test_views_are_made_anew_at_every_opening(tmp_path: Path) -> None:
    with Database(tmp_path / "work.duckdb") as db:
        db.execute("CREATE OR REPLACE VIEW feed_health AS SELECT 1 AS made_by_hand")
    with Database(tmp_path / "work.duckdb") as db:
        assert db.rows("FROM feed_health") == []


# --- checks: each (what is wrong, rows that are wrong in this way alone)

ARTICLE, SIGHTING = ("articles", {"article_id": "a"}), ("entries", {"article_id": "a", "feed_id": "f"})
SEEN = [("feeds", {"feed_id": "f"}), SIGHTING, ARTICLE]
BORN = ("story_events", {"story_id": "s", "event": "born"})
STORY = ("stories", {"story_id": "s", "state": "living"})
MEMBER = ("story_articles", {"story_id": "s", "article_id": "a"})
LATER = NOON + timedelta(days=1)

PAIR = [
    *SEEN,
    ("entries", {"entry_id": "2", "article_id": "b", "feed_id": "f"}),
    ("articles", {"article_id": "b"}),
]
BOTH = {"article_a": "a", "article_b": "b"}
BREACHES: dict[str, list[tuple[str, list[tuple[str, dict[str, Any]]]]]] = {
    "articles_are_in_one_story": [
        ("an article in two stories", [MEMBER, ("story_articles", {"story_id": "t", "article_id": "a"})]),
        (
            "a copy in a story",
            [
                *SEEN,
                ("duplicates", {"article_id": "b", "original_id": "a"}),
                ("story_articles", {"story_id": "s", "article_id": "b"}),
            ],
        ),
    ],
    "articles_have_a_sighting": [("an article nobody showed", [ARTICLE])],
    "rewrites_name_two_articles": [
        ("a pair the wrong way round", [*PAIR, ("rewrite_comparisons", {"article_a": "b", "article_b": "a"})]),
        ("an article that is not there", [*SEEN, ("rewrite_comparisons", {"article_a": "a", "article_b": "b"})]),
        ("derived without a score", [*PAIR, ("rewrite_comparisons", {**BOTH, "is_rewrite": True, "score": None})]),
        ("a score over 1", [*PAIR, ("rewrite_comparisons", {**BOTH, "score": 1.01})]),
    ],
    "duplicates_name_an_original": [
        ("an original that is not there", [("duplicates", {"article_id": "b", "original_id": "a"})]),
        (
            "an original that is a copy",
            [
                *SEEN,
                ("entries", {"entry_id": "2", "article_id": "b", "feed_id": "f"}),
                ("articles", {"article_id": "b"}),
                ("duplicates", {"article_id": "c", "original_id": "b"}),
                ("duplicates", {"article_id": "b", "original_id": "a"}),
            ],
        ),
    ],
    "entries_name_a_feed": [("an entry of no feed", [SIGHTING])],
    "links_are_ordered": [
        ("a link the wrong way round", [("links", {"article_a": "b", "article_b": "a"})]),
        ("a link to itself", [("links", {"article_a": "a", "article_b": "a"})]),
        ("a probability over 1", [("links", {"article_a": "a", "article_b": "b", "probability": 1.01})]),
        ("no probability", [("links", {"article_a": "a", "article_b": "b", "probability": float("nan")})]),
    ],
    "living_stories_have_articles": [
        ("a living story that all have left", [STORY, BORN, ("story_articles", MEMBER[1] | {"left_at": LATER})]),
        (
            "a merged story with an article",
            [("stories", {"story_id": "s", "state": "merged", "merged_into": "t"}), BORN, MEMBER],
        ),
        ("a merged story that names no other", [("stories", {"story_id": "s", "state": "merged"}), BORN]),
    ],
    "search_words_stand_once": [
        ("a word twice", [("search_words", {"word": "w", "language": "en"})] * 2),
        ("a number of two articles", [("search_documents", {"article_id": name, "doc": 1}) for name in "ab"]),
    ],
    "stories_are_in_one_topic": [
        ("a story in two topics", [("topic_stories", {"story_id": "s", "topic_id": topic}) for topic in "tu"]),
    ],
    "stories_have_a_birth": [
        ("a story that only grew", [STORY, MEMBER, ("story_events", {"story_id": "s", "event": "grew"})]),
    ],
    "vectors_have_unit_length": [
        (said, [("embeddings", {"article_id": "a", "vector": vector})])
        for said, vector in [("too long", [1.0, 0.1]), ("zero", [0.0, 0.0]), ("no number", [float("nan"), 0.0])]
    ],
}


@pytest.mark.parametrize("name", names_of("checks"))
def test_every_check_fails_when_its_rule_is_broken_and_only_then(empty: Database, name: str) -> None:
    for said, rows in BREACHES[name]:
        assert empty.check_or_raise() == len(names_of("checks"))
        with pytest.raises(CheckError, match=f"1 of the stored rows' checks fail: {name}: [A-Z]"):
            check_with(empty, rows)  # in a transaction that the error ends: nothing is left of the breach
        assert empty.check() == [], said


def check_with(db: Database, rows: list[tuple[str, dict[str, Any]]]) -> None:
    with db.transaction():
        for table, row in rows:
            put(db, table, **row)
        db.check_or_raise()


def test_a_sound_database_breaks_no_check(db: Database) -> None:
    for table, row in [*SEEN, STORY, BORN, MEMBER]:
        put(db, table, **row)
    put(db, "links", article_a="a", article_b="b", probability=0.5)
    put(db, "embeddings", article_id="a", vector=[0.6, 0.8])
    put(db, "topic_stories", story_id="s", topic_id="t")
    assert db.check() == []
