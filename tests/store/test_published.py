"""The published file: it answers like the working file, holds nothing else, and is replaced all at once."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from newsclust.centering import Part, centre
from newsclust.errors import StoreError
from newsclust.explain import clusterer_of
from newsclust.model import Count
from newsclust.store import Database, open_published, publish, runs
from newsclust.store.published import PUBLISHED, WITHHELD, is_unpublished_view
from newsclust.store.vectors import VECTOR_TABLES, read_raw
from newsclust.stories.clustering import AverageLinkage

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "kDq7-vX2-secret"
VIEWS = "SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' ORDER BY view_name"
INTERNAL_VIEWS = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'internal'"


@pytest.fixture
def lived(demo_folder: Path, tmp_path: Path) -> Iterator[Database]:
    """The working file of the demonstration's three nights, to be changed at will."""
    shutil.copy(demo_folder / "newsclust.duckdb", tmp_path / "work.duckdb")
    with Database(tmp_path / "work.duckdb") as db:
        yield db


def shown(connection: duckdb.DuckDBPyConnection, relation: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Columns and rows; a double may differ in its last digits, because sums depend on the order of rows."""
    result = connection.execute(f"FROM {relation}")
    columns = [(column[0], str(column[1])) for column in result.description or ()]
    rows = result.fetchall()
    return columns, sorted(repr([round(v, 9) if isinstance(v, float) else v for v in row]) for row in rows)


def names(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    return {name for (name,) in connection.execute(query).fetchall()}


def test_every_table_is_published_or_withheld_for_a_reason(tmp_path: Path) -> None:
    with Database(tmp_path / "work.duckdb") as db:
        tables = names(db.connection, "SELECT table_name FROM duckdb_tables()")
        named = names(db.connection, INTERNAL_VIEWS)
    assert not PUBLISHED.keys() & WITHHELD.keys()
    assert PUBLISHED.keys() | WITHHELD.keys() | set(VECTOR_TABLES) == named
    assert tables == named - {"feed_warnings", "story_clusterer", "embedding_means", "search_cells"}


def test_the_published_file_cannot_be_written_and_is_replaced_all_the_same(tmp_path: Path) -> None:
    target = tmp_path / "published.duckdb"
    with Database(tmp_path / "work.duckdb") as db:
        for _ in range(2):
            publish(db, target)
            assert target.stat().st_mode & 0o222 == 0
    with open_published(target) as first, open_published(target) as second:
        assert first.execute("SELECT 1").fetchall() == second.execute("SELECT 1").fetchall()
    if os.geteuid() != 0:  # whom no mode stops
        with pytest.raises(duckdb.IOException, match="Permission denied"):
            duckdb.connect(str(target))


def test_who_locks_readers_out_is_named_with_the_mend(tmp_path: Path) -> None:
    target = tmp_path / "published.duckdb"
    with Database(tmp_path / "work.duckdb") as db:
        publish(db, target)
    target.chmod(0o644)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError) as refused, open_published(target):
            pass
        holder.stdin.close()
    assert f"process {holder.pid}" in str(refused.value)
    assert "read_only=True" in str(refused.value)


def test_every_view_tells_the_same_in_the_published_file_as_in_the_working_file(
    lived: Database, tmp_path: Path
) -> None:
    lived.execute("INSERT INTO request_counts SELECT run_id, '', 7, 6, 1 FROM runs")
    lived.execute("INSERT INTO request_counts SELECT (SELECT min(run_id) FROM runs), feed_id, 7, 6, 1 FROM feeds")
    publish(lived, tmp_path / "published.duckdb")
    told = {name for name in names(lived.connection, VIEWS) if not name.startswith("todo_")}
    moments = [str(night.replace(tzinfo=None)) for night in lived.column("SELECT night_at FROM runs")]
    with open_published(tmp_path / "published.duckdb") as published:
        for relation in sorted(told) + [f"stories_as_of(TIMESTAMP '{moment}')" for moment in moments]:
            assert shown(published, relation) == shown(lived.connection, relation), relation
        filled = {view for view in told if published.execute(f"FROM {view} LIMIT 1").fetchall()}
    assert told - filled <= {
        "blind_spots",
        "moved_feeds",
        "quarantined_entries",
        "story_corrections",
        "night_notices",
    }


def test_nothing_is_published_but_what_is_meant_to_be(lived: Database, tmp_path: Path) -> None:
    publish(lived, tmp_path / "published.duckdb")
    with open_published(tmp_path / "published.duckdb") as published:
        tables = names(published, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'internal'")
        assert tables == PUBLISHED.keys() | set(VECTOR_TABLES)
        assert not names(published, "SELECT table_name FROM duckdb_tables() WHERE schema_name <> 'internal'")
        assert not names(published, INTERNAL_VIEWS)
        working = {name for name in names(lived.connection, VIEWS) if not is_unpublished_view(name)}
        assert names(published, VIEWS) == working
        macros = "SELECT function_name FROM duckdb_functions() WHERE NOT internal"
        assert names(published, macros) == MACRO_ARGUMENTS.keys()
        columns = published.execute("SELECT column_name, data_type FROM duckdb_columns()").fetchall()
        assert not {"settings", "etag", "last_modified", "body", "headers", "content"} & {name for name, _ in columns}
        assert "BLOB" not in {kind for _, kind in columns}
        assert published.execute("SELECT count(DISTINCT model) FROM internal.embeddings").fetchall() == [(1,)]
        silent = published.execute("SELECT table_name FROM duckdb_tables() WHERE comment IS NULL").fetchall()
        assert {name for (name,) in silent} == {"feed_warnings", "story_clusterer"}


MACRO_ARGUMENTS = {
    "changes_since": "TIMESTAMP '2026-02-04 06:00'",
    "search_articles": "'the new chip, la puce'",
    "search_stories": "'the new chip, la puce'",
    "similar_articles": "'no such article'",
    "similar_stories": "'no such story'",
    "stories_as_of": "TIMESTAMP '2026-02-04 06:00'",
    "story_page": "'s'",
}


@pytest.mark.parametrize("way", ["attached", "in use"])
def test_all_views_and_macros_answer_under_another_name_as_in_the_file_itself(
    lived: Database, tmp_path: Path, way: str
) -> None:
    path = tmp_path / "it's of 3-2.duckdb"
    publish(lived, path)
    with duckdb.connect(path, read_only=True) as alone, duckdb.connect() as other:
        other.execute(f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS \"last night\" (READ_ONLY)")
        if way == "in use":
            other.execute('USE "last night"')
        named = "" if way == "in use" else '"last night".'
        for view in sorted(names(alone, VIEWS)):
            assert shown(other, f"{named}{view}") == shown(alone, view), view
        macros = names(alone, "SELECT function_name FROM duckdb_functions() WHERE NOT internal")
        assert macros >= MACRO_ARGUMENTS.keys()
        for macro in sorted(macros):
            given = MACRO_ARGUMENTS[macro]
            attached = "" if way == "in use" else ", attached := 'last night'"
            assert shown(other, f"{named}{macro}({given}{attached})") == shown(alone, f"{macro}({given})"), macro


def test_vectors_are_published_centred_with_their_length_in_the_type(lived: Database, tmp_path: Path) -> None:
    publish(lived, tmp_path / "published.duckdb")
    raw = lived.rows("SELECT article_id, model, vector, title_vector FROM embeddings ORDER BY article_id")
    with open_published(tmp_path / "published.duckdb") as published:
        result = published.execute("SELECT vector, title_vector FROM internal.embeddings ORDER BY article_id")
        types = [str(column[1]) for column in result.description or ()]
        told = result.fetchall()
        undone = [row for table in read_raw(published, "internal") for row in table.to_pylist()]
    assert types == ["FLOAT[384]", "FLOAT[384]"]
    assert [row["article_id"] for row in undone] == [row["article_id"] for row in raw]
    for place, (name, part) in enumerate((("vector", Part.TEXT), ("title_vector", Part.TITLE))):
        before = np.array([row[name] for row in raw], np.float32)
        assert np.allclose([row[place] for row in told], centre(before, raw[0]["model"], part), atol=1e-6)
        assert np.allclose([row[name] for row in undone], before, atol=1e-6)


def test_vectors_of_another_model_are_centred_by_their_own_mean_and_one_may_lack_its_title(
    lived: Database, tmp_path: Path
) -> None:
    lived.execute("UPDATE embeddings SET model = 'another'")
    lived.execute(
        "UPDATE embeddings SET title_vector = NULL WHERE article_id = (SELECT min(article_id) FROM embeddings)"
    )
    publish(lived, tmp_path / "published.duckdb")
    before = np.array(lived.column("SELECT vector FROM embeddings ORDER BY article_id"), np.float32)
    with open_published(tmp_path / "published.duckdb") as published:
        told = published.execute(
            "SELECT vector, title_vector FROM internal.embeddings ORDER BY article_id"
        ).fetchall()
        undone = [row for table in read_raw(published, "internal") for row in table.to_pylist()]
    assert np.allclose([vector for vector, _ in told], centre(before, "another"), atol=1e-5)
    assert [title is None for _, title in told] == [True] + [False] * (len(told) - 1)
    assert np.allclose([row["vector"] for row in undone], before, atol=1e-5)


def test_a_file_without_vectors_is_published(tmp_path: Path) -> None:
    with Database(tmp_path / "work.duckdb") as db:
        publish(db, tmp_path / "published.duckdb")
    with open_published(tmp_path / "published.duckdb") as published:
        result = published.execute("SELECT vector FROM internal.embeddings")
        assert str((result.description or ())[0][1]) == "FLOAT[384]"
        assert result.fetchall() == []


def test_the_published_file_is_smaller_than_the_working_file_and_has_no_free_blocks(
    lived: Database, tmp_path: Path
) -> None:
    size = publish(lived, tmp_path / "published.duckdb")
    lived.execute("CHECKPOINT")
    assert size < lived.path.stat().st_size / 2
    with open_published(tmp_path / "published.duckdb") as published:
        assert published.execute("SELECT free_blocks <= 2 FROM pragma_database_size()").fetchall() == [(True,)]


def test_no_secret_of_the_settings_or_of_what_was_deleted_is_in_any_byte(tmp_path: Path) -> None:
    with Database(tmp_path / "work.duckdb") as db:
        options = {"cut": 0.4, "api_key": SECRET}
        settings = {"fetch": {"options": {"token": SECRET}}, "stories": {"use": "mine:Clusterer", "options": options}}
        run = runs.begin_run(db, flow="test", night_at=NOON, started_at=NOON, settings=settings)
        runs.save_step(db, run, "group_stories", started_at=NOON, seconds=1, count=Count(), error=None)
        for number in range(300):
            db.execute(
                f"INSERT INTO corrections SELECT '{number}', 0, '{SECRET}', $1, [], [], '', '', [], true, ''", [NOON]
            )
        db.execute("CHECKPOINT")
        db.execute("DELETE FROM corrections")
        publish(db, tmp_path / "published.duckdb")
        working = db.path
    assert SECRET.encode() in working.read_bytes()
    assert SECRET.encode() not in (tmp_path / "published.duckdb").read_bytes()
    with open_published(tmp_path / "published.duckdb") as published:
        assert published.execute("FROM internal.story_clusterer").fetchall() == [("mine:Clusterer", {"cut": 0.4})]


def test_why_is_told_by_the_clusterer_of_the_last_grouping(tmp_path: Path) -> None:
    with Database(tmp_path / "work.duckdb") as db:
        for day, cut in enumerate([0.3, 0.4]):
            at = NOON + timedelta(days=day)
            stage = {"use": "newsclust.stories.clustering:AverageLinkage", "options": {"cut": cut}}
            run = runs.begin_run(db, flow="test", night_at=at, started_at=at, settings={"stories": stage})
            runs.save_step(db, run, "group_stories", started_at=at, seconds=1, count=Count(), error=None)
        publish(db, tmp_path / "published.duckdb")
    with open_published(tmp_path / "published.duckdb") as published:
        clusterer = clusterer_of(published)
    assert isinstance(clusterer, AverageLinkage)
    assert clusterer.cut == 0.4


PUBLISHING = """
    import pathlib, resource, signal, sys
    from newsclust.errors import StoreError
    from newsclust.store import Database, publish

    folder = pathlib.Path(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write over the limit fails, as on a full disk
    db = Database(folder / "work.duckdb")
    print("open", flush=True)
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        publish(db, folder / "published.duckdb")
    except StoreError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    db.execute("CREATE TABLE after_it AS SELECT count(*) AS articles FROM articles")
    print(db.rows("FROM after_it"))
    """


def archive(folder: Path, articles: int) -> None:
    """Leave a working file with so many articles, and a published file of one article less."""
    with Database(folder / "work.duckdb") as db:
        types = dict(db.tuples("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'articles'"))
        text = "list_transform(range(60), word -> hash(number * 60 + word)::TEXT).array_to_string(' ')"
        given = {"article_id": "number::TEXT", "text": text, "title": "'Title ' || number"}
        anything = {"VARCHAR": "'x'", "TIMESTAMP": "TIMESTAMP '2026-03-02 12:00'", "INTEGER": "1"}
        given |= {name: "NULL" for name in types if "dropped" in name}
        columns = ", ".join(given.get(name, anything[kind]) for name, kind in types.items())
        db.execute(f"INSERT INTO articles SELECT {columns} FROM range(1, {articles}) AS numbers(number)")
        publish(db, folder / "published.duckdb")
        db.execute(f"INSERT INTO articles SELECT {columns} FROM (SELECT 0 AS number)")
        db.execute("CHECKPOINT")


def articles_in(path: Path) -> int:
    with open_published(path) as published:
        ((number,),) = published.execute("SELECT count(*) FROM article_texts WHERE length(text) > 600").fetchall()
    return int(number)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.8])
def test_a_full_disk_leaves_the_old_file_and_the_night_goes_on(tmp_path: Path, share: float) -> None:
    archive(tmp_path, 3000)
    limit = max(4096, int(share * (tmp_path / "published.duckdb").stat().st_size))
    command = [sys.executable, "-c", dedent(PUBLISHING), str(tmp_path), str(limit)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "cannot publish" in told.stdout, told.stderr
    assert "the previous file is untouched" in told.stdout
    assert "[{'articles': 3000}]" in told.stdout, told.stderr
    assert articles_in(tmp_path / "published.duckdb") == 2999
    assert sorted(path.name for path in tmp_path.iterdir()) == ["published.duckdb", "work.duckdb"]


@pytest.mark.slow
def test_a_publication_killed_at_any_moment_leaves_the_old_file_or_the_new_one_whole(tmp_path: Path) -> None:
    archive(tmp_path, 20_000)
    command = [sys.executable, "-c", dedent(PUBLISHING), str(tmp_path)]
    rng, seen = random.Random(11), set()
    for _ in range(6):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            time.sleep(rng.uniform(0, 1.0))
            process.kill()
        seen.add(articles_in(tmp_path / "published.duckdb"))
    assert seen <= {19_999, 20_000}
    with Database(tmp_path / "work.duckdb") as db:
        publish(db, tmp_path / "published.duckdb")
    assert articles_in(tmp_path / "published.duckdb") == 20_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["published.duckdb", "work.duckdb"]


def test_building_gives_back_the_memory_limit_that_it_lowered(tmp_path: Path) -> None:
    with Database(tmp_path / "work.duckdb") as db:
        before = db.value("SELECT current_setting('memory_limit')")
        publish(db, tmp_path / "published.duckdb")
        assert db.value("SELECT current_setting('memory_limit')") == before
        assert db.column("SELECT database_name FROM duckdb_databases() WHERE NOT internal") == ["work"]


def test_a_query_reads_no_variable_of_the_program(tmp_path: Path) -> None:
    secret = pa.table({"x": [1]})
    with Database(tmp_path / "working.duckdb") as db:
        publish(db, tmp_path / "published.duckdb")
    assert len(secret) == 1
    with (
        pytest.raises(duckdb.CatalogException, match="name secret"),
        open_published(tmp_path / "published.duckdb") as connection,
    ):
        connection.execute("FROM secret")
