"""Text that extractors lose, and comments that they keep: hidden paragraphs, lists, leads, what a script draws."""

import json

import pytest

from newsclust.extract.page import read_page
from tests.extract.test_extract import LONG, page_of

HEADLINE = "<h1>Town heats pool with servers</h1>"
TEXT = [f"<p>{paragraph}</p>" for paragraph in LONG]
LEAD = "The pool is warm since spring, and nobody paid for gas."
ONE, TWO = "Wharf committee", "Lantern quay"


def read(body: str, head: str = "") -> str:
    html = (
        f"<!doctype html><html><head><meta charset='utf-8'><title>Pool</title>{head}</head><body>{body}</body></html>"
    )
    return read_page(page_of(html.encode())).text


def article(*parts: str) -> str:
    return f"<article>{HEADLINE}{''.join(parts)}</article>"


@pytest.mark.parametrize(
    "hidden",
    [
        f"<p class='paywall' aria-hidden='true'>{ONE} {LONG[1]}</p>",
        f"<div aria-hidden='true'><p>{ONE} {LONG[1]}</p></div>",
        f"<section aria-hidden='true'><div><p>{ONE} {LONG[1]}</p></div></section>",
        f"<p><span aria-hidden='true'>{ONE} {LONG[1]}</span></p>",
        f"<ul><li aria-hidden='true'>{ONE} is an item that readers want.</li><li>And so is this item.</li></ul>",
    ],
)
def test_hidden_paragraphs_among_others_belong_to_the_text(hidden: str) -> None:
    assert ONE in read(article(*TEXT[:3], hidden, *TEXT[3:]))


def test_what_pops_up_over_a_text_stays_hidden() -> None:
    popup = f"<div aria-hidden='true' class='modal'><p>{ONE}: subscribe to the letter of this harbour</p></div>"
    assert ONE not in read(article(*TEXT, popup))


@pytest.mark.parametrize("box", ["{}", "<div>{}</div>", "<div id='x'>{}</div>", "<center>{}</center>"])
def test_lists_of_a_page_without_containers_belong_to_the_text(box: str) -> None:
    inner = (
        f"{HEADLINE}{TEXT[0]}{TEXT[1]}<ul><li>First, the {ONE}, which wrote in May.</li><li>Then others.</li></ul>"
        f"{TEXT[2]}<ol><li>The {TWO} is the second of them.</li></ol>"
    )
    text = read(box.format(inner) + "<footer>Imprint of the harbour</footer>")
    assert ONE in text
    assert TWO in text
    assert "Imprint" not in text


@pytest.mark.parametrize(
    "cell",
    [
        f"<ul><li>{ONE}</li><li>{TWO}</li></ul>",
        f"<ol><li>{ONE}<ul><li>{TWO}</li></ul></li></ol>",
        f"<dl><dt>{ONE}</dt><dd>{TWO}</dd></dl>",
    ],
)
def test_lists_in_the_cells_of_a_table_are_words_of_it(cell: str) -> None:
    text = read(
        article(*TEXT, f"<table><tr><th>Old</th><th>New</th></tr><tr><td>A1</td><td>{cell}</td></tr></table>")
    )
    assert f"{ONE} {TWO}" in text


def links(one: str, two: str) -> str:
    return f"<ul><li><a href='{one}'>{ONE}</a></li><li><a href='{two}'>{TWO}</a></li></ul>"


@pytest.mark.parametrize(
    "listed",
    [
        f"<p>There are rules for:</p>{links('https://a.example/1', 'https://b.example/2')}",
        f"<p>There are rules for:</p>{links('/1', '/2')}",
        f"<h2>Sources</h2>{links('https://a.example/1', 'https://b.example/2')}",
    ],
)
def test_a_list_of_links_of_the_text_belongs_to_it(listed: str) -> None:
    text = read(article(*TEXT[:3], listed, *TEXT[3:]))
    assert ONE in text
    assert TWO in text


@pytest.mark.parametrize(
    "listed",
    [
        f"<h3>Share</h3>{links('https://www.facebook.com/sharer', 'https://x.com/share')}",
        f"<p>Related articles:</p>{links('https://a.example/1', 'https://b.example/2')}",
        f"<h3>Sections</h3>{links('/sports', '/harbour')}",
    ],
)
def test_ways_to_share_and_other_articles_are_no_text(listed: str) -> None:
    assert ONE not in read(article(*TEXT, listed))


