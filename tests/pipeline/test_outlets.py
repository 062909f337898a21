"""The step that stores who each publisher is, and the view that analysts read."""

from dataclasses import replace
from pathlib import Path

from newsclust import pipeline
from newsclust.model import Run
from newsclust.outlets import Outlet, OutletKind, OutletSource
from newsclust.store import Database, publish
from tests.pipeline.test_pipeline import ONE, TWO, Item, Nights, rss

LISTED = Outlet(
    publisher="one.example",
    name="The One",
    host="one.example",
    country="GB",
    languages=("en",),
    kind=OutletKind.PRESS,
    source=OutletSource.YOURS,
)
UNSEEN = replace(LISTED, publisher="three.example", name="The Third")


def lived(folder: Path) -> Nights:
    nights = Nights(folder)
    web = {feed.url: rss(Item(link=feed.url.replace("feed", "a"), tag=1)) for feed in (ONE, TWO)}
    nights.live(web)
    return nights


def run_of(db: Database) -> Run:
    (run,) = db.rows_as(Run, "SELECT run_id AS id, * FROM runs")
    return run


def test_the_view_has_each_listed_or_seen_outlet_with_what_it_told(tmp_path: Path) -> None:
    nights = lived(tmp_path)
    with Database(nights.path) as db:
        pipeline.sync_outlets(db, run_of(db), [LISTED, UNSEEN])
    assert nights.rows(
        "SELECT publisher, name, country, kind, source, articles, stories FROM outlets ORDER BY publisher"
    ) == [
        ("one.example", "The One", "GB", "press", "yours", 1, 1),
        ("three.example", "The Third", "GB", "press", "yours", 0, 0),
        ("two.example", TWO.title, None, None, "inferred", 1, 1),
    ]


def test_a_second_time_nothing_changes_and_what_a_person_takes_back_goes(tmp_path: Path) -> None:
    nights = lived(tmp_path)
    with Database(nights.path) as db:
        run = run_of(db)
        assert pipeline.sync_outlets(db, run, [LISTED, UNSEEN]).done == 2
        assert pipeline.sync_outlets(db, run, [UNSEEN, LISTED]).done == 0
        assert pipeline.sync_outlets(db, run, [replace(LISTED, country="IE")]).done == 2
        assert db.tuples("SELECT publisher, country, source FROM outlet_profiles ORDER BY publisher") == [
            ("one.example", "IE", "yours"),
            ("two.example", None, "inferred"),
        ]
        assert pipeline.sync_outlets(db, run, []).done == 1


def test_outlets_are_published(tmp_path: Path) -> None:
    nights = lived(tmp_path)
    with Database(nights.path) as db:
        publish(db, nights.published)
    import duckdb

    with duckdb.connect(str(nights.published), read_only=True) as published:
        assert published.execute("SELECT count(*), sum(articles)::BIGINT FROM outlets").fetchone() == (2, 2)
        assert published.execute("SELECT count(*) FROM internal.outlet_profiles").fetchone() == (2,)


def test_the_query_of_the_documentation_tells_stories_without_france_and_counts_the_unknown(tmp_path: Path) -> None:
    nights = lived(tmp_path)
    text = (Path(__file__).parents[2] / "docs" / "views.md").read_text(encoding="utf-8")
    query = text.partition("```sql\nwith told as")[2].partition("```")[0]
    with Database(nights.path) as db:
        pipeline.sync_outlets(db, run_of(db), [LISTED])
        in_britain, unknown = ([1, 1, 0, ["GB"]], [1, 0, 1, None])
        assert sorted(row[1:] for row in db.tuples(f"with told as{query}")) == sorted(
            map(tuple, (in_britain, unknown))
        )
        pipeline.sync_outlets(db, run_of(db), [replace(LISTED, country="FR")])
        assert [row[1:] for row in db.tuples(f"with told as{query}")] == [tuple(unknown)]
