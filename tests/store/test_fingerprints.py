"""What is kept to find copies by: learned ends of texts, keys that another method made, and what was compared."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsclust.model import EdgeBlock, Fingerprint, Run
from newsclust.store import Database, database, fingerprints
from newsclust.store.database import migrations

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "work.duckdb", now=NOON) as opened:
        yield opened


def on(day: int) -> Run:
    at = NOON + timedelta(days=day)
    return Run(id=f"day {day}", flow="nightly", night_at=at, started_at=at)


def beside(key: int, *contexts: int) -> list[EdgeBlock]:
    return [EdgeBlock(key=key, context=context) for context in contexts]


def test_an_end_seen_beside_three_neighbours_is_boilerplate_however_often_each_is_given(db: Database) -> None:
    assert fingerprints.learn_boilerplate(db, on(0), beside(1, 7, 8), min_contexts=3) == set()
    assert fingerprints.learn_boilerplate(db, on(1), [*beside(1, 7, 7, 8), *beside(2, 7)], min_contexts=3) == set()
    assert fingerprints.learn_boilerplate(db, on(2), beside(1, 2**64 - 1), min_contexts=3) == {1}
    assert fingerprints.learn_boilerplate(db, on(2), beside(1, 7), min_contexts=3) == {1}
    assert db.rows("SELECT key, count(*) AS n FROM boilerplate_blocks GROUP BY key ORDER BY key") == [
        {"key": 1, "n": 3},
        {"key": 2, "n": 1},
    ]


def test_what_is_asked_for_beside_what_is_learned_is_not_learned(db: Database) -> None:
    fingerprints.learn_boilerplate(db, on(0), beside(1, 7, 8, 9), min_contexts=3)
    asked = [*beside(1, 4), *beside(2, 7, 8, 9)]
    assert fingerprints.learn_boilerplate(db, on(1), beside(3, 7), lookup=asked, min_contexts=3) == {1}
    assert db.rows("SELECT DISTINCT key FROM boilerplate_blocks ORDER BY key") == [{"key": 1}, {"key": 3}]


def test_what_is_forgotten_is_what_a_count_of_everything_says(db: Database) -> None:
    seen = st.dictionaries(st.tuples(st.integers(1, 6), st.integers(0, 4)), st.integers(0, 400))

    @settings(max_examples=50)
    @given(seen, st.integers(180, 600))
    def same(held: dict[tuple[int, int], int], tonight: int) -> None:
        db.execute("DELETE FROM boilerplate_blocks")
        db.save(
            "boilerplate_blocks",
            [
                {"key": k, "context": n, "first_seen_at": on(day).night_at, "run_id": "r"}
                for (k, n), day in held.items()
            ],
        )
        fingerprints.forget_boilerplate(db, on(tonight), min_contexts=3)
        days = {key: [day for (one, _), day in held.items() if one == key] for key, _ in held}
        lost = {
            key
            for key, seen in days.items()
            if len(seen) < 3 and max(seen) < tonight - fingerprints.FORGET_AFTER.days
        }
        left = {(row["key"], row["context"]) for row in db.rows("FROM boilerplate_blocks")}
        assert left == {(key, context) for key, context in held if key not in lost}

    same()


def test_what_has_not_become_boilerplate_in_half_a_year_is_forgotten_and_boilerplate_is_not(db: Database) -> None:
    fingerprints.learn_boilerplate(db, on(0), [*beside(1, 7, 8, 9), *beside(2, 7, 8), *beside(3, 7)], min_contexts=3)
    fingerprints.learn_boilerplate(db, on(100), beside(3, 8), min_contexts=3)
    fingerprints.forget_boilerplate(db, on(179), min_contexts=3)
    assert db.rows("SELECT count(*) AS n FROM boilerplate_blocks") == [{"n": 7}]
    fingerprints.forget_boilerplate(db, on(181), min_contexts=3)
    left = db.rows("SELECT key, count(*) AS n FROM boilerplate_blocks GROUP BY key ORDER BY key")
    assert left == [{"key": 1, "n": 3}, {"key": 3, "n": 2}]


def test_keys_of_another_method_are_made_anew_and_nothing_is_decided_again(db: Database) -> None:
    told = [Fingerprint(article_id=name, text_hash=name, shingles=1, keys=(1, 2)) for name in "ab"]
    fingerprints.save_duplicates(db, on(0), told, [], method="old")
    assert fingerprints.articles_with_outdated_keys(db, "new") == ["a", "b"]
    renewed = [Fingerprint(article_id=name, text_hash=name, shingles=1, keys=(3,)) for name in "ab"]
    fingerprints.save_keys(db, on(1), renewed, "new")
    assert fingerprints.articles_with_outdated_keys(db, "new") == []
    assert db.rows("SELECT DISTINCT keys FROM fingerprints") == [{"keys": [3]}]


def test_an_older_file_compares_again_what_was_not_compared_in_its_present_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "older.duckdb"
    of_then = migrations()[:13]
    with monkeypatch.context() as patched:
        patched.setattr(database, "migrations", lambda: of_then)
        patched.setattr(database, "sql_files", lambda folder: [])
        with Database(path, now=NOON) as older:
            for name in ("compared", "changed", "new"):
                older.execute(
                    "INSERT INTO articles BY NAME SELECT $1 AS article_id, '' AS url, '' AS canonical_url, "
                    "'' AS title, '' AS text, 'en' AS language, '' AS language_source, '' AS outlet, "
                    "'' AS date_quality, "
                    "'' AS text_source, 0 AS words, $2::TIMESTAMP AS published_at, "
                    "$2::TIMESTAMP AS first_seen_at, "
                    "$2::TIMESTAMP AS changed_at, $2::TIMESTAMP AS extracted_at, 'r' AS run_id",
                    [name, NOON],
                )
            for name, at in (("compared", NOON), ("changed", NOON - timedelta(days=1))):
                older.execute(
                    "INSERT INTO fingerprints BY NAME SELECT $1 AS article_id, '' AS text_hash, 0 AS shingles, "
                    "$2::TIMESTAMP AS computed_at, 'r' AS run_id",
                    [name, at],
                )
    with Database(path, now=NOON) as db:
        assert fingerprints.articles_to_compare(db) == ["changed", "new"]
        assert db.rows("SELECT deduplicated_at FROM articles WHERE article_id = 'compared'") == [
            {"deduplicated_at": NOON}
        ]
