"""What is stored of a text beside itself: why it was taken, and where its dates come from."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsclust.extract import boilerplate_candidates, drop_site_boilerplate
from newsclust.extract.site_boilerplate import MIN_TITLES
from newsclust.model import DateQuality, Entry, Extraction, Feed, Fingerprint, ParsedFeed, Run, TextSource, id_of
from newsclust.store import Database, articles, feeds, fingerprints, runs
from newsclust.store import entries as store_entries
from tests.extract.test_extract import LONG
from tests.extract.test_site_boilerplate import FOOT
from tests.factories import NOON

DAY = timedelta(days=1)
MORNING = NOON - timedelta(hours=5)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "work.duckdb", now=NOON) as opened:
        yield opened


def seen(
    db: Database, *, quality: DateQuality, at: datetime = NOON, title: str = "Pool is warm", night: int = 0
) -> tuple[Run, str]:
    """A night in which one feed shows one entry; the run, and the article's id."""
    moment = NOON + night * DAY
    run = runs.begin_run(db, flow="test", night_at=moment, started_at=moment, settings={})
    feed = Feed(id="f", url="https://harbour.example/feed", title="Harbour News")
    url = f"https://harbour.example/{id_of(title)}"
    entry = Entry(
        id=id_of(title, "e"),
        feed_id="f",
        guid=None,
        link=url,
        url=url,
        title=title,
        summary=f"Night {night}",
        content=None,
        author=None,
        language=None,
        published_at=at,
        date_quality=quality,
    )
    feeds.save_feeds(db, run, [feed])
    parsed = ParsedFeed(feed_id="f", title=None, entries=(entry,))
    document = store_entries.ReadDocument(feed_id="f", fetched_at=moment, parsed=parsed)
    store_entries.save_parsed(db, run, [document])
    return run, entry.article_id


def taken(article_id: str, **fields: Any) -> Extraction:
    plain = Extraction(
        article_id=article_id,
        canonical_url="https://harbour.example/pool",
        title="Pool is warm",
        text=LONG[0],
        language="en",
        language_source="text",
        author=None,
        text_source=TextSource.PAGE,
        text_source_reason="the only text: page 19 words",
    )
    return replace(plain, **fields)


def stored(db: Database) -> dict[str, Any]:
    (row,) = db.rows(
        "SELECT published_at, date_quality, date_source, updated_at, text_source_reason FROM article_texts"
    )
    return row


def test_the_pages_date_stands_in_for_a_missing_one_and_keeps_standing_when_the_page_is_gone(db: Database) -> None:
    run, article_id = seen(db, quality=DateQuality.MISSING)
    dated = taken(article_id, published_at=MORNING, date_quality=DateQuality.GUESSED, updated_at=NOON)
    articles.save_extractions(db, run, [article_id], [dated])
    first = stored(db)
    assert first == {
        "published_at": MORNING,
        "date_quality": "guessed",
        "date_source": "page",
        "updated_at": NOON,
        "text_source_reason": "the only text: page 19 words",
    }
    later, _ = seen(db, quality=DateQuality.MISSING, night=1)
    articles.save_extractions(db, later, [article_id], [taken(article_id, text_source_reason="page failed: timeout")])
    assert stored(db) == first | {"text_source_reason": "page failed: timeout", "updated_at": None}


@pytest.mark.parametrize(
    ("quality", "source"),
    [(DateQuality.GIVEN, "feed"), (DateQuality.GUESSED, "feed"), (DateQuality.FUTURE, "first_seen")],
)
def test_a_date_of_the_feed_is_never_replaced_by_the_pages(db: Database, quality: DateQuality, source: str) -> None:
    run, article_id = seen(db, quality=quality, at=NOON - DAY)
    dated = taken(article_id, published_at=MORNING, date_quality=DateQuality.GIVEN)
    articles.save_extractions(db, run, [article_id], [dated])
    row = stored(db)
    assert (row["published_at"], row["date_quality"], row["date_source"]) == (NOON - DAY, quality.value, source)


