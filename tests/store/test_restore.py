"""The working file backed up, put back, rebuilt from what was published, and never replaced by an empty one."""

import random
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from newsclust import pipeline
from newsclust.errors import StoreError
from newsclust.store import Database, publish
from newsclust.store.compaction import rows_by_table
from newsclust.store.restore import backup, refuse_empty_archive, restore
from tests.factories import NOON
from tests.pipeline.test_pipeline import ALL, Nights, many_things
from tests.store.test_published import archive

TOLD = {
    "word_counts": "word, kind, occurrences",
    "articles": "article_id, title, text, published_at",
    "duplicates": "article_id, original_id, method",
    "entries": "entry_id, article_id, link, first_seen_at",
    "stories": "story_id, headline, state, born_at, first_at, last_at",
    "story_articles": "story_id, article_id, joined_at, left_at",
    "story_events": "story_id, event, happened_at, articles",
    "topic_stories": "topic_id, story_id, joined_at, left_at",
}


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def told(nights: Nights) -> dict[str, list[tuple[object, ...]]]:
    return {table: sorted(nights.rows(f"SELECT {columns} FROM {table}"), key=repr) for table, columns in TOLD.items()}


def test_a_backup_holds_every_row_and_comes_back(nights: Nights, tmp_path: Path) -> None:
    nights.live(many_things()[0], ALL)
    with Database(nights.path) as db:
        held = rows_by_table(db.connection)
    size = backup(nights.path, tmp_path / "kept" / "backup.duckdb")
    assert size == (tmp_path / "kept" / "backup.duckdb").stat().st_size
    nights.path.unlink()
    restored = restore(nights.path, tmp_path / "kept" / "backup.duckdb")
    assert not restored.is_rebuilt
    with Database(nights.path) as db:
        assert rows_by_table(db.connection) == held
        assert db.check() == []
    nights.live(many_things()[1], ALL, days=1)


def test_an_archive_rebuilt_from_the_published_file_goes_on_as_the_lost_one_would_have(tmp_path: Path) -> None:
    first, second = many_things()
    lives, asked = {}, {}
    for name in ("kept", "lost"):
        (tmp_path / name).mkdir()
        nights = Nights(tmp_path / name)
        nights.live(first, ALL)
        if name == "lost":
            with Database(nights.path) as db:
                publish(db, nights.published)
            nights.path.unlink()
            restored = restore(nights.path, nights.published, complete=pipeline.count_archive_words)
            assert restored.is_rebuilt
            with Database(nights.path) as db:
                for queue in ("todo_parse", "todo_extract", "todo_fingerprints"):
                    assert db.rows(f"FROM {queue}") == [], queue
                assert db.column("SELECT url FROM todo_pages") == ["https://three.example/c5?utm_source=three"]  # 503
                assert db.check() == []
        nights.live(second, ALL, days=1)
        lives[name] = told(nights)
        asked[name] = set(nights.asked)
    for table, rows in lives["kept"].items():
        assert lives["lost"][table] == rows, table
    assert asked["lost"] <= asked["kept"]


def test_a_missing_working_file_beside_a_published_one_is_no_new_archive(tmp_path: Path) -> None:
    database, published = tmp_path / "work.duckdb", tmp_path / "published.duckdb"
    refuse_empty_archive(database, published)  # neither: this is the first night
    archive(tmp_path, 10)
    refuse_empty_archive(database, published)
    database.unlink()
    with pytest.raises(StoreError, match=r"newsclust restore.*begin anew by moving"):
        refuse_empty_archive(database, published)


def test_a_present_file_is_replaced_only_on_request_and_kept_aside(tmp_path: Path) -> None:
    archive(tmp_path, 10)
    database = tmp_path / "work.duckdb"
    backup(database, tmp_path / "backup.duckdb")
    with Database(database) as db:
        db.execute("DELETE FROM articles")
    with pytest.raises(StoreError, match="--replace"):
        restore(database, tmp_path / "backup.duckdb")
    first = restore(database, tmp_path / "backup.duckdb", replace=True)
    second = restore(database, tmp_path / "backup.duckdb", replace=True)
    assert (first.articles, second.articles) == (10, 10)
    assert first.kept_aside == tmp_path / "work.duckdb.before-restore"
    assert second.kept_aside == tmp_path / "work.duckdb.before-restore-2"
    with Database(first.kept_aside) as db:
        assert db.value("SELECT count(*) FROM articles") == 0


def test_what_is_no_file_of_newsclust_restores_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database")
    for source, reason in (("text", "cannot restore"), ("nothing", "does not exist")):
        with pytest.raises(StoreError, match=reason):
            restore(tmp_path / "work.duckdb", tmp_path / source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text"]


def test_a_backup_is_refused_while_another_process_has_the_file_open(tmp_path: Path) -> None:
    archive(tmp_path, 10)
    code = """
        import pathlib, sys
        from newsclust.errors import StoreError
        from newsclust.store.restore import backup
        folder = pathlib.Path(sys.argv[1])
        try:
            backup(folder / "work.duckdb", folder / "backup.duckdb")
        except StoreError as error:
            print(error)
        """
    with Database(tmp_path / "work.duckdb"):
        command = [sys.executable, "-c", dedent(code), str(tmp_path)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "is open in another process" in said.stdout, said.stderr
    assert not (tmp_path / "backup.duckdb").exists()


@pytest.mark.slow
@pytest.mark.parametrize("source", ["backup.duckdb", "published.duckdb"])
def test_a_restore_killed_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path: Path, source: str) -> None:
    archive(tmp_path, 5000)
    database = tmp_path / "work.duckdb"
    with Database(database) as db:
        db.execute("INSERT INTO runs SELECT 'r', 'test', $1, $1, $1, 'finished', NULL, '{}', '0'", [NOON])
        db.execute(
            "INSERT INTO entries BY NAME SELECT article_id AS entry_id, 'f' AS feed_id, article_id, url AS link, "
            "url, title, published_at, date_quality, [] AS warnings, false AS wants_page, '' AS content_hash, "
            "first_seen_at, changed_at, changed_at AS last_seen_at, run_id FROM articles"
        )
        db.execute(
            "INSERT INTO feeds BY NAME SELECT 'f' AS feed_id, 'u' AS url, 't' AS title, [] AS tags, "
            "'auto' AS page_policy, $1 AS added_at, true AS listed, 'r' AS run_id",
            [NOON],
        )
        publish(db, tmp_path / "published.duckdb")
    backup(database, tmp_path / "backup.duckdb")
    code = """
        import pathlib, sys
        from newsclust.store.restore import restore
        folder = pathlib.Path(sys.argv[1])
        print("begin", flush=True)
        restore(folder / "work.duckdb", folder / sys.argv[2], replace=True)
        """
    rng = random.Random(7)
    for _ in range(4):
        command = [sys.executable, "-c", dedent(code), str(tmp_path), source]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 1.5))
            process.kill()
        with Database(database) as db:
            assert db.value("SELECT count(*) FROM articles WHERE text <> ''") == 5000
    restore(database, tmp_path / source, replace=True)
    assert not list(tmp_path.glob(".*.restoring*"))
