"""Measure a year in one file: `python -m benchmarks.year`, or smaller with `--articles 20000`.

A year of made-up articles is inserted into every table that grows, as nights would leave them: texts and pages of
real lengths, random unit vectors, the pages of the days that retention keeps. Then four nights fill the window, and
what touches the whole archive is measured: opening, a night with new articles and one without, publishing, pruning,
rebuilding.
"""

import argparse
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.night import (
    EARLIER_NIGHTS,
    LAST_NIGHT,
    MODEL_STEP,
    DrawnVectors,
    Step,
    feeds,
    live,
    night_at,
    nights,
    site,
)
from newsclust.demo import LoopbackServer
from newsclust.duplicates import KEY_METHOD
from newsclust.store import Database, compaction
from newsclust.stories.pairs.word_rarity import shipped_counts

ARTICLES, DAYS = 550_000, 365
AT_ONCE = 25_000  # articles written together
SENTENCES, SENTENCE_WORDS = 20_000, 18
WORDS = (330, 0.7)  # of a text: median, and deviation of the logarithm; a mean of 420
PAGES_BYTES = 12_000  # of a page of 45 kB, compressed
KEPT_DAYS = 31  # of pages and of what feeds carry: one day more than retention keeps
KEYS, BLOCKS, LINKS = 36, 14, 3.5  # an article: of fingerprint, of boilerplate, links (docs/benchmarks.md)
BLOCK_DAYS, REQUEST_DAYS = 180, 181
GOALS = {"working GB": 8, "published GB": 5, "publish s": 120, "peak disk, times the working file": 3}
END = LAST_NIGHT - timedelta(days=EARLIER_NIGHTS + 1)  # of the year; the nights of the window follow