@pytest.mark.parametrize("first", ["own", "other"])
@pytest.mark.parametrize(
    "own",
    [
        Feed(id="own", url="https://rss.harbour.example/feed", title="Harbour News"),
        Feed(id="own", url="https://hoster.example/7", title="Harbour News", site_url="https://www.harbour.example/"),
    ],
)
def test_another_sites_feed_neither_renames_nor_dates_the_article_of_an_outlet(
    db: Database, own: Feed, first: str
) -> None:
    other = Feed(id="other", url="https://spam.example/feed", title="Spam", site_url="https://spam.example/")
    url = "https://harbour.example/pool"
    shown = Entry(
        id="own",
        feed_id="own",
        guid=None,
        link=url,
        url=url,
        title="Pool is warm",
        summary="Short.",
        content=None,
        author="Ann",
        language="en",
        published_at=NOON,
        date_quality=DateQuality.GUESSED,
    )
    said = replace(
        shown,
        id="other",
        feed_id="other",
        title="Win at cards",
        content="Cards " * 500,
        author="Bob",
        published_at=NOON - 9000 * DAY,
        date_quality=DateQuality.GIVEN,
    )
    run = runs.begin_run(db, flow="test", night_at=NOON, started_at=NOON, settings={})
    feeds.save_feeds(db, run, [own, other])
    for entry in sorted([shown, said], key=lambda one: one.id != first):
        parsed = ParsedFeed(feed_id=entry.feed_id, title=None, entries=(entry,))
        document = store_entries.ReadDocument(feed_id=entry.feed_id, fetched_at=NOON, parsed=parsed)
        store_entries.save_parsed(db, run, [document])
    (source,) = articles.sources_of(db, [shown.article_id])
    assert (source.title, source.content, source.feed_title) == ("Pool is warm", None, "Harbour News")
    articles.save_extractions(db, run, [shown.article_id], [taken(shown.article_id)])
    assert stored(db)["published_at"] == NOON
    assert [row["author"] for row in db.rows("SELECT author FROM articles")] == ["Ann"]


def test_without_any_date_the_first_sight_stands_in_and_says_so(db: Database) -> None:
    run, article_id = seen(db, quality=DateQuality.MISSING)
    articles.save_extractions(db, run, [article_id], [taken(article_id)])
    assert (stored(db)["date_quality"], stored(db)["date_source"]) == ("missing", "first_seen")


def test_a_sites_own_paragraph_is_learned_over_nights_and_survives_in_no_later_text(db: Database) -> None:
    kept = []
    for night in range(4):
        run, article_id = seen(db, quality=DateQuality.GIVEN, title=f"Title {night}", night=night)
        text = taken(article_id, title=f"Title {night}", text=f"{LONG[night]}\n\n{FOOT}")
        lines = boilerplate_candidates([text])[MIN_TITLES]
        kept.append(
            drop_site_boilerplate(text, fingerprints.learn_boilerplate(db, run, lines, min_contexts=MIN_TITLES)).text
        )
    assert kept == [f"{LONG[0]}\n\n{FOOT}", f"{LONG[1]}\n\n{FOOT}", LONG[2], LONG[3]]


def test_a_text_is_to_compare_until_it_was_and_again_once_it_changed_whatever_the_clocks_say(db: Database) -> None:
    run, article_id = seen(db, quality=DateQuality.GIVEN)
    articles.save_extractions(db, run, [article_id], [taken(article_id)])
    assert fingerprints.articles_to_compare(db) == [article_id]
    ahead = replace(run, night_at=NOON + 9 * DAY)
    compared = [Fingerprint(article_id=article_id, text_hash="h", shingles=1, keys=(1,))]
    fingerprints.save_duplicates(db, ahead, compared, [], method="m")
    fingerprints.save_keys(db, run, compared, "other")
    assert fingerprints.articles_to_compare(db) == []
    run, _ = seen(db, quality=DateQuality.GIVEN, night=1)
    articles.save_extractions(db, run, [article_id], [taken(article_id, text_source_reason="read again")])
    assert fingerprints.articles_to_compare(db) == []
    run, _ = seen(db, quality=DateQuality.GIVEN, night=2)
    articles.save_extractions(db, run, [article_id], [taken(article_id, text=LONG[1])])
    assert fingerprints.articles_to_compare(db) == [article_id]
