"""Twice the text takes some twice the time, whatever a stranger wrote: each function of the night's own process.

What is not in the table reads documents in worker processes that can be killed (`newsclust.isolation`): feed
documents and pages, that is feedparser, nh3, trafilatura, htmldate and all that works on their trees.
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from newsclust.duplicates import edge_blocks, fingerprint
from newsclust.duplicates.rewrites.lexical import find_anchors, normalize_number
from newsclust.duplicates.rewrites.lexical import shingles_of as rewrite_shingles_of
from newsclust.duplicates.similarity import compare, longest_common_substring, prepare
from newsclust.embed import embedding_text
from newsclust.embed.bundled_model import is_readable
from newsclust.extract import boilerplate_candidates, drop_site_boilerplate, wants_page
from newsclust.extract.boilerplate import is_truncated, paywall_notice, strip_boilerplate
from newsclust.extract.headlines import without_headlines
from newsclust.extract.page import PageText, rejection
from newsclust.extract.select_text import select_text
from newsclust.extract.walls import recurring_wall_key, wall_signs
from newsclust.fetch.framing import ResponseFraming
from newsclust.fetch.redaction import Redactor, with_redirect_secrets
from newsclust.fetch.refresh import refresh_target
from newsclust.fetch.robots import RobotsFile, RobotsRules, sitemaps_of
from newsclust.fetch.url_policy import read_url
from newsclust.model import (
    ArticleInput,
    DateQuality,
    Entry,
    Extraction,
    Page,
    PagePolicy,
    TextSource,
)
from newsclust.polling.http_freshness import fresh_until, retry_at
from newsclust.sources.dates import parse_date
from newsclust.sources.entry_identity import StoredEntry, identity_changes, match_known_entries
from newsclust.sources.freshrss import rss_url
from newsclust.sources.html import plain_address, plain_html, plain_text, title_text, unescaped_again
from newsclust.sources.opml import read_opml
from newsclust.sources.shared_addresses import PlacedItem, is_reused, own_urls
from newsclust.sources.xml_mending import declared_entities, mended_xml
from newsclust.stories.pairs.word_rarity import count_words
from newsclust.text.charset import decode
from newsclust.text.diff import Revision, unified_diff
from newsclust.text.html_to_text import html_to_text
from newsclust.text.language import detect_language
from newsclust.text.normalize import normalize_text
from newsclust.text.sanitize import one_line
from newsclust.text.sentences import split_sentences, unquoted_sentences
from newsclust.text.tokens import tokenize, tokenized_sentences
from newsclust.topics.labels import label_groups
from newsclust.urls import canonical, redacted, registered_domain
from tests.factories import NOON, bare_article

MAX_RATIO = 2.6  # of the times for twice the text; a square would be 4
MAX_RATIO_ONCE = 3.3  # where a text outgrows the processor's cache; it does that once
FAST_S = 0.02  # what is as fast as this for the longer text is not measured further
ROUNDS = 5  # of which the least counts: a busy machine only adds
TRIES = 3
CHARACTERS = 20_000

# (beginning, what is repeated with its number for {i}, end). Each provoked a search that starts anew at every place,
# a list that is gone through for each of its members, or a text that is cut at one end after the other.
SHAPES = (
    ("", "M. A. Dr. U.S. ", ""),
    ("", "A.", ""),
    ("", "a@", ""),
    ("", "@a ", "x"),
    ("", "@a-", "—"),
    ("", "Related news\n\nThe headline {i} of a story\n\n", "The end of it."),
    ("", "Related news\n\nOne sentence, number {i}.\n\n", "The end of it"),
    ("", "Read more. ", ""),
    ("", "Read more\n\nShare {i}\n\n", ""),
    ("Text. ", "Subscribe to continue reading. ", ""),
    ("", "The post a appeared first on b. ", ""),
    ("", "\"'«“‘ a ", ""),
    ("", "a'", ""),
    ("", "1 000 ", "1"),
    ("", "1,", ""),
    ("x", " ", "x"),
    ("x", "\n", "x"),
    ("a - b", " |", " x"),
    ("", "<", ""),
    ("", "<a ", ""),
    ("", "<p a{i}='b'>", ""),
    ("<p ", "a{i}='b' ", ">"),
    ("", "<div>", ""),
    ("", "<!-- ", ""),
    ("", "<script>", ""),
    ("", "&amp", ";"),
    ("", "&#1", ";"),
    ("", "e\u0301\u0323", ""),
    ("a", "\u0301", ""),
    ("", "the same few words ", ""),
    ("", "a ", ""),
    ("", "word{i} ", ""),
    ("", "Sentence {i} is here. ", ""),
    ("", "[…] ", ""),
    ("", "é", ""),
    ("", "日本。", ""),
    ("https://", "u:p@", "site.example/"),
    ("https://site.example/?", "token=a&", ""),
    ("", "//", "@"),
    ("", "${A}", "${"),
)
ADDRESSES = (
    ("https://site.example", "/amp", "/a-1"),
    ("https://site.example/a-1", "/amp", ""),
    ("https://site.example/a-1", ".amp", ""),
    ("https://site.example/a-1", ".amp", "x"),
    ("https://cdn.ampproject.org/c/", "a.cdn.ampproject.org/c/", "site.example/a-1"),
    ("https://site.example/", "../a/./", ""),
    ("https://site.example/", "%41%%", ""),
    ("https://site.example/", ";jsessionid=", ""),
    ("https://site.example/?", "amp;", "a=b"),
    ("https://site.example/?", "a{i}=b&", ""),
    ("https://", "a.", "example/"),
    ("https://", "a@", "site.example/"),
)
BLOCKS = (
    ("", "<author><link>", ""),
    ("", "<x:a><b>", ""),
    ("", "<media:group><media:description>a</media:description>", ""),
    ("", "<media:description>a</media:description>", ""),
    ("", "<a></b>", ""),
    ("", "<item><title>", ""),
    ("", "<item><media:description>", ""),
    ("", "<item><x><y>", ""),
    ("", "<a xmlns:n{i}='u'>", ""),
    ("", "<![CDATA[ ", ""),
    ("", "<? ", ""),
    ("", "<a b='", ""),
    ("", "&a;", ""),
    ("", "& ", ""),
)
RULES = (
    ("", "*a", "b$"),
    ("", "\nAllow: /{i}*a$", ""),
    ("", "\n\nUser-agent: a{i}\n", ""),
    ("", "\nUser-agent: n*{i}", "\nDisallow: /"),
)
LINES = (
    ("", "a: b\r\n", ""),
    ("a: b\r\n", " c\r\n", ""),
    ("", "Content-Length: {i}\r\n", ""),
    ("Content-Length: 1", ",1", ""),
    ("Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", ""),
    ("Transfer-Encoding: chunked\r\n\r\n0\r\n", "a: b\r\n", ""),
)
HEADERS = (("", "a=b,", ""), ("", "a ", ""), ("max-age=", "1", ""), ("Mon, ", "1 ", ""), ("", '"a,', ""))

PAGE = Page(url="https://site.example/a", final_url="https://site.example/a", fetched_at=NOON, headers={}, body=b"")
SOURCE = ArticleInput(
    article_id="a",
    url="https://site.example/a",
    title="A title of five words",
    summary=None,
    content=None,
    language="en",
    feed_title="Site",
)
EXTRACTION = Extraction(
    article_id="a",
    canonical_url="https://site.example/a",
    title="A title of five words",
    text="",
    language="en",
    language_source="text",
    author=None,
    text_source=TextSource.PAGE,
)


@dataclass(frozen=True)
class Read:
    """A function that reads a stranger's text, what is tried on it, and how long the shorter text is."""

    name: str
    function: Callable[[str], object]
    shapes: Sequence[tuple[str, str, str]] = SHAPES
    characters: int = CHARACTERS


