"""A night lived in 2031 because the clock had jumped: the nights after it go on as if it had not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path

import pytest

from newsclust import pipeline
from newsclust.errors import SettingsError
from newsclust.model import Count, Run
from newsclust.overrides import FeedCommand, FeedCommandKind
from newsclust.report import summary_markdown
from newsclust.store import Database
from newsclust.store.clock import NOT_STAMPED, STAMPED
from tests.pipeline.test_pipeline import NIGHT, ONE, TWO, Item, Nights, Web, rss

pytestmark = pytest.mark.slow

YEARS = 5 * 365 + 1.25  # days: to a night of 2031
UNDATED = (
    "<item><title>Undated</title><link>https://one.example/undated</link><description>#7 bare</description></item>"
)


def web(night: int) -> Web:
    """A web of two outlets that tell a story more each night, with an item that is dated nowhere."""
    told = range(night + 1)
    one = rss(*(Item(link=f"https://one.example/{n}", tag=n, at=NIGHT + timedelta(days=n, hours=-3)) for n in told))
    two = rss(*(Item(link=f"https://two.example/{n}", tag=n, at=NIGHT + timedelta(days=n, hours=-2)) for n in told))
    undated = one.body.replace("</channel>", UNDATED + "</channel>") if night == 2 else one.body
    return {ONE.url: type(one)(body=undated), TWO.url: two}


def lived(folder: Path, *nights: tuple[float, int]) -> Nights:
    folder.mkdir()
    made = Nights(folder)
    for days, shown in nights:
        made.live(web(shown), days=days)
    return made


def stories(nights: Nights) -> list[tuple[object, ...]]:
    return nights.rows(
        "SELECT story_id, state, (SELECT list(url ORDER BY url) FROM story_articles JOIN articles USING (article_id) "
        "WHERE story_articles.story_id = stories.story_id AND left_at IS NULL) FROM stories ORDER BY ALL"
    )


def test_the_night_after_one_in_2031_is_as_in_an_unbroken_life(tmp_path: Path) -> None:
    unbroken = lived(tmp_path / "unbroken", (0, 0), (1, 1), (2, 2), (3, 3))
    broken = lived(tmp_path / "broken", (0, 0), (1, 1), (YEARS, 2))
    assert [state for _, state, _ in stories(broken)].count("closed") > 2
    broken.live(web(3), days=3)
    assert sorted(broken.asked) == sorted(unbroken.asked) == [ONE.url, TWO.url]
    assert stories(broken) == stories(unbroken)
    for table in ("todo_parse", "todo_extract", "todo_fingerprints", "todo_embeddings('tags', '-infinity')"):
        assert broken.rows(f"FROM {table}") == [], table
    assert broken.rows("SELECT count(*) FROM article_texts") == unbroken.rows("SELECT count(*) FROM article_texts")


def test_no_moment_lies_in_the_future_after_it(tmp_path: Path) -> None:
    nights = lived(tmp_path / "broken", (0, 0), (1, 1), (YEARS, 2))
    with nights.begun(web(3), (ONE, TWO), days=3) as (_, work):
        assert work["mend_clock"]().done > 1
        assert work["mend_clock"]().done == 0
    now = NIGHT + timedelta(days=3)
    for table, columns in STAMPED.items():
        for column in columns:
            (latest,) = nights.rows(f"SELECT max({column}) FROM {table}")[0]
            assert latest is None or latest.replace(tzinfo=UTC) <= now + timedelta(seconds=1), (table, column)
    assert nights.rows("SELECT max(published_at) < '2027-01-01' FROM articles") == [(True,)]
    assert nights.rows("SELECT max(last_at) < '2027-01-01' FROM stories") == [(True,)]


def test_its_history_says_what_happened_and_the_summary_has_a_notice(tmp_path: Path) -> None:
    nights = lived(tmp_path / "broken", (0, 0), (1, 1), (YEARS, 2), (3, 3))
    kinds = nights.rows("SELECT event FROM story_events WHERE reason LIKE '%clock%'")
    assert kinds
    assert set(kinds) == {("reopened",)}
    with Database(nights.path) as db:
        run_id = db.value("SELECT arg_max(run_id, night_at) FROM runs")
        summary = summary_markdown(db.connection, run_id)
    assert "- The clock had jumped ahead: 1 night was lived for 2031-" in summary
    assert "stories that only that clock had closed live again" in summary


def test_a_mend_that_is_killed_half_way_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = lived(tmp_path / "broken", (0, 0), (1, 1), (YEARS, 2))
    dump = [nights.rows(f"FROM {table} ORDER BY ALL") for table in STAMPED if table != "runs"]
    with monkeypatch.context() as patched, nights.begun(web(3), (ONE, TWO), days=3) as (_, work):
        patched.setattr("newsclust.store.clock._reopen", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            work["mend_clock"]()
    assert [nights.rows(f"FROM {table} ORDER BY ALL") for table in STAMPED if table != "runs"] == dump
    nights.live(web(3), days=3)
    assert sorted(nights.asked) == [ONE.url, TWO.url]


def test_several_nights_of_a_wrong_clock_are_set_back_together(tmp_path: Path) -> None:
    nights = lived(tmp_path / "broken", (0, 0), (YEARS, 1), (YEARS + 1, 1), (YEARS + 900, 2), (3.5, 3))
    assert sorted(nights.asked) == [ONE.url, TWO.url]
    order = nights.rows("SELECT settings IS NOT NULL FROM runs WHERE night_at > '2027-01-01'")
    assert order == []
    assert nights.rows("SELECT text LIKE '%3 nights were lived for%' FROM night_notices") == [(True,)]
    assert {state for _, state, _ in stories(nights)} == {"living"}


def test_a_clock_that_is_behind_ends_each_night_before_it_writes_anything(tmp_path: Path) -> None:
    nights = lived(tmp_path / "broken", (0, 0), (1, 1))
    before = nights.rows("FROM entries")
    for days in (-3000, -2999):
        with (
            nights.begun(web(2), (ONE, TWO), days=days) as (_, work),
            pytest.raises(SettingsError, match=r"clock says 2017-.* but the night of 2026-03-03 .*timedatectl"),
        ):
            work["mend_clock"]()
    assert nights.rows("FROM entries") == before
    assert nights.rows("SELECT kind FROM night_notices") == [("clock",)] * 2
    nights.live(web(2), days=2)
    assert sorted(nights.asked) == [ONE.url, TWO.url]


def test_the_clocks_of_sites_tell_which_of_two_is_wrong(tmp_path: Path) -> None:
    nights = lived(tmp_path / "broken", (0, 0), (1, 1), (9, 2))
    with nights.begun(web(3), (ONE, TWO), days=3) as (db, work):
        true_date = format_datetime(NIGHT + timedelta(days=9), usegmt=True)
        db.execute("UPDATE pages SET headers = map_concat(headers, MAP {'date': $1})", [true_date])
        with pytest.raises(SettingsError, match="set the clock"):
            work["mend_clock"]()
        true_date = format_datetime(NIGHT + timedelta(days=2), usegmt=True)
        db.execute("UPDATE pages SET headers = map_concat(headers, MAP {'date': $1})", [true_date])
        assert work["mend_clock"]().done


def test_every_moment_of_the_schema_is_decided(tmp_path: Path) -> None:
    """A failure here means: a new TIMESTAMP column belongs in STAMPED or, with what is done, in NOT_STAMPED."""
    with Database(tmp_path / "empty.duckdb", now=datetime(2026, 3, 2, tzinfo=UTC)) as db:
        columns = db.column(
            "SELECT table_name || '.' || column_name FROM duckdb_columns() "
            "SEMI JOIN duckdb_tables() USING (table_name) WHERE data_type LIKE 'TIMESTAMP%'"
        )
    stamped = {f"{table}.{column}" for table, names in STAMPED.items() for column in names}
    assert not stamped & NOT_STAMPED.keys()
    assert set(columns) == stamped | NOT_STAMPED.keys()


def test_a_night_named_by_hand_over_later_ones_takes_none_of_them_for_the_future(tmp_path: Path) -> None:
    nights = lived(tmp_path / "broken", (0, 0), (1, 1), (2, 2))
    with nights.begun(web(2), (ONE, TWO), days=-30) as (db, _):
        early = db.rows_as(Run, "SELECT run_id AS id, * FROM runs ORDER BY night_at LIMIT 1")[0]
        run = replace(early, started_at=NIGHT + timedelta(days=3))
        assert pipeline.mend_clock(db, run, 4.0) == Count()


def test_commands_that_a_wrong_clock_dated_do_not_count_and_are_told(tmp_path: Path) -> None:
    nights = lived(tmp_path / "broken", (0, 0))
    commands = [
        FeedCommand(kind=FeedCommandKind.REFRESH, feed_id=feed.id, given_at=NIGHT + timedelta(days=days))
        for feed, days in ((ONE, 1800), (TWO, 0.005))
    ]
    with nights.begun(web(0), (ONE, TWO), days=0.01) as (db, work):
        fetch = work["fetch_feeds"]
        assert isinstance(fetch, partial)
        assert fetch(commands).skipped == 1
        assert db.value("SELECT text FROM night_notices").startswith("Dated in the future")
    assert nights.asked == [TWO.url]
