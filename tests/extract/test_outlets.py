"""Whose word an article is: a link makes nobody an outlet."""

import pytest

from newsclust.extract.outlets import bears_out, outlet_of, speaks_for, teller_name
from newsclust.model import Extraction, TextSource

PAGE = "https://paper.example/news/pool"


def extraction(
    *, source: TextSource, title: str = "Pool is warm", page_title: str | None = "Pool is warm"
) -> Extraction:
    return Extraction(
        article_id="a", canonical_url=PAGE, title=title, text="The town heats its pool with servers.", language="en",
        language_source="text", author=None, text_source=source, page_title=page_title,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("feed", "url", "speaks"),
    [
        ("https://rss.paper.example/feed", "https://www.paper.example/a", True),
        ("https://paper.example.evil.example/feed", "https://paper.example/a", False),
        ("https://evil.example/paper.example/feed", "https://paper.example/a", False),
        ("https://evil.substack.com/feed", "https://paper.substack.com/p/a", False),
        ("https://evil.github.io/feed", "https://paper.github.io/a", False),
        ("https://paper.example@evil.example/feed", "https://paper.example/a", False),
        ("not an address", "https://paper.example/a", False),
    ],
)
def test_a_feed_speaks_for_the_site_that_it_stands_on(feed: str, url: str, *, speaks: bool) -> None:
    assert speaks_for([None, feed], url) is speaks


@pytest.mark.parametrize(
    ("source", "teller", "page_url", "outlet"),
    [
        (TextSource.PAGE, None, PAGE, "paper.example"),
        (TextSource.PAGE, "hub.example", PAGE, "paper.example"),
        (TextSource.FEED_CONTENT, None, None, "paper.example"),
        (TextSource.FEED_CONTENT, "hub.example", None, "hub.example"),
        (TextSource.FEED_SUMMARY, "hub.example", PAGE, "hub.example"),
        (TextSource.PAGE, "hub.example", "https://other.example/pool", "other.example"),
    ],
)
def test_an_outlet_is_the_pages_site_or_who_told_it(
    source: TextSource, teller: str | None, page_url: str | None, outlet: str
) -> None:
    assert outlet_of(extraction(source=source), url=PAGE, teller=teller, page_url=page_url) == outlet


def test_a_page_lends_its_name_to_no_title_that_it_does_not_bear_out() -> None:
    said = extraction(source=TextSource.PAGE, title="Minister resigns over stolen money")
    assert outlet_of(said, url=PAGE, teller="evil.example", page_url=PAGE) == "evil.example"


@pytest.mark.parametrize(
    ("title", "is_so"),
    [
        ("Pool is warm", True),
        ("Servers heat the pool of a town", True),
        ("A town's servers: why they heat", True),
        ("Ask: ?", True),
        ("Minister resigns over stolen money", False),
        ("Pool closed after poisoning of swimmers", False),
    ],
)
def test_a_page_bears_out_a_title_of_its_own_words(title: str, *, is_so: bool) -> None:
    page = "The town heats its pool with servers."
    assert bears_out(title, page_title="Pool is warm", page_text=page) is is_so


def test_the_paths_of_a_host_of_feeds_are_outlets_of_their_own() -> None:
    assert teller_name("https://feeds.feedburner.com/TownNews?format=xml") == "feeds.feedburner.com/TownNews"
    assert teller_name("https://www.hub.example/rss") == "hub.example"