_ID = "substr(md5('{kind}' || {n}), 1, 16)"
_BATCH = """
CREATE OR REPLACE TEMP TABLE batch AS
SELECT n, {article} AS article_id, {story} AS story_id, {run} AS run_id,
       $3::TIMESTAMP - to_seconds(((1 - n / $4) * {days} * 86400)::BIGINT) AS seen_at,
       greatest(40, {median} * exp({deviation} * sqrt(-2 * ln((1 + hash(n) % 99999) / 1e5)) * cos(hash(n + 7) % 62832 / 1e4)))::INTEGER AS words,
       'https://outlet' || n % 40 || '.example/' || n || '/' || replace(lower(left(sentences[1 + n % 20000], 60)), ' ', '-') AS url,
       left(sentences[1 + (n * 7) % 20000], 50 + n % 40) AS title,
       feed_ids[1 + n % len(feed_ids)] AS feed_id,
       array_to_string(list_transform(range(words // {sentence}), x -> sentences[1 + (hash(n * 1000 + x) % 20000)::INTEGER]), ' ') AS text
FROM range($1, $2) AS numbers(n), pool
"""  # noqa: E501
_INSERTS = (
    """INSERT INTO entries BY NAME
    SELECT {entry} AS entry_id, feed_id, article_id, url AS guid, url AS link, url, title,
           CASE WHEN seen_at > $1 THEN left(text, 300) END AS summary,
           CASE WHEN seen_at > $1 AND n % 5 < 2 THEN '<p>' || replace(text, '. ', '.</p><p>') || '</p>' END
               AS content,
           'A. Writer' AS author, 'en' AS language, seen_at AS published_at, 'given' AS date_quality,
           [] AS warnings, n % 2 = 0 AS wants_page, {hash} AS content_hash, seen_at AS first_seen_at,
           seen_at AS changed_at, seen_at + INTERVAL 1 DAY AS last_seen_at, run_id,
           CASE WHEN seen_at <= $1 THEN seen_at + INTERVAL 31 DAY END AS dropped_at,
           CASE WHEN seen_at <= $1 THEN 'retention.page_days = 30' END AS dropped_reason
    FROM batch""",
    """INSERT INTO articles BY NAME
    SELECT article_id, url, url AS canonical_url, title, text,
           CASE WHEN n % 3 = 0 THEN 'fr' ELSE 'en' END AS language,
           'text' AS language_source, 'A. Writer' AS author, 'outlet' || n % 40 || '.example' AS outlet,
           seen_at AS published_at, 'given' AS date_quality, 'page' AS text_source, words AS word_count,
           seen_at AS first_seen_at, seen_at AS changed_at, seen_at AS extracted_at, run_id,
           'the page has the longer text' AS text_source_reason, 'feed' AS date_source, seen_at AS deduplicated_at
    FROM batch""",
    """INSERT INTO pages BY NAME
    SELECT 'page' AS kind, article_id AS item_id, url, url AS final_url, seen_at AS fetched_at,
           MAP {{'content-type': 'text/html; charset=utf-8',
                 'date': strftime(seen_at, '%a, %d %b %Y %H:%M:%S GMT')}} AS headers,
           CASE WHEN seen_at > $1 THEN encode(n::TEXT) || bodies[1 + n % len(bodies)] ELSE ''::BLOB END AS body,
           run_id,
           CASE WHEN seen_at <= $1 THEN seen_at + INTERVAL 31 DAY END AS dropped_at,
           CASE WHEN seen_at <= $1 THEN 'retention.page_days = 30' END AS dropped_reason
    FROM batch, pool WHERE n % 2 = 0""",
    """INSERT INTO processed SELECT 'page', article_id, seen_at, [], run_id FROM batch""",
    """INSERT INTO fingerprints BY NAME
    SELECT article_id, md5(text) AS text_hash, words AS shingles, run_id,
           list_transform(range({keys}), k -> hash(n * 100 + k)) AS keys, '{method}' AS method
    FROM batch""",
    """INSERT INTO link_progress
    SELECT article_id, $2, 'PairModel(0.05, 5, 17cf9d7ea7baae3d)', seen_at, run_id, seen_at FROM batch""",
    """INSERT INTO links
    SELECT least(article_id, other), greatest(article_id, other), any_value(round(random(), 6)), any_value(MAP {{
        'meaning': round(random() * 5, 3), 'words in common': round(random(), 3),
        'names in common': round(random(), 3),
        'days apart': round(random(), 3), 'same outlet': round(random(), 3), 'languages': round(random(), 3),
        'length': round(random(), 3), 'both say ' || title[:6]: round(random(), 3)}}), any_value(seen_at),
        any_value(run_id)
    FROM (SELECT *, {other} AS other FROM batch, range(4) AS k(k) WHERE (n + k) % 8 < 7) WHERE article_id <> other
    GROUP BY ALL ON CONFLICT DO NOTHING""",
    """INSERT INTO story_articles SELECT story_id, article_id, seen_at, NULL, run_id FROM batch""",
    """INSERT INTO stories BY NAME
    SELECT story_id, min(title) AS headline, min(title) AS headline_en, NULL AS headline_fr, 'closed' AS state,
           min(seen_at) AS born_at, min(seen_at) AS first_at, max(seen_at) AS last_at, min(run_id) AS run_id
    FROM batch GROUP BY story_id ON CONFLICT DO NOTHING""",
    """INSERT INTO story_events BY NAME
    SELECT story_id, event, min(seen_at) AS happened_at, count(*) AS articles, '' AS other_story_id,
           list(article_id) AS article_ids, any_value(reason) AS reason, min(run_id) AS run_id, min(title) AS headline
    FROM batch, (VALUES ('born', 'articles that no living story tells'), ('closed', 'no article within the window'))
        AS events(event, reason)
    GROUP BY story_id, event ON CONFLICT DO NOTHING""",
    """INSERT INTO topic_stories
    SELECT {topic}, story_id, 0.61, min(seen_at), min(seen_at) + INTERVAL 14 DAY, min(run_id)
    FROM batch WHERE n % 5 < 2 GROUP BY story_id ON CONFLICT DO NOTHING""",
    """INSERT INTO boilerplate_blocks
    SELECT hash(n * 31 + k), hash(n * 37 + k), seen_at, run_id FROM batch, range({blocks}) AS k(k)
    WHERE seen_at > $3::TIMESTAMP""",
    """INSERT INTO fetches BY NAME
    SELECT run_id, 'page' AS kind, article_id AS item_id, url, seen_at AS requested_at, 0.2 + random() AS seconds,
           200 AS status, url AS final_url, 0 AS redirects, 45000 AS received_bytes, {hash} AS etag
    FROM batch WHERE n % 2 = 0 AND seen_at > $4::TIMESTAMP""",
)