@pytest.mark.parametrize(
    "above",
    [
        f"<header>{HEADLINE}<p class='standfirst'>{LEAD}</p></header>",
        f"<header>{HEADLINE}<p>{LEAD}</p></header>",
        f"<header>{HEADLINE}<h2 class='article-chapo'>{LEAD}</h2><time>10:00</time></header>",
        f"<header>{HEADLINE}<div class='article__lead'>{LEAD}</div><figure><img src='i.png'></figure></header>",
        f"<div class='head'>{HEADLINE}<p class='intro'>{LEAD}</p></div>",
        f"<header><hgroup>{HEADLINE}<p>{LEAD}</p></hgroup></header>",
    ],
)
def test_the_lead_above_an_article_is_the_first_of_its_paragraphs(above: str) -> None:
    assert read(f"<article>{above}<div class='body'>{''.join(TEXT)}</div></article>").split("\n\n")[:2] == [
        LEAD,
        LONG[0],
    ]


def test_byline_and_subtitle_among_date_and_picture_are_no_lead() -> None:
    header = f"<header>{HEADLINE}<p class='dek'>{LEAD}</p><p class='lead'>By Ada Quay of the {ONE} on Friday.</p>"
    text = read(f"<article>{header}<time>10:00</time></header>{''.join(TEXT)}</article>")
    assert text == "\n\n".join(LONG)


COMMENTS = "".join(
    f"<div class=msg><b>user</b><p>I think, {ONE}, that this is good for us, as others said.</p></div>" * 6
)


@pytest.mark.parametrize(
    "heading",
    [
        "<h3>6 comments</h3>",
        "<h2>Comments (6)</h2>",
        "<h4>Commentaires</h4>",
        "<h3>6 réactions</h3>",
        "<h3>Leave a comment</h3>",
        "<h3>6 thoughts on “Town heats pool”</h3>",
        "<div class='title'>6 comments</div>",
        "<header><h3>6 comments</h3></header>",
        "<p><strong>6 commentaires</strong></p>",
    ],
)
def test_comments_in_the_article_are_no_text(heading: str) -> None:
    assert read(article(*TEXT, f"<section>{heading}{COMMENTS}</section>")) == "\n\n".join(LONG)
    if heading.startswith("<h"):
        assert ONE not in read(article(*TEXT, heading, COMMENTS))


def test_a_count_of_comments_above_or_within_a_text_cuts_nothing() -> None:
    assert LONG[4] in read(article("<p>6 comments</p>", *TEXT))
    assert LONG[4] in read(article(*TEXT[:3], "<div><span>6 comments</span></div>", *TEXT[3:]))
    assert LONG[4] in read(article(*TEXT[:3], "<p>Comments that were sent to us say the same.</p>", *TEXT[3:]))


def stated(node: object) -> str:
    return f"<script type='application/ld+json'>{json.dumps(node)}</script>"


BODY = {"@type": "NewsArticle", "articleBody": "\n\n".join(LONG)}


@pytest.mark.parametrize(
    "node",
    [
        BODY,
        [BODY],
        {"@graph": [{"@type": "WebSite"}, BODY]},
        {"@type": "WebPage", "mainEntity": BODY},
        {
            "@type": "LiveBlogPosting",
            "liveBlogUpdate": [{"@type": "BlogPosting", "articleBody": one} for one in LONG],
        },
        BODY | {"articleBody": "".join(TEXT)},
        BODY | {"articleBody": "".join(TEXT).replace("<", "&lt;").replace(">", "&gt;")},
    ],
)
def test_a_page_that_a_script_draws_gives_the_text_of_its_json_ld(node: object) -> None:
    drawn = "<noscript>You need to enable JavaScript to run this app.</noscript><div id='root'></div>"
    assert read(drawn, stated(node)) == "\n\n".join(LONG)


def test_a_page_that_shows_its_text_is_read_itself() -> None:
    assert read(article(*TEXT), stated(BODY | {"articleBody": f"{ONE}. {' '.join(LONG)}"})) == "\n\n".join(LONG)
