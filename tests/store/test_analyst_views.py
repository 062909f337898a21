"""The views that analysts come for: what they count as first, as told, as copied, and as of when."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsclust.store import Database

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MOMENT = "TIMESTAMP '2026-03-02 00:00'"
ASKED = [
    "lead_lag",
    "leaderboard",
    "coverage_by_day",
    "topic_trends",
    "blind_spots",
    f"changes_since({MOMENT})",
    "authors",
    "story_page('s')",
    "story_nights",
]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "work.duckdb") as opened:
        yield opened


@pytest.fixture
def lived(demo_folder: Path, tmp_path: Path) -> Iterator[Database]:
    """The working file of the demonstration's three nights."""
    shutil.copy(demo_folder / "newsclust.duckdb", tmp_path / "work.duckdb")
    with Database(tmp_path / "work.duckdb") as opened:
        yield opened


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def insert(db: Database, table: str, **given: Any) -> None:
    """Insert a row; columns that no test cares about hold anything."""
    types = db.tuples(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = $1 AND schema_name = 'main' "
        "AND NOT is_nullable",
        [table],
    )
    anything = {"VARCHAR": "", "TIMESTAMP": MONDAY, "BOOLEAN": True, "VARCHAR[]": [], "JSON": "{}"}
    row = {name: anything.get(kind, 0) for name, kind in types} | given
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))


def story(
    db: Database, story_id: str, *articles: str, state: str = "living", left_at: datetime | None = None
) -> None:
    insert(db, "stories", story_id=story_id, headline=f"About {story_id}", state=state)
    for article in articles:
        insert(db, "story_articles", story_id=story_id, article_id=article, joined_at=MONDAY, left_at=left_at)


def article(db: Database, name: str, publisher: str = "a.example", hours: float = 0, **given: Any) -> None:
    row = {"date_quality": "given", "language": "en", "outlet": f"www.{publisher}"} | given
    insert(db, "articles", article_id=name, publisher=publisher, published_at=at(hours), title=name, **row)


def duplicate(db: Database, name: str, original: str) -> None:
    insert(db, "duplicates", article_id=name, original_id=original, method="same_text")


@pytest.mark.parametrize("relation", ASKED)
def test_numbers_are_bigint_or_double_and_nothing_else(lived: Database, relation: str) -> None:
    columns = lived.rows(f"DESCRIBE FROM {relation}")
    types = {row["column_name"]: row["column_type"] for row in columns}
    assert not {
        name: kind
        for name, kind in types.items()
        if any(word in kind for word in ("HUGEINT", "DECIMAL", "FLOAT", "INTEGER", "SMALLINT"))
    }
    assert all(kind == "TIMESTAMP" for name, kind in types.items() if name.endswith("_at"))


def test_lead_and_lag_count_dates_to_the_minute_alone_and_duplicates_as_tellings(db: Database) -> None:
    article(db, "a1", "a.example", 10)
    article(db, "b1", "b.example", 8)  # repeats a1, earlier
    article(db, "b2", "b.example", 20)
    article(db, "c1", "c.example", 0, date_quality="guessed")
    duplicate(db, "b1", "a1")
    story(db, "s", "a1", "b2", "c1")
    article(db, "a2", "a.example", 5)
    article(db, "b3", "b.example", 5, language="fr")
    story(db, "t", "a2", "b3", state="closed")
    rows = db.rows("FROM lead_lag WHERE kind = 'outlet' ORDER BY name")
    assert [(row["name"], row["other_name"]) for row in rows] == [
        ("a.example", "b.example"),
        ("b.example", "a.example"),
    ]
    assert [(row["stories"], row["earlier"], row["later"]) for row in rows] == [(2, 0, 1), (2, 1, 0)]
    assert [row["median_hours"] for row in rows] == [-1, 1]
    assert [(row["quartile_1_hours"], row["quartile_3_hours"]) for row in rows] == [(-1.5, -0.5), (0.5, 1.5)]
    assert db.rows(
        "SELECT name, other_name, stories, median_hours FROM lead_lag WHERE kind = 'language' LIMIT 1"
    ) == [{"name": "en", "other_name": "fr", "stories": 1, "median_hours": 0}]


