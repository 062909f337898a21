"""Bytes that nobody would write on purpose: every room ends with what it promises or with its reason.

A run of the tests tries each property on some dozens of documents; NEWSCLUST_FUZZ_EXAMPLES=20000 makes it hours.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from newsclust.errors import ParseError, Reason
from newsclust.extract.page import page_markup, read_page, rejection
from newsclust.extract.select_text import select_text
from newsclust.model import ArticleInput, Feed, Page, ParsedFeed, TextSource, id_of
from newsclust.sources.entries import parse_feed
from newsclust.sources.registry import SOURCES
from newsclust.text.sanitize import one_line
from newsclust.urls import canonical, host, redacted, registered_domain

pytestmark = pytest.mark.slow

NOW = datetime(2026, 2, 3, 20, 0, tzinfo=UTC)
ADDRESS = "https://harbour.example/feed"
EXAMPLES = int(os.environ.pop("NEWSCLUST_FUZZ_EXAMPLES", "0"))  # taken away: settings refuse what they do not know


def fuzzed(usual: int) -> settings:
    """So many examples, or those of a long run; no deadline for one, since a busy machine is no failure."""
    return settings(
        max_examples=EXAMPLES or usual,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE rss [<!ENTITY quay "the quay">]>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Harbour news</title><link>https://harbour.example/</link><language>en-gb</language><ttl>60</ttl>
<skipHours><hour>3</hour></skipHours><skipDays><day>Sunday</day></skipDays>
<item><title>The crane &amp; &quay;</title><link>/crane?utm_source=rss</link><guid isPermaLink="false">c-1</guid>
<pubDate>Tue, 03 Feb 2026 08:15:00 +0100</pubDate><author>ann@harbour.example (Ann)</author>
<description><![CDATA[<p>It lifts <b>forty</b> tonnes.</p>]]></description>
<content:encoded>&lt;p onclick="x()"&gt;It turns&#8230; slowly.&lt;/p&gt;</content:encoded>
<enclosure url="https://harbour.example/crane.mp3" length="12" type="audio/mpeg"/>
<itunes:duration>1:02</itunes:duration>
<media:group><media:content url="https://harbour.example/crane.jpg"/></media:group></item>
<item><title>Tides</title><guid>https://harbour.example/tides</guid><dc:date>2026-02-03</dc:date></item>
</channel></rss>"""
RDF = b"""<?xml version="1.0" encoding="iso-8859-1"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://harbour.example/"><title>Le port</title><sy:updatePeriod>daily</sy:updatePeriod>
<sy:updateFrequency>2</sy:updateFrequency></channel>
<item rdf:about="https://harbour.example/1"><title>La mar\xe9e</title><link>https://harbour.example/1</link>
<dc:date>2026-02-03T07:00:00Z</dc:date><dc:creator>Zo\xeb</dc:creator></item></rdf:RDF>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fr" xml:base="https://harbour.example/a/">
<title type="html">Le &lt;i&gt;port&lt;/i&gt;</title><link rel="self" href="feed.atom"/>
<updated>2026-02-03T07:00:00Z</updated>
<entry><id>tag:harbour.example,2026:1</id><title type="xhtml"><div
xmlns="http://www.w3.org/1999/xhtml">Un <em>quai</em></div></title><link href="../quai"/>
<published>2026-02-02T23:59:60Z</published><updated>2026-02-03</updated>
<author><name>Luc</name><email>luc@harbour.example</email></author><summary>Court.</summary>
<content type="html">&lt;p&gt;Long.&lt;/p&gt;</content><source><id>s</id><title>Une autre</title>
<link rel="self" href="https://other.example/feed"/></source></entry></feed>"""
JSON_FEED = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "Harbour", "language": "en",
"home_page_url": "https://harbour.example/", "authors": [{"name": "Ann"}], "items": [
{"id": 7, "url": "https://harbour.example/7", "title": "Seven \\u00e9", "content_html": "<p>Seven <i>boats</i></p>",
"date_published": "2026-02-03T07:00:00+01:00", "tags": ["boats"], "author": {"name": "Old form"}},
{"id": "8", "external_url": "https://other.example/8", "content_text": "Eight", "summary": "8",
"attachments": [{}]}]}"""
SITEMAP = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://harbour.example/1</loc><news:news>
<news:publication><news:name>Harbour</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2026-02-03T07:00Z</news:publication_date><news:title>A lock opens</news:title></news:news>
</url><url><loc>https://harbour.example/about</loc></url></urlset>"""
ACCOUNT = b"""{"items": [{"id": "tag:google.com,2005:reader/item/1", "title": "Par Ann", "author": "Ann",
"published": 1770000000, "updated": 1770000001, "canonical": [{"href": "https://harbour.example/1"}],
"alternate": [{"href": "https://harbour.example/1"}], "summary": {"content": "<p>Un quai</p>"},
"origin": {"streamId": "feed/1", "title": "Le port", "htmlUrl": "https://harbour.example/"}}], "left_out": true}"""
PAGE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A crane - Harbour</title>
<base href="/n/">
<link rel="canonical" href="/crane"><meta property="og:site_name" content="Harbour">
<meta property="article:published_time" content="2026-02-03T07:00:00Z"><script type="application/ld+json">
{"@context": "https://schema.org", "@type": "NewsArticle", "headline": "A crane", "datePublished": "2026-02-03",
"author": [{"@type": "Person", "name": "Ann"}], "isAccessibleForFree": "False"}</script></head>
<body><nav><ul><li><a href="/a">First headline of the day</a></li><li><a href="/b">Second headline of the day</a></li>
<li><a href="/c">Third headline of the day</a></li></ul></nav><main><article><h1>A crane</h1>
<time datetime="2026-02-03T07:00">today</time><div class="part"><p>The crane at the east quay lifts forty tonnes, and
nobody has seen it rest since the port opened again in spring.</p><p>Its driver sits thirty metres above the water and
says that the wind decides how long a day is, and so does the tide.</p></div><div class="part"><p>Ships wait outside
until the lock opens, which takes eleven minutes in summer and nineteen in winter.</p><p>Whoever arrives at night is
told to wait, and most captains sleep until the harbour master calls them.</p></div></article>
<section id="comments"><div class="comment" id="post2"><p>I was there, and saw it turn.</p></div></section></main>
<table><tr><td>Tide</td><td>4.1 m</td></tr></table><footer>Subscribe to read more</footer></body></html>"""

DOCUMENTS = [
    ("feed", RSS),
    ("feed", RDF),
    ("feed", ATOM),
    ("feed", JSON_FEED),
    ("sitemap", SITEMAP),
    ("page", PAGE),
    ("account", ACCOUNT),
]
# What parsers stumble over, whole: marks that open and never close, odd characters, dates and numbers out of range.
SPLINTERS = st.sampled_from(
    [
        *(
            b"<",
            b">",
            b"</",
            b"<!--",
            b"-->",
            b"<![CDATA[",
            b"]]>",
            b"<?xml",
            b"&",
            b"&#0;",
            b"&#xD800;",
            b"&#1114112;",
        ),
        *(
            b"\0",
            b"\x85",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"\xc3",
            b"\xed\xa0\x80",
            b"\xe2\x80\xae",
            b"\r\n",
            b'"',
            b"'",
        ),
        *(
            b"{",
            b"}",
            b"[",
            b"]",
            b"[[[[",
            b"null",
            b"NaN",
            b"1e999",
            b"-1",
            b"9" * 400,
            b"\\ud800",
            b"true",
            b":",
            b",",
        ),
        *(
            b"http://[",
            b"//[::1",
            b"http://x:99999/",
            b"%00",
            b"%ZZ",
            b"javascript:",
            b"data:,x",
            b"../" * 40,
            b"\xe2\x84\xaa",
        ),
        *(
            b"0000-00-00",
            b"9999-12-31T23:59:60-24:00",
            b"Mon, 32 Foo 20000 25:61:61 +9999",
            b"0001-01-01T00:00+23:59",
        ),
        *(b'xml:base="http://["', b'type="xhtml"', b'encoding="utf-7"', b'encoding="idna"', b'charset="rot13"'),
        *(
            b"<html>",
            b"<body>",
            b"<base href='http://['>",
            b"<svg><style>",
            b"<template>",
            b"<plaintext>",
            b"<a>" * 300,
        ),
    ]
)


@st.composite
def mutated(draw: st.DrawFn, document: bytes) -> bytes:
    """The document with up to eight pieces cut out, doubled, swapped or replaced by a splinter or by noise."""
    body = document
    for _ in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.sampled_from([0, 1, 2, 7, 40, 400])))
        piece = body[start:end]
        put = draw(
            st.one_of(st.just(b""), st.just(piece * 2), st.just(piece[::-1]), SPLINTERS, st.binary(max_size=6))
        )
        body = body[:start] + put + body[end:]
    return body


def page_of(body: bytes, content_type: str) -> Page:
    return Page(url=ADDRESS, final_url=ADDRESS, fetched_at=NOW, headers={"content-type": content_type}, body=body)


TYPES = st.sampled_from(
    [
        "",
        "application/xml",
        "text/html; charset=utf-16",
        "application/json",
        "text/xml; charset=rot13",
        ";;;charset=\0",
    ]
)


def read_or_refused(feed: Feed, page: Page) -> ParsedFeed | ParseError:
    """What `parse_feed` gives, or its refusal; whatever else it raises fails the test."""
    try:
        return parse_feed(feed, page)
    except ParseError as error:
        return error


def ends_as_entries_or_as_a_reason(kind: str, body: bytes, content_type: str) -> None:
    """The entries can be stored and shown, or the document has a reason; CRASHED would be none of its own."""
    feed = Feed(id=id_of(ADDRESS), url=ADDRESS, title="Harbour", kind=kind, select="a" if kind == "page" else None)
    parsed = read_or_refused(feed, page_of(body, content_type))
    if isinstance(parsed, ParseError):
        assert parsed.item == ADDRESS
        assert parsed.reason is not Reason.CRASHED
        return
    assert len({entry.id for entry in parsed.entries}) == len(parsed.entries)
    for entry in parsed.entries:
        assert entry.published_at.utcoffset() == timedelta(0)
        assert canonical(entry.url) == entry.url.partition("#")[0]  # a mark parts items that share an address
        assert entry.title == one_line(entry.title, 500)
        for text in (entry.link, entry.title, entry.summary, entry.content, entry.author, entry.guid):
            (text or "").encode()  # raises for a lone surrogate, which no database takes


@fuzzed(250)
@given(st.sampled_from(DOCUMENTS).flatmap(lambda one: st.tuples(st.just(one[0]), mutated(one[1]))), TYPES)
@example(("feed", b"\x80" + RSS), "text/xml; charset=\0")
@example(("sitemap", SITEMAP.replace(b'xmlns="', b'xmlns="&#xD800;', 1)), "")
@example(("page", b"\x80"), "text/html; charset=utf-16")
def test_a_mutated_feed_document_ends_as_entries_or_as_a_reason(one: tuple[str, bytes], content_type: str) -> None:
    ends_as_entries_or_as_a_reason(*one, content_type)


@fuzzed(150)
@given(st.sampled_from(sorted(SOURCES)), st.one_of(st.binary(max_size=400), st.lists(SPLINTERS).map(b"".join)), TYPES)
def test_random_bytes_at_a_feeds_address_end_as_entries_or_as_a_reason(
    kind: str, body: bytes, content_type: str
) -> None:
    ends_as_entries_or_as_a_reason(kind, body, content_type)


@pytest.mark.parametrize(
    ("kind", "body"), DOCUMENTS, ids=["rss", "rdf", "atom", "json", "sitemap", "page", "account"]
)
def test_each_document_that_is_mutated_is_sound_before(kind: str, body: bytes) -> None:
    select = "nav a" if kind == "page" else None
    parsed = parse_feed(Feed(id="f", url=ADDRESS, title="Harbour", kind=kind, select=select), page_of(body, ""))
    assert parsed.entries
    assert all(entry.title for entry in parsed.entries)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "href", "id", "x"]), inner),
    max_leaves=6,
)


@st.composite
def of_other_types(draw: st.DrawFn, document: bytes) -> bytes:
    """The JSON document with up to three of its values replaced by values of any type."""
    whole = json.loads(document)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(whole))
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        holder[key] = draw(JSON_VALUES)
    return json.dumps(whole).encode()


def _places(value: object) -> Iterator[tuple[dict[object, object] | list[object], object]]:
    """Every place of a value in a JSON document: the object or list that holds it, and its name or number."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in inside:
        yield value, key  # type: ignore[misc]
        yield from _places(held)


