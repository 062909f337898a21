"""Which sighting speaks for an article, which date counts, and when an edit is a version."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.extract.article_state import (
    ArticleDate,
    DateSource,
    Sighting,
    StoredArticle,
    article_date,
    first_seen_at,
    is_changed,
    makes_version,
    representative_sighting,
)
from newsclust.model import DateQuality, Extraction, TextSource

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OWN = ("https://rss.harbour.example/feed", None)
HOSTED = ("https://hoster.example/7", "https://www.harbour.example/")
OTHER = ("https://spam.example/feed", "not an address")


def sighting(
    entry_id: str,
    *,
    feed: tuple[str | None, ...] = OTHER,
    characters: int = 100,
    seen: datetime = NOON,
    at: datetime = NOON,
    quality: DateQuality = DateQuality.GIVEN,
) -> Sighting:
    return Sighting(
        entry_id=entry_id,
        feed_id=str(feed[0]),
        url="https://harbour.example/pool",
        feed_urls=feed,
        characters=characters,
        first_seen_at=seen,
        published_at=at,
        date_quality=quality,
    )


def extraction(
    title: str = "Pool",
    text: str = "Warm.",
    source: TextSource = TextSource.PAGE,
    at: datetime | None = None,
    quality: DateQuality = DateQuality.MISSING,
) -> Extraction:
    return Extraction(
        article_id="a",
        canonical_url="https://harbour.example/pool",
        title=title,
        text=text,
        language="en",
        language_source="text",
        author=None,
        text_source=source,
        published_at=at,
        date_quality=quality,
    )


def stored(
    title: str = "Pool",
    text: str = "Warm.",
    source: TextSource = TextSource.PAGE,
    date: DateSource | None = DateSource.FEED,
) -> StoredArticle:
    dated = ArticleDate(at=NOON - 2 * DAY, quality=DateQuality.GUESSED, source=date)
    return StoredArticle(title=title, text=text, text_source=source, date=dated)


@st.composite
def sightings(draw: st.DrawFn) -> list[Sighting]:
    moments = st.integers(0, 3).map(lambda days: NOON - days * DAY)
    ids = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True))
    return [
        sighting(
            entry_id,
            feed=draw(st.sampled_from([OWN, HOSTED, OTHER])),
            characters=draw(st.integers(0, 3)),
            seen=draw(moments),
            at=draw(moments),
            quality=draw(st.sampled_from(DateQuality)),
        )
        for entry_id in ids
    ]


@given(seen=sightings(), order=st.randoms(use_true_random=False))
def test_the_order_of_sightings_changes_nothing(seen: list[Sighting], order: random.Random) -> None:
    shuffled = list(seen)
    order.shuffle(shuffled)
    assert representative_sighting(shuffled) == representative_sighting(seen)
    assert article_date(shuffled, extraction()) == article_date(seen, extraction())
    assert first_seen_at(shuffled) == first_seen_at(seen)


@given(seen=sightings())
def test_one_more_sighting_of_another_sites_feed_never_replaces_the_own_feeds_word(seen: list[Sighting]) -> None:
    own = sighting("own", feed=OWN, characters=0, quality=DateQuality.GUESSED)
    speaks = representative_sighting([own, *seen])
    assert speaks.feed_urls in {OWN, HOSTED}


@pytest.mark.parametrize("own", [OWN, HOSTED])
def test_the_own_feed_goes_before_more_text(own: tuple[str | None, ...]) -> None:
    seen = [sighting("a", characters=900, seen=NOON - DAY), sighting("b", feed=own, characters=9)]
    assert representative_sighting(seen).entry_id == "b"


def test_more_text_goes_before_an_earlier_sighting_and_that_before_a_smaller_id() -> None:
    assert representative_sighting([sighting("a", seen=NOON - DAY), sighting("b", characters=101)]).entry_id == "b"
    assert representative_sighting([sighting("a"), sighting("b", seen=NOON - DAY)]).entry_id == "b"
    assert representative_sighting([sighting("b"), sighting("a")]).entry_id == "a"


def test_a_feed_alone_is_asked_for_no_site() -> None:
    seen = [sighting("a", feed=OWN), sighting("b", feed=OWN, characters=200)]
    assert representative_sighting(seen).entry_id == "b"


def test_an_article_is_as_old_as_its_first_sighting() -> None:
    assert first_seen_at([sighting("a"), sighting("b", seen=NOON - DAY)]) == NOON - DAY


@pytest.mark.parametrize(
    ("dates", "counts"),
    [
        # A date one can trust goes before the own feed, that before exactness, that before the earliest.
        ([("own", DateQuality.MISSING, 0), ("other", DateQuality.GUESSED, 1)], "other"),
        ([("own", DateQuality.GUESSED, 0), ("other", DateQuality.GIVEN, 1)], "own"),
        ([("other", DateQuality.GUESSED, 1), ("another", DateQuality.GIVEN, 0)], "another"),
        ([("other", DateQuality.GIVEN, 0), ("another", DateQuality.GIVEN, 1)], "another"),
        ([("other", DateQuality.FUTURE, 1), ("another", DateQuality.MISSING, 0)], "another"),
    ],
)
def test_the_best_date_counts(dates: list[tuple[str, DateQuality, int]], counts: str) -> None:
    feeds = {"own": OWN, "other": OTHER, "another": ("https://more.example/feed", None)}
    seen = [
        sighting(name, feed=feeds[name], quality=quality, at=NOON - days * DAY, characters=100 + days)
        for name, quality, days in dates
    ]
    (dated,) = [one for one in seen if one.entry_id == counts]
    found = article_date(seen, extraction())
    assert (found.at, found.quality) == (dated.published_at, dated.date_quality)


@pytest.mark.parametrize(
    ("quality", "page_at", "before", "source", "at"),
    [
        (DateQuality.GIVEN, NOON - DAY, DateSource.PAGE, DateSource.FEED, NOON),
        (DateQuality.GUESSED, NOON - DAY, None, DateSource.FEED, NOON),
        (DateQuality.INFERRED, NOON - DAY, None, DateSource.PAGE, NOON - DAY),
        (DateQuality.INFERRED, None, None, DateSource.FEED, NOON),
        (DateQuality.MISSING, NOON - DAY, DateSource.PAGE, DateSource.PAGE, NOON - DAY),
        (DateQuality.MISSING, NOON + DAY, None, DateSource.PAGE, NOON),
        (DateQuality.MISSING, None, DateSource.PAGE, DateSource.PAGE, NOON - 2 * DAY),
        (DateQuality.MISSING, None, DateSource.FEED, DateSource.FIRST_SEEN, NOON),
        (DateQuality.MISSING, None, None, DateSource.FIRST_SEEN, NOON),
        (DateQuality.FUTURE, NOON - DAY, DateSource.PAGE, DateSource.FIRST_SEEN, NOON),
    ],
)
def test_the_feed_dates_an_article_else_the_page_else_the_first_sight(
    quality: DateQuality, page_at: datetime | None, before: DateSource | None, source: DateSource, at: datetime
) -> None:
    taken = extraction(at=page_at, quality=DateQuality.GIVEN)
    found = article_date([sighting("a", quality=quality)], taken, stored(date=before))
    assert (found.source, found.at) == (source, at)
    assert article_date([sighting("a")], extraction()).source is DateSource.FEED


def test_another_title_or_text_is_a_change_and_so_is_the_first_text() -> None:
    assert is_changed(None, extraction())
    assert not is_changed(stored(), extraction())
    assert is_changed(stored(title="Pond"), extraction())
    assert is_changed(stored(text="Cold."), extraction())


def test_only_an_edit_of_a_text_from_the_same_kind_of_source_makes_a_version() -> None:
    assert makes_version(stored(text="Cold."), extraction())
    assert not makes_version(stored(text="Cold.", source=TextSource.FEED_CONTENT), extraction())
    assert not makes_version(stored(), extraction())
    assert not makes_version(None, extraction())