def test_a_story_of_many_publishers_makes_no_pairs(db: Database) -> None:
    for number in range(31):
        article(db, str(number), f"p{number}.example", number)
    story(db, "s", *map(str, range(31)))
    assert db.rows("FROM lead_lag") == []


def test_the_leaderboard_knows_first_followed_exclusive_and_unplaced(db: Database) -> None:
    article(db, "a1", "a.example", 2)
    article(db, "b1", "b.example", 3)
    article(db, "c1", "c.example", 0, date_quality="guessed")  # a midnight is never first
    story(db, "s", "a1", "b1", "c1")
    article(db, "a2", "a.example", 4)
    story(db, "t", "a2")
    article(db, "b2", "b.example", 5)  # nobody else has a date
    article(db, "c2", "c.example", 6, date_quality="missing")
    story(db, "u", "b2", "c2")
    article(db, "d1", "d.example", 24 * 7)
    article(db, "a3", "a.example", 9)
    duplicate(db, "a3", "b1")
    rows = db.rows("FROM leaderboard WHERE week_at = '2026-03-02' ORDER BY publisher")
    told = {
        row["publisher"]: tuple(row[name] for name in ("stories", "first", "followed", "exclusive", "unplaced"))
        for row in rows
    }
    assert told == {"a.example": (2, 1, 0, 1, 0), "b.example": (2, 0, 1, 0, 1), "c.example": (2, 0, 0, 0, 2)}
    assert [(row["articles"], row["copies"], row["share_of_copies"]) for row in rows] == [
        (3, 1, 0.333),
        (2, 0, 0),
        (2, 0, 0),
    ]
    (later,) = db.rows("FROM leaderboard WHERE week_at <> '2026-03-02'")
    assert (later["publisher"], later["stories"], later["articles"]) == ("d.example", 0, 1)


def test_those_who_tell_in_the_same_minute_are_both_first(db: Database) -> None:
    article(db, "a1", "a.example", 2)
    article(db, "b1", "b.example", 2)
    story(db, "s", "a1", "b1")
    assert db.column("SELECT first FROM leaderboard") == [1, 1]


def test_coverage_of_a_day_sums_to_its_articles_and_its_ratios_to_one(db: Database) -> None:
    article(db, "a1", "a.example", 1)
    article(db, "a2", "a.example", 2)
    article(db, "b1", "b.example", 3, date_quality="missing")
    article(db, "c1", "c.example", 4, language="fr")
    article(db, "d1", "d.example", 5)
    duplicate(db, "d1", "a1")
    story(db, "s", "a1", "a2", "b1")
    insert(db, "topics", topic_id="t", label="Ships")
    insert(db, "topic_stories", topic_id="t", story_id="s")
    rows = db.rows("FROM coverage_by_day ORDER BY publisher")
    assert [row["articles"] for row in rows] == [2, 1, 1, 0]
    assert [row["duplicates"] for row in rows] == [0, 0, 0, 1]
    assert [row["undated"] for row in rows] == [0, 1, 0, 0]
    assert [row["ratio"] for row in rows] == [0.5, 0.25, 0.25, 0]
    assert [(row["story_id"], row["topic"]) for row in rows] == [
        ("s", "Ships"),
        ("s", "Ships"),
        (None, None),
        ("s", "Ships"),
    ]


def test_a_topic_keeps_its_weeks_when_its_stories_go_to_another(db: Database) -> None:
    insert(db, "topics", topic_id="old", label="Ships")
    insert(db, "topics", topic_id="new", label="Boats")
    article(db, "a1", hours=1)
    article(db, "a2", hours=24 * 8)
    story(db, "s", "a1")
    insert(db, "story_articles", story_id="s", article_id="a2", joined_at=at(24 * 9))
    insert(db, "topic_stories", topic_id="old", story_id="s", joined_at=at(3), left_at=at(24 * 9))
    insert(db, "topic_stories", topic_id="new", story_id="s", joined_at=at(24 * 9))
    insert(db, "runs", run_id="r", night_at=at(24 * 9))
    rows = db.rows(
        "SELECT week_at::DATE::TEXT AS week, label, stories, articles, articles_before, change, is_whole "
        "FROM topic_trends"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("2026-03-09", "Boats", 1, 1, 0, 1, False),
        ("2026-03-09", "Ships", 0, 0, 1, -1, False),
        ("2026-03-02", "Ships", 1, 1, 0, 1, True),
    ]


