"""Threads, lists of articles, and what pages say of themselves."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from newsclust.extract.metadata import PageDate, PageMetadata, read_metadata
from newsclust.extract.page import read_page
from newsclust.extract.select_text import select_text
from newsclust.model import DateQuality
from newsclust.text.sanitize import strip_controls
from tests.extract.test_extract import LONG, URL, page_of, source_of
from tests.extract.test_main_content import HEADLINES

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MORNING = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
SIX = [*HEADLINES, "Divers find a crate of keyboards in the dock", "Gulls learn to open the new bins"]


def read(html: str) -> str:
    return read_page(page_of(html.encode())).text


def post(author: str, title: str, words: str) -> str:
    profile = f"{author}\nMembre éclairé\nInscrit en\nMai 2011\nMessages\n1 234\n"
    forums = "Informations forums :\nInscription : Mai 2011\n"
    return f'<div class="post"><p>{profile}{forums}Par défaut {title}\n{words}</p></div>'


def article(seed: str, words: int) -> str:
    return "\n".join(f"{seed} sentence number {n} of the news desk says one thing more." for n in range(words // 10))


def test_of_a_thread_each_article_stands_and_no_reply() -> None:
    html = (
        post("desk", "The pool is heated by servers", article("First", 300))
        + post("bob", "", "I do not believe a word of it. " * 40)
        + post("desk", "Now the neighbours want it too", article("Second", 600))
        + post("eve", "", article("Reply", 600))
        + post("ann", "Re: Now the neighbours want it too", article("Answer", 600))
        + post("joe", "My own two cents on it", "Short, though titled.")
    )
    text = read(f"<html><body>{html}</body></html>")
    assert text.startswith("First sentence number 0")
    assert "Second sentence number 59" in text
    assert [word for word in ("believe", "Reply", "Answer", "titled", "Messages") if word in text] == []


def test_what_a_post_quotes_does_not_make_it_an_article() -> None:
    quoting = post("bob", "Look at what they wrote", "Ha.").replace(
        "Ha.", f"Ha. <blockquote>{article('Quoted', 700)}</blockquote>"
    )
    text = read(f"<html><body>{post('desk', 'The pool', article('First', 300))}{quoting}</body></html>")
    assert "Quoted" not in text


def listing(blurb: str, *, head: str = "", after: str = "") -> str:
    cards = "".join(
        f'<article><h2><a href="/news/{n}">{line}</a></h2><p>{blurb}</p></article>' for n, line in enumerate(SIX)
    )
    return f"<html><head>{head}</head><body><main><h1>News</h1>{cards}</main>{after}</body></html>"


@pytest.mark.parametrize("blurb", ["", LONG[0]])
def test_a_page_of_headlines_is_a_list_with_or_without_their_beginnings(blurb: str) -> None:
    page = read_page(page_of(listing(blurb).encode()))
    assert (page.headlines, page.text) == (6, "")


@pytest.mark.parametrize("row", ["<li>{} {}</li>", "<tr><td>1.</td><td>{}<br>{}</td></tr>", "<p><b>{}</b><br>{}</p>"])
@pytest.mark.parametrize("blurb", ["", LONG[0]])
def test_a_list_of_links_without_headings_is_a_list(row: str, blurb: str) -> None:
    rows = "".join(row.format(f'<a href="/news/{n}">{line}</a>', blurb) for n, line in enumerate(SIX))
    if "<tr>" in row:
        rows = f"<table>{rows}</table>"
    page = read_page(page_of(f"<html><body><main><h1>News</h1>{rows}</main></body></html>".encode()))
    assert (page.headlines, page.text) == (6, "")


def test_a_brief_beside_a_list_of_links_is_an_article() -> None:
    links = "".join(f'<li><a href="/news/{n}">{line}</a></li>' for n, line in enumerate(SIX))
    brief = "".join(f"<p>{text}</p>" for text in LONG[:3])
    html = f"<html><body><article><h1>The pool is warm</h1>{brief}</article><ul>{links}</ul></body></html>"
    page = read_page(page_of(html.encode()))
    assert page.headlines == 0
    assert page.text.startswith(LONG[0])


def test_a_page_that_stands_in_a_form_is_an_article_all_the_same() -> None:
    cards = "".join(f'<div><h3><a href="/news/{n}">{line}</a></h3></div>' for n, line in enumerate(SIX))
    own = "".join(f"<p>{text}</p>" for text in LONG)
    html = f'<html><body><form id="aspnetForm"><div>{cards}</div><article>{own}</article></form></body></html>'
    page = read_page(page_of(html.encode()))
    assert page.headlines == 0
    assert page.text.startswith(LONG[0])


def test_sentences_with_a_mark_behind_them_are_prose_all_the_same() -> None:
    own = "".join(f"<p>{text} *</p>" for text in LONG)
    assert read_page(page_of(listing(LONG[0], after=f"<article>{own}</article>").encode())).headlines == 0


def test_an_article_with_headlines_under_it_is_no_list() -> None:
    own = "".join(f"<p>{text}</p>" for text in LONG)
    page = read_page(page_of(listing(LONG[0], after=f"<article>{own}</article>").encode()))
    assert page.headlines == 0


def test_a_page_that_says_it_is_an_article_is_none_the_less_for_its_headlines() -> None:
    document = json.dumps({"@type": "NewsArticle", "headline": "Pool is warm"})
    head = f'<script type="application/ld+json">{document}</script>'
    assert read_page(page_of(listing(LONG[0], head=head).encode())).headlines == 0


def metadata_of(head: str, *, body: str = "") -> PageMetadata:
    tree = document_fromstring(f"<html><head>{head}</head><body>{body}</body></html>")
    return read_metadata(tree, URL, now=NOW)


def linked(node: Any) -> str:
    return f'<script type="application/ld+json">{node if isinstance(node, str) else json.dumps(node)}</script>'


@pytest.mark.parametrize(
    "head",
    [
        linked({"@type": "NewsArticle", "datePublished": "2026-11-20T09:30:00+01:00"}),
        linked(
            {"@graph": [{"@type": "WebPage"}, {"@type": ["BlogPosting"], "datePublished": "2026-11-20T08:30:00Z"}]}
        ),
        linked([{"@type": "Article", "datePublished": "Fri, 20 Nov 2026 08:30:00 GMT"}]),
        '<meta property="article:published_time" content="2026-11-20T08:30:00+00:00">',
        '<meta itemprop="datePublished" content="2026-11-20T03:30:00-0500">',
        linked("{broken") + '<meta name="date" content="2026-11-20T08:30Z">',
    ],
)
def test_the_date_that_a_page_writes_is_given_in_utc(head: str) -> None:
    assert metadata_of(head).published == PageDate(at=MORNING, quality=DateQuality.GIVEN)


@pytest.mark.parametrize("written", ["2026-11-20", "2026-11-20T00:00:00"])
def test_a_day_or_a_time_without_a_zone_is_a_guess(written: str) -> None:
    found = metadata_of(f'<meta property="article:published_time" content="{written}">').published
    assert found == PageDate(at=datetime(2026, 11, 20, tzinfo=UTC), quality=DateQuality.GUESSED)


@pytest.mark.parametrize(
    "written", ["2027-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "soon", "", "0001-01-01T00:00+23:59"]
)
def test_a_date_to_come_or_before_the_web_is_not_believed(written: str) -> None:
    assert metadata_of(f'<meta property="article:published_time" content="{written}">').published is None


def test_only_a_later_date_is_an_update() -> None:
    published = '<meta property="article:published_time" content="2026-11-20T08:30:00Z">'
    same = '<meta property="article:modified_time" content="2026-11-20T08:30:00Z">'
    assert metadata_of(published + same).updated is None
    moved = metadata_of(published + same.replace("08:30", "09:30")).updated
    assert moved is not None
    assert moved.at - MORNING == timedelta(hours=1)


def test_a_list_inside_a_page_does_not_make_it_an_article() -> None:
    items = [{"@type": "ListItem", "item": {"@type": "NewsArticle", "datePublished": "2026-11-20T08:30:00Z"}}]
    listed = {"@type": "CollectionPage", "mainEntity": {"@type": "ItemList", "itemListElement": items}}
    assert not metadata_of(linked(listed)).is_article


@pytest.mark.parametrize(
    ("head", "author"),
    [
        (
            linked({"@type": "Article", "author": [{"name": "Ada Quay"}, {"name": "By Tom  Pier"}]}),
            "Ada Quay, Tom Pier",
        ),
        (linked({"@type": "Article", "author": "Ada Quay"}), "Ada Quay"),
        ('<meta name="author" content="par Ada Quay">', "Ada Quay"),
        ('<meta property="article:author" content="https://paper.example/ada">', None),
        ("", None),
    ],
)
def test_the_author_is_a_name_and_no_address(head: str, author: str | None) -> None:
    assert metadata_of(head).author == author


HOSTILE = 'Ada\u202e<script>alert(1)</script> <b onclick="x()">Quay</b>\x1b[31m\u2066\x00\x9b'


def test_nothing_hostile_in_a_page_or_its_feed_is_left_in_the_article() -> None:
    own = "".join(f"<p>{text} {HOSTILE}</p>" for text in LONG)
    head = linked(json.dumps({"@type": "NewsArticle", "author": HOSTILE}).replace("</", "<\\/"))
    html = f"<html><head><title>{HOSTILE}</title>{head}</head><body><article>{own}</article></body></html>".encode()
    for source in (source_of(html), replace(source_of(html, content=f"<p>{HOSTILE}</p>"), page=None)):
        page = read_page(source.page) if source.page else None
        article = select_text(replace(source, title=""), page, None).extraction
        assert article is not None
        assert article.author == ("Ada Quay[31m" if page else None)
        for words in (
            article.title,
            article.text,
            article.author or "",
            article.canonical_url,
            article.text_source_reason,
        ):
            assert strip_controls(words) == words
        assert "<" not in article.text
        assert "alert" not in article.text


KEYS = st.sampled_from(["@type", "@graph", "author", "name", "datePublished", "dateModified"])
VALUES = st.none() | st.integers() | st.text() | st.sampled_from(["Article", "2026-11-20"])


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8))
def test_no_linked_data_crashes_the_reading(node: Any) -> None:
    assert isinstance(metadata_of(linked(json.dumps(node).replace("<", " "))), PageMetadata)
