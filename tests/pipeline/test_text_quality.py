"""Articles of which nobody gives the text, pages that are walls, and what comes of both in later nights."""

from dataclasses import replace

import pytest

from newsclust.errors import Reason
from newsclust.model import Count, PagePolicy, TextQuality
from tests.fakes import Answer
from tests.pipeline.test_pipeline import READ, STEPS, THREE, Item, Nights, article_id, feed, nights, prose, rss

__all__ = ["nights"]  # a fixture
WALL = Answer(body="<p>A small ferry of letters crosses here. Whoever stays on the quay sees it come back.</p>")
TITLES = ["Town heats its pool with servers", "Chess engine beats its maker", "Fibre reaches the last village"]
LINKS = [f"https://three.example/c{number}" for number in range(3)]
GROUPED = STEPS[: STEPS.index("prune")]


def headlines(*texts: str) -> dict[str, Answer]:
    items = (Item(link=link, title=title, text=text) for link, title, text in zip(LINKS, TITLES, texts, strict=False))
    return {THREE.url: rss(*items)}


def test_a_headline_whose_page_is_refused_is_an_article_of_its_own_in_a_story(nights: Nights) -> None:
    refused = Answer(status=403, reason=Reason.FORBIDDEN)
    web = headlines("", "", "") | dict.fromkeys(LINKS, refused)
    counts = nights.live(web, [THREE], names=GROUPED)
    assert counts["extract_articles"] == Count(done=3)
    stored = nights.rows("SELECT title, text, text_quality, text_source FROM articles ORDER BY url")
    assert stored == [(title, "", "headline", "title") for title in TITLES]
    assert nights.rows("FROM duplicates") == []
    assert nights.rows("SELECT count(*) FROM embeddings") == [(3,)]
    assert nights.rows("SELECT count(DISTINCT article_id) FROM story_articles WHERE left_at IS NULL") == [(3,)]
    assert nights.rows("SELECT step, reason, count(*) FROM failures GROUP BY ALL") == [
        ("fetch_pages", "forbidden", 3)
    ]


def test_a_headline_is_filled_in_when_its_page_comes_and_a_text_is_never_emptied(nights: Nights) -> None:
    web = headlines("") | {LINKS[0]: Answer(status=503, reason=Reason.SERVER_ERROR)}
    nights.live(web, [THREE], names=READ)
    assert nights.rows("SELECT text_quality FROM articles") == [("headline",)]
    nights.live(web | {LINKS[0]: Answer(body=f"<p>{prose('page')}</p>")}, [THREE], days=1, names=READ)
    assert nights.rows("SELECT text, text_quality FROM articles") == [(prose("page"), "full")]
    assert nights.rows("FROM article_versions") == []
    never = replace(THREE, pages=PagePolicy.NEVER)
    edited = {THREE.url: rss(Item(link=LINKS[0], title="Town heats its pool no more", text=""))}
    nights.live(edited | {LINKS[0]: WALL}, [never], days=2, names=READ)
    assert nights.rows("SELECT text FROM articles") == [(prose("page"),)]


def test_a_page_in_the_same_words_under_titles_that_it_says_nothing_of_is_a_wall(nights: Nights) -> None:
    other = feed("https://four.example/feed", pages=THREE.pages)
    fourth = "https://four.example/d"
    web = headlines("one thing", "another thing") | dict.fromkeys([*LINKS, fourth], WALL)
    web |= {other.url: rss(Item(link=fourth, title="Mayor wins again by a hair", text="a third thing"))}
    counts = nights.live(web, [THREE, other], names=GROUPED)
    assert counts["extract_articles"] == Count(done=3, failed=3)
    assert nights.rows("SELECT text, text_quality FROM articles ORDER BY url") == [
        ("#0 a third thing", "wall"),
        ("#0 one thing", "wall"),
        ("#0 another thing", "wall"),
    ]
    assert nights.rows("FROM duplicates") == []
    assert nights.rows("SELECT step, reason, count(*) FROM failures GROUP BY ALL") == [
        ("extract_articles", "wall", 3)
    ]


def test_a_wall_known_later_takes_its_words_back_from_the_article_that_had_them(nights: Nights) -> None:
    nights.live(headlines("one thing") | {LINKS[0]: WALL}, [THREE], names=READ)
    assert nights.rows("SELECT text_quality FROM articles") == [("full",)]
    web = headlines("one thing", "another thing") | dict.fromkeys(LINKS, WALL)
    nights.live(web, [THREE], days=1, names=READ)
    assert nights.rows("SELECT text, text_quality FROM articles ORDER BY url") == [
        ("#0 one thing", "wall"),
        ("#0 another thing", "wall"),
    ]


def test_a_wall_is_tried_again_on_two_more_nights_and_its_article_read_when_it_lets_us_in(nights: Nights) -> None:
    web = headlines("one thing", "another thing") | dict.fromkeys(LINKS, WALL)
    asked = []
    for days in range(5):
        nights.live(web, [THREE], days=days, names=READ)
        asked.append((LINKS[0] in nights.asked, LINKS[1] in nights.asked))
    assert asked == [(days < 3, days < 3) for days in range(5)]
    changed = headlines("one thing more", "another thing") | {LINKS[0]: WALL}
    nights.live(changed, [THREE], days=5, names=READ)
    nights.live(changed | {LINKS[0]: Answer(body=f"<p>{prose('page')}</p>")}, [THREE], days=6, names=READ)
    (stored,) = nights.rows(f"SELECT text, text_quality FROM articles WHERE article_id = '{article_id(LINKS[0])}'")
    assert stored == (prose("page"), "full")
    nights.live(changed, [THREE], days=7, names=READ)
    assert LINKS[0] not in nights.asked


@pytest.mark.parametrize("quality", list(TextQuality))
def test_each_quality_is_one_word(quality: TextQuality) -> None:
    assert quality.isalpha()
    assert quality.islower()


def test_a_page_that_only_sends_on_gives_the_page_where_it_leads(nights: Nights) -> None:
    onward = "<meta http-equiv='refresh' content='0; url=https://pier.example/pool'>"
    web = headlines("short") | {LINKS[0]: Answer(body=onward)}
    counts = nights.live(
        web | {"https://pier.example/pool": Answer(body=f"<p>{prose('page')}</p>")}, [THREE], names=READ
    )
    assert counts["fetch_pages"] == Count(done=1)
    assert nights.rows("SELECT text, text_quality FROM articles") == [(prose("page"), "full")]
    assert nights.rows("FROM failures") == []


def test_pages_that_send_each_other_on_end_with_a_reason(nights: Nights) -> None:
    there, back = (f"<meta http-equiv='refresh' content='0; url={link}'>" for link in ("/there", LINKS[0]))
    web = headlines("short") | {LINKS[0]: Answer(body=there), "https://three.example/there": Answer(body=back)}
    nights.live(web, [THREE], names=READ)
    assert nights.rows("SELECT step, reason FROM failures") == [("fetch_pages", "too_many_redirects")]
    assert nights.rows("SELECT text, text_quality FROM articles") == [("#0 short", "partial")]