def test_a_blind_spot_is_told_by_three_voices_of_one_language(db: Database) -> None:
    for number in range(3):
        article(db, f"e{number}", f"e{number}.example")
        article(db, f"f{number}", f"f{number}.example", language="fr")
        article(db, f"m{number}", f"m{number}.example", language="fr" if number else "en")
    article(db, "g", "g.example", language="de")
    story(db, "english", "e0", "e1", "e2")
    story(db, "french", "f0", "f1", "f2")
    story(db, "mixed", "m0", "m1", "m2")
    story(db, "lonely", "g")
    rows = db.tuples("SELECT kind, story_id, told_in, independent_outlets, missing FROM blind_spots")
    assert rows == [("language", "english", "en", 3, ["fr"]), ("language", "french", "fr", 3, ["en"])]
    duplicate(db, "e2", "e1")
    db.execute("UPDATE story_articles SET left_at = $1 WHERE article_id = 'e2'", [at(24)])
    assert db.column("SELECT story_id FROM blind_spots") == ["french"]


def test_a_story_of_one_country_is_a_blind_spot_of_the_others_and_says_how_many_are_unknown(db: Database) -> None:
    for number, country in enumerate(["US", "US", "US", None, "FR", "FR", "FR"]):
        article(db, f"a{number}", f"p{number}.example", number)
        insert(db, "outlet_profiles", publisher=f"p{number}.example", country=country)
    story(db, "american", "a0", "a1", "a2", "a3")
    story(db, "french", "a4", "a5", "a6")
    rows = db.tuples("SELECT kind, story_id, told_in, missing, outlets, unplaced_outlets FROM blind_spots")
    assert rows == [("country", "american", "US", ["FR"], 4, 1), ("country", "french", "FR", ["US"], 3, 0)]
    insert(db, "story_articles", story_id="american", article_id="a4", joined_at=at(0), left_at=None)
    assert db.column("SELECT story_id FROM blind_spots") == ["french"]


def test_changes_since_a_moment_are_what_came_after_it_corrections_by_the_night_that_applied_them(
    db: Database,
) -> None:
    story(db, "s", "a1")
    for hours, event in [(0, "born"), (24, "grew")]:
        insert(db, "story_events", story_id="s", event=event, happened_at=at(hours), headline="Then", articles=2)
    insert(db, "runs", run_id="r", night_at=at(24))
    insert(db, "corrections", correction_id="1", kind="rename", made_at=at(-5), story_ids=["s"], run_id="r")
    insert(db, "corrections", correction_id="2", kind="not_duplicate", made_at=at(-5), article_ids=["x"], run_id="r")
    rows = db.rows(f"SELECT what, story_id, headline FROM changes_since({MOMENT})")
    assert [tuple(row.values()) for row in rows] == [
        ("corrected", "s", "About s"),
        ("grew", "s", "Then"),
        ("corrected", None, None),
    ]
    assert db.rows(f"FROM changes_since({MOMENT} + INTERVAL 1 DAY)") == []


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("Jane Doe", ["Jane Doe"]),
        ("By Jane Doe and John Roe", ["Jane Doe", "John Roe"]),
        ("Par Ève Martin et Luc Petit", ["Luc Petit", "Ève Martin"]),
        ("Jane Doe, John Roe, and Ann Poe", ["Ann Poe", "Jane Doe", "John Roe"]),
        ("Jane Doe & John Roe; Ann Poe", ["Ann Poe", "Jane Doe", "John Roe"]),
        ("Doe, Jane", ["Doe, Jane"]),
        ("Jean et Luc Petit", ["Jean et Luc Petit"]),
        ("desk@site.example (Jane Doe)", ["Jane Doe"]),
        ("Byron Park", ["Byron Park"]),
        ("Parmentier", ["Parmentier"]),
        ("  ", []),
    ],
)
def test_names_of_authors_are_parted_with_care(db: Database, given: str, names: list[str]) -> None:
    article(db, "a1", author=given)
    assert sorted(db.column("SELECT author FROM authors")) == names