def _entries(text: str) -> tuple[list[Entry], list[StoredEntry]]:
    """As many entries as words, each of which a feed shows with another guid than before."""
    words = text.split()[:6000]
    shown = [
        Entry(
            id=f"new{number}",
            feed_id="f",
            guid=f"g{number}",
            link=f"https://site.example/{number}",
            url=f"https://site.example/{number}",
            title=f"{word} {number}",
            summary=None,
            content=None,
            author=None,
            language="en",
            published_at=NOON,
            date_quality=DateQuality.GIVEN,
            updated_at=None,
        )
        for number, word in enumerate(words)
    ]
    stored = [
        StoredEntry(
            id=f"old{number}",
            guid=one.guid,
            link=one.link,
            title=one.title,
            published_at=one.published_at,
            date_quality="given",
        )
        for number, one in enumerate(shown)
    ]
    return shown, stored


def _robots(text: str) -> object:
    body = f"User-agent: *\nDisallow: /{text}\nSitemap: {text}\n".encode()
    file = RobotsFile(origin="https://site.example", fetched_at=NOON, body=body)
    rules = RobotsRules(file, "newsclust")
    return rules.refusal(f"https://site.example/{text[:8000]}"), rules.pause_s, sitemaps_of(body)


def _compared(text: str) -> object:
    one = prepare(bare_article("a", text[:300], text), frozenset())
    other = prepare(
        bare_article("b", text[:300], f"Other words. {text} And more.", outlet="other.example"), frozenset()
    )
    return compare(one, other)


