"""Nights with a hostile feed: what it says of others is its own word, and takes nothing from theirs."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsclust.model import PagePolicy
from newsclust.sources.opml import read_opml
from tests.fakes import Answer
from tests.pipeline.test_pipeline import NIGHT, READ, Item, Nights, Web, feed, prose, rss

pytestmark = pytest.mark.slow

EVIL = feed("https://evil.example/feed")
VICTIM = feed("https://victim.example/feed")
FAMOUS = [f"https://famous{number}.example/news-{number}" for number in range(6)]
DEDUPLICATED = [*READ, "find_duplicates"]


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def outlets(nights: Nights) -> dict[str, tuple[str, str]]:
    """Outlet and linked host of each article, by address."""
    return {url: (outlet, named) for url, outlet, named in nights.rows("SELECT url, outlet, links_to FROM articles")}


def other_news() -> Answer:
    return rss(*(Item(link=f"https://victim.example/other-{tag}", tag=tag) for tag in range(2, 8)))


def page(title: str, text: str, head: str = "") -> Answer:
    return Answer(body=f"<html><head><title>{title}</title>{head}</head><body><p>{text}</p></body></html>")


# --- one feed poses as six outlets


def test_one_feed_that_links_to_six_hosts_is_one_outlet(nights: Nights) -> None:
    web: Web = {EVIL.url: rss(*(Item(link=link, tag=1) for link in FAMOUS)), VICTIM.url: other_news()}
    nights.live(web, [EVIL, VICTIM])
    assert nights.rows(
        "SELECT articles, outlets, independent_outlets, first_outlet FROM story_sources WHERE articles = 6"
    ) == [(6, 1, 1, "evil.example")]
    assert nights.rows("SELECT outlets FROM current_stories WHERE articles = 6") == [(1,)]
    assert nights.rows(
        "SELECT DISTINCT outlet, publisher FROM current_story_articles WHERE links_to LIKE 'famous%'"
    ) == [("evil.example", "evil.example")]
    assert outlets(nights)[FAMOUS[0]] == ("evil.example", "famous0.example")


def test_six_hosts_of_one_domain_are_one_outlet(nights: Nights) -> None:
    links = [f"https://desk{number}.evil.example/story-{number}" for number in range(6)]
    nights.live(
        {EVIL.url: rss(*(Item(link=link, tag=1) for link in links)), VICTIM.url: other_news()}, [EVIL, VICTIM]
    )
    assert nights.rows("SELECT independent_outlets FROM story_sources WHERE articles = 6") == [(1,)]


def test_six_feeds_of_one_domain_are_one_outlet(nights: Nights) -> None:
    feeds = [feed(f"https://feed{number}.evil.example/rss") for number in range(6)]
    web = {one.url: rss(Item(link=FAMOUS[at], tag=1)) for at, one in enumerate(feeds)}
    nights.live(web | {VICTIM.url: other_news()}, [*feeds, VICTIM])
    assert nights.rows("SELECT articles, independent_outlets FROM story_sources WHERE articles = 6") == [(6, 1)]


def test_an_aggregators_article_is_the_word_of_the_page_that_was_fetched(nights: Nights) -> None:
    collects = feed("https://hub.example/feed", pages=PagePolicy.ALWAYS)
    items = [Item(link=link, text="", title=f"Harbour pool {at} is warm") for at, link in enumerate(FAMOUS[:3])]
    pages = {item.link: page(item.title, f"Harbour pool is warm. {prose(item.link)}") for item in items[:2]}
    nights.live({collects.url: rss(*items)} | pages, [collects], names=READ)
    told = outlets(nights)
    assert {told[link][0] for link in FAMOUS[:2]} == {"famous0.example", "famous1.example"}


def test_a_title_that_the_page_does_not_bear_out_is_not_its_outlets(nights: Nights) -> None:
    lying = replace(EVIL, pages=PagePolicy.ALWAYS)
    item = Item(link=FAMOUS[0], text="", title="Minister resigns over stolen turbine money")
    long = " ".join(prose(str(part)) for part in range(4))
    nights.live({lying.url: rss(item), item.link: page("Harbour pool is warm", long)}, [lying], names=READ)
    assert nights.rows("SELECT title, outlet FROM articles") == [
        ("Minister resigns over stolen turbine money", "evil.example")
    ]


# --- a feed names itself another site's own


def story(link: str = "https://victim.example/bridge", **fields: Any) -> Item:
    return replace(Item(link=link, title="The bridge opens in May", text=prose("the true text")), **fields)


LIE = story(title="The bridge fell down", text=prose("a lie", words=400), at=NIGHT - timedelta(hours=9))


def told_of(nights: Nights, url: str = "https://victim.example/bridge") -> list[tuple[Any, ...]]:
    return nights.rows(
        f"SELECT title, starts_with(text, '#0 {prose('the true text')[:40]}'), published_at, outlet "
        f"FROM articles WHERE url = '{url}'"
    )


TRUE_WORDS = [("The bridge opens in May", True, (NIGHT - timedelta(hours=3)).replace(tzinfo=None), "victim.example")]


@pytest.mark.parametrize("site", ["https://victim.example/", "https://www.victim.example/news", None])
def test_a_feed_that_calls_itself_another_sites_does_not_replace_its_words(nights: Nights, site: str | None) -> None:
    hostile = replace(EVIL, site_url=site)
    nights.live({VICTIM.url: rss(story()), hostile.url: rss(LIE)}, [VICTIM, hostile], names=READ)
    assert told_of(nights) == TRUE_WORDS


def test_a_list_of_others_does_not_make_a_feed_another_sites(nights: Nights) -> None:
    opml = (
        "<opml version='2.0'><body><outline type='rss' text='a' xmlUrl='https://evil.example/feed' "
        "htmlUrl='https://victim.example/'/></body></opml>"
    )
    (hostile,) = read_opml(opml.encode()).feeds
    hostile = replace(hostile, pages=PagePolicy.NEVER)
    nights.live({VICTIM.url: rss(story()), hostile.url: rss(LIE)}, [VICTIM, hostile], names=READ)
    assert told_of(nights) == TRUE_WORDS


def test_a_feed_that_shows_a_sites_article_alone_says_it_in_its_own_name(nights: Nights) -> None:
    nights.live({EVIL.url: rss(LIE)}, [replace(EVIL, site_url="https://victim.example/")], names=READ)
    assert [row[-1] for row in told_of(nights)] == ["evil.example"]


HOSTED = replace(feed("https://feeds.hoster.example/victim"), site_url="https://victim.example/")
NAMES_IT = "<link rel='alternate' type='application/rss+xml' href='http://feeds.hoster.example/victim/'>"


def test_a_feed_on_another_host_speaks_for_the_site_that_names_it(nights: Nights) -> None:
    web = {HOSTED.url: rss(story()), EVIL.url: rss(LIE), "https://victim.example/": page("Home", "News.", NAMES_IT)}
    nights.live(web, [HOSTED, EVIL], names=READ)
    assert told_of(nights) == TRUE_WORDS
    assert nights.rows("SELECT site, is_confirmed FROM feed_sites") == [("victim.example", True)]
    nights.live(web, [HOSTED, EVIL], days=1, names=READ)
    assert "https://victim.example/" not in nights.asked


def test_a_feed_whose_entries_all_lead_to_one_site_needs_nobody_to_say_whose_it_is(nights: Nights) -> None:
    bare = replace(HOSTED, site_url=None)
    items = [story(), *(Item(link=f"https://victim.example/{tag}", tag=tag) for tag in range(3))]
    web = {bare.url: rss(*items), "https://victim.example/": page("Home", "News.", NAMES_IT)}
    nights.live(web, [bare], names=READ)
    assert {outlet for outlet, _ in outlets(nights).values()} == {"victim.example"}


def test_an_article_that_names_the_feed_makes_the_site_its_own(nights: Nights) -> None:
    hosted = replace(HOSTED, pages=PagePolicy.ALWAYS)
    web = {hosted.url: rss(story()), story().link: page(story().title, prose("the true text"), NAMES_IT)}
    nights.live(web, [hosted], names=READ)
    nights.live(web, [hosted], days=8, names=READ)
    assert nights.rows("SELECT is_confirmed, why FROM feed_sites") == [
        (True, "the page https://victim.example/bridge names the feed")
    ]


@pytest.mark.parametrize(
    "home",
    [
        "<a href='https://evil.example/feed'>a reader's own feed</a>",
        "<link rel='alternate' type='application/rss+xml' href='https://victim.example/feed'>",
        "<link rel='alternate' hreflang='fr' href='https://evil.example/feed'>",
    ],
)
def test_a_site_names_a_feed_by_its_head_alone(nights: Nights, home: str) -> None:
    hostile = replace(EVIL, site_url="https://victim.example/")
    web = {VICTIM.url: rss(story()), hostile.url: rss(LIE), "https://victim.example/": page("Home", "News.", home)}
    nights.live(web, [VICTIM, hostile], names=READ)
    assert told_of(nights) == TRUE_WORDS
    assert nights.rows("SELECT is_confirmed FROM feed_sites") == [(False,)]


def test_a_long_lie_does_not_keep_the_true_page_from_being_fetched(nights: Nights) -> None:
    hub, liar = (replace(feed(url), pages=PagePolicy.AUTO) for url in ("https://hub.example/rss", EVIL.url))
    long = " ".join(prose(f"true {part}") for part in range(4))
    web = {
        hub.url: rss(story(text="")),
        liar.url: rss(replace(LIE, title=story().title)),
        story().link: page(story().title, f"The bridge opens in May, and {long}"),
    }
    nights.live(web, [hub, liar], names=READ)
    assert nights.rows("SELECT outlet, text_source FROM articles") == [("victim.example", "page")]


# --- a feed deletes a sentence of another site, or hides a copy


SENTENCE = "The pumps were tested twice before the vote and failed both times."


def test_links_to_pages_that_nobody_fetched_teach_no_boilerplate_of_their_site(nights: Nights) -> None:
    items = [
        Item(link=f"https://victim.example/none-{tag}", tag=tag, text=f"</p><p>{SENTENCE}</p><p>{prose(str(tag))}")
        for tag in range(4)
    ]
    true = story(text=f"{prose('a')}</p><p>{SENTENCE}</p><p>{prose('b')}")
    nights.live({EVIL.url: rss(*items)}, [EVIL], names=READ)
    nights.live({EVIL.url: rss(*items), VICTIM.url: rss(true)}, [EVIL, VICTIM], days=1, names=READ)
    assert nights.rows(f"SELECT contains(text, '{SENTENCE}') FROM articles WHERE outlet = 'victim.example'") == [
        (True,)
    ]


def test_one_page_under_three_titles_teaches_nothing_of_itself(nights: Nights) -> None:
    collects = replace(EVIL, pages=PagePolicy.ALWAYS)
    body = f"{prose('a')}</p><p>{SENTENCE}</p><p>{prose('b')}"
    items = [Item(link=f"https://victim.example/bridge?v={n}", title=f"Pumps failed {n}", text="") for n in range(4)]
    web = {item.link: page("The bridge opens in May", body) for item in items}
    nights.live(web | {collects.url: rss(*items)}, [collects], names=READ)
    nights.live({VICTIM.url: rss(story(text=body))}, [VICTIM], days=1, names=READ)
    assert nights.rows("SELECT contains(text, '" + SENTENCE + "') FROM articles WHERE url LIKE '%/bridge'") == [
        (True,)
    ]


def test_a_copy_is_found_whatever_another_feed_repeats_of_it(nights: Nights) -> None:
    body = [f"{prose(str(part), words=12)}." for part in range(8)]
    whole = " ".join(body)
    stuffed = [Item(link=f"https://victim.example/none-{n}", text=f"{whole} {prose(f'tail {n}')}.") for n in range(4)]
    nights.live({EVIL.url: rss(*stuffed)}, [EVIL], names=DEDUPLICATED)
    copier = feed("https://copier.example/feed")
    web = {VICTIM.url: rss(story(text=whole)), copier.url: rss(Item(link="https://copier.example/x", text=whole))}
    nights.live(web, [VICTIM, copier], days=1, names=DEDUPLICATED)
    assert nights.rows(
        "SELECT a.outlet FROM duplicates JOIN articles AS a USING (article_id) WHERE a.outlet <> 'evil.example'"
    ) in (
        [("copier.example",)],
        [("copier.example",), ("victim.example",)],
        [("victim.example",), ("copier.example",)],
    )


# --- a date is no evidence of what nobody saw


def originals(nights: Nights) -> list[tuple[str, ...]]:
    return nights.rows(
        "SELECT articles.outlet FROM articles ANTI JOIN duplicates USING (article_id) WHERE url LIKE '%bridge%'"
    )


COPY = Item(link="https://evil.example/bridge", title="The bridge opens in May", text=prose("the true text"))
NOTHING = rss(Item(link="https://evil.example/none", tag=3))


def test_a_copy_dated_before_its_feeds_last_poll_is_not_the_original(nights: Nights) -> None:
    nights.live({EVIL.url: NOTHING}, [EVIL], names=DEDUPLICATED)
    copy = replace(COPY, at=NIGHT - timedelta(minutes=1))
    nights.live({VICTIM.url: rss(Item(link="https://victim.example/old", tag=4))}, [VICTIM], days=0.5, names=READ)
    web = {EVIL.url: rss(copy), VICTIM.url: rss(story(at=NIGHT + timedelta(hours=13)))}
    nights.live(web, [EVIL, VICTIM], days=1, names=DEDUPLICATED)
    assert nights.rows("SELECT outlet, attested_at FROM articles WHERE url LIKE '%bridge' ORDER BY outlet") == [
        ("evil.example", NIGHT.replace(tzinfo=None)),
        ("victim.example", (NIGHT + timedelta(hours=13)).replace(tzinfo=None)),
    ]


def test_an_edited_article_stays_the_original_of_copies_that_came_after_it(nights: Nights) -> None:
    true = story(at=NIGHT - timedelta(hours=3))
    nights.live({EVIL.url: NOTHING, VICTIM.url: rss(true)}, [EVIL, VICTIM], names=DEDUPLICATED)
    edited = replace(true, text=prose("the true text") + " Mended.")
    copy = replace(COPY, text=edited.text, at=true.at - timedelta(minutes=1))
    web = {EVIL.url: rss(copy), VICTIM.url: rss(edited)}
    nights.live(web, [EVIL, VICTIM], days=1, names=DEDUPLICATED)
    assert originals(nights) == [("victim.example",)]
    nights.live(web, [EVIL, VICTIM], days=1.1)
    assert nights.rows("SELECT first_outlet FROM story_sources WHERE duplicates > 0") == [("victim.example",)]


def test_a_feed_that_was_never_polled_before_dates_nothing_to_be_first(nights: Nights) -> None:
    nights.live({VICTIM.url: rss(Item(link="https://victim.example/old", tag=4))}, [VICTIM], names=DEDUPLICATED)
    true = story(at=NIGHT + timedelta(hours=5))
    web = {VICTIM.url: rss(true), EVIL.url: rss(replace(COPY, at=true.at - timedelta(minutes=1)))}
    nights.live(web, [EVIL, VICTIM], days=1, names=DEDUPLICATED)
    assert originals(nights) == [("victim.example",)]


def test_a_date_that_the_polls_do_not_contradict_still_says_who_was_first(nights: Nights) -> None:
    first, second = VICTIM, feed("https://copier.example/feed")
    nights.live({first.url: NOTHING, second.url: NOTHING}, [first, second], names=DEDUPLICATED)
    at = NIGHT + timedelta(hours=5)
    late = replace(COPY, link="https://copier.example/bridge", at=at + timedelta(minutes=9))
    web = {first.url: rss(story(at=at)), second.url: rss(late)}
    nights.live(web, [first, second], days=1, names=DEDUPLICATED)
    assert originals(nights) == [("victim.example",)]


# --- one outlet has one voice


def test_five_variants_of_one_outlet_do_not_name_a_story(nights: Nights) -> None:
    variants = [Item(link=f"https://evil.example/{n}", tag=1, title=f"#1 #7 Buy now {n}") for n in range(5)]
    true = feed("https://one.example/feed"), feed("https://two.example/feed")
    web = {EVIL.url: rss(*variants), VICTIM.url: other_news()} | {
        one.url: rss(Item(link=f"{one.url}/a", tag=1, title="#1 The bridge opens")) for one in true
    }
    nights.live(web, [EVIL, VICTIM, *true])
    assert nights.rows("SELECT articles FROM story_sources WHERE articles = 7") == [(7,)]
