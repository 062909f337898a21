"""Measure every view and macro of the published file: `python -m benchmarks.views`, or with `--articles 10000`.

An archive is made up in SQL, as nights of 800 articles would leave it: half of the articles stand alone, the others
share sixty stories a night; three in a hundred repeat another one, three are rewritten. It is published, and each
view is read whole into a temporary table; CPU seconds of the process, the better of two rounds.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb

from newsclust.store import Database, open_published, publish

SIZES = (10_000, 100_000)
ROUNDS = 2
GOAL = 0.5  # seconds of CPU, of 100,000 articles
ARGUMENTS = {  # of the macros; one that is not here is left out
    "changes_since": "(SELECT max(night_at) - INTERVAL 7 DAY FROM internal.runs)",
    "stories_as_of": "(SELECT max(night_at) - INTERVAL 7 DAY FROM internal.runs)",
    "story_page": "(SELECT min(story_id) FROM internal.stories)",
}
_MADE = """
CREATE TEMP TABLE made AS
SELECT n, n // 800 AS day, md5('a' || n)[:16] AS article_id, 'p' || (hash(n, 1) % 40) || '.example' AS publisher,
       CASE WHEN hash(n, 2) % 10 < 6 THEN 'en' ELSE 'fr' END AS language,
       TIMESTAMP '2026-01-01' + INTERVAL 1 DAY * (n // 800) + INTERVAL 1 MINUTE * (hash(n, 3) % 1440)::INTEGER
           AS published_at,
       CASE WHEN hash(n, 4) % 10 < 8 THEN 'given'
            WHEN hash(n, 4) % 10 < 9 THEN 'guessed' ELSE 'missing' END AS date_quality,
       TIMESTAMP '2026-01-02 03:30' + INTERVAL 1 DAY * (n // 800) AS night_at,
       CASE WHEN hash(n, 5) % 10 < 5 THEN md5('s' || n)[:16]
            ELSE md5('s' || (n // 800) || ' ' || (hash(n, 6) % 60))[:16] END AS story_id,
       hash(n, 7) % 100 < 3 AS is_duplicate, hash(n, 7) % 100 BETWEEN 3 AND 5 AS is_rewrite
FROM range({articles}) AS numbers(n);
CREATE TEMP TABLE shared AS
SELECT *, first_value(article_id) OVER (PARTITION BY story_id ORDER BY is_duplicate, n) AS original_id FROM made;
UPDATE shared SET is_duplicate = false, is_rewrite = false WHERE article_id = original_id;
CREATE TEMP TABLE told AS
SELECT story_id, min(night_at) AS night_at, min(published_at) AS first_at, max(published_at) AS last_at
FROM shared WHERE NOT is_duplicate GROUP BY story_id;
"""
_NOW = "(SELECT max(night_at) FROM made)"
_ROWS: Sequence[tuple[str, str, dict[str, str]]] = (
    ("runs", "(SELECT DISTINCT night_at FROM made)", {"run_id": "night_at::TEXT", "outcome": "'finished'"}),
    ("steps", "(SELECT DISTINCT night_at FROM made)", {"run_id": "night_at::TEXT", "step": "'group_stories'"}),
    ("feeds", "range(40) AS numbers(n)", {"feed_id": "'f' || n", "title": "'Feed ' || n", "listed": "true"}),
    (
        "entries",
        "shared",
        {"entry_id": "article_id", "feed_id": "'f' || (hash(n, 1) % 40)", "first_seen_at": "night_at"},
    ),
    (
        "articles",
        "shared",
        {
            "outlet": "publisher",
            "title": "'Title ' || n",
            "text": "repeat('word ' || n || ' ', 120)",
            "author": "CASE WHEN n % 3 > 0 THEN 'By An Author' || (n % 900) || ' and A Writer' || (n % 91) END",
            "first_seen_at": "night_at",
            "text_quality": "'full'",
        },
    ),
    ("duplicates", "(FROM shared WHERE is_duplicate)", {"method": "'same_text'", "found_at": "night_at"}),
    (
        "rewrite_comparisons",
        "(FROM shared WHERE is_rewrite)",
        {
            "article_a": "least(article_id, original_id)",
            "article_b": "greatest(article_id, original_id)",
            "is_rewrite": "true",
        },
    ),
    (
        "links",
        "(FROM shared WHERE article_id <> original_id)",
        {
            "article_a": "least(article_id, original_id)",
            "article_b": "greatest(article_id, original_id)",
            "probability": "0.9",
        },
    ),
    (
        "stories",
        "told",
        {
            "headline": "'About ' || story_id",
            "state": f"CASE WHEN night_at + INTERVAL 5 DAY > {_NOW} THEN 'living' ELSE 'closed' END",
            "born_at": "night_at",
        },
    ),
    ("story_articles", "(FROM shared WHERE NOT is_duplicate)", {"joined_at": "night_at"}),
    ("story_events", "told", {"event": "'born'", "happened_at": "night_at", "headline": "'Then ' || story_id"}),
    (
        "story_events",
        f"(FROM told WHERE night_at + INTERVAL 5 DAY <= {_NOW})",
        {"event": "'closed'", "happened_at": "night_at + INTERVAL 5 DAY", "headline": "'Then ' || story_id"},
    ),
    ("topics", "range(300) AS numbers(n)", {"topic_id": "'t' || n", "label": "'Topic ' || n"}),
    (
        "topic_stories",
        "(FROM told WHERE hash(story_id) % 2 = 0)",
        {"topic_id": "'t' || (hash(story_id, 1) % 300)", "joined_at": "night_at"},
    ),
)


def fill(db: Database, articles: int) -> None:
    """Make up an archive of so many articles."""
    db.connection.execute(_MADE.format(articles=articles))
    for table, source, given in _ROWS:
        offered = {column[0] for column in db.connection.execute(f"FROM {source} LIMIT 0").description or ()}
        columns = {}
        for name, kind, nullable in db.tuples(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE table_name = $1 AND schema_name = 'main'",
            [table],
        ):
            if name in given or name in offered:
                columns[name] = given.get(name, name)
            elif not nullable:
                columns[name] = _anything(kind)
        named, values = ", ".join(columns), ", ".join(columns.values())
        db.execute(f"INSERT INTO {table} ({named}) SELECT {values} FROM {source}")


def _anything(kind: str) -> str:
    """Return a value for a column that no view's cost depends on."""
    if kind.endswith("[]"):
        return "[]"
    if kind.startswith("MAP"):
        return "MAP {}"
    return {"VARCHAR": "''", "JSON": "'{}'", "TIMESTAMP": "TIMESTAMP '2026-01-01'", "BOOLEAN": "false"}.get(kind, "0")


def relations(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return name and text of each view and macro to be read."""
    views = connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' ORDER BY view_name"
    ).fetchall()
    macros = connection.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
    asked = []
    for (name,) in macros:
        if name in ARGUMENTS:
            (value,) = connection.execute(f"SELECT {ARGUMENTS[name]}::TEXT").fetchone() or ("",)
            kind = "" if name == "story_page" else "TIMESTAMP "
            asked.append((name, f"{name}({kind}'{value}')"))
    return [(name, name) for (name,) in views] + sorted(asked)


def measure(articles: int) -> dict[str, tuple[float, int]]:
    """Return CPU seconds and rows of each view and macro."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "published.duckdb"
        with Database(Path(folder) / "work.duckdb") as db:
            fill(db, articles)
            publish(db, path)
        taken = {}
        with open_published(path) as connection:
            for name, asked in relations(connection):
                seconds = []
                for _ in range(ROUNDS):
                    before = time.process_time()
                    connection.execute(f"CREATE OR REPLACE TEMP TABLE read_whole AS FROM {asked}")
                    seconds.append(time.process_time() - before)
                (rows,) = connection.execute("SELECT count(*) FROM read_whole").fetchone() or (0,)
                taken[name] = (min(seconds), rows)
        return taken


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, nargs="+", default=SIZES, metavar="N")
    sizes = parser.parse_args(arguments).articles
    taken = {size: measure(size) for size in sizes}
    print("| view | " + " | ".join(f"{size:,}: CPU s | rows" for size in sizes) + " |")
    print("|---|" + "---|---|" * len(sizes))
    for name in taken[sizes[-1]]:
        cells = " | ".join(f"{taken[size][name][0]:.2f} | {taken[size][name][1]:,}" for size in sizes)
        print(f"| `{name}` | {cells} |{' over the goal' if taken[sizes[-1]][name][0] > GOAL else ''}")


if __name__ == "__main__":
    main()