def test_an_author_is_one_however_capitals_stand(db: Database) -> None:
    article(db, "a1", "a.example", 1, author="JANE DOE")
    article(db, "a2", "b.example", 2, author="By Jane Doe", language="fr")
    article(db, "a3", "b.example", 3, author="Jane Doe", date_quality="missing")
    article(db, "a4", "c.example", 4, author="Jane Doe and Jane Doe")
    duplicate(db, "a4", "a1")
    (row,) = db.rows("FROM authors")
    assert (row["author"], row["articles"], row["duplicates"], row["outlets"]) == ("Jane Doe", 3, 1, 3)
    assert row["languages"] == ["en", "fr"]
    assert (row["first_date_quality"], row["last_date_quality"]) == ("given", "given")


def test_a_story_page_is_one_row_by_the_id_or_its_beginning(db: Database) -> None:
    article(db, "a1", "a.example", 0, date_quality="guessed")
    article(db, "a2", "b.example", 5, language="fr")
    article(db, "a3", "c.example", 6)
    duplicate(db, "a3", "a2")
    story(db, "s1", "a1", "a2")
    story(db, "x1")
    insert(db, "story_events", story_id="s1", event="born", articles=2)
    insert(db, "corrections", correction_id="1", kind="same", article_ids=["a1"], other_article_ids=["a2"])
    (row,) = db.rows("FROM story_page('s')")
    assert db.rows("FROM story_page('s1')") == [row]
    assert db.rows("FROM story_page('')") == []
    assert (row["first_at"].replace(tzinfo=UTC), row["first_date_quality"]) == (at(5), "given")
    assert (row["outlets"], row["languages"], row["topic"]) == (3, ["en", "fr"], None)
    assert [one["article_id"] for one in row["articles"]] == ["a1", "a2"]
    assert [(one["article_id"], one["original_id"]) for one in row["duplicates"]] == [("a3", "a2")]
    assert [one["event"] for one in row["events"]] == ["born"]
    assert [one["correction_id"] for one in row["corrections"]] == ["1"]
    (bare,) = db.rows("FROM story_page('x')")
    assert (bare["articles"], bare["first_at"], bare["outlets"]) == ([], None, 0)


def test_the_stories_of_a_night_are_those_as_of_that_night(lived: Database) -> None:
    nights = lived.column("SELECT DISTINCT night_at FROM runs")
    assert nights
    for night in nights:
        told = lived.tuples(
            "SELECT story_id, headline, articles, outlets FROM story_nights WHERE night_at = $1", [night]
        )
        then = lived.tuples("SELECT story_id, headline, articles, outlets FROM stories_as_of($1::TIMESTAMP)", [night])
        assert sorted(told) == sorted(then)


def test_a_night_counts_who_was_in_a_story_then(db: Database) -> None:
    for night in range(4):
        insert(db, "runs", run_id=str(night), night_at=at(24 * night))
        insert(db, "steps", run_id=str(night), step="group_stories")
    article(db, "a1", "a.example")
    article(db, "a2", "a.example")
    article(db, "b1", "b.example")
    story(db, "s", "a1", "b1", state="closed")
    insert(db, "story_articles", story_id="s", article_id="a2", joined_at=at(24))
    db.execute("UPDATE story_articles SET left_at = $1 WHERE article_id IN ('a1', 'b1')", [at(48)])
    for night, event, headline in [(0, "born", "First"), (1, "grew", "Second"), (3, "closed", "Second")]:
        insert(db, "story_events", story_id="s", event=event, happened_at=at(24 * night), headline=headline)
    rows = db.tuples("SELECT night_at::DATE::TEXT, headline, articles, outlets FROM story_nights ORDER BY 1")
    assert rows == [("2026-03-02", "First", 2, 2), ("2026-03-03", "Second", 3, 2), ("2026-03-04", "Second", 1, 1)]
