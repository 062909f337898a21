"""Times and counts of the views: a date that is not given to the minute is never first, and draws no delay."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsclust.store import Database
from tests.store.test_store import put

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MIDNIGHT = NOON.replace(hour=0)
DOUBTFUL = ["guessed", "inferred", "missing", "future"]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """One story of three articles: at noon and an hour later to the minute, and one whose date the test chooses."""
    with Database(tmp_path / "work.duckdb") as opened:
        put(opened, "stories", story_id="s", state="living", headline="One event", first_at=MIDNIGHT, last_at=NOON)
        told(opened, "a", "noon.example", NOON, "given")
        told(opened, "b", "later.example", NOON + timedelta(hours=1), "given")
        yield opened


def told(db: Database, article_id: str, outlet: str, at: datetime, quality: str, **more: Any) -> None:
    put(
        db,
        "articles",
        article_id=article_id,
        url=f"https://{outlet}/{article_id}",
        outlet=outlet,
        publisher=outlet,
        language=more.pop("language", "en"),
        published_at=at,
        date_quality=quality,
        first_seen_at=NOON + timedelta(hours=9),
    )
    if not more.pop("duplicate", False):
        put(db, "story_articles", story_id="s", article_id=article_id, joined_at=NOON, left_at=None)


def seen(db: Database, article_id: str, at: datetime, quality: str) -> None:
    if not db.column("SELECT 1 FROM feeds"):
        put(db, "feeds", feed_id="f", title="A feed")
    row = {"entry_id": f"e{article_id}", "feed_id": "f", "article_id": article_id, "published_at": at}
    put(db, "entries", **row, date_quality=quality, first_seen_at=NOON + timedelta(hours=9))


@pytest.mark.parametrize("quality", DOUBTFUL)
def test_a_date_that_is_not_given_to_the_minute_is_never_first(db: Database, quality: str) -> None:
    told(db, "c", "day.example", MIDNIGHT, quality)
    (source,) = db.rows("FROM story_sources")
    assert (source["first_outlet"], source["first_at"], source["first_date_quality"]) == (
        "noon.example",
        NOON,
        "given",
    )
    assert (source["first_en_outlet"], source["first_en_at"]) == ("noon.example", NOON)
    (story,) = db.rows("FROM current_stories")
    assert (story["first_at"], story["first_date_quality"]) == (NOON, "given")
    put(db, "story_events", story_id="s", event="born", happened_at=NOON, headline="One event")
    (past,) = db.rows("FROM stories_as_of($1)", [NOON])
    assert (past["first_at"], past["first_date_quality"]) == (NOON, "given")


@pytest.mark.parametrize("quality", DOUBTFUL)
def test_a_date_that_is_not_given_to_the_minute_has_no_delay_and_gives_none(db: Database, quality: str) -> None:
    told(db, "c", "day.example", MIDNIGHT, quality)
    hours = dict(db.tuples("SELECT article_id, hours_since_first FROM story_timeline"))
    assert hours == {"a": 0.0, "b": 1.0, "c": None}
    assert dict(db.tuples("SELECT article_id, date_quality FROM story_timeline"))["c"] == quality


@pytest.mark.parametrize("quality", DOUBTFUL)
def test_nobody_is_first_where_no_date_is_given_to_the_minute(tmp_path: Path, quality: str) -> None:
    with Database(tmp_path / "work.duckdb") as db:
        put(db, "stories", story_id="s", state="living", first_at=MIDNIGHT, last_at=NOON)
        told(db, "a", "day.example", MIDNIGHT, quality)
        told(db, "b", "jour.example", MIDNIGHT, quality, language="fr")
        (source,) = db.rows("FROM story_sources")
        assert [source[name] for name in ("first_outlet", "first_at", "first_fr_outlet", "en_fr_lead_hours")] == [
            None
        ] * 4
        (story,) = db.rows("FROM current_stories")
        assert (story["first_at"], story["first_date_quality"]) == (MIDNIGHT, quality)
        assert db.column("SELECT hours_since_first FROM story_timeline") == [None, None]


@pytest.mark.parametrize("quality", DOUBTFUL)
def test_a_sighting_without_a_date_to_the_minute_is_not_behind_and_nobody_is_behind_it(
    db: Database, quality: str
) -> None:
    put(db, "duplicates", article_id="b", original_id="a", method="same_text")
    put(db, "duplicates", article_id="c", original_id="a", method="same_text")
    told(db, "c", "day.example", MIDNIGHT, quality, duplicate=True)
    for article_id, at, stated in (
        ("a", NOON, "given"),
        ("b", NOON + timedelta(hours=1), "given"),
        ("c", MIDNIGHT, quality),
    ):
        seen(db, article_id, at, stated)
    assert db.tuples("SELECT seen_as, hours_behind FROM article_sources") == [("a", 0.0), ("b", 1.0), ("c", None)]


def test_all_views_agree_on_who_was_first_where_a_duplicate_was(db: Database) -> None:
    told(db, "c", "copy.example", NOON - timedelta(hours=2), "given", duplicate=True)
    put(db, "duplicates", article_id="c", original_id="b", method="same_text", found_at=NOON)
    put(db, "story_events", story_id="s", event="born", happened_at=NOON, headline="One event")
    first = NOON - timedelta(hours=2)
    for view in (
        "story_sources",
        "current_stories",
        "stories_as_of(TIMESTAMP '2026-03-02 12:00')",
        "story_page('s')",
    ):
        assert db.column(f"SELECT first_at FROM {view}") == [first], view


def test_all_views_agree_on_a_date_that_another_one_contradicts(db: Database) -> None:
    db.execute("UPDATE articles SET attested_at = $1 WHERE article_id = 'a'", [NOON + timedelta(hours=4)])
    put(db, "story_events", story_id="s", event="born", happened_at=NOON, headline="One event")
    for view in (
        "story_sources",
        "current_stories",
        "stories_as_of(TIMESTAMP '2026-03-02 12:00')",
        "story_page('s')",
    ):
        assert db.column(f"SELECT first_at FROM {view}") == [NOON + timedelta(hours=1)], view
    assert db.tuples("SELECT name, earlier FROM lead_lag WHERE kind = 'outlet' ORDER BY name") == [
        ("later.example", 1),
        ("noon.example", 0),
    ]


def test_a_sighting_has_the_articles_date_where_the_feed_gives_none_and_no_delay(db: Database) -> None:
    """Otherwise two views would tell two dates of one article."""
    seen(db, "a", NOON + timedelta(hours=9), "missing")
    seen(db, "b", NOON + timedelta(hours=2), "given")
    shown = "SELECT published_at, date_quality FROM article_sources WHERE seen_as = $1"
    assert db.tuples(shown, ["a"]) == [(NOON, "given")]
    assert db.tuples(shown, ["a"]) == db.tuples(
        "SELECT published_at, date_quality FROM article_texts WHERE article_id = 'a'"
    )
    assert db.column("SELECT hours_behind FROM article_sources WHERE seen_as = 'a'") == [None]
    assert db.tuples(shown, ["b"]) == [(NOON + timedelta(hours=2), "given")]  # when that feed showed it


def test_outlets_are_the_same_number_in_every_view(db: Database) -> None:
    told(db, "c", "copy.example", NOON, "given", duplicate=True)
    told(db, "d", "noon.example", NOON, "given")
    put(db, "duplicates", article_id="c", original_id="a", method="same_text", found_at=NOON)
    put(db, "story_events", story_id="s", event="born", happened_at=NOON, headline="One event")
    asked = "SELECT outlets, articles FROM {}"
    for view in ("story_sources", "current_stories", "stories_as_of(TIMESTAMP '2026-03-02 12:00')"):
        assert db.tuples(asked.format(view)) == [(3, 3)], view


def test_numbers_are_bigint_or_double_in_every_view(db: Database) -> None:
    """HUGEINT becomes a float in pandas, and DECIMAL an object."""
    odd = db.tuples(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() JOIN duckdb_views() "
        "ON view_name = table_name AND duckdb_views.schema_name = duckdb_columns.schema_name "
        "WHERE NOT duckdb_views.internal AND duckdb_views.schema_name = 'main' "
        "AND NOT starts_with(table_name, 'todo_') "
        "AND regexp_matches(data_type, 'HUGEINT|DECIMAL|INTEGER|FLOAT|SMALLINT|TINYINT')"
    )
    assert odd == []


def test_every_time_of_an_article_has_its_quality_beside_it(db: Database) -> None:
    columns: dict[str, set[str]] = {}
    for table, column in db.tuples("SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'main'"):
        columns.setdefault(table, set()).add(column)
    views = db.column("SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'")
    macros = ["stories_as_of(now()::TIMESTAMP)", "story_page('s')", "search_articles('w')", "search_stories('w')"]
    for macro in [*macros, "similar_articles('a')", "similar_stories('s')"]:
        columns[macro] = {row["column_name"] for row in db.rows(f"DESCRIBE FROM {macro}")}
        views.append(macro)
    quality = {
        "published_at": "date_quality",
        "last_published_at": "last_date_quality",
        "source_published_at": "source_date_quality",
        "first_at": "first_date_quality",
        "last_at": "last_date_quality",
    }
    lacking = [
        (view, time)
        for view in views
        for time, beside in quality.items()
        if not view.startswith("todo_") and time in columns[view] and beside not in columns[view]
    ]
    assert lacking == []