@fuzzed(150)
@given(
    st.sampled_from([("feed", JSON_FEED), ("account", ACCOUNT)]).flatmap(
        lambda one: st.tuples(st.just(one[0]), of_other_types(one[1]))
    )
)
def test_json_with_values_of_any_type_ends_as_entries_or_as_a_reason(one: tuple[str, bytes]) -> None:
    ends_as_entries_or_as_a_reason(*one, "application/json")


ADDRESS_PIECES = st.sampled_from(
    [
        *("http://", "HTTPS://", "//", "ftp:", "harbour.example", "www.", "m.", "xn--", "é", "ß", "☃", "K", "co.uk"),
        *(
            "[::1]",
            "[",
            "]",
            "%",
            "%25",
            "%zz",
            "%C3",
            "@",
            ":",
            ":80",
            ":99999",
            "/",
            "..",
            ".",
            "?",
            "&",
            "=",
            ";",
            "#",
        ),
        *(
            "utm_source=x",
            "amp",
            ".amp",
            "/amp/",
            "cdn.ampproject.org",
            "/c/s/",
            "google.com",
            "token=1",
            "\\",
            "\0",
            "\t",
        ),
        *("127.0.0.1", "0x7f.1", "jsessionid=1", "+", " ", "\ud800", "\u202e", "a-1", "${KEY}", "amp;", "١", "。"),
    ]
)
ADDRESSES = st.one_of(
    st.lists(ADDRESS_PIECES | st.text(max_size=3), max_size=12).map("".join),
    st.lists(ADDRESS_PIECES, max_size=12).map(lambda pieces: "https://" + "".join(pieces)),
)


