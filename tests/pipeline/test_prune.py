"""What retention drops: it leaves rows and counts, makes no work again, and takes nothing that a night needs."""

import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from newsclust import pipeline
from newsclust.model import RetentionLimits
from newsclust.store import Database, articles, compaction, runs
from newsclust.store.compaction import rows_by_table
from tests.pipeline.test_pipeline import ALL, NIGHT, Nights, many_things
from tests.store.test_published import archive

SHORT = RetentionLimits(pages=2, requests=3, articles=20, vectors=20, stories=20)
QUEUES = ("todo_parse", "todo_pages", "todo_extract", "todo_fingerprints", "todo_embeddings('tagged', '-infinity')")


def pruned(path: Path, limits: RetentionLimits, *, days: float, model: str = "tagged") -> tuple[int, int]:
    """Prune as a night so many days later does, twice; what each dropped."""
    now = NIGHT + timedelta(days=days)
    with Database(path, now=now) as db:
        for night in (now - timedelta(days=n) for n in range(7, -1, -1)):
            run = runs.begin_run(db, flow="test", night_at=night, started_at=night, settings={})
            runs.finish_run(db, run, finished_at=night)
        first = pipeline.prune(db, run, limits, model)
        return first.done, pipeline.prune(db, run, limits, model).done


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    lived = Nights(tmp_path)
    for days, web in enumerate(many_things()):
        lived.live(web, ALL, days=days)
    return lived


def test_what_is_dropped_leaves_its_row_with_the_reason_and_makes_no_work_again(nights: Nights) -> None:
    with Database(nights.path) as db:
        before = {queue: db.rows(f"FROM {queue}") for queue in QUEUES}
        held = rows_by_table(db.connection)
        words = db.rows("SELECT article_id, word_count FROM articles ORDER BY ALL")
        requests = db.rows("SELECT feed_id, requests, failed_requests FROM feed_health ORDER BY ALL")
        made = db.rows("SELECT night_at, requests FROM nightly_summary ORDER BY ALL")
    dropped, again = pruned(nights.path, SHORT, days=40)
    assert dropped > 0
    assert again == 0
    with Database(nights.path) as db:
        assert db.value("SELECT count(*) FROM pages WHERE kind = 'page' AND octet_length(body) > 0") == 0
        assert db.value("SELECT count(*) FROM pages WHERE kind = 'feed' AND octet_length(body) > 0") > 0
        assert (
            db.value("SELECT count(*) FROM entries WHERE content IS NOT NULL OR summary IS NOT NULL")
            < held["entries"]
        )
        reasons = set(db.column("SELECT dropped_reason FROM pages UNION SELECT text_dropped_reason FROM articles"))
        assert reasons == {None, "retention.page_days = 2", "retention.article_months: 20 days"}
        after = rows_by_table(db.connection)
        kept = (
            "articles",
            "article_versions",
            "duplicates",
            "entries",
            "fingerprints",
            "pages",
            "stories",
            "story_articles",
        )
        assert {table: after[table] for table in kept} == {table: held[table] for table in kept}
        assert after["fetches"] < held["fetches"]
        assert db.rows("SELECT article_id, word_count FROM articles ORDER BY ALL") == words
        assert db.rows("SELECT feed_id, requests, failed_requests FROM feed_health ORDER BY ALL") == requests
        assert db.rows("SELECT night_at, requests FROM nightly_summary ORDER BY ALL")[: len(made)] == made
        for queue in QUEUES:
            assert [row for row in db.rows(f"FROM {queue}") if row not in before[queue]] == [], queue
        assert db.check() == []


def test_a_night_after_pruning_downloads_and_extracts_nothing_of_what_there_was(nights: Nights) -> None:
    pruned(nights.path, replace(SHORT, articles=None, vectors=None, stories=None), days=40)
    told = "SELECT article_id, title, text, changed_at FROM articles ORDER BY ALL"
    before = nights.rows(told)
    nights.live(many_things()[1], ALL, days=41)
    assert [url for url in nights.asked if "/c" in url] == []
    assert nights.rows(told) == before


def test_the_validators_of_a_feed_outlive_its_requests(nights: Nights) -> None:
    with Database(nights.path) as db:
        validators = db.rows("SELECT feed_id, etag, last_modified FROM todo_feeds('x')")
    pruned(nights.path, SHORT, days=400)
    with Database(nights.path) as db:
        assert db.rows("SELECT feed_id, etag, last_modified FROM todo_feeds('x')") == validators