def _placed(text: str) -> PlacedItem:
    return PlacedItem(link=f"https://a.example/#{text}", url="https://a.example/a", guid=text, title=text, text="")


def _own_urls(text: str) -> object:
    url = "https://site.example/a"
    return own_urls(
        [PlacedItem(link=url, url=url, guid=word, title=word, text=word * 9) for word in text.split()], (), ""
    )


def _common(text: str) -> object:
    return longest_common_substring(tokenize(text), tokenize(text[::2] + text))


def _fresh(text: str) -> object:
    return fresh_until({"cache-control": text, "expires": text, "date": text}, NOON)


def _chosen(text: str) -> object:
    page = PageText(text=normalize_text(text), title=text, author=text, site_name=text, canonical=text)
    return select_text(replace(SOURCE, title=text, content=text, summary=text, page=PAGE), page, None)


def _received(text: str) -> object:
    framing = ResponseFraming()
    sent = f"HTTP/1.1 200 OK\r\n{text}\r\n\r\n".encode()
    return [framing.feed(sent[start : start + 1000]) for start in range(0, len(sent), 1000)]


def _redacted_body(text: str) -> object:
    redactor = with_redirect_secrets(Redactor(), f"https://site.example/?token=secret12345&{text[:8000]}")
    return redactor.redact_body(text.encode()), redactor.redact(text)


READ = (
    Read("split_sentences", split_sentences),
    Read("unquoted_sentences", lambda text: unquoted_sentences(text.splitlines())),
    Read("tokenize", tokenize),
    Read("tokenized_sentences", tokenized_sentences),
    Read("normalize_text", lambda text: normalize_text(text, title=text[:300])),
    Read("one_line", lambda text: one_line(text, 300)),
    Read("html_to_text", html_to_text),
    Read("detect_language", lambda text: detect_language(text, text)),
    Read("decode xml", lambda text: decode(text.encode(), text, document="xml")),
    Read("decode html", lambda text: decode(b"\xe9" + text.encode(), text, document="html")),
    Read(
        "unified_diff",
        lambda text: unified_diff(Revision(title="a", text=text), Revision(title="b", text=text[::-1])),
    ),
    Read("strip_boilerplate", strip_boilerplate),
    Read("is_truncated", is_truncated),
    Read("paywall_notice", lambda text: paywall_notice(text.split("\n\n"))),
    Read("wants_page", lambda text: wants_page(policy=PagePolicy.AUTO, summary=text, content=text)),
    Read("rejection", lambda text: rejection(replace(PAGE, body=text.encode()), 10_000_000)),
    Read("select_text", _chosen),
    Read("refresh_target", lambda text: refresh_target(replace(PAGE, body=f"<meta {text}> {text}".encode()))),
    Read("wall_signs", lambda text: wall_signs([text, *text.split("\n")], text, f"https://site.example/{text}")),
    Read("recurring_wall_key", lambda text: recurring_wall_key(text[:500], text)),
    Read("without_headlines", lambda text: without_headlines(text, [text], [text[:300]])),
    Read("boilerplate_candidates", lambda text: boilerplate_candidates([replace(EXTRACTION, text=text)])),
    Read("drop_site_boilerplate", lambda text: drop_site_boilerplate(replace(EXTRACTION, text=text), {1, 2})),
    Read("edge_blocks", lambda text: edge_blocks([bare_article("a", text[:300], text)])),
    Read("fingerprint", lambda text: fingerprint([bare_article("a", text[:300], text)])),
    Read("compare", _compared),
    Read(
        "longest_common_substring", lambda text: longest_common_substring(tokenize(text), tokenize(text[::2] + text))
    ),
    Read("rewrites' shingles", rewrite_shingles_of),
    Read("find_anchors", find_anchors),
    Read("normalize_number", normalize_number),
    Read("embedding_text", lambda text: embedding_text(text[:300], text)),
    Read("is_readable", lambda text: is_readable("multilingual-e5-small", text)),
    Read("count_words", lambda text: count_words([(text[:300], text)])),
    Read("label_groups", lambda text: label_groups([[("en", text)]], [], ["Site"])),
    Read("plain_text", plain_text),
    Read("title_text", title_text),
    Read("plain_html", plain_html),
    Read("unescaped_again", unescaped_again),
    Read("plain_address", plain_address, (*SHAPES, *ADDRESSES)),
    Read("declared_entities", declared_entities, (*SHAPES, ("", "<!ENTITY ", ""), ("", "<!ENTITY a 'b'>", ""))),
    Read("mended_xml", lambda text: mended_xml(text, {"a": "b"}), (*SHAPES, *BLOCKS)),
    Read("mended_xml, in an item", lambda text: mended_xml(f"<item>{text}</item>", {}), BLOCKS),
    Read("is_reused", lambda text: is_reused(_placed(text), _placed(text[::-1]))),
    Read("own_urls", _own_urls, (("", "a{i} ", ""), ("", "a ", "")), 4000),
    Read("parse_date", lambda text: _or_refused(parse_date, text)),
    Read("match_known_entries", lambda text: match_known_entries(*_entries(text)), (("", "a ", ""),), 3000),
    Read("identity_changes", lambda text: identity_changes(*_entries(text)), (("", "a ", ""),), 3000),
    Read("read_opml", lambda text: _or_refused(read_opml, f"<opml><body>{text}</body></opml>".encode())),
    Read(
        "read_opml, tags",
        lambda text: _or_refused(read_opml, f"<opml><body>{text}</body></opml>".encode()),
        (
            ("<outline ", 'a{i}="b" ', "/>"),
            ("", '<outline a{i}="b" xmlUrl="https://a.example/{i}"/>', ""),
            ("", "<outline text='{i}'>", ""),
            ("", '<outline xmlUrl="https://a.example/f" category="a{i}"/>', ""),
            ("<outline category='", "a{i},", "' xmlUrl='https://a.example/f'/>"),
        ),
    ),
    Read("canonical", lambda text: _or_refused(canonical, text), (*SHAPES, *ADDRESSES), 3600),
    Read("canonical, long", lambda text: _or_refused(canonical, text), ADDRESSES),
    Read("registered_domain", lambda text: _or_refused(registered_domain, text), ADDRESSES),
    Read("read_url", lambda text: _or_refused(read_url, text), ADDRESSES),
    Read("rss_url", rss_url, (*SHAPES, *ADDRESSES)),
    Read("redacted", redacted, (*SHAPES, *ADDRESSES)),
    Read("redact_body", _redacted_body),
    Read(
        "robots.txt",
        _robots,
        (
            *SHAPES,
            ("", "*a", "b$"),
            ("", "\nAllow: /{i}*a$", ""),
            ("", "\n\nUser-agent: a{i}\n", ""),
            ("", "\nUser-agent: n*{i}", "\nDisallow: /"),
        ),
    ),
    Read("fresh_until", _fresh, HEADERS),
    Read("retry_at", lambda text: retry_at({"retry-after": text}, NOON), HEADERS),
)