@fuzzed(400)
@given(ADDRESSES)
@example("https://[::ffff:1.2.3.4%25eth0]/")
def test_any_text_is_an_address_with_one_canonical_form_or_refused(text: str) -> None:
    try:
        first = canonical(text)
    except ValueError:
        for read in (host, registered_domain):
            with pytest.raises(ValueError, match="is no address of a page"):
                read(text)
        return
    assert canonical(first) == first
    assert first.isascii()
    assert host(text).endswith(registered_domain(text))


@fuzzed(400)
@given(ADDRESSES)
def test_hiding_secrets_in_any_text_twice_is_hiding_them_once(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


def ends_as_a_text_or_as_a_reason(body: bytes, content_type: str) -> None:
    """What the workers read in-process: a page of HTML gives its text or none, and the article follows from it."""
    page = page_of(body, content_type)
    if rejection(page, 2_000_000) is not None:
        return
    page_markup(page).encode()  # raises for a lone surrogate, which no database takes
    source = ArticleInput(
        article_id="a",
        url=ADDRESS,
        title="A crane",
        summary=None,
        content=None,
        language="en",
        feed_title="H",
        page=page,
    )
    outcome = select_text(source, read_page(page), None)
    if outcome.extraction is None:
        assert outcome.error is not None
        assert outcome.error.reason in {Reason.NO_TEXT, Reason.LIST_PAGE, Reason.WALL}
        return
    outcome.extraction.text.encode()
    assert bool(outcome.extraction.text) == (outcome.extraction.text_source is not TextSource.TITLE)
    paragraphs = outcome.extraction.text.split("\n\n") if outcome.extraction.text else []
    assert all(paragraph.strip() for paragraph in paragraphs)
    assert canonical(outcome.extraction.canonical_url) == outcome.extraction.canonical_url
    for moment in (outcome.extraction.published_at, outcome.extraction.updated_at):
        assert moment is None or moment.utcoffset() == timedelta(0)


@fuzzed(120)
@given(mutated(PAGE), TYPES)
@example(b"<!" + PAGE[PAGE.index(b"wait, and most captains") :], "")  # readability finds a root and drops it
def test_a_mutated_page_ends_as_a_text_or_as_a_reason(body: bytes, content_type: str) -> None:
    ends_as_a_text_or_as_a_reason(body, content_type)


@fuzzed(80)
@given(st.lists(SPLINTERS | st.binary(max_size=20), max_size=20).map(lambda pieces: b"<html><p>" + b"".join(pieces)))
def test_a_page_of_splinters_ends_as_a_text_or_as_a_reason(body: bytes) -> None:
    ends_as_a_text_or_as_a_reason(body, "text/html")


def test_the_page_that_is_mutated_is_an_article_before() -> None:
    text = read_page(page_of(PAGE, "text/html")).text
    told = ["lifts forty tonnes", "above the water", "nineteen in winter", "the harbour master"]
    places = [text.find(words) for words in told]
    assert all(0 <= one < other for one, other in pairwise(places))