def fill(db: Database, articles: int) -> None:
    """Write what a year of so many articles leaves behind."""
    rng = np.random.default_rng(3)
    db.execute("SELECT setseed(0.5)")
    db.execute("SET enable_progress_bar = false")
    _write_pool(db, rng)
    names = {
        "article": _ID.format(kind="a", n="n"),
        "entry": _ID.format(kind="e", n="n"),
        "hash": _ID.format(kind="h", n="n"),
        "other": _ID.format(kind="a", n="greatest(0, n - 1 - (hash(n * 4 + k) % 2000)::BIGINT)"),
        "story": _ID.format(kind="s", n="(n - n % 4 + [0, 1, 2, 2][1 + n % 4])"),
        "topic": _ID.format(kind="t", n="n % 400"),
        "run": _ID.format(kind="r", n=f"(n * {DAYS} // $4)"),
        "median": str(WORDS[0]),
        "deviation": str(WORDS[1]),
        "sentence": str(SENTENCE_WORDS),
        "days": str(DAYS),
        "keys": str(KEYS),
        "method": KEY_METHOD,  # as if made by it: a night makes the keys of another method anew
        "blocks": str(BLOCKS),
    }
    names["topic"] = _ID.format(kind="t", n="min(n) % 400")
    for start in range(0, articles, AT_ONCE):
        end = min(articles, start + AT_ONCE)
        db.execute(_BATCH.format(**names), [start, end, END, float(articles)])
        given = [_ago(KEPT_DAYS), DrawnVectors.name, _ago(BLOCK_DAYS), _ago(REQUEST_DAYS)]
        for insert in _INSERTS:
            used = max((number for number in range(1, 5) if f"${number}" in insert), default=0)
            statement = insert.format(**names)
            # DuckDB wants every parameter below the last to be there, too.
            wanted = [value for number, value in enumerate(given[:used], 1) if f"${number}" in insert]
            for place, number in enumerate((n for n in range(1, used + 1) if f"${n}" in insert), 1):
                statement = statement.replace(f"${number}", f"${place}")
            db.execute(statement, wanted)
        _write_vectors(db, rng, end - start)
        print(f"  {end} articles", flush=True)
    _write_small_tables(db, articles, names)
    for table in ("batch", "pool"):
        db.execute(f"DROP TABLE {table}")
    db.execute("CHECKPOINT")


def _ago(days: float) -> datetime:
    return END - timedelta(days=days)