def test_a_clock_that_jumps_ahead_drops_nothing_in_its_first_nights(nights: Nights) -> None:
    dropped = []
    for days in range(2000, 2009):
        now = NIGHT + timedelta(days=days)
        with Database(nights.path, now=now) as db:
            run = runs.begin_run(db, flow="test", night_at=now, started_at=now, settings={})
            dropped.append(pipeline.prune(db, run, SHORT, "tagged").done)
    assert dropped[:5] == [0] * 5  # then a week's nights were lived: pages of two days are old by them
    assert sum(dropped) > 0


def test_the_vectors_of_an_earlier_model_go_once_another_has_embedded(nights: Nights) -> None:
    with Database(nights.path) as db:
        (model,) = db.column("SELECT DISTINCT model FROM embeddings")
        before = db.value("SELECT count(*) FROM embeddings")
        assert articles.drop_vectors_of_other_models(db, "another") == 0
        assert db.value("SELECT count(*) FROM embeddings") == before
        db.execute("INSERT INTO embeddings SELECT * REPLACE ('another' AS model) FROM embeddings LIMIT 3")
        assert articles.drop_vectors_of_other_models(db, "another") == before - 3
        assert db.column("SELECT DISTINCT model FROM embeddings") == ["another"]
        assert model != "another"


def test_another_model_embeds_the_window_and_what_corrections_name_not_the_archive(nights: Nights) -> None:
    with Database(nights.path) as db:
        everything = articles.articles_to_embed(db, "another")
        (old, *_), late = everything, NIGHT + timedelta(days=90)
        db.execute("UPDATE articles SET published_at = $1 WHERE article_id = $2", [late, everything[-1]])
        assert articles.articles_to_embed(db, "another", since=late) == [everything[-1]]
        assert articles.articles_to_embed(db, "another", since=late, named=[old]) == sorted({old, everything[-1]})


def test_a_working_file_that_is_largely_free_room_is_rebuilt_with_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "MIN_FREE_BYTES", 1_000_000)
    archive(tmp_path, 8000)
    with Database(tmp_path / "work.duckdb") as db:
        assert compaction.compact(db) == 0
        db.execute("CREATE TABLE ballast AS SELECT hash(range)::TEXT AS text FROM range(1500000)")
        db.execute("CHECKPOINT")
        db.execute("CREATE TABLE other_ballast AS FROM ballast")
        db.execute("CHECKPOINT")
        db.execute("DROP TABLE ballast")
        shown = (
            "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' ORDER BY ALL"
        )
        held, views = rows_by_table(db.connection), db.rows(shown)
        before = db.path.stat().st_size
        saved = compaction.compact(db)
        assert saved > 0.3 * before
        assert db.path.stat().st_size == before - saved
        assert rows_by_table(db.connection) == held
        assert db.rows(shown) == views
        db.execute("INSERT INTO articles BY NAME SELECT * REPLACE ('new' AS article_id) FROM articles LIMIT 1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["published.duckdb", "work.duckdb"]


def test_no_rebuilding_without_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path, 100)
    monkeypatch.setattr(compaction, "MIN_FREE_BYTES", 1)
    monkeypatch.setattr(compaction, "wasted_bytes", lambda db: db.path.stat().st_size - 1)
    monkeypatch.setattr(compaction.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 0}))
    with Database(tmp_path / "work.duckdb") as db:
        assert compaction.compact(db) == 0


@pytest.mark.slow
def test_pruning_killed_at_any_moment_is_finished_by_the_next_night(nights: Nights) -> None:
    code = """
        import pathlib, sys
        from datetime import timedelta
        from newsclust.store import compaction
        from tests.pipeline.test_prune import NIGHT, SHORT, pruned
        compaction.MIN_FREE_BYTES, compaction.MIN_FREE_SHARE = 0, 0.0
        print("begin", flush=True)
        pruned(pathlib.Path(sys.argv[1]), SHORT, days=float(sys.argv[2]))
        """
    for days, pause in ((40, 0.0), (50, 0.2), (60, 0.5), (70, 0.9), (80, 1.4)):
        with subprocess.Popen(
            [sys.executable, "-c", dedent(code), str(nights.path), str(days)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.kill()
        with Database(nights.path) as db:
            assert db.check() == []
    pruned(nights.path, SHORT, days=90)  # its week holds none of the killed nights
    with Database(nights.path) as db:
        assert db.value("SELECT count(*) FROM pages WHERE kind = 'page' AND octet_length(body) > 0") == 0
        assert db.check() == []
    assert sorted(path.name for path in nights.path.parent.iterdir() if path.name.startswith(".")) == []