def _or_refused(function: Callable[..., object], text: object) -> object:
    from newsclust.errors import SettingsError

    try:
        return function(text)
    except (ValueError, SettingsError) as error:
        return error


def written(shape: tuple[str, str, str], characters: int) -> str:
    """A text of this shape and of about so many characters."""
    beginning, repeated, end = shape
    pieces, length, number = [], 0, 0
    while length < characters:
        pieces.append(repeated.replace("{i}", str(number)))
        length, number = length + len(pieces[-1]), number + 1
    return beginning + "".join(pieces) + end


def seconds(function: Callable[[str], object], text: str) -> float:
    """The CPU time of one call, without the collector of garbage, which comes when it likes."""
    gc.disable()
    try:
        begun = time.process_time()
        function(text)
        return time.process_time() - begun
    finally:
        gc.enable()


def ratio(read: Read, shape: tuple[str, str, str], characters: int) -> float:
    """How many times as long twice so many characters take; 0 when that is too fast to tell."""
    short, long = written(shape, characters), written(shape, 2 * characters)
    if seconds(read.function, long) < FAST_S:
        return 0.0
    least = [min(seconds(read.function, text) for _ in range(ROUNDS)) for text in (short, long)]
    return least[1] / max(least[0], FAST_S / 8)


@pytest.mark.slow
@pytest.mark.parametrize("read", READ, ids=lambda read: read.name)
def test_twice_the_text_takes_at_most_some_twice_the_time(read: Read):
    read.function("a warm start")
    for shape in read.shapes:
        tried = ratio(read, shape, read.characters)
        for _ in range(TRIES - 1):
            tried = tried if tried <= MAX_RATIO else min(tried, ratio(read, shape, read.characters))
        if MAX_RATIO < tried <= MAX_RATIO_ONCE:
            tried = ratio(read, shape, 2 * read.characters)
        assert tried <= MAX_RATIO, f"{shape}: twice the text, {tried:.1f} times the time"