def _write_pool(db: Database, rng: np.random.Generator) -> None:
    """Keep sentences of real words by their frequency, and bodies that nothing compresses, in one row."""
    counted = shipped_counts().stems
    words = np.array(sorted(counted), dtype=object)
    weights = np.array([counted[word] for word in words], np.float64)
    drawn = rng.choice(len(words), size=(SENTENCES, SENTENCE_WORDS), p=weights / weights.sum())
    sentences = [" ".join(words[row]).capitalize() + "." for row in drawn]
    bodies = [rng.bytes(int(size)) for size in rng.integers(PAGES_BYTES // 2, 3 * PAGES_BYTES // 2, 500)]
    pool = pa.table(
        {
            "sentences": pa.array([sentences], pa.list_(pa.string())),
            "bodies": pa.array([bodies], pa.list_(pa.binary())),
            "feed_ids": pa.array([[feed.id for feed in feeds()]], pa.list_(pa.string())),
        }
    )
    with db.given("given_pool", pool):
        db.execute("CREATE OR REPLACE TEMP TABLE pool AS FROM given_pool")


def _write_vectors(db: Database, rng: np.random.Generator, size: int) -> None:
    matrix = rng.normal(size=(2 * size, DrawnVectors.dimensions)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    lists = [
        pa.ListArray.from_arrays(
            pa.array(np.arange(size + 1, dtype=np.int32) * matrix.shape[1]), pa.array(half.ravel())
        )
        for half in (matrix[:size], matrix[size:])
    ]
    with db.given("given_vectors", pa.table({"vector": lists[0], "title_vector": lists[1]})):
        db.execute(
            "INSERT INTO embeddings BY NAME SELECT article_id, $1 AS model, vector, title_vector, "
            "seen_at AS embedded_at, run_id FROM batch POSITIONAL JOIN given_vectors",
            [DrawnVectors.name],
        )


def _write_small_tables(db: Database, articles: int, names: dict[str, str]) -> None:
    run = _ID.format(kind="r", n="day")
    db.execute(
        f"INSERT INTO runs SELECT {run}, 'benchmark', moment, moment, moment, 'finished', NULL, '{{}}', '0' "
        f"FROM (SELECT day, $1::TIMESTAMP - to_days(({DAYS} - day)::INTEGER) AS moment "
        f"FROM range({DAYS}) AS days(day))",
        [END],
    )
    db.execute("INSERT INTO runs SELECT * REPLACE (substr(md5('r365'), 1, 16) AS run_id) FROM runs LIMIT 1")
    db.execute(
        "INSERT INTO feeds BY NAME SELECT feed_id, 'https://outlet' || n || '.example/feed.xml' AS url, "
        "'Outlet' AS title, [] AS tags, 'auto' AS page_policy, $1::TIMESTAMP AS added_at, true AS listed, "
        "'r' AS run_id "
        "FROM (SELECT unnest(feed_ids) AS feed_id, unnest(range(len(feed_ids))) AS n FROM pool)",
        [_ago(DAYS)],
    )
    db.execute(
        "INSERT INTO fetches BY NAME SELECT runs.run_id, 'feed' AS kind, feed_id AS item_id, url, "
        "runs.night_at AS requested_at, 0.3 AS seconds, 200 AS status, url AS final_url, 0 AS redirects, "
        "15000 AS received_bytes, 'x' AS etag FROM runs, feeds WHERE night_at > $1",
        [_ago(REQUEST_DAYS)],
    )
    db.execute(
        "INSERT INTO feed_run_stats BY NAME SELECT feed_id, runs.run_id, night_at, 30 AS items, 0 AS backdated, "
        "0 AS undated, 0 AS shared, 900.0 AS median_characters, MAP {'en': 20, 'fr': 10} AS languages, "
        "MAP {split_part(url, '/', 3): 30} AS sites, 'application/rss+xml' AS content_type, "
        "false AS quarantined, 0 AS edited, "
        "list_transform(range(60), k -> 'stem' || (hash(feed_id) + k) % 3000) AS recurring_words FROM runs, feeds"
    )
    db.execute(
        "INSERT INTO topics BY NAME SELECT substr(md5('t' || n), 1, 16) AS topic_id, 'label' AS label, "
        "[] AS words_en, [] AS words_fr, 'h' AS headline, false AS living, $1::TIMESTAMP AS born_at, "
        "$1::TIMESTAMP AS last_found_at, "
        "'r' AS run_id FROM range(400) AS numbers(n)",
        [END],
    )
    db.execute(
        "INSERT INTO word_counts SELECT 'word' || n, kind, 1 + (hash(n) % 1000)::BIGINT, 'r' "
        "FROM range($1) AS numbers(n), (VALUES ('stem'), ('capital'), ('plain')) AS kinds(kind)",
        [min(150_000, articles)],
    )
    del names


@contextmanager
def _peak_disk(folder: Path) -> Iterator[list[int]]:
    """Inside, the largest sum of the folder's file sizes is kept as the one item of the list."""
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            size = 0
            for path in folder.rglob("*"):
                try:
                    size += path.stat().st_blocks * 512 if path.is_file() else 0
                except OSError:
                    continue
            peak[0] = max(peak[0], size)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _timed(name: str, started: float) -> None:
    print(f"  {name:34}{time.perf_counter() - started:8.1f} s", flush=True)


def _print_steps(title: str, steps: Sequence[Step]) -> None:
    counted = [step for step in steps if step.name != MODEL_STEP]
    print(f"{title}: {sum(step.seconds for step in counted):.1f} s, {sum(step.cpu for step in counted):.1f} s of CPU")
    for step in steps:
        print(f"  {step.name:24}{step.count.done:8}{step.seconds:9.2f} s{step.cpu:8.2f}", flush=True)


def _print_tables(db: Database, articles: int) -> None:
    for table in sorted(db.column("SELECT table_name FROM duckdb_tables() WHERE NOT temporary")):
        blocks = db.value("SELECT count(DISTINCT block_id) FROM pragma_storage_info($1) WHERE block_id >= 0", [table])
        if blocks > 40:
            print(f"  {table:24}{blocks * 0.262144:9.0f} MB{blocks * 262144 / articles:9.0f} bytes an article")


def measure(folder: Path, articles: int, window: int, new: int) -> None:
    """Fill a working file in `folder` and print what it costs."""
    path, published = folder / "newsclust.duckdb", folder / "published" / "newsclust.duckdb"
    started = time.perf_counter()
    with Database(path, now=END) as db:
        db.execute("SET memory_limit = '6GB'")
        fill(db, articles)
    _timed("filled", started)
    print(f"  working file {path.stat().st_size / 1e9:.2f} GB")
    embedder, told, before = DrawnVectors(), nights(window, new), []
    with LoopbackServer({}) as loopback:
        for night, tonight in enumerate(told):
            loopback.show(site(tonight, before))
            started = time.perf_counter()
            with Database(path, now=night_at(night)) as db:
                opened = time.perf_counter() - started
                left_out = ("publish",) if night < EARLIER_NIGHTS else ()
                steps = live(db, night_at(night), loopback, embedder, published, left_out=left_out)
            before = tonight
            print(f"  night {night}: {sum(step.seconds for step in steps):.1f} s", flush=True)
        _print_steps(f"{new} new articles, {window} before, in a year of {articles}", steps)
        with Database(path, now=night_at(len(told))) as db, _peak_disk(folder) as peak:
            quiet = live(db, night_at(len(told) - 1) + timedelta(hours=1), loopback, embedder, published)
        _print_steps("nothing new", quiet)
    print(f"  opening {opened:.2f} s; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    with Database(path) as db:
        _print_tables(db, articles)
        working, size = path.stat().st_size, published.stat().st_size
        print(
            f"  working {working / 1e9:.2f} GB, published {size / 1e9:.2f} GB, {size / articles:.0f} bytes an article"
        )
        print(f"  peak disk while publishing {peak[0] / 1e9:.2f} GB: {peak[0] / working:.2f} times the working file")
        print(f"  of it free or replaced {compaction.wasted_bytes(db) / 1e6:.0f} MB", flush=True)
        compaction.MIN_FREE_BYTES, compaction.MIN_FREE_SHARE = -(10**12), -1.0
        started = time.perf_counter()
        with _peak_disk(folder) as peak:
            saved = compaction.compact(db)
        _timed("rebuilt", started)
        print(f"  smaller by {saved / 1e6:.0f} MB; peak disk {peak[0] / 1e9:.2f} GB")
    print("goals: " + ", ".join(f"{name} {goal}" for name, goal in GOALS.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure that docs/benchmarks.md quotes of a year."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=ARTICLES, help="of the year")
    parser.add_argument("--window", type=int, default=8000, help="articles of the four nights before the last")
    parser.add_argument("--new", type=int, default=1000, help="new articles of the last night")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.articles, given.window, given.new)


if __name__ == "__main__":
    main()
